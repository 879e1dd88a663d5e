"""Errors as RFC 9457 problem+json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"
TYPES = "/docs#problem-"
"""Where problem types are explained, each under its slug."""


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong where: a JSON pointer into the body, or the name of a parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, as RFC 9457 says it. `errors` are the places, `matches` several ids."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[Wrong, ...] = ()
    matches: tuple[str, ...] = ()


SLUGS: dict[int, str] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "ambiguous",
    412: "changed-meanwhile",
    413: "too-large",
    415: "not-json",
    422: "invalid",
    429: "too-many-requests",
    500: "internal",
    503: "unavailable",
}
"""Slug of the problem type by status."""


class ProblemError(Exception):
    """Ends a request with a problem. The detail is for the client: no secret, no address."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Wrong] = (),
        matches: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.matches = tuple(matches)
        self.headers = dict(headers or {})


def problem(error: ProblemError, instance: str) -> Problem:
    """Return the document of an error; `instance` is the path that was asked for."""
    slug = SLUGS.get(error.status)
    return Problem(
        type=f"{TYPES}{slug}" if slug else "about:blank",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        instance=instance,
        errors=error.errors,
        matches=error.matches,
    )


def response(error: ProblemError, request: web.Request) -> web.Response:
    """Return the answer to a request that failed."""
    return web.Response(
        status=error.status,
        body=msgspec.json.encode(problem(error, request.rel_url.raw_path)),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store", **error.headers},
    )


def not_found(what: str) -> ProblemError:
    """Return the error for something that is not there."""
    return ProblemError(404, what)


def unavailable(detail: str, retry_after_s: int = 2) -> ProblemError:
    """Return the error for a part that is away."""
    return ProblemError(503, detail, headers={"Retry-After": str(retry_after_s)})
