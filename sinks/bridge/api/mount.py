"""The REST interface as an aiohttp application: routes, health, /docs, tokens, problems."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from sinks.bridge import page
from sinks.bridge.api import market, rankings, service, signals, strategies
from sinks.bridge.api.answers import HealthAnswer
from sinks.bridge.api.document import DOCUMENT_PATH, document
from sinks.bridge.api.routing import Api, Route
from sinks.bridge.api.serving import PRINCIPAL, respond, serve
from sinks.bridge.problems import ProblemError

_log = logging.getLogger(__name__)
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

ROUTES: tuple[Route, ...] = (
    *signals.routes,
    *rankings.routes,
    *market.routes,
    *strategies.routes,
    *service.routes,
)
"""Every endpoint but health and the OpenAPI document."""
OPEN = ("/health", "/docs", "/docs/")
"""Paths without a token: what tells only that the bridge is there, and files without data.

One that ends with a slash stands for everything under it; "/" stands for itself alone.
"""
_DOCS_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def application(
    api: Api, more: Iterable[web.RouteDef] = (), open_paths: Iterable[str] = ()
) -> web.Application:
    """Return an application with the REST interface and `more` routes.

    `open_paths` answer without a token, beside `OPEN`: the page's files, and a route that checks
    a ticket itself. Everything else answers 401 without one, also what does not exist.
    """
    app = web.Application(
        middlewares=[_guard(api, (*OPEN, *open_paths))],
        client_max_size=api.settings.max_body_bytes,
    )
    app.add_routes([*_routes(api), *more])
    return app


def _routes(api: Api) -> Iterable[web.RouteDef]:
    content = msgspec.Raw(msgspec.json.encode(document(ROUTES)))

    async def health(request: web.Request) -> web.Response:
        return respond(api, request, HealthAnswer(), {"Cache-Control": "no-store"})

    async def itself(request: web.Request) -> web.Response:
        return respond(api, request, content, {})

    yield web.get("/health", health)
    yield web.get(DOCUMENT_PATH, itself)
    # aiohttp takes the first route that fits: fixed paths stand before those with a part.
    for route in sorted(ROUTES, key=lambda one: "{" in one.path):
        yield web.route(route.method, route.path, serve(api, route))
    # The page reads the document with the reader's token; nothing comes from another host.
    yield from page.files(Path(__file__).parent / "docs_files", "/docs", "/docs/", _DOCS_HEADERS)


def _guard(api: Api, open_paths: tuple[str, ...]) -> Middleware:
    """Return the middleware that wants a token, counts its requests and answers with problems."""
    exact = frozenset(open_paths)
    under = tuple(path for path in open_paths if path.endswith("/") and path != "/")

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            # The route that answers decides, not the path as it was written.
            resource = request.match_info.route.resource
            path = resource.canonical if resource is not None else ""
            if path not in exact and not path.startswith(under):
                principal = api.auth.authenticate(request)
                await api.auth.count(principal)
                request[PRINCIPAL] = principal
            return await handler(request)
        except ProblemError as error:
            return error.response(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _from_aiohttp(error, request).response(request)
        except Exception:
            _log.exception("The bridge failed on %s %s", request.method, request.path)
            problem = ProblemError(500, "The bridge failed; its log has the cause.")
            return problem.response(request)

    return guard


def _from_aiohttp(error: web.HTTPException, request: web.Request) -> ProblemError:
    texts = {
        404: f"There is nothing at {request.path}; /docs lists what there is.",
        405: f"{request.path} does not take {request.method}.",
        413: f"The body is larger than {request.client_max_size} bytes.",
    }
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    detail = texts.get(error.status, f"HTTP {error.status} {error.reason}")
    return ProblemError(error.status, detail, headers=allow)
