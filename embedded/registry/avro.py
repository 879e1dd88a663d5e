"""Avro schemas as JSON values: full names everywhere, one canonical text for each schema."""

import json
from typing import Any

import fastavro

Schema = dict[str, Any] | list[Any] | str

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
NAMED = frozenset({"record", "error", "enum", "fixed"})


class InvalidSchemaError(ValueError):
    """A text or JSON value that is no Avro schema."""


def parse(text: str) -> Schema:
    """Return the qualified schema of a JSON text. Raises InvalidSchemaError."""
    try:
        schema = json.loads(text)
        # A bare name is JSON too; fastavro would take any other string for a reference.
        fastavro.parse_schema({"type": schema} if isinstance(schema, str) else schema)
    except Exception as error:  # fastavro meets malformed schemas with whatever goes wrong first
        message = f"{type(error).__name__}: {error}"
        raise InvalidSchemaError(message) from error
    return qualify(schema)


def canonical(schema: Schema) -> str:
    """Return one text for all spellings of a qualified schema.

    Unlike Avro's "parsing canonical form" it keeps what changes behaviour or meaning (defaults,
    aliases, logical types, documentation); two schemas that differ in these are two schemas.
    """
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def qualify(schema: Any, namespace: str = "") -> Schema:
    """Return an equal schema with full names, no `namespace`, and "string" for {"type": "string"}.

    Raises InvalidSchemaError when a required attribute is missing or has a wrong form; references
    to unknown types pass.
    """
    try:
        return _qualify(schema, namespace)
    except (KeyError, TypeError, AttributeError) as error:
        message = f"Not an Avro schema: {type(error).__name__} {error}"
        raise InvalidSchemaError(message) from error


def definitions(schema: Schema) -> dict[str, dict[str, Any]]:
    """Return the records, enums and fixeds that a qualified schema defines, by full name."""
    found: dict[str, dict[str, Any]] = {}
    open_ends: list[Any] = [schema]
    while open_ends:
        current = open_ends.pop()
        if isinstance(current, list):
            open_ends += current
        elif isinstance(current, dict):
            if current["type"] in NAMED:
                found[current["name"]] = current
                open_ends += [field["type"] for field in current.get("fields", ())]
            open_ends += [current[key] for key in ("items", "values") if key in current]
    return found


def _qualify(schema: Any, namespace: str) -> Schema:
    if isinstance(schema, list):
        return [_qualify(branch, namespace) for branch in schema]
    if isinstance(schema, str):
        return schema if schema in PRIMITIVES else _full_name(schema, namespace)
    kind = schema["type"]
    if not isinstance(kind, str) or kind not in PRIMITIVES | NAMED | {"array", "map"}:
        return _qualify(kind, namespace)  # {"type": {...}} and {"type": "Name"}
    if kind in PRIMITIVES:
        return dict(schema) if len(schema) > 1 else kind
    if kind in NAMED:
        return _qualify_named(schema, namespace)
    content = "items" if kind == "array" else "values"
    return {**schema, content: _qualify(schema[content], namespace)}


def _qualify_named(schema: dict[str, Any], namespace: str) -> Schema:
    name = _full_name(schema["name"], schema.get("namespace", namespace))
    inside = name.rpartition(".")[0]
    qualified = {key: value for key, value in schema.items() if key != "namespace"}
    qualified["name"] = name
    if "aliases" in schema:
        qualified["aliases"] = [_full_name(alias, inside) for alias in schema["aliases"]]
    if schema["type"] in ("record", "error"):
        qualified["fields"] = [
            {**field, "type": _qualify(field["type"], inside)} for field in schema["fields"]
        ]
    return qualified


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"
