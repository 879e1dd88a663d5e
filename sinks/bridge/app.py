"""The whole bridge as one application: websocket, REST interface and page on one port."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from sinks.bridge import api as rest
from sinks.bridge import page as pages
from sinks.bridge.api import ROUTES, Api
from sinks.bridge.api.answers import HealthAnswer
from sinks.bridge.api.document import DOCUMENT_PATH, document
from sinks.bridge.api.route_decorator import PRINCIPAL, respond, serve
from sinks.bridge.connections import Connection
from sinks.bridge.hub import Hub
from sinks.bridge.problems import HEADERS, ProblemError

_log = logging.getLogger(__name__)
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = ("/health", "/docs", "/", "/ws")
"""Routes without a token: whether the bridge is there, files without data, and /ws, where the hub
checks token or ticket. Everything else wants one, also what does not exist.
"""
OPEN_UNDER = ("/docs/", "/assets/")
"""Every route under these is open too: files without data."""
_DOCS_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def build_app(api: Api, hub: Hub | None = None, *, page: bool = True) -> web.Application:
    """Return the application; it starts and stops the hub, and closes nothing else.

    `api.latest` is the hub's, and `api.auth` is what the hub asks for tokens and tickets. Without
    a hub there is no /ws.
    """
    limit = api.settings.max_body_bytes
    app = web.Application(middlewares=[_guard(api)], client_max_size=limit)
    app.add_routes([*_rest(api), *(pages.routes() if page else ())])
    if hub is not None:
        hub.register(app)
    app.on_response_prepare.append(_prepare)
    return app


async def _prepare(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    if response.status == 101:  # a websocket, which the hub has let in
        _know(request)


def _know(request: web.Request) -> None:
    if isinstance(request.protocol, Connection):
        request.protocol.know()


def _rest(api: Api) -> Iterable[web.RouteDef]:
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
    # The page at /docs reads the document with the reader's token; all of it comes from here.
    folder = Path(rest.__file__).parent / "docs_files"
    yield from pages.files(folder, "/docs", "/docs/", _DOCS_HEADERS)


def _guard(api: Api) -> Middleware:
    """Return the middleware that wants a token, counts its requests and answers with problems."""

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            # The route that answers decides, not the path as it was written.
            resource = request.match_info.route.resource
            path = resource.canonical if resource is not None else ""
            if path not in OPEN and not path.startswith(OPEN_UNDER):
                principal = api.auth.authenticate(request)
                await api.auth.count(principal)
                request[PRINCIPAL] = principal
                _know(request)
            return await handler(request)
        except ProblemError as error:
            if error.status == 401 and (request.query or "Authorization" in request.headers):
                await api.auth.slow_down(request.remote or "")
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
