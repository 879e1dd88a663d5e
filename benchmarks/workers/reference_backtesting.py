"""backtesting.py's side of `backtest_reference`.

It fills at a candle's open what was decided at the candle before; ours fills at the next tick. A
tick at the moment of a candle's close has the last price that was known by then, the close of the
candle before. So each candle is given to it as that one price, as open, high, low and close, and
the averages of all closes beside it. Its stop is asked at every such price, as ours is.

Runs where backtesting.py is: the peers' environment (.venv-peers) or a developer's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from pyarrow import parquet

from benchmarks.recorded import LENGTH_MS
from benchmarks.workers import reference
from benchmarks.workers.alone import timed
from benchmarks.workers.reference import CAPITAL_USD, FAST, FEE_SHARE, SHARE, SLOW, UNIT, RoundTrip

_WARMUP = 300
"""Candles before the start, as a replay of a directory reads them."""


def mean(close: Any, length: int) -> Any:
    """Return the moving average; a window's own sum, for a running one drifts."""
    values = np.asarray(close, dtype=float)
    means = np.full(len(values), np.nan)
    if len(values) >= length:
        means[length - 1 :] = np.lib.stride_tricks.sliding_window_view(values, length).mean(axis=1)
    return means


class Reference(Strategy):
    """The cross with its stop."""

    first = 0
    """The place of the first candle that is decided at."""

    def init(self) -> None:
        """Declare the averages."""
        self.fast = self.I(mean, self.data.Seen, FAST)
        self.slow = self.I(mean, self.data.Seen, SLOW)
        self.stop = 0.0
        self.reasons: list[str] = []

    def next(self) -> None:
        """Leave at the stop, then at the cross down; enter at the cross up."""
        if len(self.data) - 1 < self.first:
            return
        price = self.data.Close[-1]
        above = self.fast[-1] > self.slow[-1], self.fast[-2] > self.slow[-2]
        below = self.fast[-1] < self.slow[-1], self.fast[-2] < self.slow[-2]
        if self.position:
            reason = "stop_loss" if price <= self.stop else ""
            if reason or below == (True, False):
                self.position.close()
                self.reasons.append(reason or "exit_rule")
        elif above == (True, False):
            self.buy(size=int(SHARE * self.equity / price))
            self.stop = price * (1.0 - reference.STOP_PCT / 100.0)


def frame(given: reference.Order) -> tuple[Any, int]:
    """Return the prices, each of them a candle of `UNIT` coins, and the place of the first."""
    length_ms = LENGTH_MS[given.timeframe]
    path = Path(given.directory) / "ohlcv" / f"{given.asset}USDT-{given.timeframe}.parquet"
    table = parquet.read_table(path, columns=["open_time", "close"]).to_pandas()
    closed_at = table["open_time"].to_numpy() + length_ms
    start = int(np.searchsorted(closed_at, given.start_ms))
    begin = max(1, start - _WARMUP)
    end = int(np.searchsorted(closed_at, given.until_ms, side="right"))
    closes = table["close"].to_numpy()
    price = closes[begin - 1 : end - 1] * UNIT
    prices = {name: price for name in ("Open", "High", "Low", "Close")}
    index = pd.to_datetime(closed_at[begin:end], unit="ms")
    made = pd.DataFrame({**prices, "Volume": 1.0, "Seen": closes[begin:end]}, index)
    return made, max(0, start - begin)


def main() -> None:
    """Run the order and report the closed trades."""
    given = reference.order()
    prices, first = frame(given)
    run = Backtest(prices, Reference, cash=CAPITAL_USD, commission=FEE_SHARE)
    kept: dict[str, Any] = {}
    times = timed(lambda: kept.update(stats=run.run(first=first)))
    stats = kept["stats"]
    closed = stats["_trades"]
    trades = [
        RoundTrip(
            *(int(row.EntryTime.timestamp() * 1000), int(row.ExitTime.timestamp() * 1000)),
            *(row.EntryPrice / UNIT, row.ExitPrice / UNIT, row.Size * UNIT, reason),
        )
        for row, reason in zip(closed.itertuples(), stats["_strategy"].reasons, strict=False)
    ]
    reference.report(times, len(prices), trades)


if __name__ == "__main__":
    main()
