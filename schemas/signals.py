"""What fusion and ranking make of the scores.

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


class RankEntry(msgspec.Struct, frozen=True, gc=False):
    """One signal on its way to the ranking of its strategy, or the end of the wait."""

    strategy_id: str
    kind: str
    cycle: int
    cycle_size: int
    asset: str
    signal_id: str
    action: str
    final_score: float
    confidence: float


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
