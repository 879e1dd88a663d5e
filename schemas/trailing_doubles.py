"""Reads Avro records that end with arrays of doubles, as order books do, in half of the time.

fastavro reads such an array number by number. In the Avro encoding it is one run of little-endian
doubles: the count, the numbers, a zero. What is written otherwise (several blocks, a block with its
size) is left to fastavro.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any

import fastavro

Read = Callable[[io.BytesIO], dict[str, Any]]
_DOUBLES = {"type": "array", "items": "double"}
_MOST = 64
"""Numbers in an array whose count takes one byte."""
_RUNS = tuple(Struct(f"<{count}d") for count in range(_MOST))


def trailing_doubles(avro: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the fields at the end of a record that are arrays of doubles."""
    names: list[str] = []
    for field in reversed(avro["fields"]):
        if not isinstance(field["type"], dict) or not _DOUBLES.items() <= field["type"].items():
            break
        names.append(field["name"])
    return tuple(reversed(names))


def reader(avro: Mapping[str, Any], names: tuple[str, ...]) -> Read:
    """Return a reader of a record whose last fields are `names`; bytes are read to its end."""
    whole = fastavro.parse_schema(dict(avro))
    head = dict(avro)
    head["fields"] = avro["fields"][: -len(names)]
    parsed = fastavro.parse_schema(head)
    read_head = fastavro.schemaless_reader

    def read(body: io.BytesIO) -> dict[str, Any]:
        start = body.tell()
        record: dict[str, Any] = read_head(body, parsed, None)
        rest = body.read()
        place = 0
        for name in names:
            marker = rest[place]  # zigzag: twice the count; odd or above 127 is written otherwise
            count = marker >> 1
            end = place + 1 + 8 * count
            if marker > 127 or marker & 1 or (count and rest[end]):
                body.seek(start)
                generic: dict[str, Any] = read_head(body, whole, None)
                return generic
            record[name] = _RUNS[count].unpack_from(rest, place + 1)
            place = end + 1 if count else place + 1
        body.seek(place - len(rest), io.SEEK_CUR)
        return record

    return read
