"""The .avsc files and the structs are one contract: same fields, same order, same types."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from schemas.contract import STRUCTS, avro_text, schema, schema_name
from schemas.scores import EngineScore
from schemas.topics import BY_SCHEMA

PRIMITIVES = {
    "string": inspect.StrType,
    "long": inspect.IntType,
    "int": inspect.IntType,
    "double": inspect.FloatType,
    "boolean": inspect.BoolType,
    "bytes": inspect.BytesType,
}
EMPTY = {"array": (), "map": {}}


def records(avro: Any) -> list[dict[str, Any]]:
    """Return a record and all records within it."""
    if isinstance(avro, list):
        return [found for branch in avro for found in records(branch)]
    if not isinstance(avro, dict):
        return []
    if avro["type"] == "record":
        inner = [found for field in avro["fields"] for found in records(field["type"])]
        return [avro, *inner]
    return records(avro.get("items", avro.get("values")))


def same_type(avro: Any, ours: inspect.Type) -> bool:
    """Say whether an Avro type and a struct field's type hold the same values."""
    if isinstance(avro, list):
        assert avro[0] == "null", "null first, since null is the default"
        assert isinstance(ours, inspect.UnionType)
        inner = [one for one in ours.types if not isinstance(one, inspect.NoneType)]
        return len(avro) == 2 and ours.includes_none and same_type(avro[1], inner[0])
    if isinstance(avro, str):
        return type(ours) is PRIMITIVES[avro]
    if avro["type"] == "array":
        return isinstance(ours, inspect.VarTupleType) and same_type(avro["items"], ours.item_type)
    if avro["type"] == "map":
        return isinstance(ours, inspect.DictType) and same_type(avro["values"], ours.value_type)
    return isinstance(ours, inspect.StructType) and same_fields(avro, ours) == []


def same_fields(avro: dict[str, Any], ours: inspect.StructType) -> list[str]:
    """Return how the fields of a record and a struct differ."""
    if [one["name"] for one in avro["fields"]] != [one.name for one in ours.fields]:
        return [f"{avro['name']}: {[one.name for one in ours.fields]}"]
    found = []
    for one, field in zip(avro["fields"], ours.fields, strict=True):
        if not same_type(one["type"], field.type):
            found.append(f"{avro['name']}.{one['name']}: {one['type']} is not {field.type}")
        if ("default" in one) is field.required:
            found.append(f"{avro['name']}.{one['name']}: only one of the two has a default")
        elif "default" in one and default_of(one) != value_of(field):
            found.append(f"{avro['name']}.{one['name']}: {one['default']} is not the default")
    return found


def default_of(field: dict[str, Any]) -> Any:
    kind = field["type"]["type"] if isinstance(field["type"], dict) else None
    return EMPTY[kind] if kind in EMPTY else field["default"]


def value_of(field: inspect.Field) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


@pytest.mark.parametrize("name", STRUCTS)
def test_fields_types_order_and_defaults_are_the_same(name: str) -> None:
    ours = inspect.type_info(STRUCTS[name])
    assert isinstance(ours, inspect.StructType)
    assert same_fields(schema(name).avro, ours) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"name": "symbol"}, "EngineScore", id="another name"),
        pytest.param({"type": "long"}, "is not", id="another type"),
        pytest.param({"type": ["null", "string"]}, None, id="null where the struct has none"),
        pytest.param({"default": ""}, "default", id="a default where the struct has none"),
    ],
)
def test_the_comparison_itself(change: dict[str, Any], expected: str | None) -> None:
    avro = schema("engine_score").avro
    fields = [{**avro["fields"][0], **change}, *avro["fields"][1:]]
    ours = inspect.type_info(EngineScore)
    assert isinstance(ours, inspect.StructType)
    if expected is None:
        with pytest.raises(AssertionError):
            same_fields({**avro, "fields": fields}, ours)
    else:
        (problem,) = same_fields({**avro, "fields": fields}, ours)
        assert expected in problem


@pytest.mark.parametrize("name", STRUCTS)
def test_every_record_and_field_is_documented(name: str) -> None:
    for record in records(schema(name).avro):
        assert record["doc"].endswith("."), record["name"]
        for field in record["fields"]:
            assert len(field.get("doc", "")) > 5, f"{record['name']}.{field['name']}"


@pytest.mark.parametrize("name", STRUCTS)
def test_nullable_fields_default_to_null(name: str) -> None:
    """Otherwise the field could never be left out, nor added to an older schema."""
    for record in records(schema(name).avro):
        for field in record["fields"]:
            if isinstance(field["type"], list):
                assert field.get("default", "none") is None, f"{record['name']}.{field['name']}"


@pytest.mark.parametrize("name", STRUCTS)
def test_names(name: str) -> None:
    avro = schema(name).avro
    assert (avro["namespace"], avro["name"]) == ("quantiva.v1", STRUCTS[name].__name__)
    assert schema_name(STRUCTS[name]) == name
    assert BY_SCHEMA[name].schema == name, "every schema has its topic"


def test_every_file_is_in_the_table() -> None:
    stems = {one.name for one in (files("schemas") / "avro").iterdir() if one.is_file()}
    assert stems == {f"{name}.avsc" for name in STRUCTS}


def test_an_unknown_schema_names_those_that_exist() -> None:
    with pytest.raises(KeyError, match=r"no schema 'trade'; there are trending_asset, news"):
        schema("trade")


def test_a_previous_version_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        avro_text("trade", previous=True)
