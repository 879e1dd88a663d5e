"""Ranking: the ten best signals of a strategy in each cycle. Pure.

    rank by |final score| * confidence, highest first; ties by asset name

A cycle is complete when as many signals have come as the strategy expects. Otherwise its cycle_end
closes it, and every older one, with `complete=False`. Of each open cycle only the ten best and the
names of those seen are kept.

What comes late
* A signal of a cycle that is closed is not ranked: its place in the log is `signals`. The last
  `max_closed` closed cycles are remembered; what is older than those counts as closed.
* A signal after the cycle_end of a cycle that had none before it opens the cycle all the same: it
  closes when the rest has come, or at the next cycle_end. Late is better than never.
* More than `max_open` cycles: the oldest is closed as it stands, not forgotten.
* What is more than `horizon_ms` older than the newest cycle is not ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from schemas.signals import RankedSignal, TopSignals
from schemas.times import DAY_MS
from streams.constants import Count


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
    best: tuple[RankedSignal, ...] = ()


class Ranking(msgspec.Struct, frozen=True, gc=False):
    """A strategy's open cycles, oldest first, those last closed, the newest seen (-1: none)."""

    open: tuple[OpenCycle, ...] = ()
    closed: tuple[int, ...] = ()
    newest: int = -1


Step = tuple[Ranking, tuple[OpenCycle, ...]]
"""The ranking afterwards, and the cycles that close, oldest first."""


def add(config: Config, before: Ranking, cycle: int, expected: int, signal: RankedSignal) -> Step:
    """Add a signal to its cycle, of which `expected` may come. Its rank is still open: 0."""
    newest = max(before.newest, cycle)
    if cycle < newest - config.horizon_ms:
        return before, ()
    found = [one for one in before.open if one.cycle == cycle]
    if not found and _is_late(config, before, cycle):
        return before, ()
    waiting = found[0] if found else OpenCycle(cycle, 0)
    if signal.asset in waiting.assets:
        return before, ()
    waiting = OpenCycle(
        cycle,
        max(waiting.expected, expected),
        (*waiting.assets, signal.asset),
        tuple(sorted((*waiting.best, signal), key=_order)[: config.places]),
    )
    others = [one for one in before.open if one.cycle != cycle]
    if len(waiting.assets) >= waiting.expected:
        return _closed(config, before, others, (waiting,), newest), (waiting,)
    still_open = sorted([*others, waiting], key=attrgetter("cycle"))
    surplus = tuple(still_open[: -config.max_open])
    return _closed(config, before, still_open[len(surplus) :], surplus, newest), surplus


def end(config: Config, before: Ranking, cycle: int) -> Step:
    """Close a cycle, if it is open, and all older ones."""
    closing = tuple(one for one in before.open if one.cycle <= cycle)
    if not closing:
        return before, ()
    still_open = [one for one in before.open if one.cycle > cycle]
    return _closed(config, before, still_open, closing, before.newest), closing


def top(strategy_id: str, cycle: OpenCycle) -> TopSignals:
    """Return the ranking of a cycle that closes."""
    ranked = tuple(
        RankedSignal(rank, one.signal_id, one.asset, one.action, one.final_score, one.confidence)
        for rank, one in enumerate(cycle.best, start=1)
    )
    received = len(cycle.assets)
    return TopSignals(
        strategy_id, cycle.cycle, received >= cycle.expected, received, cycle.expected, ranked
    )


def _is_late(config: Config, ranking: Ranking, cycle: int) -> bool:
    closed = ranking.closed
    return cycle in closed or (len(closed) == config.max_closed and cycle < closed[0])


def _closed(
    config: Config,
    before: Ranking,
    still_open: Sequence[OpenCycle],
    closing: Sequence[OpenCycle],
    newest: int,
) -> Ranking:
    closed = sorted((*before.closed, *(one.cycle for one in closing)))
    return Ranking(tuple(still_open), tuple(closed[-config.max_closed :]), newest)


def _order(signal: RankedSignal) -> tuple[float, str]:
    return (-abs(signal.final_score) * signal.confidence, signal.asset)
