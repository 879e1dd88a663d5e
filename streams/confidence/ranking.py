"""Ranking: the ten best signals of each strategy in each cycle.

    rank by |final score| * confidence, highest first; ties by asset name

A cycle of a strategy is complete when as many signals have come as it expects. Otherwise the
cycle's grace record closes it, and every older one, with `complete=False`. The grace record goes to
every partition and concerns all strategies there, so one state holds all strategies of a partition
(`single_key`); of each open cycle only the ten best and the names of those seen are kept.

What comes late
* A signal of a cycle that is closed for its strategy is ignored: its place in the log is `signals`.
  The last `max_closed` closed cycles are remembered; what is older than those counts as closed.
* A signal after the grace record, of a strategy that had none before it, opens the cycle all the
  same: it closes when the rest has come, or at the next grace record. Late is better than never.
* More than `max_open` cycles of a strategy: the oldest is closed as it stands, not forgotten.
* What is more than `horizon_ms` older than the newest cycle is ignored, and strategies that have
  been silent for that long are forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from schemas.signals import RankedSignal, RankEntry, TopSignals
from schemas.times import DAY_MS
from schemas.topics import RANKING, TOP
from streams.constants import Count
from streams.stage import Output, Position, Tables


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the ranking."""

    places: Count = 10
    """Signals of a strategy and cycle that are ranked (SPEC)."""
    max_open: Count = 4
    """Cycles of a strategy that may be open at the same time."""
    max_closed: Count = 16
    """Cycles last closed that are remembered; what is older counts as closed."""
    horizon_ms: Count = DAY_MS
    """What is so much older than the newest cycle is ignored."""


class OpenCycle(msgspec.Struct, frozen=True, gc=False):
    """A cycle that waits for signals: the assets that have come, and the best of them."""

    cycle: int
    expected: int
    assets: tuple[str, ...] = ()
    best: tuple[RankEntry, ...] = ()


class StrategyRanking(msgspec.Struct, frozen=True, gc=False):
    """The open cycles of a strategy, oldest first, and the cycles last closed."""

    open: tuple[OpenCycle, ...] = ()
    closed: tuple[int, ...] = ()


class RankingState(msgspec.Struct, frozen=True, gc=False):
    """All strategies of one partition by id, and the newest cycle seen (-1: none)."""

    strategies: dict[str, StrategyRanking] = {}
    newest: int = -1


Step = tuple[RankingState, tuple[Output, ...]]


class RankingStage:
    """Ranking as a stage; its state is that of one partition, under the key `*`."""

    name = "ranking"
    inputs = (RANKING.name,)
    state_type = RankingState
    single_key: str | None = "*"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def initial(self) -> RankingState:
        """Return the state of a partition without signals."""
        return RankingState()

    def step(self, state: RankingState, event: Any, position: Position, tables: Tables) -> Step:
        """Apply a signal's entry or a cycle's grace record."""
        entry: RankEntry = event
        newest = max(state.newest, entry.cycle)
        if entry.cycle < newest - self.config.horizon_ms:
            return state, ()
        if entry.kind == "grace":
            return self._grace(state.strategies, entry.cycle, newest)
        before = state.strategies.get(entry.strategy_id, StrategyRanking())
        after, closing = self._signal(before, entry)
        if after is before:
            return state, ()
        strategies = {**state.strategies, entry.strategy_id: after}
        return RankingState(strategies, newest), tuple(
            _top(entry.strategy_id, one) for one in closing
        )

    def _signal(
        self, before: StrategyRanking, entry: RankEntry
    ) -> tuple[StrategyRanking, list[OpenCycle]]:
        """Add a signal to its cycle; return also the cycles that close with it."""
        found = [one for one in before.open if one.cycle == entry.cycle]
        if not found and self._is_late(before, entry.cycle):
            return before, []
        cycle = found[0] if found else OpenCycle(entry.cycle, 0)
        if entry.asset in cycle.assets:
            return before, []
        cycle = OpenCycle(
            entry.cycle,
            max(cycle.expected, entry.cycle_size),
            (*cycle.assets, entry.asset),
            tuple(sorted((*cycle.best, entry), key=_order)[: self.config.places]),
        )
        others = [one for one in before.open if one.cycle != entry.cycle]
        if len(cycle.assets) >= cycle.expected:
            return self._closed(before, others, [cycle]), [cycle]
        waiting = sorted([*others, cycle], key=lambda one: one.cycle)
        surplus = waiting[: -self.config.max_open]
        return self._closed(before, waiting[len(surplus) :], surplus), surplus

    def _is_late(self, ranking: StrategyRanking, cycle: int) -> bool:
        closed = ranking.closed
        return cycle in closed or (len(closed) == self.config.max_closed and cycle < closed[0])

    def _closed(
        self, before: StrategyRanking, still_open: list[OpenCycle], closing: list[OpenCycle]
    ) -> StrategyRanking:
        closed = sorted((*before.closed, *(one.cycle for one in closing)))
        return StrategyRanking(tuple(still_open), tuple(closed[-self.config.max_closed :]))

    def _grace(self, strategies: dict[str, StrategyRanking], cycle: int, newest: int) -> Step:
        """Close the cycle and all older ones of every strategy; forget those long silent."""
        outputs = []
        after = {}
        for strategy_id in sorted(strategies):
            before = strategies[strategy_id]
            closing = [one for one in before.open if one.cycle <= cycle]
            outputs += [_top(strategy_id, one) for one in closing]
            ranking = self._closed(
                before, [one for one in before.open if one.cycle > cycle], closing
            )
            last = max((*ranking.closed, *(one.cycle for one in ranking.open)))
            if last >= newest - self.config.horizon_ms:
                after[strategy_id] = ranking
        return RankingState(after, newest), tuple(outputs)


def _order(entry: RankEntry) -> tuple[float, str]:
    return (-abs(entry.final_score) * entry.confidence, entry.asset)


def _top(strategy_id: str, cycle: OpenCycle) -> Output:
    ranked = tuple(
        RankedSignal(rank, one.signal_id, one.asset, one.action, one.final_score, one.confidence)
        for rank, one in enumerate(cycle.best, start=1)
    )
    received = len(cycle.assets)
    top = TopSignals(
        strategy_id, cycle.cycle, received >= cycle.expected, received, cycle.expected, ranked
    )
    return Output(TOP.name, strategy_id, top)
