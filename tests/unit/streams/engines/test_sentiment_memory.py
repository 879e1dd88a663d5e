"""Which headlines the sentiment engine takes for repetitions, and for how long."""

from __future__ import annotations

import msgspec
import pytest

from streams.engines.sentiment import ENGINE
from streams.engines.sentiment_state import State
from tests.factories import DAY_MS, HOUR_MS, MINUTE_MS
from tests.unit.streams.engines._records import T0, fed, make_news, make_tick, said, scored

GOOD = "Traders turn bullish"
BAD = "Exchange hacked"


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"headline": BAD, "url": "https://b.example/2"}, id="same-headline"),
        pytest.param({"headline": BAD.upper() + " ", "url": ""}, id="spaces-and-capitals"),
        pytest.param({"headline": GOOD, "url": "https://a.example/1"}, id="same-url"),
    ],
)
def test_repetition_changes_nothing(again: dict[str, str]) -> None:
    state = fed(ENGINE, make_news(BAD, url="https://a.example/1"))
    news = make_news(at=T0 + HOUR_MS, **again)
    assert ENGINE.update(ENGINE.config, state, scored(news), 7) is state


def test_empty_urls_are_not_the_same() -> None:
    assert said(ENGINE, make_news(BAD), make_news(GOOD)).features["news_count_24h"] == 2.0


def test_repetition_is_remembered_for_256_articles() -> None:
    news = [make_news(f"Story {n} of bitcoin", T0 + n, url=f"u{n}") for n in range(300)]
    state = fed(ENGINE, *news)
    assert len(state.articles) == 256 * 16
    oldest = 300 - 1 - 256  # the last one is of the moment at hand
    assert ENGINE.update(ENGINE.config, state, scored(news[oldest]), 300) is state
    assert ENGINE.update(ENGINE.config, state, scored(news[oldest - 1]), 300) is not state


@pytest.mark.parametrize(
    ("later_ms", "counts"),
    [
        pytest.param(2 * DAY_MS - MINUTE_MS, False, id="within-48-hours"),
        pytest.param(2 * DAY_MS, True, id="after-48-hours"),
    ],
)
def test_a_headline_is_news_again_after_two_days(later_ms: int, counts: bool) -> None:
    state = fed(ENGINE, make_news(BAD))
    after = ENGINE.update(ENGINE.config, state, scored(make_news(BAD, T0 + later_ms)), 1)
    assert (after is not state) is counts


def test_the_beginning_of_the_data_is_forgotten() -> None:
    """Headlines that return for months say the same to a run that begins later."""
    news = [
        make_news((GOOD, BAD, f"{GOOD} again")[n % 3], T0 + n * DAY_MS, url=f"u{n}")
        for n in range(150)
    ]
    told, late = said(ENGINE, *news), said(ENGINE, *news[100:])
    assert late.features["news_count_24h"] == told.features["news_count_24h"] == 1.0
    for name in ("sentiment_raw", "sentiment_news"):
        assert late.features[name] == pytest.approx(told.features[name], abs=1e-6)
    assert late.score == pytest.approx(told.score, abs=1e-6)


def test_a_state_of_an_earlier_release_is_read() -> None:
    """It had the heaviest headlines in another form: they are forgotten, and nothing else is."""
    state = fed(ENGINE, make_news(BAD), make_news(GOOD, T0 + HOUR_MS))
    stored = msgspec.to_builtins(state)
    of_then = ("clock", "ema", "raw", "news_sum", "news_weight", "news_times")
    earlier = {name: stored[name] for name in of_then} | {
        "articles": b"".join(one.entry for one in fed(ENGINE, make_news(BAD)).moment),
        "heaviest": [{"offset": 7, "observed_at": T0, "weight": 0.5}],
    }
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(earlier), type=State)
    assert (back.ema, back.news_sum, back.leading) == (state.ema, state.news_sum, ())
    assert ENGINE.update(ENGINE.config, back, scored(make_news(BAD, T0 + HOUR_MS)), 9) is back
    later = make_tick(T0 + 2 * HOUR_MS)
    ours, theirs = (ENGINE.update(ENGINE.config, one, later, 10) for one in (state, back))
    assert theirs.news_sum == pytest.approx(ours.news_sum)
    assert theirs.ema == pytest.approx(ours.ema)
