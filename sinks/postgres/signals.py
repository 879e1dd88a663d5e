"""signals -> strategy_signals and signal_details. A signal never changes: the first one stays."""

from __future__ import annotations

from schemas.signals import Signal
from schemas.topics import SIGNALS
from sinks.postgres.table import Row, Table
from sinks.postgres.values import json, time, time_or_none
from sinks.postgres.writer import RowWriter

_ENGINES = ("sentiment", "technical", "fundamental", "event_risk", "liquidity")

STRATEGY_SIGNALS = Table(
    name="strategy_signals",
    columns=(
        ("signal_id", "text"),
        ("strategy_id", "text"),
        ("user_id", "text"),
        ("asset", "text"),
        ("as_of", "timestamptz"),
        ("cycle", "timestamptz"),
        ("trigger", "text"),
        ("request_id", "text"),
        ("final_score", "double precision"),
        ("action", "text"),
        ("fused_action", "text"),
        ("override", "text"),
        ("confidence", "double precision"),
        *((f"{engine}_score", "double precision") for engine in _ENGINES),
    ),
    key=("signal_id",),
)
SIGNAL_DETAILS = Table(
    name="signal_details",
    columns=(
        ("signal_id", "text"),
        ("entry_price_usd", "double precision"),
        ("position_size", "double precision"),
        ("position_value_usd", "double precision"),
        ("stop_loss_usd", "double precision"),
        ("take_profit_usd", "double precision"),
        ("metadata", "jsonb"),
    ),
    key=("signal_id",),
)


def signal_row(event: Signal) -> Row:
    """Return the row of strategy_signals; an engine that was missing or stale has no score."""
    scores = {part.engine: part.score for part in event.contributions if part.status == "ok"}
    return (
        event.signal_id,
        event.strategy_id,
        event.user_id,
        event.asset,
        time(event.as_of),
        time_or_none(event.cycle),
        event.trigger,
        event.request_id,
        event.final_score,
        event.action,
        event.fused_action,
        event.override,
        event.confidence,
        *(scores.get(engine) for engine in _ENGINES),
    )


def details_row(event: Signal) -> Row:
    """Return the row of signal_details; `metadata` is what explains the numbers."""
    metadata = {
        "contributions": event.contributions,
        "sizing": event.sizing,
        "features": event.features,
        "detail": event.detail,
        "inputs": event.inputs,
    }
    return (
        event.signal_id,
        event.entry_price_usd,
        event.position_size,
        event.position_value_usd,
        event.stop_loss_usd,
        event.take_profit_usd,
        json(metadata),
    )


WRITER = RowWriter(
    SIGNALS.name,
    (
        (STRATEGY_SIGNALS, lambda event: (signal_row(event),)),
        (SIGNAL_DETAILS, lambda event: (details_row(event),)),
    ),
)
