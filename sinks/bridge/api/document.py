"""The OpenAPI 3.1 document, out of the table of routes and the types that handlers use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, TypeAlias

import msgspec

from schemas.contract import field_docs
from sinks.bridge.api.answers import HealthAnswer
from sinks.bridge.api.route_decorator import BASE, Route
from sinks.bridge.auth import Role
from sinks.bridge.problems import CONTENT_TYPE, Problem

DOCUMENT_PATH = f"{BASE}/openapi.json"
_TAGS = {
    "signals": "BUY, SELL and HOLD, and why.",
    "market": "Assets, scores, candles, what trends, news.",
    "strategies": "What signals are made by.",
    "portfolios": "What each strategy would own: equity, positions, trades, money in and out.",
    "outcomes": "Whether scores and signals foretold anything.",
    "bridge": "Tickets, state, this document.",
}
_ABOUT = (
    "Signals, scores, explanations and what they come from. Every endpoint but /health wants a "
    "bearer token; times are ms since 1970 UTC; failures are problem+json (RFC 9457). Lists with "
    "pages have `next`: send it as `cursor` with the same filters."
)
_Refs: TypeAlias = Mapping[Any, dict[str, Any]]
"""Schema, or a reference to it, by type."""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document of a table of routes."""
    kinds = [Problem, HealthAnswer, dict]
    kinds += [one for route in routes for one in (route.answer, route.takes.get("body")) if one]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    refs: _Refs = dict(zip(kinds, schemas, strict=True))
    health = _operation("get_health", "Whether the bridge answers.", "bridge")
    health |= {"security": [], "responses": {"200": _reply(200, refs[HealthAnswer])}}
    itself = _operation("get_openapi_json", "This document.", "bridge")
    itself["responses"] = {"200": _reply(200, refs[dict]), **_problems({401, 429}, refs)}
    paths: dict[str, dict[str, Any]] = {"/health": {"get": health}}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation_of(route, refs)
    about = {"version": version("quantiva-streams"), "description": _ABOUT}
    found = {
        "openapi": "3.1.0",
        "info": {"title": "Quantiva Streams", **about},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"bearer": []}],
        "paths": {**paths, DOCUMENT_PATH: {"get": itself}},
        "components": {
            "schemas": dict(sorted(_with_field_docs(components).items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    # Defaults are still Python's values; in JSON they are lists and objects.
    return dict(msgspec.json.decode(msgspec.json.encode(found)))


def _operation(name: str, summary: str, tag: str) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "tags": [tag]}


def _operation_of(route: Route, refs: _Refs) -> dict[str, Any]:
    words = re.findall(r"\w+", route.path.removeprefix(BASE))
    summary, _, details = (route.handler.__doc__ or "").partition("\n\n")
    found = _operation("_".join([route.method.lower(), *words]), summary, route.tag)
    replies = {str(status): _reply(status, refs.get(route.answer)) for status in route.statuses}
    if route.method == "GET":
        for reply in replies.values():
            reply["headers"] = {"ETag": {"schema": {"type": "string"}}}
        replies["304"] = {"description": "Not changed since the answer with that ETag."}
    found["responses"] = replies | _problems(_failures(route), refs)
    needs = "" if route.role is Role.VIEWER else f"Needs the role {route.role}."
    if text := " ".join([*details.split(), *needs.split()]):
        found["description"] = text
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        found["parameters"] = parameters
    if "body" in route.takes:
        content = {"application/json": {"schema": refs[route.takes["body"]]}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _reply(status: int, schema: Any, content_type: str = "application/json") -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    return found if schema is None else {**found, "content": {content_type: {"schema": schema}}}


def _problems(statuses: set[int], refs: _Refs) -> dict[str, Any]:
    return {str(one): _reply(one, refs[Problem], CONTENT_TYPE) for one in sorted(statuses)}


def _failures(route: Route) -> set[int]:
    """Return the statuses of all failures that a route may answer with."""
    found = {401, 429, *route.problems}
    found |= {400} if "{" in route.path or route.query.__struct_fields__ else set()
    found |= {400, 408, 413, 415, 422} if "body" in route.takes else set()
    return found | ({403} if route.role is not Role.VIEWER else set())


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema = msgspec.json.schema(route.takes[name])
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    """Yield one a field; "may be null" is "may be left out" in a query string."""
    _, found = msgspec.json.schema_components([route.query])
    for name, kind in found[route.query.__name__]["properties"].items():
        schema = {key: value for key, value in kind.items() if value is not None}
        for choice in schema.pop("anyOf", ()):
            schema |= choice if choice != {"type": "null"} else {}
        if "enum" in schema:
            schema["enum"] = [one for one in schema["enum"] if one is not None]
        yield {"name": name, "in": "query", "required": False, "schema": schema}


def _with_field_docs(components: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas, the contract's fields with the docs of their Avro schemas."""
    for record, docs in field_docs().items():
        fields = components.get(record, {}).get("properties", {})
        for name in docs.keys() & fields.keys():
            fields[name] = {**fields[name], "description": docs[name]}
    return components
