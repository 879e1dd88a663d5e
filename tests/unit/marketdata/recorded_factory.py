"""Writes tiny recorded directories and makes events for tests of producers."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as parquet

from schemas.market import Candle, NewsArticle, OrderBook, TrendingAsset
from tests import factories
from tests.factories import HOUR_MS

T0 = 1_646_092_800_000
"""2022-03-01 00:00 UTC: a start of every timeframe."""


def write_candles(
    root: Path, asset: str, timeframe: str, rows: Sequence[Sequence[Any]], **types: Any
) -> Path:
    """Write rows of (open_time, open, high, low, close, volume)."""
    names = ("open_time", "open", "high", "low", "close", "volume")
    columns = {
        name: pa.array([row[place] for row in rows], type=types.get(name))
        for place, name in enumerate(names)
    }
    path = root / "ohlcv" / f"{asset}USDT-{timeframe}.parquet"
    return _write(path, columns)


def hours(count: int, first_ms: int = T0, price: float = 100.0) -> list[tuple[Any, ...]]:
    """Return hourly rows whose close grows by 1 from `price` on, volume 2."""
    return [
        (first_ms + n * HOUR_MS, price + n, price + n + 1, price + n - 0.5, price + n, 2.0)
        for n in range(count)
    ]


def write_books(root: Path, rows: Sequence[dict[str, Any]], name: str = "btcusdt") -> Path:
    """Write book rows given as column -> value."""
    columns = {key: pa.array([row.get(key) for row in rows]) for key in rows[0]}
    return _write(root / "books" / f"{name}_depth20_1s.parquet", columns)


def _write(path: Path, columns: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)
    return path


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write a gzipped CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_headlines(root: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write rows of (published_at, title, summary, source, subject, url)."""
    header = ("published_at", "title", "summary", "source", "subject", "url")
    return write_csv(root / "news" / "crypto_headlines_2021_2022.csv.gz", header, rows)


def write_posts(root: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write rows of (id, published_at, title, currencies)."""
    header = ("id", "published_at", "title", "source", "source_type", "currencies", "votes")
    full = [(a, b, c, "site.example", "link", d, "{}") for a, b, c, d in rows]
    return write_csv(root / "news" / "cryptopanic_tagged.csv.gz", header, full)


def candle(asset: str = "BTC", at_ms: int = T0, **changes: Any) -> Candle:
    """Return a valid closed 1h candle observed at `at_ms`, or what the changes make of it."""
    changes = {
        "asset": asset,
        "symbol": f"{asset}/USDT",
        "source_id": f"{asset}:{at_ms}",
        **changes,
    }
    return msgspec.structs.replace(factories.candle(close_ms=at_ms), **changes)


def book(asset: str = "BTC", at_ms: int = T0) -> OrderBook:
    """Return a valid book of one level observed at `at_ms`."""
    return factories.book(asset, at_ms, bids=((10.0, 1.0),), asks=((10.1, 1.5),))


def news(asset: str = "BTC", at_ms: int = T0, headline: str = "Something happened") -> NewsArticle:
    """Return an article observed at `at_ms`, valid unless the headline is empty."""
    valid = factories.news(asset=asset, at_ms=at_ms, publisher="test")
    return msgspec.structs.replace(valid, headline=headline)


def tick(asset: str = "BTC", at_ms: int = T0) -> TrendingAsset:
    """Return a valid tick observed at `at_ms`."""
    return factories.tick(asset, at_ms, price_usd=1.0, volume_24h_usd=0.0)
