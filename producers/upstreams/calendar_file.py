"""A file of scheduled events, JSON or CSV, that people keep by hand.

    asset      symbol, or the name of a coin; wanted
    title      wanted
    starts_at  2026-10-05T14:00Z, 2026-10-05 (some time that day), 2026-10, 2026-Q4 or 2026; wanted
    category   one of schemas.market.CATEGORIES; else derived from the title
    impact     0 to 1; else the category's
    certainty  0 to 1; else 0.9 * how exact the date is
    url, cancelled (true or false)
    id         else derived from asset, title and place among its like: a moved date keeps it

JSON is a list of such objects, or an object with that list under "events". CSV has these names in
its first line and commas or semicolons between. A wrong row is skipped with a sentence.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

import orjson

from producers.upstreams.event_rules import PRECISIONS, category_of, impact_of
from producers.upstreams.fields import identity, number, symbol, text, url
from producers.upstreams.rows import EventRow, Parsed
from producers.upstreams.shapes import kind_of
from producers.upstreams.times import Due, due
from schemas.market import CATEGORIES

SOURCE = "file"
_WANTED = ("asset", "title", "starts_at")
_FIELDS = (*_WANTED, "category", "impact", "certainty", "url", "cancelled", "id")
_CERTAIN = 0.9  # who writes an event down by hand has a reason
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0", ""})
_Row: TypeAlias = dict[str, Any] | str  # by field, or why there is none


class CalendarFileError(ValueError):
    """A file of events that cannot be read at all; its text is a sentence."""


class _WrongFieldError(Exception):
    """A field that a row cannot go without or that has a wrong value."""


def parse_calendar_file(content: str, suffix: str, name: str = "calendar file") -> Parsed[EventRow]:
    """Parse a file's text; `suffix` is ".json" or ".csv", `name` is what sentences call it.

    Raises CalendarFileError.
    """
    kind = suffix.lower().removeprefix(".")
    content = content.removeprefix("\ufeff")
    if kind == "json":
        rows = _json_rows(content, name)
    elif kind == "csv":
        rows = _csv_rows(content, name)
    else:
        msg = f"{name} is of type {suffix!r}; write it as .json or .csv"
        raise CalendarFileError(msg)
    return _parsed(rows, name)


def _json_rows(content: str, name: str) -> list[tuple[int, _Row]]:
    try:
        raw = orjson.loads(content.encode("utf-8", "replace"))
    except orjson.JSONDecodeError as error:
        msg = f"{name} is not JSON: {error}"
        raise CalendarFileError(msg) from None
    rows = raw.get("events") if isinstance(raw, dict) else raw
    if not isinstance(rows, list):
        msg = f'{name} is no list of events; write [{{...}}] or {{"events": [{{...}}]}}'
        raise CalendarFileError(msg)
    return [
        (place, row if isinstance(row, dict) else f"is {kind_of(row)}, not an object")
        for place, row in enumerate(rows, 1)
    ]


def _csv_rows(content: str, name: str) -> list[tuple[int, _Row]]:
    first = content.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    rows: list[tuple[int, _Row]] = []
    try:
        header = [_field(cell) for cell in next(reader, [])]
        missing = [field for field in _WANTED if field not in header]
        if missing:
            msg = f"{name} lacks the column(s) {', '.join(missing)} in its first line"
            raise CalendarFileError(msg)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, _cells(header, cells)))
    except csv.Error as error:
        msg = f"{name} line {reader.line_num} is not CSV: {error}"
        raise CalendarFileError(msg) from None
    return rows


def _cells(header: list[str], cells: list[str]) -> _Row:
    if len(cells) > len(header):
        return f"has {len(cells)} cells for {len(header)} columns; put texts with commas in quotes"
    return dict(zip(header, cells, strict=False))


def _field(key: str) -> str:
    return key.strip().lower().replace(" ", "_")


def _parsed(rows: Iterable[tuple[int, _Row]], name: str) -> Parsed[EventRow]:
    found: dict[str, EventRow] = {}
    skipped: list[str] = []
    unknown: dict[str, None] = {}
    likes: Counter[str] = Counter()
    for place, raw in rows:
        if isinstance(raw, str):
            skipped.append(f"{name} row {place} {raw}")
            continue
        row = {_field(key): value for key, value in raw.items()}
        unknown.update(dict.fromkeys(key for key in row if key and key not in _FIELDS))
        try:
            event = _event(row, likes)
        except _WrongFieldError as error:
            skipped.append(f"{name} row {place}: {error}")
            continue
        if event.source_id in found:
            skipped.append(f"{name} row {place}: id {event.source_id!r} is another row's")
            continue
        found[event.source_id] = event
    notes = tuple(
        f"{name}: the field {key!r} is not read; there are {', '.join(_FIELDS)}" for key in unknown
    )
    return Parsed(tuple(found.values()), tuple(skipped), notes=notes)


def _event(row: Mapping[str, Any], likes: Counter[str]) -> EventRow:
    """Return the event of a row; raises _WrongFieldError. `likes` counts rows of the same id."""
    asset, title = _asset(row), text(row.get("title"))
    if title is None:
        raise _wrong(row, "title", "say what is announced")
    when = _due(row)
    category = _category(row, title)
    impact, certainty = _share(row, "impact"), _share(row, "certainty")
    if certainty is None:
        certainty = round(_CERTAIN * PRECISIONS[when.precision], 4)
    return EventRow(
        source=SOURCE,
        source_id=identity(row.get("id")) or _id(asset, title, likes),
        title=title,
        coins=(asset,),
        category=category,
        starts_at=when.starts_at,
        precision=when.precision,
        deadline=when.deadline,
        impact=impact_of(category) if impact is None else impact,
        certainty=certainty,
        url=url(row.get("url")) or None,
        cancelled=_cancelled(row),
    )


def _asset(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return slug and symbol: what has a blank or is in small letters may be a name."""
    said = text(row.get("asset"), 100)
    if said is None:
        raise _wrong(row, "asset", "write its symbol, for example BTC")
    return "-".join(said.lower().split()), symbol(said) or ""


def _due(row: Mapping[str, Any]) -> Due:
    said = row.get("starts_at")
    when = due(said, said, is_utc=True) if isinstance(said, str) else None
    if when is None:
        raise _wrong(row, "starts_at", "write 2026-10-05T14:00Z, 2026-10-05, 2026-10 or 2026-Q4")
    return when


def _category(row: Mapping[str, Any], title: str) -> str:
    said = text(row.get("category"))
    if said is None:
        return category_of(title)
    found = re.sub(r"[\s-]+", "_", said.lower())
    if found not in CATEGORIES:
        raise _wrong(row, "category", f"there are {', '.join(sorted(CATEGORIES))}")
    return found


def _share(row: Mapping[str, Any], field: str) -> float | None:
    value = row.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found = number(value)
    if found is None or not 0.0 <= found <= 1.0:
        raise _wrong(row, field, "write a number from 0 to 1")
    return found


def _cancelled(row: Mapping[str, Any]) -> bool:
    value = row.get("cancelled")
    said = "" if value is None else str(value).strip().lower()
    if said not in _YES | _NO:
        raise _wrong(row, "cancelled", "write true or false")
    return said in _YES


def _id(asset: tuple[str, str], title: str, likes: Counter[str]) -> str:
    words = f"{asset[0]}\x00{' '.join(title.lower().split())}"
    digest = blake2b(words.encode("utf-8", "replace"), digest_size=6).hexdigest()
    found = f"{asset[0]}:{digest}"
    likes[found] += 1
    return found if likes[found] == 1 else f"{found}:{likes[found]}"


def _wrong(row: Mapping[str, Any], field: str, advice: str) -> _WrongFieldError:
    value = row.get(field)
    if value is None or (isinstance(value, str) and not value.strip()):
        return _WrongFieldError(f"{field} is missing; {advice}")
    said = text(str(value), 60) if isinstance(value, str | int | float) else kind_of(value)
    return _WrongFieldError(f"{field} {said!r} is wrong; {advice}")
