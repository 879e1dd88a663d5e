"""Round trips: what a strategy bought and sold again, and what is still open. Pure."""

from __future__ import annotations

import msgspec

from schemas.times import HOUR_MS


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
