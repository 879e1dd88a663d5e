"""Bars of one market: made of prices, added up to longer ones, and as Candle events."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

from marketdata.simulated.assets import Asset
from schemas.market import Candle
from schemas.validation import TIMEFRAME_MS

EXCHANGE = "simulated"
HOUR_MS = TIMEFRAME_MS["1h"]


class Bar(NamedTuple):
    """Prices and volume from `open_time` (ms) on; how long, its place says. Volume in units."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def aggregate(bars: Sequence[Bar]) -> Bar:
    """Return the one bar that exactly covers these, which are in the order of time.

    The volume is the correctly rounded sum, so it does not depend on how the bars were grouped.
    """
    return Bar(
        bars[0].open_time,
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        math.fsum(bar.volume for bar in bars),
    )


def group(hours: Sequence[Bar], timeframe: str, count: int) -> list[Bar]:
    """Return the last `count` whole bars of a timeframe out of hourly bars.

    The hourly bars have no holes and start where a bar of the timeframe starts.
    """
    size = TIMEFRAME_MS[timeframe] // HOUR_MS
    whole = len(hours) - len(hours) % size
    first = max(0, whole - count * size)
    return [aggregate(hours[start : start + size]) for start in range(first, whole, size)]


def extended(bar: Bar, price: float, volume: float) -> Bar:
    """Return the bar after a trade of `volume` units at `price`."""
    return Bar(
        bar.open_time,
        bar.open,
        max(bar.high, price),
        min(bar.low, price),
        price,
        bar.volume + volume,
    )


def traded(
    asset: Asset, surprise: float, attention: float, dt_h: float, rng: random.Random
) -> float:
    """Return the units traded in `dt_h` hours: more when the price moves and people look."""
    ordinary = asset.volume_24h / 24.0 * dt_h
    lively = (0.45 + 0.60 * surprise) * (1.0 + 0.4 * min(3.0, attention))
    return float(f"{ordinary * lively * rng.lognormvariate(0.0, 0.25):.8g}")


def candle(asset: Asset, bar: Bar, timeframe: str, observed_at: int, *, closed: bool) -> Candle:
    """Return the event that a producer publishes for a bar."""
    close_time = bar.open_time + TIMEFRAME_MS[timeframe]
    return Candle(
        asset=asset.symbol,
        event_time=close_time if closed else observed_at,
        observed_at=observed_at,
        source=EXCHANGE,
        source_id=f"{asset.market}:{timeframe}:{bar.open_time}",
        exchange=EXCHANGE,
        symbol=asset.market,
        timeframe=timeframe,
        open_time=bar.open_time,
        close_time=close_time,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        closed=closed,
    )
