"""One text for all spellings of an Avro schema: what decides which schemas share an id."""

import json
from typing import Any

import pytest

from embedded.registry.avro import canonical, parse

pytestmark = pytest.mark.embedded

SAME = [
    ("white space", '{"type":"array","items":"int"}', '{ "type": "array",\n "items": "int" }'),
    ("the order of attributes", '{"type":"array","items":"int"}', '{"items":"int","type":"array"}'),
    ("a primitive in braces", '"string"', '{"type": "string"}'),
    (
        "a namespace in the name",
        '{"type":"fixed","name":"n.F","size":1}',
        '{"type":"fixed","name":"F","namespace":"n","size":1}',
    ),
]


@pytest.mark.parametrize(("one", "other"), [pytest.param(*s[1:], id=s[0]) for s in SAME])
def test_spellings_have_one_canonical_text(one: str, other: str) -> None:
    assert canonical(parse(one)) == canonical(parse(other))


def record(attributes: dict[str, Any]) -> str:
    field = {"name": "a", "type": "int", **attributes}
    return json.dumps({"type": "record", "name": "R", "fields": [field]})


def test_defaults_and_documentation_make_another_schema() -> None:
    texts = [
        record({}),
        record({"default": 0}),
        record({"doc": "said"}),
        record({"type": {"type": "int", "logicalType": "date"}}),
    ]
    assert len({canonical(parse(text)) for text in texts}) == 4
