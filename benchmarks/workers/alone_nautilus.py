"""NautilusTrader over recorded candles: bars through its `BacktestEngine` to one strategy a market.

Its indicators are registered for their bars, the MACD's signal line (it has none) is an EMA of 9.
Types are set to what the others compute (Wilder's averages). Its RSI runs from 0 to 1, and its
averages start from the first value: that is forgotten long before the last candle. No venue fills
orders out of the bars and nothing is logged or analysed: that is its quickest.

Runs in the peers' environment (.venv-peers).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import (
    AverageTrueRange,
    ExponentialMovingAverage,
    MovingAverageConvergenceDivergence,
    MovingAverageType,
    RelativeStrengthIndex,
    SimpleMovingAverage,
)
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar as NautilusBar
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from benchmarks.recorded import bars
from benchmarks.workers.alone import report, task, timed

DIGITS = 8
STEPS = {"1h": "1-HOUR", "4h": "4-HOUR", "1d": "1-DAY"}


class Indicators(Strategy):
    """Reads all values of every bar of one market and trades nothing."""

    def __init__(self, market: str) -> None:
        super().__init__(StrategyConfig(strategy_id=f"Indicators-{market}"))
        self.market = market
        self.ma20, self.ma50, self.ma200 = (SimpleMovingAverage(n) for n in (20, 50, 200))
        self.rsi14, self.rsi30 = (
            RelativeStrengthIndex(n, MovingAverageType.WILDER) for n in (14, 30)
        )
        self.macd = MovingAverageConvergenceDivergence(12, 26, MovingAverageType.EXPONENTIAL)
        self.signal = ExponentialMovingAverage(9)
        self.atr14 = AverageTrueRange(14, MovingAverageType.WILDER)
        self.now: tuple[float, ...] = ()

    def on_start(self) -> None:
        """Register the indicators and ask for the bars."""
        kind = bar_type(self.market)
        for one in (
            self.ma20,
            self.ma50,
            self.ma200,
            self.rsi14,
            self.rsi30,
            self.macd,
            self.atr14,
        ):
            self.register_indicator_for_bars(kind, one)
        self.subscribe_bars(kind)

    def on_bar(self, bar: NautilusBar) -> None:
        """Read the values; the indicators have the bar already."""
        line = self.macd.value
        self.signal.update_raw(line)
        signal = self.signal.value
        self.now = (
            self.ma20.value,
            self.ma50.value,
            self.ma200.value,
            100.0 * self.rsi14.value,
            100.0 * self.rsi30.value,
            line,
            signal,
            line - signal,
            self.atr14.value,
            bar.close.as_double(),
        )


def instrument_id(asset: str) -> InstrumentId:
    """Return the name of an asset's market."""
    return InstrumentId.from_str(f"{asset}USDT.BINANCE")


def bar_type(market: str) -> BarType:
    """Return the type of a market's bars."""
    asset, timeframe = market.split("@")
    return BarType.from_str(f"{instrument_id(asset)}-{STEPS[timeframe]}-LAST-EXTERNAL")


def instrument(asset: str) -> CurrencyPair:
    """Return an asset's market with prices of eight digits."""
    one = Decimal(1).scaleb(-DIGITS)
    return CurrencyPair(
        instrument_id=instrument_id(asset),
        raw_symbol=Symbol(f"{asset}USDT"),
        base_currency=Currency.from_str(asset),
        quote_currency=USDT,
        price_precision=DIGITS,
        size_precision=DIGITS,
        price_increment=Price(one, DIGITS),
        size_increment=Quantity(one, DIGITS),
        ts_event=0,
        ts_init=0,
    )


def engine(limit: int | None) -> tuple[BacktestEngine, list[Indicators]]:
    """Return the engine with all bars, and the strategies that listen to them."""
    recorded = bars(limit)
    built = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    built.add_venue(
        Venue("BINANCE"),
        OmsType.NETTING,
        AccountType.CASH,
        [Money(1_000_000, USDT)],
        bar_execution=False,
    )
    for asset in sorted({bar.asset for bar in recorded}):
        built.add_instrument(instrument(asset))
    markets = sorted({bar.market for bar in recorded})
    kinds = {market: bar_type(market) for market in markets}
    built.add_data([_bar(kinds[bar.market], bar) for bar in recorded], validate=False)
    strategies = [Indicators(market) for market in markets]
    built.add_strategies(strategies)
    return built, strategies


def _bar(kind: BarType, bar: Any) -> NautilusBar:
    prices = [Price(price, DIGITS) for price in (bar.open, bar.high, bar.low, bar.close)]
    at_ns = bar.close_time * 1_000_000
    return NautilusBar(kind, *prices, Quantity(bar.volume, DIGITS), at_ns, at_ns)


def main() -> None:
    """Run all markets in one go and report."""
    built, strategies = engine(task().limit)
    times = timed(built.run)
    report(times, {one.market: list(one.now) for one in strategies})


if __name__ == "__main__":
    main()
