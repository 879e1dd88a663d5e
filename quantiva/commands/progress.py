"""A bar with rate and time left, for work that counts records."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from quantiva.commands.output import console

if TYPE_CHECKING:
    from streams.replay.shards import OnProgress
    from streams.replay.sources import Source


class RecordsProgress:
    """Records done, and how far that is: out of a total of records, or of a span of time."""

    def __init__(self, bar: Progress, task: TaskID, unit: str = "records") -> None:
        self._bar, self._task, self._unit = bar, task, unit
        self._started_s = time.monotonic()
        self.done = 0

    def at(self, done: int, total: int | None = None) -> None:
        """Show the number of records done, and of how many."""
        self.done = done
        self._show(done, total)

    def advance(self, records: int) -> None:
        """Add to the records done."""
        self.at(self.done + records)

    def advance_to(self, records: int, place: int, end: int) -> None:
        """Add to the records done, and show how far that is on the way to `end`."""
        self.done += records
        self._show(place, end)

    def _show(self, completed: int, total: int | None) -> None:
        spent_s = time.monotonic() - self._started_s
        rate = f"{self.done / spent_s:,.0f}/s" if spent_s > 1.0 else ""
        said = f"{self.done:,} {self._unit}  {rate}"
        self._bar.update(self._task, completed=completed, total=total, said=said)


@contextlib.contextmanager
def records_progress(
    title: str, total: int | None = None, unit: str = "records"
) -> Iterator[RecordsProgress]:
    """Show a bar while the context lasts; it leaves nothing behind on the screen."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total, said="")
        yield RecordsProgress(bar, task, unit)


@contextlib.contextmanager
def replay_progress(source: Source, title: str) -> Iterator[OnProgress]:
    """Yield what takes a replay's progress: by records, or by time where they are not counted."""
    from streams.replay.run import total_of
    from streams.replay.sources import DirectorySource

    total = total_of(source)
    clocks: dict[int, int] = {}
    with records_progress(title, total) as progress:

        def on_progress(shard: int, records: int, clock_ms: int) -> None:
            if not isinstance(source, DirectorySource):
                progress.advance(records)
                return
            clocks[shard] = max(clock_ms - source.start_ms, 0)
            span_ms = source.until_ms - source.start_ms
            progress.advance_to(records, min(clocks.values()), span_ms)

        yield on_progress
