"""backtesting.py over recorded candles: a `Strategy` that declares the indicators, and `next()`.

It brings no indicators; these are pandas, whole series at once, as its manual does. Exponential
averages start from the first value, not from a mean: the difference is forgotten long before the
last candle. It calls `next()` from the 201st candle of a market on.

Runs in the peers' environment (.venv-peers).
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from benchmarks.recorded import Bar, bars
from benchmarks.workers.alone import report, task, timed


def sma(close: Any, length: int) -> Any:
    """Return the moving average."""
    return pd.Series(close).rolling(length).mean()


def wilder(values: Any, length: int) -> Any:
    """Return Wilder's average."""
    return pd.Series(values).ewm(alpha=1.0 / length, adjust=False, min_periods=length).mean()


def rsi(close: Any, length: int) -> Any:
    """Return the relative strength index, 0 to 100."""
    change = pd.Series(close).diff()
    gain, loss = wilder(change.clip(lower=0.0), length), wilder((-change).clip(lower=0.0), length)
    return 100.0 * gain / (gain + loss)


def macd(close: Any) -> Any:
    """Return MACD, its signal and its histogram."""
    fast, slow = (pd.Series(close).ewm(span=n, adjust=False).mean() for n in (12, 26))
    line = fast - slow
    signal = line.ewm(span=9, adjust=False).mean()
    return np.array([line, signal, line - signal])


def atr(high: Any, low: Any, close: Any) -> Any:
    """Return the average true range."""
    last = pd.Series(close).shift()
    return wilder(np.fmax(high, last) - np.fmin(low, last), 14)


class Indicators(Strategy):
    """Reads all values of every candle and trades nothing."""

    def init(self) -> None:
        """Declare the indicators."""
        data = self.data
        self.ma20 = self.I(sma, data.Close, 20)
        self.ma50 = self.I(sma, data.Close, 50)
        self.ma200 = self.I(sma, data.Close, 200)
        self.rsi14 = self.I(rsi, data.Close, 14)
        self.rsi30 = self.I(rsi, data.Close, 30)
        self.macd = self.I(macd, data.Close)
        self.atr14 = self.I(atr, data.High, data.Low, data.Close)
        self.now: tuple[float, ...] = ()

    def next(self) -> None:
        """Read the values of the newest candle."""
        line, signal, histogram = self.macd
        self.now = (
            self.ma20[-1],
            self.ma50[-1],
            self.ma200[-1],
            self.rsi14[-1],
            self.rsi30[-1],
            line[-1],
            signal[-1],
            histogram[-1],
            self.atr14[-1],
            self.data.Close[-1],
        )


def backtest(of_market: list[Bar]) -> Backtest:
    """Return the run of one market, with cash for one whole coin."""
    columns = ["Open", "High", "Low", "Close", "Volume"]
    index = pd.to_datetime([bar.close_time for bar in of_market], unit="ms")
    frame = pd.DataFrame([bar[3:] for bar in of_market], index, columns)
    return Backtest(frame, Indicators, cash=1e9)


def main() -> None:
    """Run one market after the other, for it knows one at a time, and report."""
    recorded = sorted(bars(task().limit), key=lambda bar: bar.market)
    runs = {
        market: backtest(list(group)) for market, group in groupby(recorded, lambda b: b.market)
    }
    stats: dict[str, Any] = {}
    times = timed(lambda: stats.update({market: run.run() for market, run in runs.items()}))
    values = {market: [float(x) for x in of["_strategy"].now] for market, of in stats.items()}
    report(times, values)


if __name__ == "__main__":
    main()
