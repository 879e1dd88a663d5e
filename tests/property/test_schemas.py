"""Bytes and back for any event of every schema, and no bytes that break the reader."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import BadEventError, local_codec
from schemas.contract import STRUCTS, schema
from schemas.validation import problem

CODEC = local_codec()
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
INT32 = st.integers(-(1 << 31), (1 << 31) - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "string": TEXT,
    "long": INT64,
    "int": INT32,
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "bytes": st.binary(max_size=20),
}


def values(avro: Any) -> st.SearchStrategy[Any]:
    """Return any value of an Avro type, as plain Python."""
    if isinstance(avro, list):
        return st.one_of(*(values(branch) for branch in avro))
    if isinstance(avro, str):
        return PRIMITIVES[avro]
    if avro["type"] == "array":
        return st.lists(values(avro["items"]), max_size=3)
    if avro["type"] == "map":
        return st.dictionaries(TEXT, values(avro["values"]), max_size=3)
    return st.fixed_dictionaries({one["name"]: values(one["type"]) for one in avro["fields"]})


EVENTS = {name: values(schema(name).avro) for name in STRUCTS}


@pytest.mark.parametrize("name", STRUCTS)
@given(data=st.data())
def test_what_is_written_is_read(name: str, data: st.DataObject) -> None:
    event = msgspec.convert(data.draw(EVENTS[name]), STRUCTS[name])
    assert CODEC.decode(CODEC.encode(event)) == event


@pytest.mark.parametrize("name", STRUCTS)
@given(data=st.data())
def test_any_event_is_valid_or_a_sentence_says_why(name: str, data: st.DataObject) -> None:
    """Nothing else may come out: any other error would stop a worker, and a letter has 1 MB."""
    wrong = problem(msgspec.convert(data.draw(EVENTS[name]), STRUCTS[name]))
    assert wrong is None or 5 < len(wrong) < 1_000


@pytest.mark.parametrize("name", STRUCTS)
@given(data=st.data())
def test_a_truncated_event_is_refused(name: str, data: st.DataObject) -> None:
    event = msgspec.convert(data.draw(EVENTS[name]), STRUCTS[name])
    payload = CODEC.encode(event)
    cut = data.draw(st.integers(0, len(payload) - 1))
    with pytest.raises(BadEventError):
        CODEC.decode(payload[:cut])


@pytest.mark.parametrize("name", STRUCTS)
@given(data=st.data())
def test_bytes_behind_an_event_are_refused(name: str, data: st.DataObject) -> None:
    event = msgspec.convert(data.draw(EVENTS[name]), STRUCTS[name])
    rest = data.draw(st.binary(min_size=1, max_size=5))
    with pytest.raises(BadEventError, match="bytes follow"):
        CODEC.decode(CODEC.encode(event) + rest)


@given(st.integers(0, len(STRUCTS) + 1), st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(schema_id: int, body: bytes) -> None:
    """Nothing else may come out: any other error would stop a worker."""
    try:
        event = CODEC.decode(b"\0" + schema_id.to_bytes(4, "big") + body)
    except BadEventError:
        return
    assert type(event) in STRUCTS.values()


@given(st.binary(max_size=20).filter(lambda payload: payload[:1] != b"\0"))
def test_any_bytes_without_the_magic_byte_are_refused(payload: bytes) -> None:
    with pytest.raises(BadEventError, match="wire format"):
        CODEC.decode(payload)
