"""What a changed replay did to the signals, for people."""

from __future__ import annotations

import csv
from heapq import heappop, heappush
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.table import Table

from quantiva.commands.output import console
from schemas.text import moment

if TYPE_CHECKING:
    from streams.replay.changes import Changes
    from streams.replay.diff import Change, Diff

_SHOWN = 15


class ChangeFile:
    """Keeps the changes of an action that moved most, and writes all changes to a CSV file."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._largest: list[tuple[float, int, Change]] = []
        self._taken = 0
        self._file: Any = None
        self._rows: Any = None

    def __enter__(self) -> ChangeFile:
        if self.path is not None:
            self._file = self.path.open("w", newline="", encoding="utf-8")
            self._rows = csv.writer(self._file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, change: Change) -> None:
        """Take a change."""
        if change.kind != "score":
            self._taken += 1
            heappush(self._largest, (_move(change), -self._taken, change))
            if len(self._largest) > _SHOWN:
                heappop(self._largest)
        if self._rows is not None:
            if self._file.tell() == 0:
                self._rows.writerow(("kind", *change._fields))
            self._rows.writerow((change.kind, *change))

    @property
    def shown(self) -> list[Change]:
        """The changes of an action with the largest moves of the final score, largest first."""
        return [change for _, _, change in sorted(self._largest, reverse=True)]


def _move(change: Change) -> float:
    return abs((change.score_after or 0.0) - (change.score_before or 0.0))


def report_diff(diff: Diff, changes: Changes, found: ChangeFile) -> None:
    """Print a comparison: by strategy, then the signals whose action changed most."""
    console.print(f"what if: {changes.say()}")
    acted = diff.total - diff.same - diff.kinds["score"]
    console.print(
        f"{diff.total:,} signals: {acted:,} act otherwise, {diff.kinds['score']:,} differ in score "
        f"or size only, {diff.same:,} are the same"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("strategy")
    for title in ("same", "score", "action", "new", "gone"):
        table.add_column(title, justify="right")
    for strategy in sorted({strategy for strategy, _ in diff.strategies}):
        row = [
            f"{diff.strategies[strategy, kind]:,}"
            for kind in ("same", "score", "action", "new", "gone")
        ]
        table.add_row(strategy, *row)
    console.print(table)
    for (before, after), count in sorted(diff.turned.items(), key=lambda item: -item[1]):
        console.print(f"  {before} became {after}: {count:,}")
    if diff.largest_move:
        console.print(f"  largest move of a final score: {diff.largest_move:.4f}")
    for change in found.shown:
        console.print(_line(change), markup=False)
    if acted > len(found.shown):
        more = f"and {acted - len(found.shown):,} more"
        console.print(f"{more} in {found.path}" if found.path else f"{more}; --out lists them all")


def _line(change: Change) -> str:
    before = f"{change.before} {change.score_before:+.3f}" if change.before else "nothing"
    after = f"{change.after} {change.score_after:+.3f}" if change.after else "nothing"
    what = f"{change.asset} {change.strategy_id}"
    when = moment(change.as_of, "%Y-%m-%d %H:%M")
    return f"{when}  {what:<18} {change.trigger:<8} {before} -> {after}"
