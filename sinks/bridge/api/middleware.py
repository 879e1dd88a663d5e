"""Around every request of the bridge: failures as problems, and nobody in without a token."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Middleware

from sinks.bridge.api.parts import Api
from sinks.bridge.api.problems import ProblemError, response
from sinks.bridge.api.serving import PRINCIPAL
from sinks.bridge.auth import AuthError, TooManyRequestsError, UnauthorizedError

_log = logging.getLogger(__name__)
_Next: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = ("/health", "/docs", "/docs/")
"""Paths without a token: what tells only that the bridge is there, and files without data.

One that ends with a slash stands for everything under it; "/" stands for itself alone.
"""


def middlewares(api: Api, open_paths: Iterable[str] = ()) -> tuple[Middleware, ...]:
    """Return what the application needs around all of its routes, also those of other parts.

    `open_paths` answer without a token, beside `OPEN`: the page's files, and a route that checks
    a ticket itself. Everything else answers 401 without one, also what does not exist.
    """
    return (problems_middleware(), guard(api, (*OPEN, *open_paths)))


def problems_middleware() -> Middleware:
    """Return the middleware that answers failures as problem+json."""

    @web.middleware
    async def answer(request: web.Request, handler: _Next) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            return response(error, request)
        except AuthError as error:
            return response(_refusal(error), request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return response(_from_aiohttp(error, request), request)
        except Exception:
            _log.exception("The bridge failed on %s %s", request.method, request.path)
            return response(ProblemError(500, "The bridge failed; its log has the cause."), request)

    return answer


def guard(api: Api, open_paths: tuple[str, ...]) -> Middleware:
    """Return the middleware that asks for a token and counts its requests."""
    exact = frozenset(open_paths)
    under = tuple(path for path in open_paths if path.endswith("/") and path != "/")

    @web.middleware
    async def check(request: web.Request, handler: _Next) -> web.StreamResponse:
        # The route that answers decides, not the path as it was written.
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else ""
        if path not in exact and not path.startswith(under):
            principal = api.auth.authenticate(request)
            await api.auth.count(principal)
            request[PRINCIPAL] = principal
        return await handler(request)

    return check


def _refusal(error: AuthError) -> ProblemError:
    headers = {}
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = 'Bearer realm="quantiva"'
    if isinstance(error, TooManyRequestsError):
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 503:
        headers["Retry-After"] = "1"
    return ProblemError(error.status, str(error), headers=headers)


def _from_aiohttp(error: web.HTTPException, request: web.Request) -> ProblemError:
    texts = {
        404: f"There is nothing at {request.path}; /docs lists what there is.",
        405: f"{request.path} does not take {request.method}.",
        413: "The body is too large.",
    }
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    detail = texts.get(error.status, f"HTTP {error.status} {error.reason}")
    return ProblemError(error.status, detail, headers=allow)
