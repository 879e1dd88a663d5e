"""Rules of what fusion and the confidence agent make: decisions, signals, rankings, portfolios.

As `schemas.validation`, which asks here: a sentence that begins with the field's name, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas import checks
from schemas.names import MOST_NAME
from schemas.signals import Decision, PortfolioEquity, PortfolioTrade, Signal, TopSignals


def _signal(event: Signal) -> str | None:
    return (
        checks.ids(
            event, "signal_id", "strategy_id", "user_id", "request_id", "override", "settings"
        )
        or checks.asset(event)
        or checks.texts(event, "sizing", "features", "detail")
        or checks.detail(event)
    )


DECISION_KINDS = frozenset({"decision", "cycle_end", "deposit", "withdrawal", "reset"})
ACTIONS = frozenset({"BUY", "SELL", "HOLD"})
_SIDES = frozenset({"buy", "sell"})


def _decision(event: Decision) -> str | None:
    if wrong := (
        checks.ids(event, "decision_id", "strategy_id", "user_id", "request_id", "settings")
        or checks.one_of(event, "kind", DECISION_KINDS)
        or checks.time(event, "as_of")
        or checks.time_or_none(event, "cycle")
    ):
        return wrong
    if event.kind == "decision":
        return (
            checks.asset(event)
            or checks.one_of(event, "action", ACTIONS)
            or checks.amounts(event, ("price_usd", "spread_bps", "portfolio_value_usd"))
            or checks.share(event, "kelly_share")
            or checks.texts(event, "features", "detail")
            or checks.detail(event)
        )
    if event.kind == "cycle_end":
        return None if event.cycle is not None else "cycle of a cycle_end is not given"
    amount = event.amount_usd
    if (amount is None and event.kind != "reset") or (amount is not None and not amount > 0.0):
        return f"amount_usd {amount} of a {event.kind} is not above 0"
    return checks.amounts(event, ("amount_usd",)) or checks.texts(event, "reason", most=MOST_NAME)


def _trade(event: PortfolioTrade) -> str | None:
    return (
        checks.ids(event, "trade_id", "strategy_id", "user_id", "signal_id")
        or checks.asset(event)
        or checks.one_of(event, "side", _SIDES)
        or checks.time(event, "filled_at")
        or checks.amounts(event, ("size", "fill_price_usd", "value_usd", "fee_usd", "cash_usd"))
    )


def _equity(event: PortfolioEquity) -> str | None:
    return (
        checks.ids(event, "strategy_id", "user_id")
        or checks.time(event, "as_of")
        or checks.amounts(event, ("equity_usd", "cash_usd", "positions_usd", "fees_usd"))
        or checks.texts(event, "detail")
        or checks.detail(event)
    )


def _top(event: TopSignals) -> str | None:
    for place in event.ranked:
        if wrong := checks.ids(place, "signal_id") or checks.asset(place):
            return f"ranked: {wrong}"
    return checks.ids(event, "strategy_id") or checks.time(event, "cycle")


CHECKS: dict[type, Callable[[Any], str | None]] = {
    Decision: _decision,
    Signal: _signal,
    PortfolioTrade: _trade,
    PortfolioEquity: _equity,
    TopSignals: _top,
}
