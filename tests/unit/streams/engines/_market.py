"""Builders of market events: candles, books, ticks, and random but repeatable markets."""

from __future__ import annotations

from math import exp
from pathlib import Path
from random import Random

from pyarrow import parquet

from schemas.market import Candle, OrderBook, TrendingAsset
from schemas.validation import CANDLE_MS
from tests import factories

START_MS = 1_600_560_000_000
"""Midnight of 2020-09-20 UTC, where the recorded candles begin."""

Ohlc = tuple[float, float, float, float]


def make_candle(
    place: int,
    prices: Ohlc | float,
    timeframe: str = "1h",
    *,
    closed: bool = True,
    observed_at: int | None = None,
) -> Candle:
    """Return the candle number `place` since START_MS; one price stands for all four."""
    ohlc = prices if isinstance(prices, tuple) else (prices,) * 4
    length_ms = CANDLE_MS[timeframe]
    open_time = START_MS + place * length_ms
    close_time = open_time + length_ms
    return factories.candle(
        close_ms=close_time,
        observed_at=close_time + 1_500 if observed_at is None else observed_at,
        source_id=f"{timeframe}-{open_time}",
        timeframe=timeframe,
        **dict(zip(("open", "high", "low", "close"), ohlc, strict=True)),
        volume=1.0,
        closed=closed,
    )


def make_book(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]], observed_at: int = START_MS
) -> OrderBook:
    """Return a book of (price, size) levels."""
    return factories.book(at_ms=observed_at, bids=tuple(bids), asks=tuple(asks))


def make_tick(
    observed_at: int = START_MS,
    price_usd: float = 100.0,
    volume_24h_usd: float = 1e9,
    **fields: float,
) -> TrendingAsset:
    """Return a tick of a cycle of one."""
    numbers = {"price_usd": price_usd, "volume_24h_usd": volume_24h_usd, **fields}
    return factories.tick(at_ms=observed_at, **numbers)


def random_walk(
    seed: int, candles: int, volatility: float = 0.01, drift: float = 0.0
) -> list[Ohlc]:
    """Return open, high, low, close of a geometric random walk; some candles stand still."""
    random = Random(seed)
    price, prices = random.uniform(0.1, 1e5), []
    for _ in range(candles):
        move = 0.0 if random.random() < 0.02 else random.gauss(drift, volatility)
        close = price * exp(move)
        tail = abs(random.gauss(0.0, volatility / 2.0)) if move else 0.0
        high, low = max(price, close) * (1.0 + tail), min(price, close) / (1.0 + tail)
        prices.append((price, high, low, close))
        price = close
    return prices


def recorded_candles(data: Path, asset: str, timeframe: str) -> list[Candle]:
    """Return an asset's recorded candles of one timeframe, oldest first."""
    columns = parquet.read_table(data / "ohlcv" / f"{asset}USDT-{timeframe}.parquet").to_pydict()
    length_ms = CANDLE_MS[timeframe]
    return [
        make_candle((open_time - START_MS) // length_ms, ohlc, timeframe)
        for open_time, *ohlc_list in zip(
            *(columns[name] for name in ("open_time", "open", "high", "low", "close")), strict=True
        )
        for ohlc in [tuple(ohlc_list)]
    ]
