"""Two replays of the same source, compared signal by signal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from schemas.signals import Signal
from schemas.topics import SIGNALS
from streams.archive.reader import Archive

_HORIZON_MS = 3_600_000
"""A signal without a counterpart for so long has none: both replays go by the same clock."""
_MOVED = 1e-9

Slot = tuple[str, str, str, str]


class Change(NamedTuple):
    """A signal of one asset and strategy in both replays; "" and None where one has none."""

    as_of: int
    asset: str
    strategy_id: str
    trigger: str
    before: str
    after: str
    score_before: float | None
    score_after: float | None
    size_before: float | None
    size_after: float | None

    @property
    def kind(self) -> str:
        """What changed, in a word: action, score, new or gone."""
        if not self.before:
            return "new"
        if not self.after:
            return "gone"
        return "action" if self.before != self.after else "score"


class Diff(msgspec.Struct, kw_only=True):
    """What a comparison comes to.

    same     signals equal in action, score and size
    kinds    changes by kind: action, score, new, gone
    turned   by (before, after) action, of those whose action changed
    strategies   by (strategy, kind); "same" among the kinds
    largest_move the largest |change of the final score|
    """

    same: int = 0
    kinds: Counter[str] = msgspec.field(default_factory=Counter)
    turned: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    strategies: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    largest_move: float = 0.0

    @property
    def total(self) -> int:
        """Number of signals, those of only one replay included."""
        return self.same + self.kinds.total()


def compare(before: Archive, after: Archive, on_change: Callable[[Change], None]) -> Diff:
    """Compare the signals of two archives of outputs; `on_change` gets each that is not the same.

    Memory does not grow with the archives.
    """
    diff = Diff()
    for partition in range(before.partitions[SIGNALS.name]):
        streams = (_signals(before, partition), _signals(after, partition))
        for change in _pairs(*streams):
            _count(diff, change)
            if not _is_same(change):
                on_change(change)
    return diff


def _signals(archive: Archive, partition: int) -> Iterator[Signal]:
    decode = archive.codec().decode
    for record in archive.records(SIGNALS.name, partition):
        yield decode(record.value)


def _pairs(before: Iterator[Signal], after: Iterator[Signal]) -> Iterator[Change]:
    """Match two streams of signals by what they are about."""
    waiting: tuple[dict[Slot, Signal], dict[Slot, Signal]] = ({}, {})
    for side, signal in _by_time(before, after):
        ours, theirs = waiting[side], waiting[1 - side]
        slot = _slot(signal)
        other = theirs.pop(slot, None)
        if other is None:
            ours[slot] = signal
        else:
            yield _change(other, signal) if side else _change(signal, other)
        yield from _overdue(waiting, signal.as_of - _HORIZON_MS)
    yield from _overdue(waiting, None)


def _by_time(before: Iterator[Signal], after: Iterator[Signal]) -> Iterator[tuple[int, Signal]]:
    """Yield both streams side by side, the one that is behind first; 0 is before, 1 after."""
    sides = (before, after)
    heads = [next(before, None), next(after, None)]
    while heads[0] is not None or heads[1] is not None:
        first, second = heads
        side = int(first is None or (second is not None and second.as_of < first.as_of))
        head = heads[side]
        if head is not None:
            yield side, head
        heads[side] = next(sides[side], None)


def _overdue(
    waiting: tuple[dict[Slot, Signal], dict[Slot, Signal]], until_ms: int | None
) -> Iterator[Change]:
    for side, held in enumerate(waiting):
        for slot, signal in list(held.items()):
            if until_ms is not None and signal.as_of >= until_ms:
                break
            del held[slot]
            yield _change(None, signal) if side else _change(signal, None)


def _slot(signal: Signal) -> Slot:
    occasion = signal.cycle or signal.request_id or signal.as_of
    return signal.asset, signal.strategy_id, signal.trigger, str(occasion)


def _change(before: Signal | None, after: Signal | None) -> Change:
    one = before or after
    assert one is not None  # noqa: S101  a pair has at least one side
    return Change(
        one.as_of,
        one.asset,
        one.strategy_id,
        one.trigger,
        before.action if before else "",
        after.action if after else "",
        before.final_score if before else None,
        after.final_score if after else None,
        before.position_size if before else None,
        after.position_size if after else None,
    )


def _is_same(change: Change) -> bool:
    if change.kind != "score":
        return False
    scores = abs((change.score_before or 0.0) - (change.score_after or 0.0))
    sizes = abs((change.size_before or 0.0) - (change.size_after or 0.0))
    return scores <= _MOVED and sizes <= _MOVED


def _count(diff: Diff, change: Change) -> None:
    if _is_same(change):
        diff.same += 1
        diff.strategies[change.strategy_id, "same"] += 1
        return
    kind = change.kind
    diff.kinds[kind] += 1
    diff.strategies[change.strategy_id, kind] += 1
    if kind == "action":
        diff.turned[change.before, change.after] += 1
    if change.score_before is not None and change.score_after is not None:
        moved = abs(change.score_after - change.score_before)
        diff.largest_move = max(diff.largest_move, moved)
