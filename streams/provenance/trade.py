"""A trade in words, and whether it follows from its signal and the price that filled it. Pure."""

from __future__ import annotations

from math import isclose

from schemas.signals import Decision, PortfolioTrade, Signal
from schemas.text import age, moment, price

SIDES = {"BUY": "buy", "SELL": "sell"}
_VERBS = {"buy": "bought", "sell": "sold"}


def trade_lines(trade: PortfolioTrade) -> list[str]:
    """Return what was traded, what it cost, and of a sale what came of it."""
    at = moment(trade.filled_at, "%Y-%m-%d %H:%M:%S")
    waited_ms = trade.filled_at - trade.decided_at
    waited = f", {age(waited_ms)} after the decision" if waited_ms >= 1000 else ""
    lines = [
        f"{_VERBS.get(trade.side, trade.side)} {trade.size:.6g} {trade.asset} at "
        f"{price(trade.fill_price_usd)} for {trade.value_usd:,.2f} USD: {_reason(trade.reason)}",
        f"filled at {at} UTC{waited}; price seen {price(trade.seen_price_usd)}, half the spread "
        f"{trade.spread_bps:.1f} bps, slippage {trade.slippage_bps:.1f} bps, "
        f"fee {trade.fee_usd:,.2f} USD",
    ]
    if trade.profit_usd is not None and trade.entry_price_usd is not None:
        held_ms = trade.filled_at - (trade.entered_at or trade.filled_at)
        lines.append(
            f"entered at {price(trade.entry_price_usd)}, held for {age(held_ms)}: "
            f"{trade.profit_usd:+,.2f} USD ({trade.return_pct or 0.0:+.2f} %) after both fees"
        )
    return lines


def wrong_trade(trade: PortfolioTrade, signal: Signal, seen: Decision | None) -> str | None:
    """Return how a trade does not follow; None: it does. `seen` is the decision with its price."""
    said = (trade.signal_id, trade.strategy_id, trade.asset, trade.decided_at, trade.side)
    due = (
        *(signal.signal_id, signal.strategy_id, signal.asset, signal.as_of),
        SIDES.get(signal.action, "nothing"),
    )
    for ours, theirs in zip(said, due, strict=True):
        if ours != theirs:
            return f"it says {ours}, its signal {theirs}"
    if seen is not None and seen.price_usd != trade.seen_price_usd:
        return f"it saw {trade.seen_price_usd!r}, the decision that filled it {seen.price_usd!r}"
    sign = 1.0 if trade.side == "buy" else -1.0
    costs = (trade.spread_bps + trade.slippage_bps) / 10_000.0
    numbers = [
        ("price", trade.seen_price_usd * (1.0 + sign * costs), trade.fill_price_usd),
        ("value", trade.size * trade.fill_price_usd, trade.value_usd),
    ]
    if trade.profit_usd is not None and trade.entry_price_usd is not None:
        cost_usd = trade.size * trade.entry_price_usd
        entry_fee_usd = trade.value_usd - cost_usd - trade.fee_usd - trade.profit_usd
        due_pct = 100.0 * trade.profit_usd / (cost_usd + entry_fee_usd)
        numbers.append(("return", due_pct, trade.return_pct or 0.0))
    for what, ours, theirs in numbers:
        if not isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9):
            return f"its {what} is {theirs!r}, where its parts make {ours!r}"
    if sign * (trade.fill_price_usd - trade.seen_price_usd) < 0.0:
        return "its price is better than the one that was seen"
    return None


def _reason(reason: str) -> str:
    return {"thresholds": "the scores said so"}.get(reason, reason.replace("_", " "))
