"""What the stand-in of a language model writes: sentences without a number, or JSON of a schema."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson

_Schema: TypeAlias = Mapping[str, Any]
_SENTENCES = (
    "The engines agree on the direction.",
    "News and trend point the same way.",
    "Depth is sufficient for an order of this size.",
    "Nothing on the calendar stands against it.",
    "Sentiment carries most of the score.",
)
_DEPTH_MOST = 12


def tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return max(1, -(-len(text) // 4))


def answer_to(body: Mapping[str, Any]) -> str:
    """Return the text of an answer, after the request's response_format."""
    said = "\n".join(str(message.get("content")) for message in body["messages"])
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        return orjson.dumps(instance(schema, schema, said)).decode()
    if wanted.get("type") == "json_object":
        return orjson.dumps({"text": sentences(said)}).decode()
    return sentences(said)


def sentences(said: str) -> str:
    """Return two sentences that depend on the prompt, without any number."""
    asset = re.search(r"\b[A-Z]{2,6}\b", said)
    start = zlib.crc32(said.encode()) % len(_SENTENCES)
    first, second = _SENTENCES[start], _SENTENCES[(start + 2) % len(_SENTENCES)]
    about = f"On {asset[0]}: " if asset is not None else ""
    return f"{about}{first} {second}"


def invalid_format(body: Mapping[str, Any]) -> str | None:
    """Return what is wrong with response_format, or None; strict schemas are checked, too."""
    wanted = body.get("response_format")
    if wanted is None:
        return None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        said = " ".join(str(message.get("content")) for message in body["messages"])
        named = "json" in said.lower()
        return None if named else "'messages' must contain the word 'json' in some form."
    if kind == "json_schema":
        return _invalid_schema(wanted.get("json_schema"))
    return "Invalid value: 'response_format.type'."


def _invalid_schema(given: Any) -> str | None:
    if not isinstance(given, dict) or not isinstance(given.get("schema"), dict):
        return "Missing required parameter: 'response_format.json_schema.schema'."
    if not given.get("name"):
        return "Missing required parameter: 'response_format.json_schema.name'."
    schema = given["schema"]
    if given.get("strict") and schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "Invalid schema: 'additionalProperties' is required to be false."
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            return "Invalid schema: 'required' must name every key in properties."
    return None


def instance(schema: _Schema, root: _Schema, said: str, depth: int = 0) -> Any:
    """Return a value that fits a JSON schema: its first choice, sentences, middling numbers."""
    if depth > _DEPTH_MOST:
        return None
    if "$ref" in schema:
        return instance(_pointed_at(schema["$ref"], root), root, said, depth + 1)
    for choices in ("anyOf", "oneOf", "allOf"):
        if schema.get(choices):
            return instance(schema[choices][0], root, said, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: instance(field, root, said, depth + 1) for name, field in fields.items()}
    if kind == "array":
        count = max(1, schema.get("minItems", 1))
        return [instance(schema.get("items", {}), root, said, depth + 1) for _ in range(count)]
    return _scalar(kind, schema, said)


def _scalar(kind: str | None, schema: _Schema, said: str) -> Any:
    if kind in ("number", "integer"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1))
        return int(low) if kind == "integer" else (low + high) / 2
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    return sentences(said)[: schema.get("maxLength")]


def _pointed_at(reference: str, root: _Schema) -> _Schema:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found[part] if part else found
    return found  # type: ignore[no-any-return]
