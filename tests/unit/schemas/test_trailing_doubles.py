"""Arrays of doubles at the end of a record: read as a run, and as fastavro reads them."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import BadEventError, local_codec
from schemas.contract import STRUCTS, schema
from schemas.trailing_doubles import reader, trailing_doubles

AVRO = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "asset", "type": "string"},
        {"name": "a", "type": {"type": "array", "items": "double"}},
        {"name": "b", "type": {"type": "array", "items": "double"}},
    ],
}
PARSED = fastavro.parse_schema(json.loads(json.dumps(AVRO)))
READ = reader(AVRO, ("a", "b"))
NUMBERS = st.lists(st.floats(allow_nan=False), max_size=80)


def written(record: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED, record)
    return out.getvalue()


def test_which_schemas_have_them() -> None:
    found = {name: trailing_doubles(schema(name).avro) for name in STRUCTS}
    assert found.pop("order_book") == ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")
    assert not any(found.values())


@given(st.text(max_size=5), NUMBERS, NUMBERS)
def test_as_fastavro_reads_it(asset: str, a: list[float], b: list[float]) -> None:
    raw = written({"asset": asset, "a": a, "b": b})
    body = io.BytesIO(raw)
    found = READ(body)
    assert {name: list(value) if name != "asset" else value for name, value in found.items()} == {
        "asset": asset,
        "a": a,
        "b": b,
    }
    assert body.tell() == len(raw)


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(
            b"\x02" + struct.pack("<d", 1.5) + b"\x02" + struct.pack("<d", 2.5) + b"\0\0",
            id="two blocks",
        ),
        pytest.param(
            b"\x03\x20" + struct.pack("<2d", 1.5, 2.5) + b"\0\0", id="a block with its size"
        ),
    ],
)
def test_other_ways_to_write_an_array(tail: bytes) -> None:
    body = io.BytesIO(b"\x06BTC" + tail)
    assert READ(body) == {"asset": "BTC", "a": [1.5, 2.5], "b": []}
    assert body.read() == b""


def _book(cut: int, more: bytes = b"") -> bytes:
    from marketdata.simulated.assets import ASSETS
    from marketdata.simulated.simulation import backfill
    from schemas.market import OrderBook

    _, events = backfill(1, 1_767_225_600_000, ASSETS[:1])
    book = next(event for event in events if isinstance(event, OrderBook))
    raw = local_codec().encode(book)
    return raw[: len(raw) - cut] + more


@pytest.mark.parametrize(
    ("cut", "more"),
    [
        pytest.param(1, b"", id="without its end"),
        pytest.param(9, b"", id="a number less"),
        pytest.param(300, b"", id="half of it"),
        pytest.param(0, b"\0", id="a byte more"),
    ],
)
def test_what_is_cut_or_too_long_is_no_event(cut: int, more: bytes) -> None:
    with pytest.raises(BadEventError):
        local_codec().decode(_book(cut, more))
