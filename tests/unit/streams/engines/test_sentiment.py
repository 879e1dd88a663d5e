"""The sentiment engine: voices, decay, smoothing, repetition, lateness."""

from __future__ import annotations

from dataclasses import replace
from math import exp, tanh
from typing import Any

import msgspec
import pytest

from streams.engines.base import Engine
from streams.engines.headline import RecordedScores, TextScore, VoicesConfig, text_key
from streams.engines.sentiment import ENGINE, Config, State
from tests.factories import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.streams.engines._records import T0, fed, make_news, make_tick, readings, said

CYCLE_MS = 10 * MINUTE_MS
GOOD = "Traders turn bullish"
BAD = "Exchange hacked"
WEIGHT = {GOOD: 1 - exp(-0.7 / 0.6), BAD: 1 - exp(-0.9 / 0.6)}
SCORE = {GOOD: tanh(0.7), BAD: -tanh(0.9)}


def with_model(scores: dict[str, TextScore]) -> Engine[Any, Any]:
    """Return the engine with recorded results of a model."""
    recorded = RecordedScores({text_key(text): score for text, score in scores.items()})
    config = replace(ENGINE.config, voices=VoicesConfig(scorer=recorded))
    return replace(ENGINE, config=config)


def mature_ticks(cycles: int = 145, **last: float) -> list[Any]:
    """Return a day of ticks with steady metrics; the last one may differ. Ends at T0."""
    usual = {"sentiment_pct": 80.0, "galaxy_score": 60.0}
    first = T0 - (cycles - 1) * CYCLE_MS
    ticks = [make_tick(first + place * CYCLE_MS, **usual) for place in range(cycles - 1)]
    return [*ticks, make_tick(T0, **(usual | last))]


def test_nothing_seen() -> None:
    reading = said(ENGINE)
    assert (reading.score, reading.confidence, reading.freshness) == (0.0, 0.0, 0.0)
    assert (reading.data_time, reading.price_usd, reading.evidence) == (None, None, ())
    assert reading.detail == {
        "model": "no weights: lexicon and social only",
        "news": "none in 24 h",
        "social": "no tick yet",
    }


def test_one_headline_by_hand() -> None:
    reading = said(ENGINE, make_news(BAD))
    trust = WEIGHT[BAD] / (WEIGHT[BAD] + 0.25)
    assert reading.score == pytest.approx(0.6 * trust * SCORE[BAD] / (0.6 * trust + 0.05))
    assert reading.confidence == pytest.approx(0.6 * trust * 0.7)
    assert reading.evidence == (0,)
    assert reading.features["sentiment_news"] == pytest.approx(SCORE[BAD])
    assert reading.features["news_count_24h"] == 1.0
    assert reading.detail["social"] == "no tick yet"


def test_newer_counts_more() -> None:
    """After one half-life of 6 hours the first headline counts half."""
    reading = said(ENGINE, make_news(BAD), make_news(GOOD, T0 + 6 * HOUR_MS))
    bad, good = WEIGHT[BAD] / 2, WEIGHT[GOOD]
    expected = (bad * SCORE[BAD] + good * SCORE[GOOD]) / (bad + good)
    assert reading.features["sentiment_news"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("minutes", "alpha"),
    [(0, 0.0), (5, 1 - 0.875**0.5), (10, 0.125), (20, 0.234375), (60, 1 - 0.875**6)],
    ids=["at-once", "half-a-cycle", "one-cycle", "two-cycles", "an-hour"],
)
def test_average_follows_the_time_elapsed(minutes: int, alpha: float) -> None:
    first, second = readings(ENGINE, [make_news(BAD), make_news(GOOD, T0 + minutes * MINUTE_MS)])
    raw = second.features["sentiment_raw"]
    assert raw - first.score > 0.1
    assert second.score == pytest.approx(first.score + alpha * (raw - first.score))


def test_average_of_zero_is_an_average() -> None:
    """A silent headline starts it at 0; the next one, at the same time, moves it by nothing."""
    silent, bad = readings(ENGINE, [make_news("A statement"), make_news(BAD)])
    assert (silent.score, bad.score) == (0.0, 0.0)
    assert bad.features["sentiment_raw"] < -0.3


def test_ticks_advance_the_average() -> None:
    told = readings(
        ENGINE,
        [make_news(BAD), make_news(GOOD, T0 + 1)]
        + [make_tick(T0 + place * CYCLE_MS) for place in range(1, 4)],
    )
    scores = [reading.score for reading in told]
    assert scores[1:] == sorted(scores[1:])
    assert scores[-1] - scores[1] > 0.05


def test_score_fades_when_nothing_comes() -> None:
    """The last headline is not clung to: after five days of empty ticks hardly 0 is left."""
    ticks = [make_tick(T0 + place * CYCLE_MS) for place in range(1, 5 * 144)]
    told = readings(ENGINE, [make_news(BAD), *ticks])
    assert told[0].score < -0.5
    assert -0.01 < told[-1].score < 0.0
    assert told[-1].confidence < 0.01
    assert told[-1].evidence == ()
    assert told[-1].detail["news"] == "none in 24 h"
    assert told[-1].detail["social"] == "no metrics"


def test_late_news_counts_as_if_it_had_come_in_time() -> None:
    """The mean is the same in any order; the clock stays, so the average does not move."""
    early, late = make_news(BAD, T0 - 3 * HOUR_MS), make_news(GOOD, T0)
    in_order = said(ENGINE, early, late)
    before, after = readings(ENGINE, [late, early])
    for name in ("sentiment_news", "sentiment_raw", "news_count_24h"):
        assert after.features[name] == pytest.approx(in_order.features[name])
    assert after.score == before.score
    assert after.data_time == T0


def test_very_late_news_hardly_counts() -> None:
    reading = said(ENGINE, make_news(GOOD), make_news(BAD, T0 - 3 * DAY_MS))
    assert reading.features["sentiment_news"] == pytest.approx(SCORE[GOOD], abs=0.001)
    assert reading.features["news_count_24h"] == 1.0


@pytest.mark.parametrize("back_ms", [0, 1, HOUR_MS], ids=["repeated", "late", "an-hour-late"])
def test_late_tick_changes_nothing(back_ms: int) -> None:
    state = fed(ENGINE, make_tick(T0, price_usd=2.0))
    late = make_tick(T0 - back_ms, price_usd=1.0, sentiment_pct=99.0)
    assert ENGINE.update(ENGINE.config, state, late, 1) is state


def test_tick_older_than_the_newest_news_still_counts() -> None:
    reading = said(ENGINE, make_news(GOOD, T0), make_tick(T0 - 1, price_usd=7.0))
    assert reading.price_usd == 7.0
    assert reading.data_time == T0


def test_social_alone() -> None:
    reading = said(ENGINE, *mature_ticks(sentiment_pct=90.0, galaxy_score=70.0))
    assert reading.features["sentiment_social"] > 0.8
    assert reading.features["sentiment_raw"] > 0.7
    assert reading.detail["news"] == "none in 24 h"
    assert "social" not in reading.detail
    assert reading.confidence == pytest.approx(0.4 * 0.96 * 0.7)


def test_social_ages_between_ticks() -> None:
    """70 minutes after the last tick half of its trust is left."""
    state = fed(ENGINE, *mature_ticks())
    fresh, aged, stale = (
        ENGINE.read(ENGINE.config, state, T0 + minutes * MINUTE_MS) for minutes in (20, 70, 120)
    )
    assert fresh.confidence == pytest.approx(0.4 * 0.96 * 0.7)
    assert aged.confidence == pytest.approx(fresh.confidence / 2)
    assert stale.confidence == 0.0
    assert stale.detail["social"] == "stale or warming up"


def test_read_before_the_newest_record() -> None:
    """A late record is answered with what is known by then: the engine's time never goes back."""
    state = fed(ENGINE, make_tick(T0), make_news(GOOD, T0))
    late = ENGINE.read(ENGINE.config, state, T0 - 12 * HOUR_MS)
    assert late == ENGINE.read(ENGINE.config, state, T0)


def test_social_warms_up() -> None:
    reading = said(ENGINE, make_tick(T0, sentiment_pct=90.0))
    assert (reading.score, reading.confidence) == (0.0, 0.0)
    assert reading.detail["social"] == "stale or warming up"


MANY = [f"{GOOD} on day {n}" for n in range(8)]


def test_confidence_without_the_model() -> None:
    """Lexicon and social part at their best: 0.6 to 0.7."""
    news = [make_news(text) for text in MANY]
    reading = said(ENGINE, *mature_ticks(), *news)
    assert 0.6 < reading.confidence < 0.7
    assert reading.detail == {"model": "no weights: lexicon and social only"}


def test_confidence_with_the_model() -> None:
    engine = with_model({text: TextScore(0.9, 0.95) for text in MANY})
    news = [make_news(text) for text in MANY]
    reading = said(engine, *mature_ticks(), *news)
    assert 0.9 < reading.confidence < 1.0
    assert reading.detail == {}


def test_text_the_model_does_not_know() -> None:
    engine = with_model({GOOD: TextScore(0.9, WEIGHT[GOOD])})
    reading = said(engine, make_news(GOOD), make_news(BAD))
    assert reading.detail["model"].startswith("scored 5")
    assert reading.features["sentiment_news"] < SCORE[GOOD]


def test_news_age_lowers_the_confidence() -> None:
    state = fed(ENGINE, make_news(GOOD))
    told = [ENGINE.read(ENGINE.config, state, T0 + h * HOUR_MS) for h in (0, 6, 24)]
    confidences = [reading.confidence for reading in told]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[2] < 0.3 * confidences[0]


@pytest.mark.parametrize(
    ("age_minutes", "expected"), [(0, 1.0), (20, 1.0), (70, 0.5), (120, 0.0), (999, 0.0)]
)
def test_freshness(age_minutes: int, expected: float) -> None:
    state = fed(ENGINE, make_tick(T0))
    reading = ENGINE.read(ENGINE.config, state, T0 + age_minutes * MINUTE_MS)
    assert reading.freshness == pytest.approx(expected)


def test_count_of_24_hours() -> None:
    state = fed(ENGINE, make_news("One"), make_news("Two", T0 + 5 * HOUR_MS))
    counts = [
        ENGINE.read(ENGINE.config, state, T0 + at).features["news_count_24h"]
        for at in (5 * HOUR_MS, DAY_MS - 1, DAY_MS, DAY_MS + 5 * HOUR_MS)
    ]
    assert counts == [2.0, 2.0, 1.0, 0.0]


def test_evidence_is_what_weighs_most() -> None:
    """Ten of twelve: the silent headline and the oldest one fall out; newest last."""
    news = [make_news("A statement", T0)]
    news += [make_news(f"{GOOD} {n}", T0 + n * MINUTE_MS) for n in range(1, 12)]
    assert said(ENGINE, *news).evidence == tuple(range(2, 12))


def test_evidence_of_equal_weight_is_the_newest() -> None:
    news = [make_news(f"{GOOD} {n}") for n in range(12)]
    assert said(ENGINE, *news).evidence == tuple(range(2, 12))


def test_state_is_bounded() -> None:
    """However much comes: 256 times, 256 articles, 10 headlines."""
    news = [make_news(f"{GOOD} {n}", T0 + n * 1000, url=f"u{n}") for n in range(2000)]
    state = fed(ENGINE, *news)
    assert len(msgspec.msgpack.encode(state)) < 8000
    assert len(state.news_times) == 256
    assert len(state.heaviest) == 10


def test_other_events_change_nothing() -> None:
    state = State()
    assert ENGINE.update(Config(), state, object(), 0) is state


def test_worked_example_is_in_reach() -> None:
    """SPEC 8 has a sentiment of 0.72 at a confidence of 0.85."""
    texts = [f"{MANY[0]} {n}" for n in range(40)]
    engine = with_model({text: TextScore(0.95, 0.95) for text in texts})
    events = mature_ticks()
    for n, text in enumerate(texts):
        at = T0 + n * CYCLE_MS
        events += [make_news(text, at), make_tick(at + 1, sentiment_pct=92.0, galaxy_score=75.0)]
    reading = said(engine, *events)
    assert reading.score > 0.72
    assert reading.confidence > 0.85
