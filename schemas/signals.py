"""What fusion and the confidence agent make of the scores.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.scores import InputPosition


class Contribution(msgspec.Struct, frozen=True, gc=False):
    """The part of one engine in a signal."""

    engine: str
    status: str
    score: float
    confidence: float
    weight: float
    contribution: float
    age_ms: int | None = None
    offset: int | None = None


class TracePart(msgspec.Struct, frozen=True, gc=False):
    """One step of the way to an action: what was asked, and what came of it."""

    rule: str
    part: str
    truth: str
    values: str = ""


class OpenPosition(msgspec.Struct, frozen=True, gc=False):
    """A strategy's position in an asset, as fusion decides it."""

    entry_price_usd: float
    entered_at: int
    stop_loss_usd: float | None = None
    take_profit_usd: float | None = None
    trailing_stop_usd: float | None = None


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A signal without a size, or what else happens to a strategy's portfolio."""

    decision_id: str
    strategy_id: str
    kind: str = "decision"
    user_id: str | None = None
    strategy_version: int = 1
    asset: str = ""
    as_of: int
    cycle: int | None = None
    cycle_size: int = 0
    trigger: str = ""
    request_id: str | None = None
    final_score: float = 0.0
    action: str = "HOLD"
    fused_action: str = "HOLD"
    override: str | None = None
    trace: tuple[TracePart, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    price_usd: float | None = None
    price_at: int | None = None
    spread_bps: float | None = None
    position: OpenPosition | None = None
    sentiment_confidence: float = 0.0
    trend_strength: float = 0.0
    data_freshness: float = 0.0
    daily_returns: tuple[float, ...] = ()
    returns_until: int | None = None
    portfolio_value_usd: float = 0.0
    kelly: bool = False
    kelly_share: float = 0.5
    amount_usd: float | None = None
    reason: str = ""
    features: dict[str, float] = {}
    detail: dict[str, str] = {}
    settings: str | None = None
    inputs: tuple[InputPosition, ...] = ()


class Signal(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """BUY, SELL or HOLD of one asset for one strategy, with everything that led to it."""

    signal_id: str
    strategy_id: str
    user_id: str | None = None
    asset: str
    as_of: int
    cycle: int | None = None
    trigger: str
    request_id: str | None = None
    final_score: float
    action: str
    fused_action: str
    override: str | None = None
    confidence: float
    contributions: tuple[Contribution, ...]
    entry_price_usd: float | None = None
    position_size: float
    position_value_usd: float
    stop_loss_usd: float | None = None
    take_profit_usd: float | None = None
    sizing: dict[str, float] = {}
    features: dict[str, float] = {}
    detail: dict[str, str] = {}
    settings: str | None = None
    inputs: tuple[InputPosition, ...] = ()
    strategy_version: int = 1
    trace: tuple[TracePart, ...] = ()
    trailing_stop_usd: float | None = None
    entered_at: int | None = None
    held_size: float = 0.0
    price_at: int | None = None


class PortfolioTrade(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A fill of a strategy's model portfolio."""

    trade_id: str
    strategy_id: str
    strategy_version: int
    user_id: str | None = None
    asset: str
    side: str
    reason: str
    signal_id: str
    decided_at: int
    filled_at: int
    size: float
    seen_price_usd: float
    fill_price_usd: float
    value_usd: float
    fee_usd: float
    spread_bps: float
    slippage_bps: float
    entered_at: int | None = None
    entry_price_usd: float | None = None
    profit_usd: float | None = None
    return_pct: float | None = None
    cash_usd: float
    inputs: tuple[InputPosition, ...] = ()


class HeldPosition(msgspec.Struct, frozen=True, gc=False):
    """A position of a model portfolio, at the last price."""

    asset: str
    size: float
    entry_price_usd: float
    entered_at: int
    price_usd: float
    value_usd: float
    unrealised_usd: float
    stop_loss_usd: float | None = None
    take_profit_usd: float | None = None
    trailing_stop_usd: float | None = None


class PortfolioEquity(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a strategy's model portfolio is worth at one moment."""

    strategy_id: str
    user_id: str | None = None
    kind: str
    as_of: int
    cycle: int | None = None
    equity_usd: float
    cash_usd: float
    positions_usd: float
    invested_usd: float
    realised_usd: float
    unrealised_usd: float
    fees_usd: float
    closed_trades: int
    won_trades: int
    positions: tuple[HeldPosition, ...] = ()
    inputs: tuple[InputPosition, ...] = ()
    detail: dict[str, str] = {}


class RankedSignal(msgspec.Struct, frozen=True, gc=False):
    """A place in the ranking."""

    rank: int
    signal_id: str
    asset: str
    action: str
    final_score: float
    confidence: float


class TopSignals(msgspec.Struct, frozen=True, gc=False):
    """The best signals of a strategy in a cycle: by |final score| * confidence, ties by asset."""

    strategy_id: str
    cycle: int
    complete: bool
    received: int
    expected: int
    ranked: tuple[RankedSignal, ...]


ON_REQUEST = frozenset({"request", "dry_run"})
"""Triggers of answers: what a portfolio does follows from none of them."""


def has_data(signal: Signal) -> bool:
    """Return whether any engine has ever said something of the signal's asset."""
    return any(part.offset is not None for part in signal.contributions)


def is_of_record(signal: Signal) -> bool:
    """Return whether a signal is kept and shown: all but its asker's alone.

    Those are of dry runs, and answers about an asset of which nothing is known.
    """
    return signal.trigger not in ON_REQUEST or (signal.trigger == "request" and has_data(signal))


_decode = msgspec.json.Decoder(Signal).decode


def from_json(body: str | bytes) -> Signal:
    """Return the signal of its JSON document, every float exactly as it was.

    A number that JSON does not have (NaN, infinite) is null there: an entry of `sizing` or
    `features` is left out. Raises msgspec.MsgspecError when the document is no signal.
    """
    try:
        return _decode(body)
    except msgspec.ValidationError:
        return msgspec.convert(_without_nulls(msgspec.json.decode(body)), Signal)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return value
