"""The recorded candles beside the repository, as all sides of `technical_alone` read them.

Needs pyarrow only, so that the peers' own environment can import it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pyarrow import parquet

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "ohlcv"
LENGTH_MS = {"1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}


class Bar(NamedTuple):
    """One closed candle; sorted, they come as a worker sees them: by the time of their close."""

    close_time: int
    asset: str
    timeframe: str
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def market(self) -> str:
        """Asset and timeframe."""
        return f"{self.asset}@{self.timeframe}"


def bars(limit: int | None) -> list[Bar]:
    """Return all recorded candles, or the first `limit` of each asset and timeframe, in order."""
    found = []
    for path in sorted(FOLDER.glob("*USDT-*.parquet")):
        symbol, timeframe = path.stem.split("-")
        table = parquet.read_table(path).slice(0, limit)
        columns = (table[name].to_pylist() for name in ("open", "high", "low", "close", "volume"))
        for open_time, *numbers in zip(table["open_time"].to_pylist(), *columns, strict=True):
            close_time = open_time + LENGTH_MS[timeframe]
            found.append(Bar(close_time, symbol.removesuffix("USDT"), timeframe, *numbers))
    return sorted(found)
