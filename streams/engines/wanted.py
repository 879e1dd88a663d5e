"""Which indicators an engine has to add for an asset: those that the active strategies name.

Looked up for every event, so it is made once for a table of strategies, and once for each asset.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.control import Strategy
from schemas.rule_language import Indicator, wanted
from schemas.scores import InputPosition
from schemas.topics import STRATEGIES
from streams.stage import StrategyAt, Tables


class Wanted(msgspec.Struct, frozen=True):
    """What is wanted of one asset.

    names         of the features, sorted
    by_timeframe  the indicators by the names of their features, in that order
    place         how far control.strategies was read, None when nothing is wanted
    """

    names: tuple[str, ...] = ()
    by_timeframe: dict[str, dict[str, Indicator]] = {}
    place: InputPosition | None = None


NOTHING = Wanted()


class WantedIndicators:
    """Remembers what is wanted as long as it is asked with the same table of strategies."""

    def __init__(self) -> None:
        self._table: Mapping[str, StrategyAt] = {}
        self._of: dict[str, tuple[Strategy, tuple[Indicator, ...]]] = {}
        self._place: InputPosition | None = None
        self._by_asset: dict[str, Wanted] = {}

    def of(self, tables: Tables, asset: str) -> Wanted:
        """Return what the strategies of a table want of an asset."""
        if tables.strategies is not self._table:
            self._take(tables)
        if not self._of:
            return NOTHING
        found = self._by_asset.get(asset)
        if found is None:
            found = self._by_asset[asset] = self._made(asset)
        return found

    def is_any(self, tables: Tables) -> bool:
        """Return whether the strategies of a table want anything, of whatever asset."""
        if tables.strategies is not self._table:
            self._take(tables)
        return bool(self._of)

    def _take(self, tables: Tables) -> None:
        """Take another table; what is known of strategies that are still the same stays."""
        before, self._of, self._by_asset = self._of, {}, {}
        self._table = tables.strategies
        newest = tables.read_to
        for name, at in self._table.items():
            strategy = at.strategy
            newest = max(newest, at.offset)
            known = before.get(name)
            if strategy.active:
                same = known is not None and known[0] is strategy
                indicators = known[1] if known is not None and same else wanted(strategy)
                if indicators:
                    self._of[name] = (strategy, indicators)
        self._place = InputPosition(STRATEGIES.name, 0, newest)

    def _made(self, asset: str) -> Wanted:
        found = {
            one.feature: one
            for strategy, indicators in self._of.values()
            if not strategy.assets or asset in strategy.assets
            for one in indicators
        }
        if not found:
            return NOTHING
        names = tuple(sorted(found))
        by_timeframe: dict[str, dict[str, Indicator]] = {}
        for name in names:
            by_timeframe.setdefault(found[name].timeframe, {})[name] = found[name]
        return Wanted(names, by_timeframe, self._place)
