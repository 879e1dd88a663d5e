"""Round trips: what a strategy bought and sold again, and what is still open. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import HOUR_MS

RESET = "reset"
"""The reason of sales that nobody decided: the portfolio was emptied."""


class RoundTrip(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A position from its purchase to the sale of it all.

    entry_reason, entry_signal_id  "" where the purchase was before the run
    exit_reason    thresholds, what overrode them, or reset
    profit_usd     after both fees; return_pct of what the entry cost with its fee
    costs_usd      fees of both fills, half the spread and slippage; fees_usd of that
    regime         up, down, sideways or unknown: of the asset, at the entry
    """

    asset: str
    entered_at: int
    exited_at: int
    entry_price_usd: float
    exit_price_usd: float
    size: float
    entry_reason: str
    exit_reason: str
    profit_usd: float
    return_pct: float
    fees_usd: float
    costs_usd: float
    entry_signal_id: str
    exit_signal_id: str
    regime: str = "unknown"

    @property
    def hours(self) -> float:
        """How long it was held."""
        return (self.exited_at - self.entered_at) / HOUR_MS

    @property
    def cost_usd(self) -> float:
        """What was paid for it, fee left out."""
        return self.size * self.entry_price_usd


class OpenTrade(msgspec.Struct, frozen=True, gc=False):
    """A position that is open at the end, at the last price; profit before fees."""

    asset: str
    entered_at: int
    entry_price_usd: float
    price_usd: float
    size: float
    value_usd: float
    unrealised_usd: float


def round_trips(trades: Sequence[PortfolioTrade]) -> tuple[RoundTrip, ...]:
    """Return what was bought and sold again, in the order of the sales.

    A model portfolio sells a position as a whole, so that a purchase and the next sale of its
    asset are one round trip. Of a sale whose purchase is not among the trades, what its purchase
    paid for the price is not known: half the spread and slippage of the sale alone count.
    """
    bought: dict[str, PortfolioTrade] = {}
    found = []
    for one in trades:
        if one.side == "buy":
            bought[one.asset] = one
        elif one.profit_usd is not None and one.entered_at is not None:
            found.append(_round_trip(bought.pop(one.asset, None), one))
    return tuple(found)


def open_trades(last: PortfolioEquity | None) -> tuple[OpenTrade, ...]:
    """Return what is held at the newest record of equity, by asset."""
    held = () if last is None else last.positions
    return tuple(
        OpenTrade(
            *(one.asset, one.entered_at, one.entry_price_usd, one.price_usd),
            *(one.size, one.value_usd, one.unrealised_usd),
        )
        for one in sorted(held, key=lambda one: one.asset)
    )


def _round_trip(entry: PortfolioTrade | None, sale: PortfolioTrade) -> RoundTrip:
    profit_usd, entered_at = sale.profit_usd or 0.0, sale.entered_at or 0
    if entry is not None and entry.filled_at != entered_at:
        entry = None
    entry_price_usd = sale.entry_price_usd or 0.0
    # The profit is after both fees: a fee that was not seen is what is missing from it.
    fees_usd = sale.value_usd - sale.size * entry_price_usd - profit_usd
    if entry is not None:
        fees_usd = entry.fee_usd + sale.fee_usd
    slipped_usd = _slipped_usd(sale) + (0.0 if entry is None else _slipped_usd(entry))
    return RoundTrip(
        asset=sale.asset,
        entered_at=entered_at,
        exited_at=sale.filled_at,
        entry_price_usd=entry_price_usd,
        exit_price_usd=sale.fill_price_usd,
        size=sale.size,
        entry_reason="" if entry is None else entry.reason,
        exit_reason=sale.reason,
        profit_usd=profit_usd,
        return_pct=sale.return_pct or 0.0,
        fees_usd=fees_usd,
        costs_usd=fees_usd + slipped_usd,
        entry_signal_id="" if entry is None else entry.signal_id,
        exit_signal_id=sale.signal_id,
    )


def _slipped_usd(fill: PortfolioTrade) -> float:
    return abs(fill.fill_price_usd - fill.seen_price_usd) * fill.size
