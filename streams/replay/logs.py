"""Topic partitions of an archive as decoded records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.codec import BadEventError
from schemas.topics import STRATEGIES
from streams.archive.reader import Archive
from streams.replay.per_key_reader import Keyed
from streams.replay.versions import StrategyVersions, Version


class Logs:
    """Reads an archive up to a time; every call of `read` starts anew."""

    def __init__(self, archive: Archive, until_ms: int | None = None) -> None:
        self.archive = archive
        self.codec = archive.codec()
        self._until_ms = until_ms

    def last(self, topic: str, partition: int) -> int:
        """Return the last archived offset of a topic partition, -1 when it is empty."""
        found = self.archive.segments(topic, partition)
        return max((segment.last for segment in found), default=-1)

    def read(self, topic: str, partition: int) -> Iterator[Keyed]:
        """Yield a topic partition; the event of a record that cannot be decoded is its error."""
        decode = self.codec.decode
        for record in self.archive.records(topic, partition, until_ms=self._until_ms):
            event: Any
            if record.value is None and topic == STRATEGIES.name:
                event = None
            else:
                try:
                    event = decode(record.value)
                except BadEventError as error:
                    event = error
            yield Keyed(record, event)

    def rows(self, topic: str, partition: int) -> Iterator[tuple[int, int, bytes | None, Any]]:
        """Yield the same as plain rows, for the merge of a raw replay."""
        decode = self.codec.decode
        compacted = topic == STRATEGIES.name
        event: Any
        records = self.archive.records(topic, partition, until_ms=self._until_ms)
        for offset, timestamp_ms, key, value, _ in records:
            try:
                event = None if compacted and value is None else decode(value)
            except BadEventError as error:
                event = error
            yield offset, timestamp_ms, key, event

    def strategies(self) -> StrategyVersions:
        """Return every version of every strategy that is a valid one."""
        return StrategyVersions(
            Version(one.record.offset, one.record.timestamp_ms, name, one.event)
            for one in self.read(STRATEGIES.name, 0)
            if (name := _strategy_id(one)) is not None
        )


def _strategy_id(one: Keyed) -> str | None:
    if isinstance(one.event, BadEventError):
        return None
    if one.event is None:
        return (one.record.key or b"").decode()
    return str(one.event.strategy_id)


def asset_of(one: Keyed) -> str | None:
    """Return whose queue a record goes to; one that is no event goes to that of its key."""
    asset = getattr(one.event, "asset", None)
    return asset if isinstance(asset, str) else (one.record.key or b"").decode(errors="replace")
