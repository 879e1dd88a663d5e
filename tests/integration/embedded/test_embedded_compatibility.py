"""Avro's schema resolution and the compatibility levels, one sentence a rule; nothing starts."""

import json
from pathlib import Path
from typing import Any

import pytest

from embedded.registry.avro import InvalidSchemaError
from embedded.registry.compatibility import LEVELS, check, problems

pytestmark = pytest.mark.embedded


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **more}


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F") -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size}


LIST = record(field("value", "int"), field("next", ["null", "List"]), name="List")
LONG_LIST = record(field("value", "long"), field("next", ["null", "List"]), name="List")

# sentence, reader, writer, and a part of the problem; None when there is none.
RULES: list[tuple[str, Any, Any, str | None]] = [
    ("a schema reads itself", record(field("a", "int")), record(field("a", "int")), None),
    ("a primitive reads itself", "string", "string", None),
    ("long reads int", "long", "int", None),
    ("float reads int", "float", "int", None),
    ("double reads int", "double", "int", None),
    ("float reads long", "float", "long", None),
    ("double reads long", "double", "long", None),
    ("double reads float", "double", "float", None),
    ("bytes reads string", "bytes", "string", None),
    ("string reads bytes", "string", "bytes", None),
    ("int does not read long", "int", "long", "at the top: long was written and int is expected"),
    ("float does not read double", "float", "double", "double was written and float is expected"),
    ("string does not read int", "string", "int", "int was written and string is expected"),
    ("boolean does not read int", "boolean", "int", "int was written and boolean is expected"),
    (
        "a logical type takes no part",
        {"type": "long", "logicalType": "timestamp-micros"},
        {"type": "long", "logicalType": "timestamp-millis"},
        None,
    ),
    ("a field the reader lacks is skipped", record(), record(field("a", "int")), None),
    (
        "a field the writer lacks takes its default",
        record(field("a", "int", default=0)),
        record(),
        None,
    ),
    (
        "a default of null is a default",
        record(field("a", ["null", "int"], default=None)),
        record(),
        None,
    ),
    (
        "a field the writer lacks needs a default",
        record(field("a", "int")),
        record(),
        "at R.a: the field was not written and has no default",
    ),
    (
        "a renamed field is found by its alias",
        record(field("b", "int", aliases=["a"])),
        record(field("a", "int")),
        None,
    ),
    (
        "an alias of the writer's field does not help",
        record(field("b", "int")),
        record(field("a", "int", aliases=["b"])),
        "at R.b: the field was not written",
    ),
    (
        "the order of fields is free",
        record(field("a", "int"), field("b", "string")),
        record(field("b", "string"), field("a", "int")),
        None,
    ),
    (
        "the type of a field is compared at its path",
        record(field("a", record(field("b", "int"), name="Inner"))),
        record(field("a", record(field("b", "string"), name="Inner"))),
        "at R.a.b: string was written and int is expected",
    ),
    (
        "a record of another name is another record",
        record(name="A"),
        record(name="B"),
        "at A: record B was written and record A is expected; the names differ",
    ),
    (
        "a renamed record is found by its alias",
        record(name="A", aliases=["B"]),
        record(name="B"),
        None,
    ),
    (
        "an alias has the record's namespace",
        record(name="A", namespace="x", aliases=["B"]),
        record(name="B", namespace="x"),
        None,
    ),
    (
        "a namespace may change",
        record(name="A", namespace="new"),
        record(name="A", namespace="old"),
        None,
    ),
    (
        "a name with dots is the same as name and namespace",
        record(field("e", enum("x")), field("f", "n.E"), name="n.A"),
        record(field("e", enum("x")), field("f", "E"), name="A", namespace="n"),
        None,
    ),
    ("an enum may gain symbols", enum("a", "b"), enum("a"), None),
    (
        "an enum must know what was written",
        enum("a"),
        enum("a", "b", "c"),
        "the reader's enum E lacks b, c and has no default",
    ),
    ("an enum's default stands for unknown symbols", enum("a", default="a"), enum("a", "b"), None),
    ("the order of symbols is free", enum("a", "b"), enum("b", "a"), None),
    ("a fixed of the same size is read", fixed(4), fixed(4), None),
    ("a fixed of another size is not", fixed(4), fixed(8), "8 bytes were written and 4 are"),
    ("a fixed of another name is not", fixed(4, "G"), fixed(4), "the names differ"),
    ("bytes does not read fixed", "bytes", fixed(4), "fixed F was written and bytes is expected"),
    (
        "an array's items are promoted",
        {"type": "array", "items": "long"},
        {"type": "array", "items": "int"},
        None,
    ),
    (
        "an array's items are compared",
        record(field("a", {"type": "array", "items": "int"})),
        record(field("a", {"type": "array", "items": "string"})),
        "at R.a[]: string was written",
    ),
    (
        "a map's values are compared",
        record(field("m", {"type": "map", "values": "int"})),
        record(field("m", {"type": "map", "values": "string"})),
        "at R.m{}: string was written",
    ),
    (
        "a map does not read an array",
        {"type": "map", "values": "int"},
        {"type": "array", "items": "int"},
        "array was written and map is expected",
    ),
    ("a union reads what one branch reads", ["null", "long"], "int", None),
    (
        "a union without the branch does not",
        ["null", "int"],
        "string",
        "string was written, and the reader's union (null, int) has no branch for it",
    ),
    ("a union may gain branches", ["null", "int", "string"], ["null", "int"], None),
    ("a union may change its order", ["int", "null"], ["null", "int"], None),
    ("a union may not lose a branch", ["null", "int"], ["null", "int", "string"], "no branch"),
    ("a single type reads a union whose branches it reads", "long", ["int", "long"], None),
    ("a single type does not read null", "int", ["null", "int"], "null was written and int is"),
    (
        "the branch of the same name explains the problem",
        ["null", record(field("a", "int"))],
        ["null", record()],
        "at the top.a: the field was not written",
    ),
    ("a record that contains itself is compared once", LIST, LIST, None),
    ("a record that contains itself is promoted", LONG_LIST, LIST, None),
    ("a record that contains itself is compared inside", LIST, LONG_LIST, "at List.value: long"),
    (
        "a named type is known after its definition",
        record(field("a", fixed(4)), field("b", "F")),
        record(field("b", fixed(4)), field("a", "F")),
        None,
    ),
    (
        "type in type is the inner type",
        record(field("a", {"type": {"type": "long"}})),
        record(field("a", "int")),
        None,
    ),
]


@pytest.mark.parametrize(
    ("reader", "writer", "problem"),
    [pytest.param(*rule[1:], id=rule[0].replace(" ", "-")) for rule in RULES],
)
def test_resolution(reader: Any, writer: Any, problem: str | None) -> None:
    found = problems(reader, writer)
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert problem in found[0]


def test_every_problem_is_reported() -> None:
    reader = record(field("a", "int"), field("b", "int"), field("c", "int"))
    writer = record(field("a", "string"), field("c", "int"))
    assert problems(reader, writer) == [
        "at R.a: string was written and int is expected, which Avro does not convert",
        "at R.b: the field was not written and has no default",
    ]


PLAIN = record(field("a", "int"))
WITH_DEFAULT = record(field("a", "int"), field("b", "int", default=0))
WITHOUT_DEFAULT = record(field("a", "int"), field("b", "int"))
PROMOTED = record(field("a", "long"))

# sentence, level, new, previous (oldest first), whether it is allowed
LEVEL_RULES: list[tuple[str, str, Any, list[Any], bool]] = [
    ("the first schema is always allowed", "FULL_TRANSITIVE", PLAIN, [], True),
    ("NONE allows everything", "NONE", "string", [PLAIN], True),
    ("BACKWARD allows a field to go", "BACKWARD", PLAIN, [WITHOUT_DEFAULT], True),
    ("BACKWARD allows a field with a default", "BACKWARD", WITH_DEFAULT, [PLAIN], True),
    ("BACKWARD refuses a field without one", "BACKWARD", WITHOUT_DEFAULT, [PLAIN], False),
    ("BACKWARD allows promotion", "BACKWARD", PROMOTED, [PLAIN], True),
    ("BACKWARD looks at the last one", "BACKWARD", PLAIN, ["string", PLAIN], True),
    ("BACKWARD_TRANSITIVE at all", "BACKWARD_TRANSITIVE", PLAIN, ["string", PLAIN], False),
    ("FORWARD allows any new field", "FORWARD", WITHOUT_DEFAULT, [PLAIN], True),
    ("FORWARD refuses that a field goes", "FORWARD", PLAIN, [WITHOUT_DEFAULT], False),
    ("FORWARD allows that a default goes", "FORWARD", PLAIN, [WITH_DEFAULT], True),
    ("FORWARD refuses promotion", "FORWARD", PROMOTED, [PLAIN], False),
    ("FORWARD looks at the last one", "FORWARD", PLAIN, [WITHOUT_DEFAULT, PLAIN], True),
    (
        "FORWARD_TRANSITIVE at all",
        "FORWARD_TRANSITIVE",
        PLAIN,
        [WITHOUT_DEFAULT, WITH_DEFAULT],
        False,
    ),
    ("FULL allows a field with a default", "FULL", WITH_DEFAULT, [PLAIN], True),
    ("FULL allows that it goes", "FULL", PLAIN, [WITH_DEFAULT], True),
    ("FULL refuses a field without one", "FULL", WITHOUT_DEFAULT, [PLAIN], False),
    ("FULL refuses promotion", "FULL", PROMOTED, [PLAIN], False),
    ("FULL looks at the last one", "FULL", PLAIN, [PROMOTED, PLAIN], True),
    ("FULL_TRANSITIVE at all", "FULL_TRANSITIVE", PLAIN, [PROMOTED, PLAIN], False),
]


@pytest.mark.parametrize(
    ("level", "new", "previous", "allowed"),
    [pytest.param(*rule[1:], id=rule[0].replace(" ", "-")) for rule in LEVEL_RULES],
)
def test_level(level: str, new: Any, previous: list[Any], allowed: bool) -> None:
    assert (check(level, new, previous) == []) is allowed


def test_a_refusal_says_who_cannot_read_what() -> None:
    assert check("FULL", WITHOUT_DEFAULT, ["string", PLAIN]) == [
        "the new schema cannot read schema 2 of 2: "
        "at R.b: the field was not written and has no default"
    ]
    assert check("FORWARD", PLAIN, [WITHOUT_DEFAULT])[0].startswith(
        "schema 1 of 1 cannot read the new schema: at R.b"
    )


def test_an_unknown_level_is_an_error() -> None:
    with pytest.raises(ValueError, match="No such compatibility level: STRICT"):
        check("STRICT", PLAIN, [])
    assert len(LEVELS) == 7


@pytest.mark.parametrize(
    "broken", [{}, {"type": "record", "name": "R"}, {"type": "array"}, 5, None]
)
def test_what_is_no_schema_is_an_error(broken: Any) -> None:
    with pytest.raises(InvalidSchemaError):
        problems(broken, "string")


def test_the_schemas_of_the_project_read_themselves() -> None:
    folder = Path(__file__).resolve().parents[3] / "schemas" / "avro"
    for path in folder.glob("*.avsc"):
        schema = json.loads(path.read_text())
        assert problems(schema, schema) == [], path.name
