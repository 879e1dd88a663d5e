"""What may differ between the runners of sinks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """Batching, waiting and stopping of a runner.

    A batch is flushed at `max_records` records, at `max_bytes` of values or `max_age_ms` after its
    first one: the age is the delay of a lone record, and 1000 / age the most flushes and commits a
    second of an idle system. `longest_wait_s` bounds the backoff while something is away,
    `stop_within_s` the end. `group` is the part of the consumer group's name that stands for the
    sink; None: "sink.<name>".
    """

    max_records: int = 5000
    max_bytes: int = 64 << 20
    max_age_ms: int = 50
    longest_wait_s: float = 5.0
    stop_within_s: float = 10.0
    group: str | None = None
