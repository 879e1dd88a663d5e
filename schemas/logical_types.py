"""Other producers' schemas with logical types, read as the contract's numbers.

The contract has plain numbers: a time is a long of ms since 1970. A logical type of that unit is
the same number under another name, so it is left out; a finer one is converted; one that is no such
number (a date, a decimal) is refused, for a number of another unit would be a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastavro.read import LOGICAL_READERS

from schemas.contract import field_docs

_TIME = "ms since 1970"
"""What the documentation of every field says that is a time."""
_FINER = {"micros": 1_000, "nanos": 1_000_000}
_OURS = "quantiva-{}-to-millis"
_REFUSED = frozenset({"date", "decimal", "duration", "time-millis", "time-micros", "time-nanos"})


class LogicalTypeError(ValueError):
    """A field of a writer's schema has another unit; the text says which, and what to write."""


def as_numbers(writer: Any) -> Any:
    """Return a writer's schema whose values are read as the contract's numbers.

    Of the same unit: as they are. Micro- and nanoseconds become ms; a part of a ms is left out, as
    everywhere. Raises LogicalTypeError for a field of ours that is no such number, KeyError or
    TypeError for what is no schema. Fields that the contract does not have are only passed over.
    """
    return _plain(writer, "", None)


def _plain(avro: Any, field: str, doc: str | None) -> Any:
    if isinstance(avro, list):
        return [_plain(branch, field, doc) for branch in avro]
    if not isinstance(avro, dict):
        return avro
    made = dict(avro)
    if avro["type"] in ("record", "error"):
        docs = field_docs().get(avro["name"].rpartition(".")[2], {})
        made["fields"] = [
            {**one, "type": _plain(one["type"], one["name"], docs.get(one["name"]))}
            for one in avro["fields"]
        ]
        return made
    for inner in ("items", "values"):
        if inner in avro:
            made[inner] = _plain(avro[inner], field, doc)
    logical = made.pop("logicalType", None)
    if isinstance(logical, str) and doc is not None:
        made |= _converted(logical, field, is_time=_TIME in doc)
    return made


def _converted(logical: str, field: str, *, is_time: bool) -> dict[str, str]:
    """Return what a field's type needs beside its name, mostly nothing."""
    kind, _, unit = logical.removeprefix("local-").rpartition("-")
    finer = kind == "timestamp" and unit in _FINER
    if finer and is_time:
        return {"logicalType": _OURS.format(unit)}
    if finer or logical in _REFUSED:
        wanted = "a long of ms since 1970 (timestamp-millis)" if is_time else "the plain type"
        msg = f"the writer's schema has {field} as {logical}: write it as {wanted}"
        raise LogicalTypeError(msg)
    return {}  # ms, or a name that Avro says to pass over


def _in_ms(in_a_ms: int) -> Callable[..., int]:
    return lambda value, _writer, _reader: int(value // in_a_ms)


for _unit, _in_a_ms in _FINER.items():
    for _stored in ("int", "long"):
        LOGICAL_READERS[f"{_stored}-{_OURS.format(_unit)}"] = _in_ms(_in_a_ms)
