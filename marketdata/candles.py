"""Candles of one time: how several rows become one, live and recorded alike."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from schemas.market import Candle


def joined(candles: Iterable[Candle]) -> Candle:
    """Return one candle of valid ones that say the same time; the order does not matter.

    The whole one is that with the largest volume: a fragment, made when an exchange began anew
    within the time, holds less. Open, close and volume are the whole one's, high and low the
    highest and the lowest of all.
    """
    found = list(candles)
    whole = max(found, key=_volume_first)
    if len(found) == 1:
        return whole
    high = max(candle.high for candle in found)
    low = min(candle.low for candle in found)
    return replace(whole, high=high, low=low)


def _volume_first(candle: Candle) -> tuple[float, ...]:
    """Return what a whole candle has most of; prices decide only between equal volumes."""
    return candle.volume, candle.high - candle.low, candle.open, candle.close
