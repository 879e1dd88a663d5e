"""Equity, fills and candles of backtests, as short as tests want them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import DAY_MS, HOUR_MS
from streams.backtest.equity import EquityCurve, curve_of
from streams.backtest.run_data import Bar, Prices, RunInfo

BEGIN_MS = 1_640_995_200_000
"""2022-01-01, UTC."""


def equity(day: float, equity_usd: float, **changes: Any) -> PortfolioEquity:
    """Return a record of equity, so many days after the begin."""
    fields: dict[str, Any] = {
        "strategy_id": "balanced",
        "kind": "cycle",
        "as_of": BEGIN_MS + round(day * DAY_MS),
        "equity_usd": equity_usd,
        "cash_usd": equity_usd,
        "positions_usd": 0.0,
        "invested_usd": 1000.0,
        "realised_usd": 0.0,
        "unrealised_usd": 0.0,
        "fees_usd": 0.0,
        "closed_trades": 0,
        "won_trades": 0,
    }
    return PortfolioEquity(**fields | changes)


def daily_curve(values_usd: Iterable[float]) -> EquityCurve:
    """Return a curve with one record each midnight."""
    return curve_of(equity(day, value) for day, value in enumerate(values_usd))


def fill(side: str, day: float, **changes: Any) -> PortfolioTrade:
    """Return a fill of one BTC at 100 USD, with the fee of a tenth USD."""
    fields: dict[str, Any] = {
        "trade_id": f"{side} {day}",
        "strategy_id": "balanced",
        "strategy_version": 1,
        "asset": "BTC",
        "side": side,
        "reason": "thresholds",
        "signal_id": f"{side} {day}",
        "decided_at": BEGIN_MS + round(day * DAY_MS),
        "filled_at": BEGIN_MS + round(day * DAY_MS),
        "size": 1.0,
        "seen_price_usd": 100.0,
        "fill_price_usd": 100.0,
        "value_usd": 100.0,
        "fee_usd": 0.1,
        "spread_bps": 0.0,
        "slippage_bps": 0.0,
        "cash_usd": 0.0,
    }
    return PortfolioTrade(**fields | changes)


def trip(
    day: float, profit_usd: float, days: float = 1.0, asset: str = "BTC", **changes: Any
) -> tuple[PortfolioTrade, PortfolioTrade]:
    """Return a purchase for 100 USD and its sale at what makes the profit after both fees."""
    entry = fill("buy", day, asset=asset, signal_id=f"{asset} {day}")
    value_usd = 100.2 + profit_usd
    sale = fill(
        "sell",
        day + days,
        asset=asset,
        seen_price_usd=value_usd,
        fill_price_usd=value_usd,
        value_usd=value_usd,
        entered_at=entry.filled_at,
        entry_price_usd=100.0,
        profit_usd=profit_usd,
        return_pct=100.0 * profit_usd / 100.1,
        **changes,
    )
    return entry, sale


def prices(closes_usd: Sequence[float], from_day: float = 0.0, hourly: bool = False) -> Prices:
    """Return candles that close at these prices, one a day (or an hour) from a day on."""
    step_ms = HOUR_MS if hourly else DAY_MS
    begin_ms = BEGIN_MS + round(from_day * DAY_MS)
    bars = tuple(
        Bar(begin_ms + place * step_ms, close, close, close, close)
        for place, close in enumerate(closes_usd)
    )
    return Prices(hourly=bars) if hourly else Prices(daily=bars)


def info(days: float = 365.0, **changes: Any) -> RunInfo:
    """Return the origin of a run without fees of benchmarks."""
    fields: dict[str, Any] = {
        "from_ms": BEGIN_MS,
        "until_ms": BEGIN_MS + round(days * DAY_MS),
        "assets": ("BTC",),
        "fee_bps": 0.0,
        "slippage_bps": 0.0,
        "chosen_today": False,
    }
    return RunInfo(**fields | changes)
