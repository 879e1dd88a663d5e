"""What every request passes: it is counted, meets its fault or its limit, and then its stand-in."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Middleware

from simulator.error_bodies import error_response, html_response, json_response, retry_after
from simulator.faults import Fault, Faults
from simulator.keys import limits_with_key
from simulator.request_log import Use
from simulator.world import World
from transport.clock import Clock

_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_STALE_KEPT = 500
_RETRY_AFTER_S = 60.0
CLOSING = web.AppKey("closing", asyncio.Event)
"""Set when the server stops, so that silent answers end."""


class FaultMiddleware:
    """The middleware before all stand-ins. The upstream is the first part of the path."""

    def __init__(self, world: World, clock: Clock, faults: Faults) -> None:
        self._world = world
        self._clock = clock
        self._faults = faults
        self._stale: dict[tuple[str, str], web.Response] = {}

    @property
    def middleware(self) -> Middleware:
        """What an application takes."""

        @web.middleware
        async def inject_faults(request: web.Request, handler: _Handler) -> web.StreamResponse:
            upstream = request.path.split("/")[1]
            if upstream.startswith("_"):
                return await handler(request)
            return await self._answer(upstream, request, handler)

        return inject_faults

    async def _answer(
        self, upstream: str, request: web.Request, handler: _Handler
    ) -> web.StreamResponse:
        use = self._faults.requests.count(upstream, limits_with_key(upstream, request))
        fault = self._faults.pick(upstream, request.path)
        status: int | str = "gone"  # when the client goes before there is an answer
        try:
            response = await self._meet(fault, use, upstream, request, handler)
            if fault is None or fault.kind in ("limit", "status"):
                self._add_limit_headers(upstream, use, response)
            status = response.status if not _hung_up(fault) else "reset"
            return response
        finally:
            kind = None if fault is None else fault.kind
            self._faults.requests.done(upstream, request.method, request.path, status, kind)

    async def _meet(
        self,
        fault: Fault | None,
        use: Use,
        upstream: str,
        request: web.Request,
        handler: _Handler,
    ) -> web.StreamResponse:
        now_ms = self._clock.now_ms()
        if fault is not None and fault.kind in ("status", "limit", "html"):
            return _scripted(fault, upstream, now_ms)
        if fault is not None and fault.kind == "silence":
            await request.config_dict[CLOSING].wait()
            return web.Response(status=503)
        if fault is not None and fault.kind in ("reset", "unplugged"):
            _reset(request)
            return web.Response()
        if use.violation is not None:
            return _over_the_limit(upstream, use, now_ms)
        if fault is not None and fault.kind == "stale":
            return await self._first_answer(upstream, request, handler)
        self._stale = {key: kept for key, kept in self._stale.items() if key[0] != upstream}
        response = await self._serve(request, handler)
        return response if fault is None else await _damaged(fault, request, response)

    async def _serve(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        await self._world.ready(self._clock.now_ms())
        try:
            return await handler(request)
        except web.HTTPException as error:
            return json_response({"error": error.reason}, error.status)

    async def _first_answer(
        self, upstream: str, request: web.Request, handler: _Handler
    ) -> web.StreamResponse:
        """Return what was answered to the same request when the fault began, as a cache would."""
        key = upstream, request.path_qs
        if key not in self._stale:
            response = await self._serve(request, handler)
            if not isinstance(response, web.Response) or len(self._stale) >= _STALE_KEPT:
                return response
            self._stale[key] = response
        return _copied(self._stale[key])

    def _add_limit_headers(self, upstream: str, use: Use, response: web.StreamResponse) -> None:
        if response.prepared:
            return
        if upstream == "lunarcrush":
            per_minute, per_day = use.limits.per_minute or 0, use.limits.per_day or 0
            response.headers["x-rate-limit-minute"] = str(per_minute)
            response.headers["x-rate-limit-minute-remaining"] = str(max(0, per_minute - use.minute))
            response.headers["x-rate-limit-minute-reset"] = str(use.minute_ends_ms // 1000)
            response.headers["x-rate-limit-day"] = str(per_day)
            response.headers["x-rate-limit-day-remaining"] = str(max(0, per_day - use.day))
            response.headers["x-rate-limit-day-reset"] = str(use.day_ends_ms // 1000)
        elif upstream == "chat":
            per_minute = use.limits.per_minute or 0
            left_s = (use.minute_ends_ms - self._clock.now_ms()) / 1000.0
            response.headers["x-ratelimit-limit-requests"] = str(per_minute)
            response.headers["x-ratelimit-remaining-requests"] = str(
                max(0, per_minute - use.minute)
            )
            response.headers["x-ratelimit-reset-requests"] = f"{max(0.0, left_s):.3f}s"


def _scripted(fault: Fault, upstream: str, now_ms: int) -> web.Response:
    if fault.kind == "html":
        return html_response(fault.status or 502)
    limited = fault.kind == "limit"
    status = fault.status or (429 if limited else 500)
    response = error_response(upstream, status, fault.code)
    usual_s = _RETRY_AFTER_S if limited else 0.0
    seconds = usual_s if fault.retry_after_s is None else fault.retry_after_s
    if seconds > 0.0:
        response.headers["Retry-After"] = retry_after(seconds, now_ms, http_date=fault.http_date)
    return response


def _over_the_limit(upstream: str, use: Use, now_ms: int) -> web.Response:
    """Return 429 as the vendor does; LunarCrush and the news give no Retry-After."""
    response = error_response(upstream, 429)
    if upstream in ("coingecko", "coinmarketcal", "chat"):
        spent_day = use.limits.per_day is not None and use.day > use.limits.per_day
        until_ms = use.day_ends_ms if spent_day else use.minute_ends_ms
        left_s = (until_ms - now_ms) / 1000.0
        response.headers["Retry-After"] = retry_after(left_s, now_ms, http_date=False)
    return response


def _hung_up(fault: Fault | None) -> bool:
    return fault is not None and fault.kind in ("reset", "unplugged", "half_body")


def _reset(request: web.Request) -> None:
    """Break the connection so that the client sees a reset, not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _copied(response: web.Response) -> web.Response:
    kept = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return web.Response(body=response.body, status=response.status, headers=kept)


async def _damaged(
    fault: Fault, request: web.Request, response: web.StreamResponse
) -> web.StreamResponse:
    """Cut an answer in half: its text (broken_json), or its connection (half_body)."""
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes):
        return response
    half = body[: max(1, len(body) // 2)]
    if fault.kind == "broken_json":
        return web.Response(body=half, status=response.status, content_type=response.content_type)
    broken = web.StreamResponse(status=response.status)
    broken.content_type, broken.content_length = response.content_type, len(body)
    await broken.prepare(request)
    await broken.write(half)
    if request.transport is not None:
        request.transport.close()  # after what has been written is sent
    return broken
