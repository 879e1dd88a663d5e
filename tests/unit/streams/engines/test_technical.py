"""The technical score: weights, warm-up, holes, age, price, and the recorded market."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import exp, sin, tau
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.market import Candle
from schemas.scores import EngineScore
from streams.engines.base import EngineReading
from streams.engines.indicators import NAMES, TrendConfig, trend
from streams.engines.scoring_stage import ScoringStage
from streams.engines.technical import ENGINE, State
from streams.stage import advance
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._market import (
    START_MS,
    Ohlc,
    make_book,
    make_candle,
    make_tick,
    random_walk,
    recorded_candles,
)

WEIGHTS = {"1h": 0.25, "4h": 0.35, "1d": 0.40}
CONFIG = ENGINE.config


def feed(events: Iterable[Any], state: State | None = None) -> State:
    state = ENGINE.initial(CONFIG) if state is None else state
    for offset, event in enumerate(events):
        state = ENGINE.update(CONFIG, state, event, offset)
    return state


def say(state: State, now: int) -> EngineReading:
    return ENGINE.read(CONFIG, state, now)


def climb(candles: int, step: float = 0.01) -> list[Ohlc]:
    """Return candles that rise (or fall) by `step` each."""
    prices, price = [], 100.0
    for _ in range(candles):
        close = price * (1.0 + step)
        prices.append((price, max(price, close) * 1.001, min(price, close) * 0.999, close))
        price = close
    return prices


def waves(drift: float) -> list[Ohlc]:
    """Return 12 waves of 19 candles, 10 % high, on a line that drifts by `drift` a candle."""
    closes = [100.0 * exp(drift * place + 0.05 * sin(place * tau / 19)) for place in range(229)]
    return [(a, max(a, b) * 1.001, min(a, b) * 0.999, b) for a, b in pairwise(closes)]


def candles(prices: list[Ohlc], timeframe: str = "1h", skip: Iterable[int] = ()) -> list[Candle]:
    holes = set(skip)
    return [
        make_candle(place, ohlc, timeframe)
        for place, ohlc in enumerate(prices)
        if place not in holes
    ]


WARM = candles(climb(210))
LAST = WARM[-1]


def test_without_candles_it_is_neutral_and_knows_nothing() -> None:
    assert say(feed([]), START_MS) == EngineReading(0.0, 0.0, 0.0, detail={"candles": "none"})


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(LAST, id="the same candle again"),
        pytest.param(msgspec.structs.replace(LAST, low=1.0, close=1.0), id="another close for it"),
        pytest.param(WARM[-2], id="an older candle"),
        pytest.param(make_candle(210, 1.0, closed=False), id="an open candle"),
        pytest.param(make_tick(LAST.close_time - 1), id="an older tick"),
        pytest.param(make_book([(99.0, 1.0)], [(101.0, 1.0)]), id="a foreign event"),
    ],
)
def test_nothing_new_leaves_the_very_same_state(event: Any) -> None:
    state = feed(WARM)
    assert ENGINE.update(CONFIG, state, event, 999) is state


@pytest.mark.parametrize(
    "warm",
    [["1h"], ["4h"], ["1d"], ["1h", "4h"], ["4h", "1d"], ["1h", "4h", "1d"]],
    ids="+".join,
)
def test_score_is_the_weighted_sum_of_warm_trends(warm: list[str]) -> None:
    events = [
        candle
        for seed, timeframe in enumerate(WEIGHTS)
        for candle in candles(random_walk(seed, 220 if timeframe in warm else 49), timeframe)
    ]
    reading = say(feed(events), events[-1].observed_at)
    trends = {timeframe: reading.features[f"TREND@{timeframe}"] for timeframe in warm}
    assert all(trends.values())
    expected = sum(WEIGHTS[timeframe] * trends[timeframe] for timeframe in warm)
    assert reading.score == pytest.approx(expected, abs=1e-12)
    assert reading.confidence == pytest.approx(sum(WEIGHTS[timeframe] for timeframe in warm))
    assert {key for key in reading.features if "TREND" in key} == {f"TREND@{one}" for one in warm}
    cold = {f"warming_{timeframe}": "49 of 200 candles" for timeframe in WEIGHTS}
    assert {key: reading.detail.get(key) for key in cold} == {
        key: None if key.removeprefix("warming_") in warm else text for key, text in cold.items()
    }


def elsewhere(events: Iterable[Candle], exchange: str = "kraken") -> list[Candle]:
    return [msgspec.structs.replace(event, exchange=exchange) for event in events]


def test_another_exchange_s_candles_begin_anew_and_are_never_mixed_with_the_ones_before() -> None:
    there = elsewhere(candles(random_walk(4, 230)))
    moved = feed(there[:5], feed(WARM))
    reading = say(moved, there[4].observed_at)
    assert reading.detail["new_series_1h"] == f"exchange from {LAST.exchange} to kraken"
    assert "MA200@1h" not in reading.features
    assert reading.confidence == 0.0
    state = feed(there, feed(WARM))
    alone = say(feed(there), there[-1].observed_at)
    assert say(state, there[-1].observed_at).features == alone.features
    assert say(state, there[-1].observed_at).score == alone.score
    assert "new_series_1h" not in say(state, there[-1].observed_at).detail
    back = feed(WARM, state)  # and when the first one comes back with its past
    assert say(back, LAST.observed_at).features == say(feed(WARM), LAST.observed_at).features


def test_an_exchange_s_way_of_one_timeframe_leaves_the_others_alone() -> None:
    days = candles(random_walk(5, 210), "1d")
    state = feed([*WARM, *days])
    moved = say(feed(elsewhere(WARM), state), days[-1].observed_at)
    assert moved.features == say(state, days[-1].observed_at).features


def test_a_state_from_before_exchanges_were_kept_goes_on() -> None:
    state = feed(WARM)
    old = tuple(msgspec.structs.replace(frame, exchange="") for frame in state.frames)
    state = msgspec.structs.replace(state, frames=old)
    assert ENGINE.update(CONFIG, state, LAST, 999) is state
    assert ENGINE.update(CONFIG, state, candles(climb(211))[-1], 999).frames[0].series.count == 211


@pytest.mark.parametrize("timeframe", ["5m", "15m"])
def test_short_candles_make_features_and_no_score(timeframe: str) -> None:
    short = candles(random_walk(6, 220), timeframe)
    without = feed(WARM)
    state = feed(short, without)
    now = short[-1].observed_at
    before, after = say(without, now), say(state, now)
    assert (after.score, after.confidence, after.detail) == (
        before.score,
        before.confidence,
        before.detail,
    )
    assert after.features.keys() - before.features.keys() == {
        f"{name}@{timeframe}" for name in (*NAMES, "TREND")
    }
    assert ENGINE.update(CONFIG, state, short[-1], 999) is state


def test_an_old_short_candle_is_no_feature_any_more() -> None:
    short = candles(random_walk(6, 220), "5m")
    state = feed(short, feed(WARM))
    gone = say(state, short[-1].close_time + 3 * 300_000)
    assert gone.features == say(feed(WARM), short[-1].close_time + 3 * 300_000).features
    there = say(state, short[-1].close_time + 3 * 300_000 - 1)
    assert "ATR14@5m" in there.features


@pytest.mark.parametrize(
    ("count", "share"),
    [
        pytest.param(1, 0.0, id="the first"),
        pytest.param(49, 0.0, id="before MA50"),
        pytest.param(50, 0.25, id="with MA50"),
        pytest.param(150, 0.75, id="150 days"),
        pytest.param(199, 199 / 200, id="before MA200"),
        pytest.param(200, 1.0, id="with MA200"),
        pytest.param(201, 1.0, id="warm"),
    ],
)
def test_a_young_coin_counts_from_50_candles_on(count: int, share: float) -> None:
    """Of the day: 1h and 4h are warm."""
    events = [
        candle
        for seed, timeframe in enumerate(WEIGHTS)
        for candle in candles(random_walk(seed, count if timeframe == "1d" else 210), timeframe)
    ]
    reading = say(feed(events), events[-1].observed_at)
    assert reading.confidence == pytest.approx(0.60 + 0.40 * share)
    trends = {timeframe: reading.features.get(f"TREND@{timeframe}", 0.0) for timeframe in WEIGHTS}
    assert (trends["1d"] != 0.0) == (share > 0.0)
    expected = sum(WEIGHTS[timeframe] * trends[timeframe] for timeframe in WEIGHTS)
    assert reading.score == pytest.approx(expected, abs=1e-12)
    assert ("MA200@1d" in reading.features) == (count >= 200)
    warming = None if count >= 200 else f"{count} of 200 candles"
    assert reading.detail.get("warming_1d") == warming


def test_a_young_trend_is_made_of_all_but_ma200() -> None:
    """Its alignment is the mean of two distances, by hand from the values that are shown."""
    series = random_walk(3, 120)
    told = say(feed(candles(series, "1d")), START_MS).features
    shown = numbers(**{name: told[f"{name}@1d"] for name in NAMES if name != "MA200"})
    way = next(
        one
        for one in (-1.0, -0.5, 0.0, 0.5, 1.0)
        if trend(TrendConfig(), shown, one, is_young=True) == pytest.approx(told["TREND@1d"])
    )
    near = min(max((told["CLOSE@1d"] - told["MA20@1d"]) / told["ATR14@1d"] / 2.5, -1.0), 1.0)
    middle = min(max((told["MA20@1d"] - told["MA50@1d"]) / told["ATR14@1d"] / 2.5, -1.0), 1.0)
    fast = min(max((told["RSI14@1d"] - 50) / 20, -1.0), 1.0)
    slow = min(max((told["RSI30@1d"] - 50) / 15, -1.0), 1.0)
    momentum = min(max(told["MACD_HIST@1d"] / told["ATR14@1d"] / 0.33, -1.0), 1.0)
    by_hand = 0.35 * (near + middle) / 2 + 0.30 * way + 0.20 * (fast + slow) / 2 + 0.15 * momentum
    assert told["TREND@1d"] == pytest.approx(by_hand)


def test_after_a_discontinuity_a_series_is_young_again() -> None:
    before = candles(climb(230), "1d")
    jump = 10.0 * before[-1].close
    moved = [make_candle(230 + place, jump, "1d") for place in range(60)]
    said = [say(feed([*before, *moved[:count]]), START_MS) for count in (1, 49, 50, 60)]
    assert [round(one.confidence / 0.40, 6) for one in said] == [0.0, 0.0, 0.25, 0.30]
    assert all("new_series_1d" in one.detail for one in said)


@pytest.mark.parametrize(
    ("prices", "low", "high"),
    [(waves(0.004), 0.7, 1.0), (waves(-0.004), -1.0, -0.7), ([(5.0,) * 4] * 228, 0.0, 0.0)],
    ids=["rising", "falling", "still"],
)
def test_direction(prices: list[Ohlc], low: float, high: float) -> None:
    events = [candle for timeframe in WEIGHTS for candle in candles(prices, timeframe)]
    reading = say(feed(events), events[-1].observed_at)
    assert low <= reading.score <= high
    assert reading.confidence == 1.0
    assert set(reading.features) == {
        f"{name}@{timeframe}" for name in (*NAMES, "TREND") for timeframe in WEIGHTS
    }


def numbers(**changes: float) -> Any:
    neutral = dict.fromkeys(NAMES, 100.0) | {"RSI14": 50.0, "RSI30": 50.0, "ATR14": 2.0}
    neutral |= dict.fromkeys(("MACD", "MACD_SIGNAL", "MACD_HIST"), 0.0)
    return tuple((neutral | changes).values())


@pytest.mark.parametrize(
    ("values", "structure", "expected"),
    [
        pytest.param(numbers(), 0.0, 0.0, id="neutral"),
        pytest.param(numbers(), 1.0, 0.30, id="structure alone"),
        pytest.param(numbers(CLOSE=102.5), 0.0, 0.35 / 3 / 2, id="price 1.25 ATR above MA20"),
        pytest.param(numbers(CLOSE=150.0), 0.0, 0.35 / 3, id="a part saturates"),
        pytest.param(numbers(MA200=87.0), 0.0, 0.35 / 3, id="MA50 6.5 ATR above MA200"),
        pytest.param(numbers(RSI14=30.0), 0.0, -0.10, id="RSI14 of 30"),
        pytest.param(numbers(RSI30=57.5), 0.0, 0.05, id="RSI30 of 57.5"),
        pytest.param(numbers(MACD_HIST=-0.33), 0.0, -0.075, id="histogram at half its reach"),
        pytest.param(numbers(CLOSE=120.0, ATR14=0.0), 1.0, 0.0, id="no movement, no trend"),
    ],
)
def test_trend_formula(values: Any, structure: float, expected: float) -> None:
    assert trend(TrendConfig(), values, structure) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("skip", "after", "confidence", "gap"),
    [
        pytest.param([], 0, 0.25, None, id="no hole"),
        pytest.param([205], 0, 0.25 * (1 - 1 / 50), "1 candle missing", id="one, just now"),
        pytest.param(range(203, 206), 0, 0.25 * (1 - 3 / 50), "3 candles missing", id="three"),
        pytest.param(range(203, 206), 25, 0.25 * (1 - 3 / 100), "3 candles missing", id="half way"),
        pytest.param(range(203, 206), 49, 0.25 * (1 - 3 / 2500), "3 candles missing", id="last"),
        pytest.param(range(203, 206), 50, 0.25, None, id="forgotten"),
        pytest.param(range(203, 252), 0, 0.25 / 50, "49 candles missing", id="almost too many"),
        pytest.param(range(203, 303), 0, 0.0, None, id="too many: a new series"),
        pytest.param([203, 205], 0, 0.25 * (1 - 2 / 50), "2 candles missing", id="two holes"),
    ],
)
def test_holes(skip: Iterable[int], after: int, confidence: float, gap: str | None) -> None:
    holes = list(skip)
    total = (holes[-1] if holes else 205) + 2 + after
    reading = say(feed(candles(climb(total, 0.001), skip=holes)), START_MS)
    assert reading.confidence == pytest.approx(confidence)
    assert reading.detail.get("gap_1h") == gap


@pytest.mark.parametrize(
    ("age_hours", "freshness", "stale"),
    [
        pytest.param(-1.0, 1.0, None, id="seen before its close"),
        pytest.param(0.0, 1.0, None, id="at the close"),
        pytest.param(1.25, 1.0, None, id="the next one is due"),
        pytest.param(2.125, 0.5, "last closed 2.1 candles ago", id="half way"),
        pytest.param(3.0, 0.0, "last closed 3.0 candles ago", id="two are missing"),
    ],
)
def test_freshness_of_one_timeframe(age_hours: float, freshness: float, stale: str | None) -> None:
    reading = say(feed(WARM), LAST.close_time + round(age_hours * HOUR_MS))
    assert reading.freshness == pytest.approx(freshness)
    assert reading.detail.get("stale_1h") == stale


def test_a_candle_that_comes_late_is_as_old_as_its_close() -> None:
    late = make_candle(0, 5.0, observed_at=START_MS + DAY_MS)
    assert say(feed([late]), late.observed_at).freshness == 0.0


def test_freshness_is_weighted_over_the_timeframes_with_candles() -> None:
    days, hours = candles(climb(2), "1d"), candles(climb(48), "1h")
    reading = say(feed([*days, *hours]), START_MS + 2 * DAY_MS + 3 * HOUR_MS)
    assert reading.freshness == pytest.approx(0.40 / 0.65)
    assert set(reading.detail) == {"warming_1h", "warming_4h", "warming_1d", "stale_1h"}


@pytest.mark.parametrize(
    ("events", "price", "hours"),
    [
        pytest.param([make_tick(START_MS, 7.0)], 7.0, 0, id="tick alone"),
        pytest.param([make_candle(0, 5.0)], 5.0, 1, id="candle alone"),
        pytest.param([make_candle(0, 5.0), make_tick(START_MS + 2 * HOUR_MS, 7.0)], 7.0, 2,
                     id="tick after the close"),
        pytest.param([make_candle(0, 5.0), make_tick(START_MS + HOUR_MS - 1, 7.0)], 5.0, 1,
                     id="tick before the close"),
        pytest.param([make_tick(START_MS + 2 * HOUR_MS, 7.0), make_candle(0, 5.0)], 7.0, 2,
                     id="back-fill after the tick"),
        pytest.param([make_candle(30, 5.0), make_candle(0, 6.0, "1d")], 5.0, 31,
                     id="older close of another timeframe"),
    ],
)  # fmt: skip
def test_price_is_the_newest_known(events: list[Any], price: float, hours: int) -> None:
    said = say(feed(events), START_MS)
    assert (said.price_usd, said.price_at) == (price, START_MS + hours * HOUR_MS)


def test_evidence_names_the_last_closed_candle_of_each_timeframe_newest_last() -> None:
    events = [
        make_candle(0, 5.0, "1h"),
        make_candle(0, 5.0, "1d"),
        make_candle(0, 5.0, "4h"),
        make_candle(1, 5.0, "1h"),
        make_candle(2, 5.0, "1h", closed=False),
    ]
    reading = say(feed(events), START_MS)
    assert reading.evidence == (1, 2, 3)
    assert reading.data_time == max(event.observed_at for event in events[:4])


def test_data_time_is_when_the_newest_record_was_seen() -> None:
    late = make_candle(0, 5.0, observed_at=START_MS + DAY_MS)
    assert say(feed([late, make_candle(1, 5.0)]), START_MS).data_time == START_MS + DAY_MS


def scores_of(events: list[Any]) -> list[EngineScore]:
    stage, entry, scores = ScoringStage(ENGINE), None, []
    for offset, event in enumerate(events):
        moved = advance(stage, entry, event, ENGINE.topic, 0, offset)
        assert moved is not None
        entry, outputs = moved
        scores += [output.event for output in outputs]
    return scores


def test_it_speaks_on_every_closed_candle_and_on_no_other() -> None:
    still = [make_candle(place, 5.0) for place in range(3)]
    open_ones = [make_candle(place + 1, 5.0, closed=False) for place in range(3)]
    events = [event for pair in zip(still, open_ones, strict=True) for event in pair]
    assert [score.as_of for score in scores_of(events)] == [event.observed_at for event in still]


@pytest.fixture(scope="session")
def bitcoin(shared_data: Path) -> list[EngineScore]:
    events = [
        candle
        for timeframe in WEIGHTS
        for candle in recorded_candles(shared_data, "BTC", timeframe)
    ]
    events.sort(key=lambda candle: (candle.close_time, -candle.open_time))
    assert len(events) == 35_044 + 8_766 + 1_461
    return scores_of(events)


def mean_score(scores: list[EngineScore], start_day: int, days: int) -> float:
    start = START_MS + start_day * DAY_MS
    chosen = [score.score for score in scores if start <= score.as_of < start + days * DAY_MS]
    return sum(chosen) / len(chosen)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("start_day", "direction"),
    [
        pytest.param(386, 1, id="October 2021, to the top"),
        pytest.param(618, -1, id="June 2022, the crash"),
        pytest.param(1_235, 1, id="February 2024, the ETF rally"),
    ],
)
def test_recorded_markets(bitcoin: list[EngineScore], start_day: int, direction: int) -> None:
    assert direction * mean_score(bitcoin, start_day, 20) > 0.3


@pytest.mark.shared_data
def test_recorded_outages_are_said(bitcoin: list[EngineScore]) -> None:
    said = [score.detail["gap_1h"] for score in bitcoin if "gap_1h" in score.detail]
    assert set(said) >= {"1 candle missing", "2 candles missing"}
    assert bitcoin[-1].detail == {}
    assert bitcoin[-1].confidence == 1.0
    assert bitcoin[-1].price_usd == bitcoin[-1].features["CLOSE@1h"]
