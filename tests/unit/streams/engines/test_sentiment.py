"""The sentiment engine: voices, decay, smoothing, repetition, lateness."""

from __future__ import annotations

from math import exp, tanh
from typing import Any

import msgspec
import pytest

from streams.engines.sentiment import ENGINE, Config
from streams.engines.sentiment_state import State
from streams.headlines.probabilities import Probabilities
from tests.factories import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.streams.engines._records import (
    T0,
    fed,
    make_news,
    make_tick,
    readings,
    said,
    scored,
)

CYCLE_MS = 10 * MINUTE_MS
GOOD = "Traders turn bullish"
BAD = "Exchange hacked"
WEIGHT = {GOOD: 1 - exp(-0.7 / 0.6), BAD: 1 - exp(-0.9 / 0.6)}
SURE = Probabilities(0.02, 0.96, 0.02)
NO_MODEL = "no model: lexicon and social only (not loaded)"
SCORE = {GOOD: tanh(0.7), BAD: -tanh(0.9)}


def mature_ticks(cycles: int = 145, **last: float) -> list[Any]:
    """Return a day of ticks with steady metrics; the last one may differ. Ends at T0."""
    usual = {"sentiment_pct": 80.0, "galaxy_score": 60.0}
    first = T0 - (cycles - 1) * CYCLE_MS
    ticks = [make_tick(first + place * CYCLE_MS, **usual) for place in range(cycles - 1)]
    return [*ticks, make_tick(T0, **(usual | last))]


def test_without_a_headline_of_the_day_the_mean_of_the_news_is_not_known() -> None:
    assert "sentiment_news" not in said(ENGINE, *mature_ticks()).features


def test_nothing_seen() -> None:
    reading = said(ENGINE)
    assert (reading.score, reading.confidence, reading.freshness) == (0.0, 0.0, 0.0)
    assert (reading.data_time, reading.price_usd, reading.evidence) == (None, None, ())
    assert reading.detail == {
        "model": "no headline yet",
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
    [(5, 1 - 0.875**0.5), (10, 0.125), (20, 0.234375), (60, 1 - 0.875**6), (360, 1 - 0.875**36)],
    ids=["half-a-cycle", "one-cycle", "two-cycles", "an-hour", "a-half-life"],
)
def test_average_follows_the_time_elapsed(minutes: int, alpha: float) -> None:
    first, second = readings(ENGINE, [make_news(BAD), make_news(GOOD, T0 + minutes * MINUTE_MS)])
    raw = second.features["sentiment_raw"]
    assert raw - first.score > 0.1
    assert second.score == pytest.approx(first.score + alpha * (raw - first.score))


def test_average_of_zero_is_an_average() -> None:
    """A silent headline starts it at 0; the next one, a minute later, moves it by little."""
    silent, bad = readings(ENGINE, [make_news("A statement"), make_news(BAD, T0 + MINUTE_MS)])
    assert silent.score == 0.0
    assert -0.02 < bad.score < 0.0
    assert bad.features["sentiment_raw"] < -0.3


@pytest.mark.parametrize("first", [BAD, GOOD])
def test_the_first_moment_begins_at_the_mean_of_all_that_it_brings(first: str) -> None:
    second = GOOD if first == BAD else BAD
    reading = said(ENGINE, make_news(first), make_news(second))
    assert reading.score == reading.features["sentiment_raw"]
    assert reading.features["sentiment_news"] == pytest.approx(
        (WEIGHT[BAD] * SCORE[BAD] + WEIGHT[GOOD] * SCORE[GOOD]) / (WEIGHT[BAD] + WEIGHT[GOOD])
    )


AUDITED = [
    make_news(BAD, published_at=T0 - 47 * HOUR_MS),
    *(make_news(f"{GOOD} {n}", published_at=T0 - HOUR_MS) for n in range(9)),
]
"""The first fetch of an asset: one bad headline of two days ago, nine good ones of an hour ago."""


def test_case_audit_one_bad_headline_of_47_hours_does_not_begin_the_average() -> None:
    reading = said(ENGINE, *AUDITED)
    assert reading.features["sentiment_news"] == pytest.approx(SCORE[GOOD], abs=0.001)
    assert reading.score == reading.features["sentiment_raw"] == pytest.approx(0.555, abs=0.001)
    assert said(ENGINE, *AUDITED[::-1]).score == reading.score
    strong = Probabilities(0.05, 0.9, 0.05)
    told = [scored(AUDITED[0], 0)]
    told += [scored(one, place, strong) for place, one in enumerate(AUDITED[1:], 1)]
    assert said(ENGINE, *told).score == pytest.approx(0.755, abs=0.001)


@pytest.mark.parametrize("minutes", [10, 20, 60, 120])
def test_case_audit_the_average_stays_there_while_nothing_else_comes(minutes: int) -> None:
    last = said(ENGINE, *AUDITED, make_tick(T0 + minutes * MINUTE_MS)).score
    assert last == pytest.approx(said(ENGINE, *AUDITED).score, abs=0.02)


@pytest.mark.parametrize(
    ("pause_h", "begins_anew"), [(5.9, False), (6.0, False), (6.1, True), (48.0, True)]
)
def test_a_pause_longer_than_the_half_life_begins_anew(pause_h: float, begins_anew: bool) -> None:
    after = T0 + int(pause_h * HOUR_MS)
    news = [make_news(f"{GOOD} {n}", after) for n in range(9)]
    reading = said(ENGINE, make_news(BAD), make_news(f"{BAD} of old", after), *news)
    assert (reading.score == reading.features["sentiment_raw"]) is begins_anew


@pytest.mark.parametrize(
    ("published_at", "age_h"),
    [
        pytest.param(T0 - 6 * HOUR_MS, 6, id="published-six-hours-before"),
        pytest.param(None, 0, id="not-known"),
        pytest.param(T0 + 1, 0, id="after-it-was-seen"),
        pytest.param(0, 0, id="no-time"),
    ],
)
def test_a_headline_ages_from_when_it_was_published(published_at: int | None, age_h: int) -> None:
    reading = said(ENGINE, make_news(BAD, published_at=published_at), make_news(GOOD))
    bad, good = WEIGHT[BAD] * 2 ** (-age_h / 6), WEIGHT[GOOD]
    expected = (bad * SCORE[BAD] + good * SCORE[GOOD]) / (bad + good)
    assert reading.features["sentiment_news"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("publisher", "weight"), [("Reuters", 1.3), ("PR Newswire", 0.7), ("CoinDesk", 1.0)]
)
def test_sources_are_weighted(publisher: str, weight: float) -> None:
    reading = said(ENGINE, make_news(BAD, publisher=publisher), make_news(GOOD))
    bad, good = weight * WEIGHT[BAD], WEIGHT[GOOD]
    expected = (bad * SCORE[BAD] + good * SCORE[GOOD]) / (bad + good)
    assert reading.features["sentiment_news"] == pytest.approx(expected)


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
    """The mean is the same in any order; late news joins the moment at hand, the clock stays."""
    early, late = make_news(BAD, T0 - 3 * HOUR_MS), make_news(GOOD, T0)
    in_order = said(ENGINE, early, late)
    after = said(ENGINE, late, early)
    for name in ("sentiment_news", "sentiment_raw", "news_count_24h"):
        assert after.features[name] == pytest.approx(in_order.features[name])
    assert after.score == after.features["sentiment_raw"]
    assert after.data_time == T0


def test_very_late_news_hardly_counts() -> None:
    reading = said(ENGINE, make_news(GOOD), make_news(BAD, T0 - 3 * DAY_MS))
    assert reading.features["sentiment_news"] == pytest.approx(SCORE[GOOD], abs=0.001)
    assert reading.features["news_count_24h"] == 1.0


@pytest.mark.parametrize("back_ms", [1, HOUR_MS], ids=["late", "an-hour-late"])
def test_late_tick_changes_nothing(back_ms: int) -> None:
    state = fed(ENGINE, make_tick(T0, price_usd=2.0))
    late = make_tick(T0 - back_ms, price_usd=1.0, sentiment_pct=99.0)
    assert ENGINE.update(ENGINE.config, state, late, 1) is state


def test_of_two_ticks_at_one_moment_the_same_one_counts_in_any_order() -> None:
    one, other = make_tick(T0, price_usd=2.0), make_tick(T0, price_usd=1.0, sentiment_pct=99.0)
    assert fed(ENGINE, one, other) == fed(ENGINE, other, one)
    assert fed(ENGINE, one, other) in (fed(ENGINE, one), fed(ENGINE, other))


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


def by_model(text: str, at: int = T0, place: int = 0) -> Any:
    return scored(make_news(text, at), place, SURE)


def test_confidence_without_the_model() -> None:
    """Lexicon and social part at their best: 0.6 to 0.7."""
    news = [make_news(text) for text in MANY]
    reading = said(ENGINE, *mature_ticks(), *news)
    assert 0.6 < reading.confidence < 0.7
    assert reading.detail == {"model": NO_MODEL}


def test_confidence_with_the_model() -> None:
    reading = said(ENGINE, *mature_ticks(), *(by_model(text) for text in MANY))
    assert 0.9 < reading.confidence < 1.0
    assert reading.detail == {"model": "small 0123456789ab"}


def test_text_the_model_could_not_read() -> None:
    reading = said(ENGINE, by_model(GOOD), make_news(BAD))
    assert reading.detail["model"] == "small 0123456789ab"
    assert reading.detail["unread"].endswith("% of the news by no model (not loaded)")
    assert reading.features["sentiment_news"] < SCORE[GOOD]


def test_the_model_that_spoke_last_is_named() -> None:
    reading = said(ENGINE, make_news(BAD), by_model(GOOD, T0 + 9 * DAY_MS))
    assert reading.detail["model"] == "small 0123456789ab"
    assert "unread" not in reading.detail
    reading = said(ENGINE, by_model(GOOD), make_news(BAD, T0 + 9 * DAY_MS))
    assert reading.detail["model"] == NO_MODEL


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


def test_evidence_of_equal_weight_is_the_same_in_any_order() -> None:
    news = [scored(make_news(f"{GOOD} {n}", source_id=str(n)), n) for n in range(12)]
    evidence = said(ENGINE, *news).evidence
    assert len(evidence) == 10
    assert said(ENGINE, *news[::-1]).evidence == evidence


def test_state_is_bounded() -> None:
    """However much comes: 256 times, 256 articles, 10 headlines."""
    news = [make_news(f"{GOOD} {n}", T0 + n * 1000, url=f"u{n}") for n in range(2000)]
    state = fed(ENGINE, *news)
    assert len(msgspec.msgpack.encode(state)) < 8000
    assert len(state.news_times) == 256
    assert len(state.leading) == 10


def test_state_is_bounded_when_all_comes_at_once() -> None:
    news = [make_news(f"{GOOD} {n}", url=f"u{n}") for n in range(2000)]
    state = fed(ENGINE, *news)
    assert len(state.moment) == 256
    assert len(msgspec.msgpack.encode(state)) < 32_000
    assert state.news_weight == pytest.approx(2000 * WEIGHT[GOOD])


def test_other_events_change_nothing() -> None:
    state = State()
    assert ENGINE.update(Config(), state, object(), 0) is state


def test_worked_example_is_in_reach() -> None:
    """SPEC 8 has a sentiment of 0.72 at a confidence of 0.85."""
    texts = [f"{MANY[0]} {n}" for n in range(40)]
    events = mature_ticks()
    for n, text in enumerate(texts):
        at = T0 + n * CYCLE_MS
        events += [by_model(text, at, n), make_tick(at + 1, sentiment_pct=92.0, galaxy_score=75.0)]
    reading = said(ENGINE, *events)
    assert reading.score > 0.72
    assert reading.confidence > 0.85
