"""The wire format, what is refused, and schemas that other writers used."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import fastavro
import pytest

from schemas.codec import BadEventError, Codec, UnknownSchemaError, local_codec
from schemas.contract import STRUCTS, schema
from schemas.control import SignalRequest, Strategy

CODEC = local_codec()
REQUEST = SignalRequest("r1", "BTC", "balanced", 1_700_000_000_000)
BYTES = CODEC.encode(REQUEST)
BODY = BYTES[5:]


def test_the_header_is_a_zero_byte_and_the_schema_id() -> None:
    schema_id = list(STRUCTS).index("signal_request") + 1
    assert BYTES[:5] == b"\0" + schema_id.to_bytes(4, "big")
    assert CODEC.decode(BYTES) == REQUEST


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(None, "no value", id="a tombstone"),
        pytest.param(b"", "wire format", id="empty"),
        pytest.param(b"\0", "wire format", id="a magic byte alone"),
        pytest.param(BYTES[:4], "wire format", id="short header"),
        pytest.param(b"\1" + BYTES[1:], "wire format", id="another magic byte"),
        pytest.param(b'{"asset": "BTC"}', "wire format", id="JSON"),
        pytest.param(b"\0\0\0\x03\xe7" + BODY, "id 999 is not known", id="unknown id"),
        pytest.param(BYTES[:5], "cannot be read", id="no body"),
        pytest.param(BYTES[:-1], "cannot be read", id="truncated in a number"),
        pytest.param(BYTES[:7], "cannot be read", id="truncated in a string"),
        pytest.param(BYTES + b"\0", "1 bytes follow", id="a trailing byte"),
        pytest.param(BYTES + BYTES, "bytes follow", id="two records in one"),
        pytest.param(BYTES[:5] + b"\x02\xff" + BODY[3:], "cannot be read", id="no UTF-8"),
        pytest.param(BYTES[:5] + b"\xff" * 9 + b"\x7f", "cannot be read", id="an endless string"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(payload: bytes | None, reason: str) -> None:
    with pytest.raises(BadEventError, match=reason):
        CODEC.decode(payload)


def test_an_unknown_id_is_told_apart_so_that_the_registry_can_be_asked() -> None:
    with pytest.raises(UnknownSchemaError) as caught:
        CODEC.decode(b"\0\0\0\x03\xe7" + BODY)
    assert caught.value.schema_id == 999


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(SignalRequest("r1", "BTC", "s", "now"), id="a string for a number"),  # type: ignore[arg-type]
        pytest.param(SignalRequest(None, "BTC", "s", 1), id="null for a string"),  # type: ignore[arg-type]
        pytest.param(SignalRequest("r1", "BTC", "s", 1 << 63), id="too large for 64 bits"),
    ],
)
def test_an_event_that_does_not_fit_is_not_encoded(event: SignalRequest) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        CODEC.encode(event)


def older_strategy() -> dict[str, Any]:
    """Return the strategy's schema as it might have been, without two fields of today."""
    avro = copy.deepcopy(schema("strategy").avro)
    gone = {"event_risk_floor", "kelly"}
    avro["fields"] = [field for field in avro["fields"] if field["name"] not in gone]
    return avro


def write(avro: dict[str, Any], schema_id: int, value: dict[str, Any]) -> bytes:
    out = io.BytesIO(b"\0" + schema_id.to_bytes(4, "big"))
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(avro), value)
    return out.getvalue()


def test_an_older_writers_event_is_read_with_todays_defaults() -> None:
    codec = local_codec()
    payload = write(older_strategy(), 77, {"strategy_id": "s", "owner": "admin", "name": "S"})
    with pytest.raises(UnknownSchemaError):
        codec.decode(payload)
    assert codec.learn(77, json.dumps(older_strategy()))
    assert codec.decode(payload) == Strategy(strategy_id="s", owner="admin", name="S")


def test_a_newer_writers_field_is_passed_over() -> None:
    codec = local_codec()
    newer = copy.deepcopy(schema("strategy").avro)
    newer["fields"].insert(2, {"name": "colour", "type": "string", "default": "red"})
    assert codec.learn(78, json.dumps(newer))
    value = {"strategy_id": "s", "owner": "admin", "name": "S", "colour": "blue"}
    assert codec.decode(write(newer, 78, value)).name == "S"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"string"', id="a primitive"),
        pytest.param('syntax = "proto3"; message Strategy {}', id="Protobuf"),
        pytest.param(
            '{"type": "record", "name": "Strategy", "namespace": "quantiva.v1", "fields":'
            ' [{"name": "x", "type": "colour"}]}',
            id="a field of no type",
        ),
        pytest.param('{"type": "record", "name": "Trade", "fields": []}', id="another record"),
        pytest.param(
            '{"type": "record", "name": "Strategy", "namespace": "elsewhere", "fields": []}',
            id="another namespace",
        ),
    ],
)
def test_schemas_that_are_none_of_ours_are_not_learned(text: str) -> None:
    assert not local_codec().learn(79, text)


def test_ids_are_those_of_the_registry() -> None:
    codec = Codec({"signal_request": 4711})
    assert codec.encode(REQUEST)[1:5] == (4711).to_bytes(4, "big")
    with pytest.raises(KeyError):
        codec.encode(Strategy(strategy_id="s", owner="admin", name="S"))
