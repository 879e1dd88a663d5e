"""Indicators against hand-computed values and against pandas-ta-classic."""

from __future__ import annotations

from itertools import pairwise
from math import fsum
from pathlib import Path

import numpy as np
import pandas as pd
import pandas_ta_classic as ta
import pytest

from streams.engines.indicators import (
    GIVEN_AT,
    NAMES,
    Series,
    Swings,
    advance,
    structure,
    swing,
    values,
)
from tests.unit.streams.engines._market import Ohlc, random_walk, recorded_candles

ASSETS = ("BTC", "ETH", "BNB", "SOL", "XRP")
SETTLED_AT = dict(zip(NAMES, (20, 50, 200, 202, 439, 206, 220, 220, 202, 1), strict=True))


def run(prices: list[Ohlc]) -> list[Series]:
    series, all_series = Series(), []
    for open_, high, low, close in prices:
        series = advance(series, open_, high, low, close, 1.0)
        all_series.append(series)
    return all_series


def known(series: Series) -> dict[str, float | None]:
    """Return each of NAMES with its value, None until it has one."""
    return {
        name: value if series.count >= given else None
        for name, value, given in zip(NAMES, values(series), GIVEN_AT, strict=True)
    }


def flat(*closes: float) -> list[Ohlc]:
    return [(close,) * 4 for close in closes]


def reference(prices: list[Ohlc]) -> pd.DataFrame:
    frame = pd.DataFrame(prices, columns=["open", "high", "low", "close"])
    high, low, close = frame["high"], frame["low"], frame["close"]
    macd = ta.macd(close, 12, 26, 9)
    columns = [
        *(ta.sma(close, length) for length in (20, 50, 200)),
        *(ta.rsi(close, length) for length in (14, 30)),
        macd["MACD_12_26_9"],
        macd["MACDs_12_26_9"],
        macd["MACDh_12_26_9"],
        ta.atr(high, low, close, 14),
        close,
    ]
    return pd.DataFrame(dict(zip(NAMES, columns, strict=True)))


def assert_equals_pandas_ta(prices: list[Ohlc]) -> None:
    """Same warm-up, and equal to 1e-9; MACD, which crosses 0, to 1e-12 of the price besides."""
    ours = pd.DataFrame([known(series) for series in run(prices)], dtype=float)
    theirs = reference(prices)
    for name in NAMES:
        np.testing.assert_array_equal(ours[name].isna(), theirs[name].isna(), err_msg=name)
        crosses_zero = name.startswith("MACD")
        slack = 1e-12 * theirs["CLOSE"].max() if crosses_zero else 0.0
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=slack, err_msg=name)


@pytest.mark.parametrize("volatility", [0.002, 0.02, 0.2], ids=["calm", "usual", "wild"])
@pytest.mark.parametrize("seed", range(3))
def test_equal_pandas_ta_on_random_walks(seed: int, volatility: float) -> None:
    assert_equals_pandas_ta(random_walk(seed, 1_500, volatility))


@pytest.mark.shared_data
@pytest.mark.parametrize("timeframe", ["1h", "4h", "1d"])
@pytest.mark.parametrize("asset", ASSETS)
def test_equal_pandas_ta_on_recorded_candles(shared_data: Path, asset: str, timeframe: str) -> None:
    candles = recorded_candles(shared_data, asset, timeframe)
    assert len(candles) > 1_400
    assert_equals_pandas_ta([(c.open, c.high, c.low, c.close) for c in candles])


@pytest.mark.parametrize(
    ("name", "prices", "expected"),
    [
        pytest.param("MA20", flat(*range(1, 26)), 15.5, id="mean of 6 to 25"),
        pytest.param("MA50", flat(*range(1, 61)), 35.5, id="mean of 11 to 60"),
        pytest.param("RSI14", flat(*range(1, 31)), 100.0, id="only gains"),
        pytest.param("RSI14", flat(*range(31, 1, -1)), 0.0, id="only losses"),
        pytest.param("RSI14", flat(*[7.0] * 31), 50.0, id="no movement"),
        pytest.param("RSI30", flat(*[7.0] * 31), 50.0, id="no movement in 30"),
        pytest.param("RSI14", flat(*[10.0, 13.0, 12.0] * 5), 1500 / 28, id="up by 15, down by 13"),
        pytest.param("MACD", flat(*[5.0] * 40), 0.0, id="flat"),
        pytest.param("MACD", flat(*range(1, 61)), 7.0, id="a line: lags 12.5 and 5.5 candles"),
        pytest.param("MACD_HIST", flat(*range(1, 121)), 0.0, id="a line gains no speed"),
        pytest.param("ATR14", [(5.0, 6.0, 4.0, 5.0)] * 20, 2.0, id="range of 2"),
        pytest.param("ATR14", [(5, 6, 4, 5)] + [(9, 9, 8, 9)] + [(9, 9, 8, 9)] * 13, 17 / 14,
                     id="jump counts from the last close"),
    ],
)  # fmt: skip
def test_hand_computed(name: str, prices: list[Ohlc], expected: float) -> None:
    assert known(run(prices)[-1])[name] == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("name", "given"), list(zip(NAMES, GIVEN_AT, strict=True)))
def test_none_until_warm(name: str, given: int) -> None:
    readings = [known(series)[name] for series in run(random_walk(1, 210))]
    assert readings[: given - 1] == [None] * (given - 1)
    assert None not in readings[given - 1 :]


@pytest.mark.parametrize("name", NAMES)
def test_settled_values_do_not_depend_on_where_the_data_began(name: str) -> None:
    prices = random_walk(5, 1_500)
    late = SETTLED_AT[name]
    warm, cold = run(prices[: 900 + late])[-1], run(prices[900 : 900 + late])[-1]
    place = NAMES.index(name)
    scale = 100.0 if name.startswith("RSI") else values(warm)[NAMES.index("ATR14")]
    assert abs(values(warm)[place] - values(cold)[place]) < 1e-5 * scale


def test_a_wilder_average_does_depend_on_it_before() -> None:
    prices = random_walk(5, 1_500)
    warm, cold = known(run(prices[:960])[-1]), known(run(prices[900:960])[-1])
    assert abs(warm["RSI14"] - cold["RSI14"]) > 1e-3


def test_running_sums_do_not_drift() -> None:
    prices = [*random_walk(1, 500, volatility=0.3), *flat(*[1e-6] * 150), *random_walk(2, 350)]
    for count, series in enumerate(run(prices), start=1):
        closes = [close for *_, close in prices[max(0, count - 20) : count]]
        largest = max(close for *_, close in prices[max(0, count - 300) : count])
        assert abs(series.sum20 - fsum(closes)) <= 1e-11 * largest


UP = [(10, 9), (7.5, 7), (12, 11), (9.5, 9), (13, 12.5)]
DOWN = [(10, 9), (7.5, 7), (9.5, 9), (6, 5), (8, 7.5)]


@pytest.mark.parametrize(
    ("candles", "expected"),
    [
        pytest.param([(10, 9)], 0.0, id="one candle"),
        pytest.param([(10, 9), (11, 10.5)], 0.0, id="no swing yet"),
        pytest.param(UP[:3], 0.5, id="above the only swing high"),
        pytest.param(UP, 1.0, id="higher highs and lows"),
        pytest.param(DOWN, -1.0, id="lower highs and lows"),
        pytest.param([*UP[:4], (11.5, 11)], 1.0, id="pull-back keeps the structure"),
        pytest.param([*UP, (6.5, 6)], 0.0, id="higher high, then below the last low"),
        pytest.param([*UP[:2], (9.5, 8), (6, 5), (10.5, 7.5)], 0.0, id="broadens"),
        pytest.param([(10, 9), (9, 8), (11, 10)], 0.0, id="back by 2 ATR: no swing"),
        pytest.param([(10, 9), (9, 7.9), (11, 10)], 0.5, id="back by more: a swing"),
    ],
)  # fmt: skip
def test_structure(candles: list[tuple[float, float]], expected: float) -> None:
    swings = Swings()
    for high, low in candles:
        swings = swing(swings, float(high), float(low), atr=1.0)
    assert structure(swings) == expected


def test_swing_points_alternate_and_lie_on_the_candles() -> None:
    prices = random_walk(3, 2_000, volatility=0.02)
    all_swings = [series.swings for series in run(prices)]
    turns = [(a, b) for a, b in pairwise(all_swings) if a.leg * b.leg < 0]
    assert len(turns) > 100
    for before, after in turns:
        last = after.high_last if after.leg < 0 else after.low_last
        assert last == before.extreme
        assert after.high_last >= after.low_last or 0.0 in (after.high_last, after.low_last)
