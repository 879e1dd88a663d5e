"""Schemas of other producers with logical types: the same numbers, converted ones, refused ones."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import fastavro
import msgspec
import pytest

from schemas.codec import BadEventError, local_codec
from schemas.contract import schema
from schemas.market import NewsArticle, OrderBook
from tests.factories import START_MS, book, calendar_event, news, signal

CASE = Path(__file__).resolve().parents[4] / "shared" / "cases" / "avro-timestamp-millis"
ID = 901
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
NANOS = {"type": "long", "logicalType": "timestamp-nanos"}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 2}


def changed(name: str, **types: Any) -> dict[str, Any]:
    """Return a schema of the contract in which some fields have other types."""
    avro = copy.deepcopy(schema(name).avro)
    for field in avro["fields"]:
        field["type"] = types.pop(field["name"], field["type"])
    assert not types
    return avro


def plain(value: Any, **changes: Any) -> dict[str, Any]:
    names = value.__struct_fields__
    return {**{name: getattr(value, name) for name in names}, **changes}


def read(avro: dict[str, Any], value: dict[str, Any]) -> Any:
    """Write a record as a producer that hands numbers to its logical types; decode it as we do."""
    numbers = json.loads(json.dumps(avro).replace('"logicalType"', '"unknown"'))
    out = io.BytesIO()
    out.write(b"\0" + ID.to_bytes(4, "big"))
    fastavro.schemaless_writer(out, fastavro.parse_schema(numbers), value)
    codec = local_codec()
    assert codec.learn(ID, json.dumps(avro))
    return codec.decode(out.getvalue())


def case_field() -> dict[str, Any]:
    if not CASE.is_dir():
        pytest.skip("no cases beside the project")
    field: dict[str, Any] = json.loads((CASE / "field.json").read_text("utf-8"))
    return field


def test_case_avro_timestamp_millis_as_given() -> None:
    field, article = case_field(), news("Bitcoin rises")
    avro = changed("news_article", **{field["name"]: field["type"]})
    assert read(avro, plain(article)) == article


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param({"type": "long", "logicalType": "timestamp-millis"}, id="timestamp-millis"),
        pytest.param({"type": "long", "logicalType": "local-timestamp-millis"}, id="local"),
        pytest.param({"type": "long", "logicalType": "of-another-library"}, id="unknown"),
        pytest.param({"type": "long", "logicalType": 7}, id="no name"),
    ],
)
def test_a_logical_type_of_our_unit_is_the_same_number(kind: Any) -> None:
    article = news("Bitcoin rises", published_at=START_MS - 1)
    nullable = ["null", kind]
    avro = changed("news_article", event_time=kind, observed_at=kind, published_at=nullable)
    assert read(avro, plain(article)) == article


@pytest.mark.parametrize(("kind", "in_a_ms"), [(MICROS, 1_000), (NANOS, 1_000_000)], ids=str)
@pytest.mark.parametrize("local", ["", "local-"])
def test_a_finer_unit_is_converted_exactly(kind: Any, in_a_ms: int, local: str) -> None:
    kind = {**kind, "logicalType": f"{local}{kind['logicalType']}"}
    article = news("Bitcoin rises", published_at=START_MS - 1)
    times = ("event_time", "observed_at", "published_at")
    values = {name: getattr(article, name) * in_a_ms + in_a_ms - 1 for name in times}
    avro = changed("news_article", event_time=kind, observed_at=kind, published_at=["null", kind])
    assert read(avro, plain(article, **values)) == article


def test_a_finer_unit_deep_inside_a_signal() -> None:
    made = signal(3)
    body = msgspec.to_builtins(made)
    avro = changed("signal", as_of=MICROS, cycle=["null", NANOS])
    body["as_of"] *= 1_000
    body["cycle"] = made.as_of * 1_000_000
    found = read(avro, body)
    assert (found.as_of, found.cycle, found.inputs) == (made.as_of, made.as_of, made.inputs)


def test_a_logical_type_inside_an_array_of_records_is_the_same_number() -> None:
    made = signal(3)
    avro = copy.deepcopy(schema("signal").avro)
    inputs = next(field for field in avro["fields"] if field["name"] == "inputs")
    for field in inputs["type"]["items"]["fields"]:
        if field["name"] == "offset":
            field["type"] = {"type": "long", "logicalType": "of-another-library"}
    assert read(avro, msgspec.to_builtins(made)).inputs == made.inputs


def test_a_book_keeps_its_quick_reader_and_its_numbers() -> None:
    levels = book("BTC")
    kind = {"type": "long", "logicalType": "timestamp-millis"}
    in_micros = {"event_time": levels.event_time * 1_000}
    avro = changed("order_book", event_time=MICROS, observed_at=kind)
    found = read(avro, plain(levels, **in_micros))
    assert isinstance(found, OrderBook)
    assert found == levels


@pytest.mark.parametrize(
    ("name", "field", "kind", "value"),
    [
        pytest.param(
            "news_article", "event_time", {"type": "int", "logicalType": "date"}, 20_000, id="date"
        ),
        pytest.param(
            "news_article",
            "published_at",
            ["null", {"type": "int", "logicalType": "date"}],
            20_000,
            id="a date in a union",
        ),
        pytest.param(
            "news_article",
            "event_time",
            {"type": "int", "logicalType": "time-millis"},
            1,
            id="a time of the day",
        ),
        pytest.param(
            "news_article",
            "event_time",
            {"type": "long", "logicalType": "time-micros"},
            1,
            id="a finer one",
        ),
        pytest.param("trending_asset", "price_usd", DECIMAL, b"\x01", id="a decimal"),
        pytest.param(
            "order_book",
            "bid_prices",
            {"type": "array", "items": DECIMAL},
            [b"\x01"],
            id="decimals in an array",
        ),
        pytest.param("candle", "closed", MICROS, 1, id="a time that is none"),
    ],
)
def test_another_unit_is_refused_with_the_field(
    name: str, field: str, kind: Any, value: Any
) -> None:
    avro = changed(name, **{field: kind})
    codec = local_codec()
    assert codec.learn(ID, json.dumps(avro))
    with pytest.raises(BadEventError, match=f"^the writer's schema has {field} as .*: write it as"):
        codec.decode(b"\0" + ID.to_bytes(4, "big") + b"\0" * 50)
    assert value is not None


def test_a_uuid_is_the_text_that_it_is() -> None:
    text = "6f4e2c8a-0b1d-4c3e-9f5a-7b8c9d0e1f2a"
    avro = changed("news_article", source_id={"type": "string", "logicalType": "uuid"})
    found = read(avro, plain(news("Bitcoin rises", source_id=text)))
    assert isinstance(found, NewsArticle)
    assert found.source_id == text


def test_a_field_that_the_contract_does_not_have_may_be_of_any_type() -> None:
    avro = copy.deepcopy(schema("calendar_event").avro)
    date = {"type": "int", "logicalType": "date"}
    avro["fields"] += [{"name": "day", "type": date}, {"name": "fee", "type": DECIMAL}]
    event = calendar_event()
    assert read(avro, plain(event, day=20_000, fee=b"\x01")) == event
