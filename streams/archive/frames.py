"""Records of an archive as a table, for notebooks and exports: one way to make columns of structs.

A field is a column of its name. A struct within, and a dict, become columns `field.name`; a list
of engines' parts becomes `contributions.technical.score`. Other lists stay lists. What the contract
calls a time ("ms since 1970") is a timestamp in UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from schemas.codec import BadEventError
from schemas.contract import STRUCTS, field_docs
from schemas.topics import BY_NAME, CANDLES, EQUITY, OUTCOMES, SCORES, TRADES
from streams.archive.reader import Archive
from streams.archive.records import ArchiveError

KINDS: dict[str, str] = {
    "scores": SCORES.name,
    "trades": TRADES.name,
    "equity": EQUITY.name,
    "candles": CANDLES.name,
    "outcomes": OUTCOMES.name,
}
"""Short names of topics; every topic's own name counts too, `signals` among them."""
TIME_FIELDS = ("as_of", "filled_at", "open_time", "event_time", "cycle", "observed_at", "failed_at")
"""When a record is of: the first of these that it has; else the record's own timestamp counts."""
_TIME = "ms since 1970"
_EARLY_MS = 86_400_000  # a record is written after what it tells of; so far apart may clocks be
_CHUNK = 2_000
_NAMED_BY = "engine"
"""Parts of a list that have this field have columns of their own."""


class Frame(NamedTuple):
    """A pyarrow table, sorted by time, and how many records could not be decoded."""

    table: Any
    unreadable: int


def topic_of(kind: str) -> str:
    """Return the topic that a kind names; ValueError with those that there are."""
    topic = KINDS.get(kind, kind)
    if topic not in BY_NAME:
        others = ", ".join(name for name in BY_NAME if name not in KINDS.values())
        msg = f"no {kind!r}; there are {', '.join(KINDS)}, and the topics {others}"
        raise ValueError(msg)
    return topic


def read_frame(
    archive: Archive,
    kind: str,
    *,
    start_ms: int | None = None,
    until_ms: int | None = None,
    assets: Collection[str] = (),
) -> Frame:
    """Return all records of a kind (`topic_of`) with start_ms <= time < until_ms as one table.

    `assets` () are all. The last columns, `partition`, `offset` and `timestamp`, are the record's
    place in the log. Deleted records (without a value) are left out. Raises ArchiveError when the
    archive has no such topic, or pyarrow is missing; ValueError for a wrong kind.
    """
    topic = topic_of(kind)
    if topic not in archive.partitions:
        there = ", ".join(archive.partitions)
        msg = f"The archive {archive.address} has no {topic}; it has {there}."
        raise ArchiveError(msg)
    arrow = _arrow()
    struct = STRUCTS[BY_NAME[topic].schema]
    time_field = next((name for name in TIME_FIELDS if name in struct.__struct_fields__), "")
    counts: Counter[str] = Counter()
    rows = _rows(archive, topic, None if start_ms is None else start_ms - _EARLY_MS, counts)
    wanted = (
        row
        for row in rows
        if _is_within(getattr(row[0], time_field, row[3]), start_ms, until_ms)
        and (not assets or getattr(row[0], "asset", None) in assets)
    )
    parts = [_table(struct, [])]
    while chunk := list(islice(wanted, _CHUNK)):
        parts.append(_table(struct, chunk))
    table = arrow.concat_tables(parts, promote_options="default")
    table = table.select(_ordered(struct, table.column_names))
    order = [(name, "ascending") for name in (time_field or "timestamp", "partition", "offset")]
    return Frame(table.sort_by(order), counts["unreadable"])


def _rows(
    archive: Archive, topic: str, from_ms: int | None, counts: Counter[str]
) -> Iterator[tuple[Any, int, int, int]]:
    """Yield (event, partition, offset, timestamp)."""
    decode = archive.codec().decode
    for partition in range(archive.partitions[topic]):
        for record in archive.records(topic, partition, from_ms=from_ms):
            if record.value is None:
                continue
            try:
                event = decode(record.value)
            except BadEventError:
                counts["unreadable"] += 1
                continue
            yield event, partition, record.offset, record.timestamp_ms


def _is_within(time_ms: int | None, start_ms: int | None, until_ms: int | None) -> bool:
    if time_ms is None:
        return start_ms is None and until_ms is None
    return (start_ms is None or time_ms >= start_ms) and (until_ms is None or time_ms < until_ms)


def _table(struct: type[msgspec.Struct], rows: Sequence[tuple[Any, int, int, int]]) -> Any:
    arrow = _arrow()
    columns: dict[str, Any] = {}
    _add_struct(columns, "", struct, [row[0] for row in rows])
    kinds = (arrow.int32(), arrow.int64(), _time_type())
    for place, (name, kind) in enumerate(zip(_PLACE, kinds, strict=True), start=1):
        columns[name] = arrow.array([row[place] for row in rows], kind)
    return arrow.table(columns)


_PLACE = ("partition", "offset", "timestamp")


def _add_struct(
    columns: dict[str, Any], path: str, struct: type[msgspec.Struct], values: Sequence[Any]
) -> None:
    """Add a column for every field; `values` are structs or None."""
    docs = field_docs().get(struct.__name__, {})
    for name, hint in get_type_hints(struct).items():
        inside = [None if one is None else getattr(one, name) for one in values]
        _add(columns, f"{path}{name}", hint, inside, is_time=_TIME in docs.get(name, ""))


def _add(
    columns: dict[str, Any], path: str, hint: Any, values: Sequence[Any], *, is_time: bool
) -> None:
    kind = _plain(hint)
    item: Any = get_args(kind)[0] if get_origin(kind) is tuple else None
    if get_origin(kind) is dict:
        for key in _keys(values):
            inside = [None if one is None else one.get(key) for one in values]
            _add(columns, f"{path}.{key}", get_args(kind)[1], inside, is_time=is_time)
    elif _is_struct(kind):
        _add_struct(columns, f"{path}.", kind, values)
    elif _is_struct(item) and _NAMED_BY in item.__struct_fields__:
        named = [{getattr(part, _NAMED_BY): part for part in one or ()} for one in values]
        for key in _keys(named):
            _add_struct(columns, f"{path}.{key}.", item, [one.get(key) for one in named])
            del columns[f"{path}.{key}.{_NAMED_BY}"]
    else:
        plain = values if item is None else [msgspec.to_builtins(one) for one in values]
        columns[path] = _arrow().array(plain, _type(kind, is_time=is_time))


def _keys(values: Iterable[Any]) -> list[str]:
    return sorted({key for one in values if one for key in one})


def _type(kind: Any, *, is_time: bool) -> Any:
    """Return the arrow type of a value that is a column by itself."""
    arrow = _arrow()
    if get_origin(kind) is tuple:
        return arrow.list_(_type(_plain(get_args(kind)[0]), is_time=is_time))
    if _is_struct(kind):
        docs = field_docs().get(kind.__name__, {})
        hints = get_type_hints(kind).items()
        fields = {
            name: _type(_plain(one), is_time=_TIME in docs.get(name, "")) for name, one in hints
        }
        return arrow.struct(fields)
    if is_time:
        return _time_type()
    plain = {
        int: arrow.int64(),
        float: arrow.float64(),
        bool: arrow.bool_(),
        str: arrow.string(),
        bytes: arrow.binary(),
    }
    return plain[kind]


def _plain(hint: Any) -> Any:
    """Return a type without None."""
    if get_origin(hint) in (Union, UnionType):
        return next(one for one in get_args(hint) if one is not type(None))
    return hint


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _ordered(struct: type[msgspec.Struct], names: Iterable[str]) -> list[str]:
    """Return the columns in the order of the struct's fields, those of a field by name."""
    places = {name: place for place, name in enumerate((*struct.__struct_fields__, *_PLACE))}
    first = {name: name.partition(".")[0] for name in names}
    dynamic = {name: name if name not in places else "" for name in first}
    return sorted(first, key=lambda name: (places[first[name]], dynamic[name]))


def _time_type() -> Any:
    return _arrow().timestamp("ms", tz="UTC")


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        msg = "Tables need pyarrow: pip install 'quantiva-streams[data]'."
        raise ArchiveError(msg) from error
    return pyarrow
