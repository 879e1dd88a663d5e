"""Builders of tapes: hours of random minutes, with the closed candles that they add up to."""

from __future__ import annotations

import random

from marketdata.simulated.bars import HOUR_MS, Bar, aggregate
from schemas.times import MINUTE_MS
from schemas.validation import TIMEFRAME_MS
from simulator.price_history import PriceHistory
from simulator.shapes import Kline

T0 = 1_760_054_400_000  # midnight UTC
DECIMALS = 2


def minutes(seed: int, hours: int, start_ms: int = T0) -> list[Bar]:
    """Return the minutes of so many hours, each beginning where the one before ended."""
    rng = random.Random(seed)
    price = 100.0
    bars = []
    for number in range(hours * 60):
        close = round(max(1.0, price + rng.gauss(0.0, 1.0)), DECIMALS)
        low, high = min(price, close), max(price, close)
        bars.append(Bar(start_ms + number * MINUTE_MS, price, high, low, close, rng.random()))
        price = close
    return bars


def closed(bars: list[Bar], timeframe: str) -> list[Kline]:
    """Return the closed candles of a timeframe that whole minutes add up to."""
    size = TIMEFRAME_MS[timeframe] // MINUTE_MS
    whole = len(bars) - len(bars) % size
    groups = [bars[start : start + size] for start in range(0, whole, size)]
    return [Kline(*aggregate(group), closed=True) for group in groups]


def history_of(seed: int, hours: int) -> tuple[PriceHistory, list[Bar]]:
    """Return a tape that knows all of the minutes, and the minutes."""
    bars = minutes(seed, hours)
    history = PriceHistory(DECIMALS)
    for timeframe in TIMEFRAME_MS:
        history.add_closed(timeframe, closed(bars, timeframe))
    history.add_minutes(bars)
    return history, bars


__all__ = ["DECIMALS", "HOUR_MS", "MINUTE_MS", "T0", "closed", "history_of", "minutes"]
