"""Channels, the topics behind them, and what is read of each topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.signals import is_of_record
from schemas.topics import (
    BOOKS,
    CANDLES,
    EQUITY,
    EXPLANATIONS,
    SCORES,
    SIGNALS,
    SOURCES,
    STRATEGIES,
    TOP,
    TRADES,
    TRENDING,
)
from sinks.base import SinkRecord
from sinks.bridge.frames import Frame, event_frame

PRICES = "prices"
STATUS = "status"


@dataclass(frozen=True, slots=True)
class Source:
    """A topic that the bridge reads.

    `warm` is how many records of each partition are read before the start, None for all. `channel`
    and `kind` are set where its records are sent as they are; `facts` are what filters look at.
    """

    topic: str
    warm: int | None
    channel: str | None = None
    kind: str = ""
    facts: Callable[[Any], dict[str, Any]] = lambda event: {}


def _signal(event: Any) -> dict[str, Any]:
    return {
        "asset": event.asset,
        "strategy": event.strategy_id,
        "action": event.action,
        "confidence": event.confidence,
    }


def _score(event: Any) -> dict[str, Any]:
    return {"asset": event.asset, "confidence": event.confidence}


def _explanation(event: Any) -> dict[str, Any]:
    return {"asset": event.asset, "strategy": event.strategy_id}


def _trade(event: Any) -> dict[str, Any]:
    return {"asset": event.asset, "strategy": event.strategy_id}


def _of_strategy(event: Any) -> dict[str, Any]:
    return {"strategy": event.strategy_id}


SOURCES_READ = (
    Source(SIGNALS.name, 4_000, "signals", "signal", _signal),
    Source(SCORES.name, 4_000, "scores", "score", _score),
    Source(EXPLANATIONS.name, 1_000, "explanations", "explanation", _explanation),
    Source(TOP.name, 100, "top", "top", _of_strategy),
    Source(TRADES.name, 1_000, "trades", "trade", _trade),
    Source(EQUITY.name, 2_000, "equity", "equity", _of_strategy),
    Source(SOURCES.name, None, STATUS, "source"),
    Source(STRATEGIES.name, None),
    Source(TRENDING.name, 200),
    Source(BOOKS.name, 200),
    Source(CANDLES.name, 20_000),
)
BY_TOPIC = {source.topic: source for source in SOURCES_READ}
TOPIC_OF = {source.channel: source.topic for source in SOURCES_READ if source.channel}
CHANNELS = (*TOPIC_OF, PRICES)


def topics_of(channels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the topics whose records the channels carry one by one: prices have none."""
    return tuple(TOPIC_OF[channel] for channel in channels if channel in TOPIC_OF)


def frame_of(record: SinkRecord) -> Frame | None:
    """Return the frame of a record; None: its topic is no channel, or it is not for everybody.

    That are tombstones, and signals that are their asker's alone.
    """
    source = BY_TOPIC[record.topic]
    if source.channel is None or record.event is None:
        return None
    if record.topic == SIGNALS.name and not is_of_record(record.event):
        return None
    return event_frame(
        source.kind,
        (record.topic, record.partition, record.offset),
        record.timestamp_ms,
        record.event,
        channel=source.channel,
        **source.facts(record.event),
    )
