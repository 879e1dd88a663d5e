"""Websocket streams: a message is encoded once and sent to every subscriber."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import ClientError, WSCloseCode, WSMsgType, web

from simulator.faults import Faults
from simulator.shapes import Market
from transport.clock import Clock

PERIOD_S = 1.0
"""Wall seconds between two messages of a stream."""

_TURN = 16  # streams between two turns of the event loop
_WAITING_AT_MOST = 5_000  # messages; a client that reads slower than this is let go


class Stream(Protocol):
    """One stream, shared by its subscribers; messages are encoded."""

    def greeting(self) -> Sequence[bytes]:
        """Return what a new listener gets first; it fits what `due` returned last."""
        ...

    def due(self, now_ms: int) -> Sequence[bytes]:
        """Return the messages since the last call."""
        ...

    def again(self) -> Sequence[bytes]:
        """Return what a stream that has gone stale repeats."""
        ...


class Connection:
    """One client: what it listens to, and what is waiting to be sent to it."""

    def __init__(self, socket: web.WebSocketResponse, path: str) -> None:
        self.path = path
        self.names: dict[str, None] = {}
        self._socket = socket
        self._waiting: deque[bytes] = deque()
        self._more = asyncio.Event()

    def offer(self, messages: Sequence[bytes]) -> None:
        """Queue messages."""
        self._waiting.extend(messages)
        self._more.set()

    @property
    def too_slow(self) -> bool:
        """Whether more is waiting than a client may leave unread."""
        return len(self._waiting) > _WAITING_AT_MOST

    async def close(self, code: int, reason: str) -> None:
        """Close the socket; waits a moment for the client's answer."""
        await self._socket.close(code=code, message=reason.encode())

    async def send(self) -> None:
        """Send what is queued, until cancelled or the client is gone."""
        with contextlib.suppress(ConnectionError, ClientError):
            while not self._socket.closed:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    await self._socket.send_frame(self._waiting.popleft(), WSMsgType.TEXT)


class Hub:
    """The streams of one exchange and their subscribers.

    opened    makes the stream of a name, None where there is none of that name
    upstream  name in the script of faults: `ws_dies` closes a connection with 1012 at its next
              second, `ws_skips` and `ws_silent` leave messages out (of streams whose name has the
              fault's path in it), `stale` repeats old ones (there the path begins with "ws:")
    """

    def __init__(
        self,
        upstream: str,
        opened: Callable[[str], Stream | None],
        market: Market,
        clock: Clock,
        faults: Faults,
        period_s: float = PERIOD_S,
    ) -> None:
        self._upstream = upstream
        self._period_s = period_s
        self._opened = opened
        self._market = market
        self._clock = clock
        self._faults = faults
        self._streams: dict[str, Stream] = {}
        self._listeners: dict[str, dict[Connection, None]] = {}
        self._connections: dict[Connection, None] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def refuses(self, path: str) -> bool:
        """Whether a fault refuses a new connection."""
        return self._faults.pick(self._upstream, path, ("ws_refuses",)) is not None

    def has(self, name: str) -> bool:
        """Whether there is a stream of this name."""
        return name in self._streams or self._opened(name) is not None

    def join(self, connection: Connection) -> None:
        """Add a client."""
        self._connections[connection] = None

    def leave(self, connection: Connection) -> None:
        """Remove a client and its subscriptions."""
        for name in list(connection.names):
            self.unsubscribe(connection, name)
        self._connections.pop(connection, None)

    def subscribe(self, connection: Connection, name: str) -> bool:
        """Let a client listen to a stream from now on; False where there is none of that name."""
        if name in self._streams:
            self._push(name)  # so that the greeting fits what comes next
        stream = self._streams.get(name) or self._opened(name)
        if stream is None:
            return False
        self._streams[name] = stream
        self._listeners.setdefault(name, {})[connection] = None
        connection.names[name] = None
        connection.offer(stream.greeting())
        return True

    def unsubscribe(self, connection: Connection, name: str) -> None:
        """End a subscription; a stream without listeners ends too."""
        connection.names.pop(name, None)
        listeners = self._listeners.get(name, {})
        listeners.pop(connection, None)
        if not listeners:
            self._listeners.pop(name, None)
            self._streams.pop(name, None)

    async def run(self) -> None:
        """Push every stream once a period, until cancelled."""
        while True:
            await asyncio.sleep(self._period_s)
            if self._connections:
                await self._market.ready(self._clock.now_ms())
                await self.push()

    async def push(self) -> None:
        """Push every stream once."""
        for connection in list(self._connections):
            self._may_die(connection)
        for number, name in enumerate(list(self._streams), start=1):
            if name in self._streams:
                self._push(name)
            if number % _TURN == 0:
                await asyncio.sleep(0)

    async def close(self) -> None:
        """Close every connection, as a server does that goes away."""
        for connection in list(self._connections):
            await connection.close(WSCloseCode.GOING_AWAY, "server shutdown")

    def _push(self, name: str) -> None:
        messages = self._spared(name)
        if messages:
            for connection in self._listeners[name]:
                connection.offer(messages)

    def _spared(self, name: str) -> list[bytes]:
        """Return the messages of a stream without those that a fault drops."""
        if self._faults.pick(self._upstream, f"ws:{name}", ("stale",)) is not None:
            return list(self._streams[name].again())
        due = self._streams[name].due(self._clock.now_ms())
        kinds = ("ws_skips", "ws_silent")
        return [one for one in due if self._faults.pick(self._upstream, name, kinds) is None]

    def _may_die(self, connection: Connection) -> None:
        if connection.too_slow:
            self._close(connection, WSCloseCode.POLICY_VIOLATION, "client reads too slowly")
        elif self._faults.pick(self._upstream, connection.path, ("ws_dies",)) is not None:
            self._close(connection, WSCloseCode.SERVICE_RESTART, "service restart")

    def _close(self, connection: Connection, code: int, reason: str) -> None:
        self.leave(connection)
        task = asyncio.create_task(connection.close(code, reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
