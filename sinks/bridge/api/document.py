"""The OpenAPI 3.1 document, out of the table of routes and the types that handlers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from schemas.contract import STRUCTS, schema
from sinks.bridge.api.answers import HealthAnswer
from sinks.bridge.api.problems import CONTENT_TYPE, Problem
from sinks.bridge.api.route import BASE, Route
from sinks.bridge.api.values import PATH
from sinks.bridge.auth import Role

_REF = "#/components/schemas/{name}"
_PART = re.compile(r"{(\w+)}")
_TAGS = {
    "signals": "BUY, SELL and HOLD, and why.",
    "market": "Assets, scores, candles, what trends, news.",
    "strategies": "What signals are made by.",
    "bridge": "Tickets, state, this document.",
}
_ABOUT = (
    "Signals, scores, explanations and what they come from. Every endpoint but /health wants a "
    "bearer token; times are ms since 1970 UTC; failures are problem+json (RFC 9457). Lists with "
    "pages have `next`: send it as `cursor` with the same filters."
)
DOCUMENT_PATH = f"{BASE}/openapi.json"


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of a table of routes."""
    table = tuple(routes)
    components = _components(table)
    paths: dict[str, dict[str, Any]] = {"/health": {"get": _health()}}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    paths[DOCUMENT_PATH] = {"get": _itself()}
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "Quantiva Streams",
            "version": version("quantiva-streams"),
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    # Defaults are still Python's values; in JSON they are lists and objects.
    return dict(msgspec.json.decode(msgspec.json.encode(found)))


def operation_id(route: Route) -> str:
    """Return the id of a route's operation: get_signals_latest."""
    words = re.findall(r"\w+", route.path.removeprefix(BASE))
    return "_".join([route.method.lower(), *words])


def _components(routes: tuple[Route, ...]) -> dict[str, Any]:
    kinds = [Problem, HealthAnswer, *(route.answer for route in routes if route.answer is not None)]
    kinds += [route.body for route in routes if route.body is not None]
    _, found = msgspec.json.schema_components(dict.fromkeys(kinds), ref_template=_REF)
    _describe(found)
    return dict(sorted(found.items()))


def _ref(kind: Any) -> dict[str, Any]:
    (ref,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return dict(ref)


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route),
    }
    role = "" if route.role is Role.VIEWER else f"Needs the role {route.role}."
    if text := " ".join(filter(None, (route.detail, role))):
        found["description"] = text
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        found["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": _ref(route.body)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(PATH[name])}
        for name in _PART.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    # One parameter a field; "may be null" is "may be left out" in a query string.
    _, found = msgspec.json.schema_components([route.query])
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(kind)}
        for name, kind in found[route.query.__name__]["properties"].items()
    ]


def _without_null(kind: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in kind.items() if value is not None}
    choices = [one for one in rest.pop("anyOf", []) if one != {"type": "null"}]
    rest |= choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}
    if None in rest.get("enum", []):
        rest["enum"] = [one for one in rest["enum"] if one is not None]
    return rest


def _responses(route: Route) -> dict[str, Any]:
    found = {str(status): _success(route, status) for status in route.statuses}
    if route.method == "GET":
        found["304"] = {"description": "Not changed since the answer with that ETag."}
    for status in problem_statuses(route):
        found[str(status)] = _problem(status)
    return found


def problem_statuses(route: Route) -> list[int]:
    """Return the statuses of all failures that a route may answer with."""
    found = {401, 429, *route.problems}
    found |= {400} if "{" in route.path or route.query.__struct_fields__ else set()
    found |= {400, 413, 415, 422} if route.body is not None else set()
    found |= {403} if route.role is not Role.VIEWER else set()
    return sorted(found)


def _success(route: Route, status: int) -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if route.answer is not None:
        found["content"] = {"application/json": {"schema": _ref(route.answer)}}
    if route.method == "GET":
        found["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return found


def _problem(status: int) -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": _ref(Problem)}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _health() -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(HealthAnswer)}}
    return {
        "operationId": "get_health",
        "summary": "Whether the bridge answers.",
        "tags": ["bridge"],
        "security": [],
        "responses": {"200": {"description": "OK", "content": content}},
    }


def _itself() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "operationId": "get_openapi_json",
        "summary": "This document.",
        "tags": ["bridge"],
        "responses": {
            "200": {"description": "OK", "content": content},
            **{str(status): _problem(status) for status in (401, 429)},
        },
    }


def _describe(components: dict[str, Any]) -> None:
    """Give the contract's fields the docs that their Avro schemas have."""
    for name in STRUCTS:
        for record in _records(schema(name).avro):
            properties = components.get(record["name"], {}).get("properties", {})
            for field in record["fields"]:
                if field["name"] in properties and "doc" in field:
                    kind = properties[field["name"]]
                    properties[field["name"]] = {**kind, "description": field["doc"]}


def _records(avro: Any) -> Iterable[dict[str, Any]]:
    if isinstance(avro, list):
        for one in avro:
            yield from _records(one)
    elif isinstance(avro, dict):
        if avro.get("type") == "record":
            yield avro
            for field in avro["fields"]:
                yield from _records(field["type"])
        else:
            yield from _records(avro.get("items", avro.get("values")))
            if isinstance(avro.get("type"), dict):
                yield from _records(avro["type"])
