"""The state of a runner: for the status page, metrics and tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class SinkState(StrEnum):
    """What a runner is doing, as a word."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Status:
    """Counters since the start of the process; times are wall clock, ms since 1970 UTC.

    `rows` are rows that were new or changed, by table. `lag` is, by "topic[partition]" of this
    process, how many records are in the log and not written yet. `waiting_for` names what is away.
    """

    name: str
    state: SinkState = SinkState.STARTING
    waiting_for: str | None = None
    records_read: int = 0
    dead_letters: int = 0
    flushes: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    last_flush_at_ms: int | None = None
    last_flush_took_ms: float | None = None
    last_error: str | None = None
    last_error_at_ms: int | None = None
    lag: dict[str, int] = field(default_factory=dict)

    @property
    def lag_total(self) -> int:
        """Records in the log that are not written yet, over all partitions of this process."""
        return sum(self.lag.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "state": self.state.value,
            "waiting_for": self.waiting_for,
            "records_read": self.records_read,
            "dead_letters": self.dead_letters,
            "flushes": self.flushes,
            "rows": dict(self.rows),
            "last_flush_at_ms": self.last_flush_at_ms,
            "last_flush_took_ms": self.last_flush_took_ms,
            "last_error": self.last_error,
            "last_error_at_ms": self.last_error_at_ms,
            "lag": dict(self.lag),
            "lag_total": self.lag_total,
        }
