"""Errors of the bridge as RFC 9457 problem+json: of the REST interface and the handshake of /ws."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"
TYPES = "/docs#problem-"
"""Where problem types are explained, each under its slug."""
SLUGS: dict[int, str] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "conflict",
    412: "changed-meanwhile",
    413: "too-large",
    415: "not-json",
    422: "invalid",
    429: "too-many-requests",
    500: "internal",
    503: "unavailable",
}
"""Slug of the problem type by status."""
_FIELD = re.compile(r"\w+")
_OF = re.compile(r" (?:of|engine) '?([^\s';]+)'?")
_MAPS = {"weight": "weights"}


HEADERS = {"Server": "quantiva", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer; aiohttp's own Server names its version and Python's."""


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


class ProblemError(Exception):
    """Ends a request with a problem. The detail is for the client: no secret, no address.

    `retry_after_s`: when the same request may succeed; sent as the header Retry-After.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Wrong] = (),
        matches: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = {"Cache-Control": "no-store", **(headers or {})}
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        slug = SLUGS.get(status)
        self.problem = Problem(
            type=f"{TYPES}{slug}" if slug else "about:blank",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            errors=tuple(errors),
            matches=tuple(matches),
        )

    def response(self, request: web.Request) -> web.Response:
        """Return the reply to the request that failed."""
        found = msgspec.structs.replace(self.problem, instance=request.rel_url.raw_path)
        body, headers = msgspec.json.encode(found), self.headers
        return web.Response(
            status=self.status, body=body, content_type=CONTENT_TYPE, headers=headers
        )


def malformed() -> web.Response:
    """Return the reply to what is no HTTP request, behind which the connection ends."""
    problem = ProblemError(400, "This is no HTTP request.").problem
    found = web.Response(
        status=400, body=msgspec.json.encode(problem), content_type=CONTENT_TYPE, headers=HEADERS
    )
    found.force_close()
    return found


def wrong_parameter(detail: str, *names: str) -> ProblemError:
    """Return the 400 for parameters of the query or the path; `errors` has each name."""
    return ProblemError(400, detail, errors=[Wrong(detail, parameter=name) for name in names])


def wrong_body(detail: str, wrong: str, body: type[msgspec.Struct]) -> ProblemError:
    """Return the 422 for a sentence of schemas.validation; `errors` has the place in the body."""
    return ProblemError(422, detail, errors=[Wrong(wrong, pointer=place(wrong, body))])


def place(wrong: str, body: type[msgspec.Struct]) -> str | None:
    """Return the JSON pointer of what a sentence of schemas.validation is about."""
    field = _FIELD.match(wrong)
    if field is None:
        return None
    if field[0] in _MAPS:
        key = _OF.search(wrong)
        return f"#/{_MAPS[field[0]]}" + (f"/{key[1]}" if key else "")
    return f"#/{field[0]}" if field[0] in body.__struct_fields__ else None
