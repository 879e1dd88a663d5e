"""Answers of the language model's stand-in fit any schema, and state no number."""

from __future__ import annotations

import json

import jsonschema
import pytest

from simulator.chat_answers import answer_to, instance, invalid_format, sentences, tokens

ASKED = [{"role": "user", "content": "ETH scored 0.4"}]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 9},
        {"type": "string", "enum": ["b", "a"]},
        {"type": "integer", "minimum": 3, "maximum": 5},
        {"type": "number", "minimum": -1, "maximum": 1},
        {"type": "boolean"},
        {"type": ["null", "string"]},
        {"const": 7},
        {"type": "array", "items": {"type": "number"}, "minItems": 3},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"type": "boolean"}},
            "required": ["a", "b"],
            "additionalProperties": False,
            "$defs": {"A": {"type": "object", "properties": {"c": {"type": "string"}}}},
        },
    ],
    ids=lambda schema: str(schema.get("type", next(iter(schema)))),
)
def test_instances_fit_their_schema(schema):
    jsonschema.validate(instance(schema, schema, "ETH"), schema)


def test_a_schema_that_holds_itself_ends():
    schema = {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}
    assert instance(schema, schema, "") is None


@pytest.mark.parametrize("said", ["ETH 0.4", "nothing in capitals", ""])
def test_sentences_have_no_number_and_repeat(said):
    text = sentences(said)
    assert not any(character.isdigit() for character in text)
    assert sentences(said) == text
    assert tokens(text) == -(-len(text) // 4)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, "must contain the word 'json'"),
        ({"type": "yaml"}, "response_format.type"),
        ({"type": "json_schema"}, "json_schema.schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "json_schema.name"),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}},
            },
            "additionalProperties",
        ),
        (
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "x",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"a": {}},
                    },
                },
            },
            "'required' must name every key",
        ),
    ],
    ids=["none", "text", "no word json", "kind", "no schema", "no name", "open", "not required"],
)
def test_response_formats_are_checked_as_upstream(wanted, said):
    wrong = invalid_format({"messages": ASKED, "response_format": wanted})
    assert (wrong is None) if said is None else (said in wrong)


def test_the_format_decides_the_answer():
    body = {"messages": ASKED, "response_format": {"type": "json_object"}}
    assert json.loads(answer_to(body))["text"].startswith("On ETH: ")
    assert answer_to({"messages": ASKED}).startswith("On ETH: ")
