"""The time column of a recorded parquet file: its unit, its order and its grid.

Times count as ms since 1970 UTC once their unit is recognised: by the column's type, or value by
value by their size, since a file may go over from ms to us as the exchange's own archive did.
"""

from __future__ import annotations

from itertools import islice
from operator import sub
from pathlib import Path
from typing import Any, NamedTuple

from marketdata.recorded.files import ReadReport, RecordedDataError
from schemas.text import moment
from schemas.times import EARLIEST_S, LATEST_S, PER_SECOND, epoch_ms
from schemas.validation import TIMEFRAME_MS

_ROWS = 65_536
_MOST_WRONG = 0.2
"""Up to this part of a file's rows is skipped and counted; beyond it the file is refused."""
_STEPS = 10  # so many steps between rows tell how long the candles are
_LATEST_MS = LATEST_S * 1000
_MS = range(EARLIEST_S * 1000, _LATEST_MS)
_TIMEFRAMES = {length_ms: timeframe for timeframe, length_ms in TIMEFRAME_MS.items()}


class TimeColumn(NamedTuple):
    """A checked time column.

    per_s         of its type: how many of its numbers are a second; None: their size tells
    length_ms     of a candle; None for what may happen at any time
    span_ms       the earliest and the latest time, ms since 1970; None without one
    is_ascending  no row is earlier than the one before
    repeats       rows of the time of the row before
    """

    per_s: int | None
    length_ms: int | None
    span_ms: tuple[int, int] | None
    is_ascending: bool
    repeats: int

    def in_ms(self, times: Any) -> list[int | None]:
        """Return the values of an arrow array of the column in ms, None for no usable time."""
        return _usable(_in_ms(_numbers(times), self.per_s), self.length_ms)


def time_column(
    file: Any, path: Path, name: str, length_ms: int | None, report: ReadReport
) -> TimeColumn:
    """Check the time column of an open parquet file; count in the report what cannot be used.

    Raises RecordedDataError that says what is wrong in which file, and what to do: for another
    type than whole numbers or timestamps with a zone, and where more than a fifth of the rows are
    in no known unit, do not start where a candle does or (what has no length) come late; for
    candles whose steps are longer than their length.
    """
    per_s = _per_second(file.schema_arrow.field(name).type, path, name)
    seen = _Seen(per_s, length_ms)
    for batch in file.iter_batches(batch_size=_ROWS, columns=[name]):
        seen.add(_numbers(batch.column(name)))
    wrong = _wrong(seen, name)
    if wrong is not None:
        msg = f"{path}: {wrong}"
        raise RecordedDataError(msg)
    units = " and ".join(unit for unit in PER_SECOND if unit in seen.units)
    if per_s is None and units not in ("", "ms"):
        report.notes.append(f"{path.name}: {name} is read as what it is, in {units}")
    if seen.unknown:
        report.skipped[f"{path.name}: {name} is no time"] += seen.unknown
    if seen.off_grid:
        report.skipped[f"{path.name}: {name} is not where a candle starts"] += seen.off_grid
    span_ms = (seen.first_ms, seen.last_ms) if seen.last_ms else None
    if span_ms is None:
        report.notes.append(f"{path.name} has no rows")
    else:
        report.spans[path.name] = span_ms
    return TimeColumn(per_s, length_ms, span_ms, seen.late == 0, seen.repeats)


def _per_second(kind: Any, path: Path, name: str) -> int | None:
    said = str(kind)
    if said.startswith(("int", "uint")):
        return None
    if said.startswith("timestamp") and kind.tz is not None:
        return PER_SECOND[kind.unit]
    why = ", which names no zone" if said.startswith("timestamp") else ""
    msg = (
        f"{path} has columns of a wrong type: {name} is {said}{why}; looked for numbers (times in "
        "ms since 1970 UTC, or timestamps with a zone)"
    )
    raise RecordedDataError(msg)


class _Seen:
    """What the batches of a column come to."""

    def __init__(self, per_s: int | None, length_ms: int | None) -> None:
        self.per_s, self.length_ms = per_s, length_ms
        self.rows = self.unknown = self.off_grid = self.late = self.repeats = self.steps = 0
        self.first_ms, self.last_ms, self.least_step_ms = _LATEST_MS, 0, _LATEST_MS
        self.odd: int | None = None
        self.units: set[str | None] = set()
        self._before: list[int] = []

    def add(self, numbers: list[int | None]) -> None:
        """Take the next rows."""
        known = _in_ms(numbers, self.per_s)
        usable = _usable(known, self.length_ms)
        self.rows += len(numbers)
        self.units |= {"ms"} if known is numbers else {_unit(number) for number in numbers}
        if None in usable:
            unknown = known.count(None)
            self.unknown += unknown
            self.off_grid += usable.count(None) - unknown
            if self.odd is None:
                self.odd = numbers[usable.index(None)]
        self._order([time for time in usable if time is not None])

    def _order(self, times: list[int]) -> None:
        if not times:
            return
        first_ms, last_ms = min(times), max(times)
        self.first_ms, self.last_ms = min(self.first_ms, first_ms), max(self.last_ms, last_ms)
        chained = [*self._before, *times]
        self._before = times[-1:]
        steps = list(map(sub, islice(chained, 1, None), chained))
        self.steps += len(steps)
        self.repeats += steps.count(0)
        if min(steps, default=0) < 0:
            self.late += sum(step < 0 for step in steps)
        shortest_ms = min((abs(step) for step in steps if step), default=_LATEST_MS)
        self.least_step_ms = min(self.least_step_ms, shortest_ms)


def _wrong(seen: _Seen, name: str) -> str | None:
    """Return what is wrong with the whole of a column and what to do, or None."""
    most = _MOST_WRONG * seen.rows
    if seen.unknown > most:
        return (
            f"{seen.unknown:,} of {seen.rows:,} rows have a {name} in no known unit, the first "
            f"{seen.odd!r}; write it in ms (or s, us, ns) since 1970 UTC"
        )
    if seen.length_ms is None:
        is_late = seen.late > _MOST_WRONG * seen.steps
        late = f"{seen.late:,} of {seen.rows:,} rows are not in the order of time: sort by {name}"
        return late if is_late else None
    timeframe = _TIMEFRAMES[seen.length_ms]
    if seen.off_grid > most:
        return (
            f"{seen.off_grid:,} of {seen.rows:,} rows have a {name} at which no candle of "
            f"{timeframe} starts in UTC, the first {_said(seen.odd)}; write the start of each "
            "candle (not its end, not local time), or the right timeframe into the file's name"
        )
    is_in_order = seen.late in (0, seen.steps)  # else its steps tell nothing
    if is_in_order and seen.steps >= _STEPS and seen.least_step_ms > seen.length_ms:
        hours = seen.least_step_ms / TIMEFRAME_MS["1h"]
        return (
            f"its candles are {hours:g} h apart and longer than {timeframe}; write the right "
            "timeframe into the file's name"
        )
    return None


def _said(number: int | None) -> str:
    at_ms = None if number is None else epoch_ms(number)
    return repr(number) if at_ms is None else f"{number} ({moment(at_ms, '%Y-%m-%d %H:%M:%S')})"


def _numbers(times: Any) -> list[int | None]:
    """Return an arrow array's values, timestamps as the numbers that they are stored as."""
    if str(times.type).startswith("timestamp"):
        times = times.cast("int64")
    numbers: list[int | None] = times.to_pylist()
    return numbers


def _in_ms(numbers: list[int | None], per_s: int | None) -> list[int | None]:
    """Return times in ms since 1970, None where that is not known; the same list if it is so."""
    if per_s is None:
        # None would be looked for in the range number by number.
        is_plain = None not in numbers and all(map(_MS.__contains__, numbers))
        return numbers if is_plain else [epoch_ms(number or 0) for number in numbers]
    known = [(number or 0) * 1000 // per_s for number in numbers]
    return [time if time in _MS else None for time in known]


def _unit(number: int | None) -> str | None:
    for unit, per_s in PER_SECOND.items():
        if number is not None and EARLIEST_S * per_s <= number < LATEST_S * per_s:
            return unit
    return None


def _usable(known: list[int | None], length_ms: int | None) -> list[int | None]:
    """Return the times at which a candle starts, the others as None."""
    if length_ms is None:
        return known
    return [None if time is None or time % length_ms else time for time in known]
