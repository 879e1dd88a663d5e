"""Sends one request and returns the response or the error, without secrets."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from pydantic import SecretStr
from yarl import URL

from producers.http_client import responses
from producers.http_client.encoding import text_of
from producers.http_client.errors import Kind, UpstreamError
from producers.http_client.headers import retry_after_s, retry_header_s
from producers.http_client.quota import Quota
from producers.http_client.upstream import Auth, Upstream
from schemas.redact import HIDDEN, redacted
from transport.clock import Clock

LONGEST_BODY = 20 * 1024 * 1024
UNSAID_LIMIT_S = 60.0
"""The pause after a 429 that names none."""

_LONGEST_REFUSAL = 64 * 1024
_SHORTEST_KEY = 8  # what is shorter may be a part of the data
_AGENT = "Mozilla/5.0 (compatible; QuantivaStreams/0.1)"  # some feeds refuse what is no browser


@dataclass(frozen=True, slots=True)
class Fetched:
    """A text with its validators for the next conditional request; empty when not modified."""

    text: str
    etag: str | None
    last_modified: str | None
    not_modified: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request as people may see it: the key is added to a JSON one when it is sent."""

    url: URL
    where: str
    headers: Mapping[str, str]
    cost: int
    json: bool


@dataclass(frozen=True, slots=True)
class Response:
    """Decoded JSON, or a `Fetched`."""

    value: Any


class Transport:
    """Sends requests of one upstream, each within its timeout; bodies have a bound."""

    def __init__(
        self,
        upstream: Upstream,
        session: aiohttp.ClientSession,
        quota: Quota,
        clock: Clock,
        secret: SecretStr | str | None,
        auth: Auth,
    ) -> None:
        self._upstream = upstream
        self._session = session
        self._quota = quota
        self._clock = clock
        self._secret = _checked(secret, upstream)
        self._auth = auth

    async def send(self, request: Request) -> Response | UpstreamError:
        """Send one request; return a `Response` or an `UpstreamError` (not raised).

        The error has no `__cause__`, which could show the key.
        """
        url, headers = self._with_key(request)
        kind: Kind
        try:
            async with self._session.get(
                url,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self._upstream.timeout_s),
                allow_redirects=not request.json,  # another host must not get the key
                middlewares=(_once,),
            ) as response:
                self._quota.adopt(response.headers)
                if response.status == 200:
                    return self._decoded(request, response, await _body(response, LONGEST_BODY))
                if response.status == 304 and not request.json:
                    return Response(_fetched("", response))
                return await self._refused(request, response)
        except TimeoutError:
            kind, what = "timeout", f"did not answer within {self._upstream.timeout_s:g} s"
        except aiohttp.InvalidURL:
            kind, what = "bad_request", "is no address; check the settings"
        except aiohttp.ClientPayloadError:
            kind, what = "not_json" if request.json else "connection", "sent half of its answer"
        except aiohttp.ClientResponseError as error:  # redirects without an end, no HTTP
            kind, what = "bad_answer", f"cannot be understood ({type(error).__name__})"
        except (aiohttp.ClientError, OSError) as error:
            kind, what = "connection", f"cannot be reached ({_reason(error)})"
        return self.error(f"{request.where} {what}", kind)

    def error(self, text: str, kind: Kind, after_s: float | None = None) -> UpstreamError:
        """Return an error of this upstream without the key in its text."""
        return UpstreamError(self._upstream.name, kind, self._redacted(text), retry_after_s=after_s)

    def _with_key(self, request: Request) -> tuple[URL, dict[str, str]]:
        headers = {"User-Agent": _AGENT, **request.headers}
        if self._secret is None or not request.json:
            return request.url, headers
        secret = self._secret.get_secret_value()
        url = request.url.update_query(self._auth.query(secret))
        return url, headers | self._auth.headers(secret)

    def _decoded(
        self, request: Request, response: aiohttp.ClientResponse, body: bytes | None
    ) -> Response | UpstreamError:
        if body is None:
            size = LONGEST_BODY // 1024**2
            return self.error(f"{request.where} sends more than {size} MB", "bad_answer")
        if not request.json:
            declared = response.headers.get("Content-Type")
            return Response(_fetched(text_of(body, declared), response))
        try:
            return Response(orjson.loads(self._without_key(body).removeprefix(BOM_UTF8)))
        except orjson.JSONDecodeError:  # it holds the body, which may repeat the key
            pass
        return self.error(responses.not_json(body, request.where), "not_json")

    def _without_key(self, body: bytes) -> bytes:
        """Return the body without the key: parsers quote responses, and know no key."""
        secret = b"" if self._secret is None else self._secret.get_secret_value().encode()
        return body.replace(secret, HIDDEN.encode()) if len(secret) >= _SHORTEST_KEY else body

    async def _refused(self, request: Request, response: aiohttp.ClientResponse) -> UpstreamError:
        status, key_env = response.status, self._upstream.key_env
        said = responses.shortened(self._redacted(responses.message_of(await _refusal(response))))
        text = responses.refusal(
            status, request.where, said, key_env, has_key=self._secret is not None
        )
        kind = responses.kind_of(status)
        after_s, now_ms = None, self._clock.now_ms()
        if kind == "server":  # in trouble, it goes on telling when windows end that are not spent
            after_s = retry_header_s(response.headers, now_ms)
        elif kind == "limit":
            kind = "quota" if self._quota.left_day() == 0 else kind
            after_s = retry_after_s(response.headers, now_ms)
            after_s = UNSAID_LIMIT_S if after_s is None else after_s
        return self.error(text, kind, after_s)

    def _redacted(self, text: str) -> str:
        return redacted(text, () if self._secret is None else (self._secret.get_secret_value(),))


def _checked(secret: SecretStr | str | None, upstream: Upstream) -> SecretStr | None:
    """Return the key without the spaces around it; None if nothing is left.

    ValueError if it cannot be sent, without the key in it.
    """
    text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret or ""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isprintable()) or " " in text:
        msg = f"the key of {upstream.name} has characters that no key has; check it for a typo"
        raise ValueError(msg)
    return SecretStr(text)


class _Lost(aiohttp.ClientConnectionError):
    """The connection was closed before the answer."""


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp would send it again on its own, uncounted and at once."""
    lost: Exception
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        lost = error
    raise _Lost(_reason(lost))


async def _body(response: aiohttp.ClientResponse, longest: int) -> bytes | None:
    """Return the body, decompressed; None if it is longer than `longest` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > longest:
            return None
    return bytes(body)


async def _refusal(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an error, empty if it does not come whole: its status is enough."""
    try:
        return await _body(response, _LONGEST_REFUSAL) or b""
    except (aiohttp.ClientError, OSError):  # a timeout is an OSError
        return b""


def _fetched(text: str, response: aiohttp.ClientResponse) -> Fetched:
    headers = response.headers
    return Fetched(text, headers.get("ETag"), headers.get("Last-Modified"), response.status == 304)


def _reason(error: BaseException) -> str:
    inner = getattr(error, "os_error", error)
    return getattr(inner, "strerror", None) or str(inner) or type(error).__name__
