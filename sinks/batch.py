"""What has been read and not been committed yet."""

from __future__ import annotations

from typing import Any

from sinks.base import Rejected, SinkRecord

_IDLE_MS = 200
"""How long a batch waits at once: a read ends as soon as there is a record, or then."""


class Batch:
    """Records of one generation of the group, up to a number, a size and an age.

    `next_offsets` are what to commit once all of it is written, by partition.
    """

    def __init__(
        self, generation: int, max_records: int, max_age_ms: int, max_bytes: int = 64 << 20
    ) -> None:
        self.generation = generation
        self.records: list[SinkRecord] = []
        self.rejected: list[Rejected] = []
        self.next_offsets: dict[Any, int] = {}
        self._max_records = max_records
        self._max_age_ms = max_age_ms
        self._room_bytes = max_bytes
        self._born_s: float | None = None

    def add(self, decoded: SinkRecord | Rejected, now_s: float) -> None:
        """Keep one record; `now_s` is a monotonic clock."""
        if self._born_s is None:
            self._born_s = now_s
        if isinstance(decoded, Rejected):
            self.rejected.append(decoded)
            decoded = decoded.record
        else:
            self.records.append(decoded)
        self._room_bytes -= len(decoded.value or b"")

    @property
    def room(self) -> int:
        """Number of records that still fit, at least 1."""
        return max(1, self._max_records - len(self.records) - len(self.rejected))

    def wait_ms(self, now_s: float) -> int:
        """Return how long to wait for more records at once; 0 when it is old enough."""
        if self._born_s is None:
            return _IDLE_MS
        return min(_IDLE_MS, max(0, self._max_age_ms - int((now_s - self._born_s) * 1000)))

    def is_due(self, now_s: float) -> bool:
        """Return whether it is full or old enough to be written."""
        full = len(self.records) + len(self.rejected) >= self._max_records
        full = full or self._room_bytes <= 0
        return full or (self._born_s is not None and self.wait_ms(now_s) == 0)
