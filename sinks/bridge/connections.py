"""Connections to the bridge: how many there may be, how long they may take, what breaks them.

Whoever has shown a token may stay, up to the limits of websockets and requests. A stranger is one
that has not: of those an address has a few, all of them together leave room for others, and where
there is none the oldest is closed. So silent connections keep nobody out for longer than it takes
to open one more.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket as sockets
from ipaddress import ip_address, ip_network
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from sinks.bridge.problems import malformed
from sinks.bridge.settings import BridgeSettings

_log = logging.getLogger(__name__)
SPARE_HANDLES = 128
"""File handles that connections leave to the log, the database and the page's files."""
SHUTDOWN_S = 5.0
"""The hub has said bye before, so nothing is worth a longer wait."""
_GRACE_S = 5.0
"""How long a stranger may take before it is one of too many."""
_LOOK_EVERY_S = 0.5
_LINGER_S = 2.0
"""How long the rest of a body is read that nobody wants, so that the answer gets through."""
_UNREAD_S = 60.0
"""A client that takes nothing of an answer for so long is cut off; websockets end sooner."""
BROKEN: tuple[type[BaseException], ...] = (HttpProcessingError, web.RequestPayloadError)
"""What aiohttp raises for requests that are not what they say."""


def room_for(wanted: int) -> int:
    """Return how many connections there can be: `wanted`, or fewer where handles are fewer.

    Raises this process's soft limit of file handles as far as it may.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_HANDLES
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if most > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        if soft < needed:
            _log.warning(
                "this process may open %d files: %d connections, not %d; see ulimit -n",
                soft, max(soft - SPARE_HANDLES, 1), wanted,
            )  # fmt: skip
            return max(soft - SPARE_HANDLES, 1)
    return wanted


class Runner(web.AppRunner):
    """Serves an application with the limits of the settings; used as aiohttp's AppRunner is."""

    def __init__(self, app: web.Application, settings: BridgeSettings) -> None:
        # No access log: tickets stand in addresses.
        super().__init__(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._settings = settings

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made, self._settings)


class _Server(web.Server):
    """Makes a `Connection` for each that is accepted, and closes strangers where there are many."""

    def __init__(self, made: web.Server, settings: BridgeSettings) -> None:
        super().__init__(made.request_handler, request_factory=made.request_factory)
        self._per_address = settings.max_strangers
        self._most = room_for(settings.max_connections)
        self._request_s = settings.request_s
        self._open: dict[Connection, None] = {}
        self._strangers: dict[Connection, str] = {}
        # When each was opened, in that order, by the loop's clock.
        self._of_address: dict[str, dict[Connection, float]] = {}
        self._crowded: set[str] = set()
        self._loop_s = asyncio.get_running_loop().time

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            # For aiohttp it is also how long the header of a request may take.
            keepalive_timeout=self._request_s,
            lingering_time=_LINGER_S,
            access_log=None,
        )

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection; where there is no room, close the oldest of the strangers."""
        super().connection_made(handler, transport)
        assert isinstance(handler, Connection)  # noqa: S101 - for mypy: __call__ makes no other
        address = _address(transport)
        self._open[handler] = None
        self._strangers[handler] = address
        of_address = self._of_address.setdefault(address, {})
        of_address[handler] = self._loop_s()
        if len(self._open) > self._most:
            oldest = next(iter(self._strangers))
            self._refuse(oldest, self._strangers[oldest], "in all")
        if len(of_address) > self._per_address and address not in self._crowded:
            self._crowded.add(address)
            self._thin_out(address)

    def _thin_out(self, address: str) -> None:
        """Close the oldest of an address with too many, but none that may still show its token.

        Many clients behind one address connect at once after a restart of the bridge.
        """
        of_address = self._of_address.get(address, {})
        latest_s = self._loop_s() - min(_GRACE_S, self._request_s / 3)
        for handler, opened_s in list(of_address.items()):
            if len(of_address) <= self._per_address or opened_s > latest_s:
                break
            self._refuse(handler, address, "of this address")
        if len(of_address) <= self._per_address:
            self._crowded.discard(address)
        else:
            asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._thin_out, address)

    def _refuse(self, handler: Connection, address: str, which: str) -> None:
        _log.warning("a connection of %s was closed: there were too many %s", address, which)
        self._forget(handler)
        transport = handler.transport
        if transport is not None:
            transport.abort()

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Undo `connection_made`."""
        super().connection_lost(handler, exc)
        if isinstance(handler, Connection):
            self._forget(handler)

    def _forget(self, handler: Connection) -> None:
        self._open.pop(handler, None)
        self.know(handler)

    def know(self, handler: Connection) -> None:
        """Take note that a connection is no stranger's."""
        address = self._strangers.pop(handler, None)
        if address is None:
            return
        of_address = self._of_address[address]
        del of_address[handler]
        if not of_address:
            del self._of_address[address]


class Connection(web.RequestHandler):
    """One connection. What is no HTTP costs one line and is answered with a problem."""

    def __init__(self, server: _Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server

    def know(self) -> None:
        """Take note that a request had a valid token or ticket."""
        self._server.know(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        socket = transport.get_extra_info("socket")
        option = getattr(sockets, "TCP_USER_TIMEOUT", None)
        if socket is not None and option is not None and socket.family != sockets.AF_UNIX:
            socket.setsockopt(sockets.IPPROTO_TCP, option, round(_UNREAD_S * 1000))
        super().connection_made(transport)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what broke a request; a defect of ours is aiohttp's to log."""
        if not isinstance(exc, BROKEN):
            return super().handle_error(request, status, exc, message)
        _log.warning("%s sent what is no request: %s", request.remote, type(exc).__name__)
        return malformed()

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Log an exception; without a traceback when the client is its cause."""
        error = options.get("exc_info")
        if isinstance(error, (*BROKEN, ConnectionError)):
            _log.warning("a request broke: %s", type(error).__name__)
        else:
            super().log_exception(*args, **options)


def _address(transport: asyncio.Transport) -> str:
    """Return whose connections are counted together: an address, of IPv6 the network of 64 bits."""
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    address = ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    if address.version == 4 or mapped is not None:
        return str(mapped or address)
    return str(ip_network((address, 64), strict=False))
