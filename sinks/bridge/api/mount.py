"""The routes as aiohttp takes them: the table, health, the OpenAPI document and its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from aiohttp import web

from sinks.bridge.api import bridge
from sinks.bridge.api.docs import docs_routes
from sinks.bridge.api.document import DOCUMENT_PATH, document
from sinks.bridge.api.parts import Api
from sinks.bridge.api.route import Answer
from sinks.bridge.api.serving import respond, serve
from sinks.bridge.api.table import ROUTES

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(api: Api) -> list[web.RouteDef]:
    """Return everything that the REST interface serves."""
    return [
        web.get("/health", bridge.health),
        web.get(DOCUMENT_PATH, _document(api)),
        # A fixed path stands before one with a part that would take it too: aiohttp takes the
        # first that fits.
        *(
            web.route(route.method, route.path, serve(api, route))
            for route in sorted(ROUTES, key=lambda one: "{" in one.path)
        ),
        *docs_routes(),
    ]


def _document(api: Api) -> _Handler:
    answer = Answer(msgspec.Raw(msgspec.json.encode(document(ROUTES))))

    async def send(request: web.Request) -> web.StreamResponse:
        return respond(request, answer, compress=api.settings.compression)

    return send
