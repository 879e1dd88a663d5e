"""A timeframe begins anew after a long hole or a jump: nothing of the coin before counts."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest

from schemas.market import Candle
from streams.engines import liquidity
from streams.engines.base import EngineReading
from streams.engines.indicators import NAMES, Series, is_break
from streams.engines.technical import ENGINE, State
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._market import START_MS, Ohlc, make_candle, make_tick, random_walk

CONFIG = ENGINE.config
OLD, YOUNG_AT, WARM, HOLE = 260, 50, 200, 437


def scaled(prices: list[Ohlc], first: float) -> list[Ohlc]:
    """Return a market's candles with another first price."""
    factor = first / prices[0][0]
    return [tuple(price * factor for price in ohlc) for ohlc in prices]


def collapsing(candles: int) -> list[Ohlc]:
    """Return a coin that stands at 80 and loses 45 % an hour on its last day."""
    prices, price = [], 80.0
    for place in range(candles):
        close = price * (0.55 if place >= candles - 24 else 1.001)
        prices.append((price, max(price, close), min(price, close), close))
        price = close
    return prices


OLD_COIN, NEW_COIN = collapsing(OLD), scaled(random_walk(5, 260), 9.0)


def candles_of(
    old: list[Ohlc], hole: int, new: list[Ohlc], timeframe: str = "1h"
) -> tuple[list[Candle], list[Candle]]:
    """Return the candles before and after a hole."""
    before = [make_candle(place, ohlc, timeframe) for place, ohlc in enumerate(old)]
    after = [make_candle(len(old) + hole + n, ohlc, timeframe) for n, ohlc in enumerate(new)]
    return before, after


def feed(state: State, candles: list[Candle], first: int = 0) -> State:
    for offset, candle in enumerate(candles, start=first):
        state = ENGINE.update(CONFIG, state, candle, offset)
    return state


def fresh() -> State:
    return ENGINE.initial(CONFIG)


def say(state: State) -> EngineReading:
    return ENGINE.read(CONFIG, state, START_MS)


def assert_begins_anew(before: list[Candle], after: list[Candle], timeframe: str = "1h") -> None:
    """Check that candle by candle all is said as if there had been nothing before."""
    state, alone = feed(fresh(), before), fresh()
    assert say(state).confidence > 0.0
    for number, candle in enumerate(after, start=1):
        state, alone = (feed(one, [candle], number) for one in (state, alone))
        ours, theirs = say(state), say(alone)
        assert (ours.score, ours.confidence) == (theirs.score, theirs.confidence)
        assert ours.features == theirs.features
        if number < YOUNG_AT:
            assert ours.score == ours.confidence == 0.0
        if number < WARM:
            assert ours.detail[f"warming_{timeframe}"] == f"{number} of 200 candles"
            assert "missing candles" in ours.detail[f"new_series_{timeframe}"]
        else:
            assert ours.detail == theirs.detail


@pytest.mark.parametrize("timeframe", ["1h", "4h", "1d"])
def test_case_relaunched_ticker(timeframe: str) -> None:
    before, after = candles_of(OLD_COIN, HOLE, NEW_COIN, timeframe)
    assert_begins_anew(before, after, timeframe)


@pytest.mark.shared_data
def test_case_relaunched_ticker_as_given(shared_data: Path) -> None:
    path = shared_data.parent / "cases" / "relaunched-ticker" / "candles.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[float(value) for value in row.values()] for row in csv.DictReader(file)]
    first_ms = int(rows[0][0])
    candles = [make_candle((int(at) - first_ms) // HOUR_MS, tuple(ohlc)) for at, *ohlc, _ in rows]
    starts = [candle.open_time for candle in candles]
    hole = next(n for n in range(1, len(rows)) if starts[n] - starts[n - 1] > HOUR_MS)
    assert_begins_anew(candles[:hole], candles[hole:])


@pytest.mark.parametrize(
    ("hole", "price", "anew"),
    [
        pytest.param(50, 100.0, True, id="as long as MA50's window"),
        pytest.param(49, 100.0, False, id="shorter, the same price"),
        pytest.param(30, 1e-3, True, id="days, another coin"),
        pytest.param(5, 1000.0, True, id="hours, new units"),
        pytest.param(3, 125.0, False, id="an outage, and a move"),
        pytest.param(0, 1e5, True, id="no hole at all, new units"),
        pytest.param(0, 1e5 / 24, True, id="no hole at all, another coin"),
        pytest.param(0, 150.0, False, id="no hole at all, a gap in the price"),
    ],
)
def test_what_ends_a_series(hole: int, price: float, anew: bool) -> None:
    before, _ = candles_of(scaled(random_walk(3, OLD), 100.0), hole, [])
    price *= before[-1].close / 100.0
    candle = make_candle(OLD + hole, (price, price * 1.01, price * 0.99, price * 1.001))
    state = feed(feed(fresh(), before), [candle], OLD)
    said = say(state)
    assert (state.frames[0].series.count == 1) is anew
    assert ("MA200@1h" not in said.features) is anew
    assert (said.confidence == 0.0) is anew
    assert ("new_series_1h" in said.detail) is anew


def test_says_why_until_it_is_warm() -> None:
    before, after = candles_of([(4.0, 4.0, 4.0, 4.0)] * OLD, 5, NEW_COIN)
    state = feed(feed(fresh(), before), after[:1], OLD)
    assert say(state).detail["new_series_1h"] == "price from 4 to 9 after 5 missing candles"
    assert "new_series_1h" in say(feed(state, after[1 : WARM - 1], OLD + 1)).detail
    assert "new_series_1h" not in say(feed(state, after[1:WARM], OLD + 1)).detail


def test_the_other_timeframes_go_on() -> None:
    hours, new_hours = candles_of(OLD_COIN, HOLE, NEW_COIN)
    days = [make_candle(n, ohlc, "1d") for n, ohlc in enumerate(random_walk(1, 210))]
    state = feed(feed(fresh(), days), hours, 300)
    state = feed(state, new_hours[:1], 900)
    assert say(state).confidence == pytest.approx(0.40)
    assert "MA200@1d" in say(state).features


def test_a_wrong_opening_price_ends_nothing() -> None:
    before, _ = candles_of([(4.0, 4.0, 4.0, 4.0)] * OLD, 0, [])
    state = feed(fresh(), before)
    for prices in ((400.0, 400.0, 4.0, 4.0), (4.0, 400.0, 4.0, 400.0)):
        assert feed(state, [make_candle(OLD, prices)], OLD).frames[0].series.count == OLD + 1


def test_what_a_price_did_before_it_may_do_in_a_hole() -> None:
    def after_hole(largest: float, jump: float) -> bool:
        state = feed(fresh(), candles_of([(1.0,) * 4] * 60 + [(largest,) * 4], 0, [])[0])
        return is_break(state.frames[0].series, largest * jump, largest * jump, 3)

    assert after_hole(1.05, 1.6)
    assert not after_hole(1.4, 1.6)
    assert after_hole(2.9, 11.0)  # ten times is too much for any


def test_nothing_ends_before_it_has_begun() -> None:
    assert not is_break(Series(), 5.0, 5.0, 0)
    assert not is_break(Series(), 5.0, 5.0, 40)


def test_a_state_stored_before_is_read() -> None:
    before, after = candles_of(OLD_COIN, HOLE, NEW_COIN)
    state = feed(fresh(), before)
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(state))
    for frame in plain["frames"]:
        del frame["broken"]
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(plain), type=State)
    assert old == state
    assert say(feed(old, after, OLD)) == say(feed(state, after, OLD))


@pytest.mark.parametrize(
    ("pause_days", "price_usd", "anew"),
    [
        pytest.param(0, 100.0, False, id="the next tick"),
        pytest.param(0, 250.0, False, id="a rise"),
        pytest.param(0, 0.01, True, id="another coin's price"),
        pytest.param(18, 1e5, True, id="another coin after a halt"),
        pytest.param(18, 60.0, False, id="away for weeks"),
        pytest.param(30, 100.0, True, id="away for as long as the average is"),
    ],
)
def test_volumes_of_another_coin_are_forgotten(
    pause_days: int, price_usd: float, anew: bool
) -> None:
    state, now = liquidity.ENGINE.initial(liquidity.ENGINE.config), START_MS
    for _ in range(10 * 24):
        state = liquidity.update(liquidity.ENGINE.config, state, make_tick(now), 0)
        now += HOUR_MS
    tick = make_tick(now + pause_days * DAY_MS, price_usd, 5e9)
    volume = liquidity.update(liquidity.ENGINE.config, state, tick, 0).volume
    assert (volume.month_usd == volume.week_usd == 5e9) is anew
    assert (volume.first_seen == tick.observed_at) is anew


def test_volumes_stored_before_are_read() -> None:
    old = {"first_seen": 1, "last_seen": 2, "now_usd": 3.0, "week_usd": 4.0, "month_usd": 5.0}
    volume = msgspec.convert(old, liquidity.Volume)
    state = liquidity.State(volume=volume)
    after = liquidity.update(liquidity.ENGINE.config, state, make_tick(HOUR_MS), 0).volume
    assert (after.first_seen, after.price_usd) == (1, 100.0)


@pytest.mark.parametrize("name", [*NAMES, "TREND"])
def test_no_value_is_left_of_the_coin_before(name: str) -> None:
    before, after = candles_of(OLD_COIN, HOLE, NEW_COIN)
    state = feed(fresh(), before)
    assert f"{name}@1h" in say(state).features
    state = feed(state, after[:1], OLD)
    assert say(state).features == {"CLOSE@1h": after[0].close}
