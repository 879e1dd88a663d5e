"""The strategies as they stood at every offset of control.strategies."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from schemas.control import Strategy
from streams.fusion.state import strategies_for
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
