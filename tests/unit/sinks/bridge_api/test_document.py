"""The OpenAPI document: valid, whole, and true of what the bridge answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sinks.bridge.api import ROUTES
from sinks.bridge.api.document import document
from sinks.bridge.api.route_decorator import Route
from sinks.bridge.auth import Role
from sinks.bridge.problems import SLUGS
from tests.unit.sinks.bridge_api.fixtures import bridge, filled_path

DOCUMENT = document(ROUTES)
STRATEGY = {"name": "Mine", "weights": {"technical": 1.0}}
ASKED: list[Any] = [
    pytest.param("GET", "/health", {}, id="health"),
    pytest.param("GET", "/api/v1/openapi.json", {}, id="document"),
    pytest.param("GET", "/api/v1/me", {}, id="me"),
    pytest.param("GET", "/api/v1/status", {}, id="status"),
    pytest.param("GET", "/api/v1/signals", {}, id="no database"),
    pytest.param("GET", "/api/v1/signals/latest", {}, id="latest"),
    pytest.param("GET", "/api/v1/signals/{signal_id}", {}, id="one signal"),
    pytest.param("GET", "/api/v1/top", {}, id="top"),
    pytest.param("GET", "/api/v1/assets", {}, id="assets"),
    pytest.param("GET", "/api/v1/assets/{asset}", {}, id="asset"),
    pytest.param("GET", "/api/v1/assets/{asset}/candles", {}, id="candles"),
    pytest.param("GET", "/api/v1/scores", {}, id="scores"),
    pytest.param("GET", "/api/v1/strategies", {}, id="strategies"),
    pytest.param("GET", "/api/v1/strategies/{strategy_id}", {}, id="strategy"),
    pytest.param("PUT", "/api/v1/strategies/{strategy_id}", {"json": STRATEGY}, id="put"),
    pytest.param("PUT", "/api/v1/strategies/{strategy_id}", {"json": {}}, id="put nothing"),
    pytest.param("PUT", "/api/v1/strategies/{strategy_id}", {"data": b"{"}, id="no JSON"),
    pytest.param("DELETE", "/api/v1/strategies/{strategy_id}", {}, id="delete"),
    pytest.param("GET", "/api/v1/portfolios", {}, id="portfolios"),
    pytest.param("GET", "/api/v1/portfolios/{strategy_id}", {}, id="portfolio"),
    pytest.param("GET", "/api/v1/portfolios/{strategy_id}/trades", {}, id="trades"),
    pytest.param("GET", "/api/v1/portfolios/{strategy_id}/equity", {}, id="equity"),
    pytest.param("GET", "/api/v1/strategies/{strategy_id}/track-record", {}, id="track record"),
    pytest.param("GET", "/api/v1/outcomes", {}, id="outcomes without a database"),
    *(
        pytest.param("POST", f"/api/v1/portfolios/{{strategy_id}}/{kind}", {"json": body}, id=name)
        for kind, body, name in (
            ("deposit", {"amount_usd": 100.0}, "deposit"),
            ("deposit", {"amount_usd": 100.0, "reason": "lost"}, "deposit that does not come back"),
            ("deposit", {"amount_usd": -1.0}, "deposit of less than nothing"),
            ("withdrawal", {"amount_usd": 100.0}, "withdrawal"),
            ("withdrawal", {"amount_usd": 1e9}, "withdrawal of more than there is"),
            ("reset", {}, "reset"),
        )
    ),
    pytest.param("POST", "/api/v1/tickets", {}, id="ticket"),
    pytest.param(
        "POST",
        "/api/v1/signals/generate",
        {"json": {"asset": "BTC", "strategy_id": "momentum"}},
        id="generate",
    ),
    pytest.param(
        "POST",
        "/api/v1/signals/generate",
        {"json": {"asset": "BTC", "strategy_id": "none"}},
        id="generate by nothing",
    ),
]


def check(method: str, path: str, status: int, content_type: str, body: Any) -> None:
    """Fail unless the document describes the answer, and the answer is as described."""
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{method} {path} does not describe {status}: {body}"
    content = responses[str(status)].get("content")
    if content is None:
        assert not body
        return
    assert content_type in content
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    pointer = "#/" + "/".join(
        part.replace("~", "~0").replace("/", "~1")
        for part in (
            *("paths", path, method.lower(), "responses", str(status)),
            *("content", content_type, "schema"),
        )
    )
    registry = Registry().with_resource("urn:api", resource)
    OAS31Validator({"$ref": f"urn:api{pointer}"}, registry=registry).validate(body)


def test_it_is_valid() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()  # type: ignore[arg-type]


async def test_every_route_is_in_it_and_nothing_else() -> None:
    async with bridge() as it:
        app = it.client.server.app  # type: ignore[attr-defined]
        served = {
            (route.method, route.resource.canonical)
            for route in app.router.routes()
            if route.method != "HEAD" and not route.resource.canonical.startswith("/docs")
        }
    described = {
        (method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert served == described


@pytest.mark.parametrize("route", ROUTES, ids=lambda one: f"{one.method} {one.path}")
def test_a_handler_takes_its_parts_of_the_path_and_what_every_handler_may_take(
    route: Route,
) -> None:
    parts = set(re.findall(r"{(\w+)}", route.path))
    assert parts <= set(route.takes) <= parts | {"principal", "query", "body", "if_match"}


def test_each_operation_has_its_own_id() -> None:
    ids = [one["operationId"] for item in DOCUMENT["paths"].values() for one in item.values()]
    assert len(set(ids)) == len(ids)


def test_every_parameter_of_a_path_is_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            described = {
                one["name"] for one in operation.get("parameters", []) if one["in"] == "path"
            }
            assert described == {part.partition("}")[0] for part in path.split("{")[1:]}


def test_fields_of_the_contract_have_its_docs() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Signal"]["properties"]["action"]["description"]
    assert "weight" in schemas["Contribution"]["properties"]["contribution"]["description"]


@pytest.mark.parametrize(("method", "path", "options"), ASKED)
async def test_answers_are_as_described(method: str, path: str, options: Any) -> None:
    async with bridge() as it:
        if "data" in options:
            options = {**options, "headers": {"Content-Type": "application/json"}}
        status, body, headers = await it.call(method, filled_path(path), Role.ADMIN, **options)
    content_type = headers.get("Content-Type", "").partition(";")[0]
    check(method, path, status, content_type, body)


async def test_the_check_itself() -> None:
    with pytest.raises(AssertionError, match="does not describe"):
        check("GET", "/api/v1/me", 418, "application/json", {})
    with pytest.raises(Exception, match="is not"):
        check("GET", "/api/v1/me", 200, "application/json", {"name": 1, "role": "viewer"})


async def test_the_docs_page_names_no_other_host() -> None:
    async with bridge() as it:
        for path in ("/docs", "/docs/docs.js", "/docs/docs.css"):
            _, body, headers = await it.call("GET", path, None)
            assert b"//" not in body.replace(b"\n// ", b"\n").replace(b"// Shows", b"")
            assert "default-src 'none'" in headers["Content-Security-Policy"]


async def test_every_problem_type_is_explained_where_it_points_to() -> None:
    async with bridge() as it:
        _, body, _ = await it.call("GET", "/docs", None)
    page = body.decode()
    assert all(f'<tr id="problem-{slug}"><td>{status}<' in page for status, slug in SLUGS.items())
