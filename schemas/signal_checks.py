"""Rules of what fusion and the confidence agent make, and of what became of it.

As `schemas.validation`, which asks here: a sentence that begins with the field's name, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas import checks
from schemas.engines import ENGINES
from schemas.names import MOST_NAME
from schemas.outcomes import HORIZON_MS, NO_LATER_PRICE, NO_PRICE, OUTCOME_KINDS, Outcome
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


_REASONS = frozenset({"", NO_PRICE, NO_LATER_PRICE})


def _outcome(event: Outcome) -> str | None:
    if wrong := (
        checks.ids(event, "outcome_id", "settings")
        or checks.one_of(event, "kind", OUTCOME_KINDS)
        or checks.asset(event)
        or checks.one_of(event, "horizon", HORIZON_MS)
        or checks.one_of(event, "no_return", _REASONS)
        or checks.time(event, "scored_at")
        or checks.time(event, "cycle")
        or checks.time(event, "as_of")
        or checks.time_or_none(event, "price_at")
        or checks.time_or_none(event, "later_price_at")
        or checks.share(event, "score", -1.0)
        or checks.share(event, "confidence")
        or checks.amounts(event, ("price_usd", "later_price_usd"))
    ):
        return wrong
    if (event.return_pct is None) != bool(event.no_return):
        return f"no_return {event.no_return!r} does not go with return_pct {event.return_pct}"
    if event.kind == "score":
        return checks.one_of(event, "engine", ENGINES)
    return checks.ids(event, "strategy_id") or checks.one_of(event, "action", ACTIONS)


CHECKS: dict[type, Callable[[Any], str | None]] = {
    Decision: _decision,
    Signal: _signal,
    PortfolioTrade: _trade,
    PortfolioEquity: _equity,
    TopSignals: _top,
    Outcome: _outcome,
}
