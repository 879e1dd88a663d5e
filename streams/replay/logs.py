"""Topic partitions of an archive as decoded records."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any

import msgspec

from schemas.codec import BadEventError
from schemas.control import Strategy
from schemas.topics import STRATEGIES
from schemas.validation import problem
from streams.archive.reader import Archive
from streams.fusion.state import strategies_for
from streams.replay.per_key_reader import Keyed
from streams.stage import StrategyAt


class Version(msgspec.Struct, frozen=True, gc=False):
    """A strategy written (None: deleted) at an offset."""

    offset: int
    timestamp_ms: int
    strategy_id: str
    strategy: Strategy | None


class StrategyVersions:
    """Every version of every strategy, in the order of the log. Held whole: they are few."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self.versions: Sequence[Version] = tuple(versions)
        self._offsets = [version.offset for version in self.versions]
        self._tables: dict[int, Mapping[str, StrategyAt]] = {}

    @property
    def last(self) -> int:
        """Offset of the newest version, -1 without any."""
        return self._offsets[-1] if self._offsets else -1

    def at(self, offset: int) -> Mapping[str, StrategyAt]:
        """Return the table of whoever has read up to `offset`, included; by strategy id."""
        count = bisect_right(self._offsets, offset)
        table = self._tables.get(count)
        if table is None:
            found: dict[str, StrategyAt] = {}
            for version in self.versions[:count]:
                if version.strategy is None:
                    found.pop(version.strategy_id, None)
                else:
                    found[version.strategy_id] = StrategyAt(version.strategy, version.offset)
            table = self._tables[count] = {name: found[name] for name in sorted(found)}
        return table

    def first(self) -> dict[str, StrategyAt]:
        """Return the first version of every strategy, by strategy id."""
        found: dict[str, StrategyAt] = {}
        for version in self.versions:
            if version.strategy is not None and version.strategy_id not in found:
                found[version.strategy_id] = StrategyAt(version.strategy, version.offset)
        return {name: found[name] for name in sorted(found)}

    def find(self, asset: str, wanted: Sequence[tuple[str, int]], at_least: int) -> int:
        """Return from which offset on the strategies that watch an asset are the wanted ones.

        `wanted` holds (strategy id, offset of its version), by id. A reader never goes back, so
        the search starts at `at_least`; where nothing fits, the newest version in `wanted` (or
        `at_least`) is returned: the comparison will show the difference.
        """
        newest = max((offset for _, offset in wanted), default=at_least)
        start = max(newest, at_least)
        for offset in (start, *self._offsets[bisect_right(self._offsets, start) :]):
            found = [
                (at.strategy.strategy_id, at.offset)
                for at in strategies_for(self.at(offset), asset)
            ]
            if found == list(wanted):
                return offset
        return start


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

    def read(
        self, topic: str, partition: int, chosen: Iterable[bool] | None = None
    ) -> Iterator[Keyed]:
        """Yield a topic partition; the event of a record that cannot be decoded is its error.

        `chosen` says record by record which ones to yield; the others are not decoded.
        """
        decode = self._decode_strategy if topic == STRATEGIES.name else self.codec.decode
        records = self.archive.records(topic, partition, until_ms=self._until_ms)
        for record in records if chosen is None else compress(records, chosen):
            event: Any
            try:
                event = decode(record.value)
            except BadEventError as error:
                event = error
            yield Keyed(record, event)

    def rows(self, topic: str, partition: int) -> Iterator[tuple[int, int, bytes | None, Any]]:
        """Yield the same as plain rows, for the merge of a raw replay."""
        decode = self._decode_strategy if topic == STRATEGIES.name else self.codec.decode
        event: Any
        records = self.archive.records(topic, partition, until_ms=self._until_ms)
        for offset, timestamp_ms, key, value, _ in records:
            try:
                event = decode(value)
            except BadEventError as error:
                event = error
            yield offset, timestamp_ms, key, event

    def _decode_strategy(self, value: bytes | None) -> Any:
        """Return a strategy, None for a tombstone; one that the live run ignored raises too."""
        if value is None:
            return None
        event = self.codec.decode(value)
        wrong = problem(event)
        if wrong:
            raise BadEventError(wrong)
        return event

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
