"""The hub: one reader of the log for all websockets of this process."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from dataclasses import dataclass

import msgspec
from aiohttp import web

from schemas.codec import Codec
from sinks.bridge.frames import FULL_WINDOW, Frame, control
from sinks.bridge.hub.backlog import Backlog
from sinks.bridge.hub.catch_up import gap_frame
from sinks.bridge.hub.channels import STATUS
from sinks.bridge.hub.client import END_S, FRAME_BYTES, Client
from sinks.bridge.hub.core import Core
from sinks.bridge.hub.cursors import Place
from sinks.bridge.hub.entry import Authenticator, admit, check_origin
from sinks.bridge.hub.feed import HubFeed
from sinks.bridge.hub.hub_health import Ends, HubHealth, PlatformHealth, engines_of, watch
from sinks.bridge.hub.views import Latest
from sinks.bridge.problems import ProblemError
from sinks.bridge.settings import BridgeSettings
from sinks.decoding import ContractDecoder
from transport.clock import wall_ms
from transport.decoder import Resolver
from transport.log_reader import OpenLog

_UNSENT_BYTES = 65_536
_STUCK_LOOKS = 4
"""After so many looks at a log that goes on while we read nothing, the hub reconnects."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class LogParts:
    """The log and how its records are decoded: the deployment's prefix, codec and registry.

    `open_backlog` opens a connection that reads little at once; None: as `open_log` does.
    """

    open_log: OpenLog
    codec: Codec
    prefix: str = ""
    resolve: Resolver | None = None
    open_backlog: OpenLog | None = None


_LAST_S = 5.0


class Hub:
    """Websockets and the state behind them; `latest` is what the REST interface reads.

    Any number of hubs run side by side: each reads the log for itself, in no group.
    """

    def __init__(
        self, settings: BridgeSettings, log: LogParts, authenticator: Authenticator
    ) -> None:
        self.settings = settings
        self.core = Core()
        self.log_health = HubHealth()
        decoder = ContractDecoder(log.codec, log.prefix, log.resolve)
        self.feed = HubFeed(self.core, log.open_log, decoder, self.log_health, self._tell_gap)
        open_backlog = log.open_backlog or log.open_log
        self.backlog = Backlog(open_backlog, decoder, lambda: self.feed.partitions)
        self._authenticator = authenticator
        self._open = log.open_log
        self._clients: dict[Client, None] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stuck = (0, 0)
        self._stopping = False

    @property
    def latest(self) -> Latest:
        """The latest of everything."""
        return self.core.latest

    @property
    def ready(self) -> asyncio.Event:
        """Set once the state holds what the log had at the start."""
        return self.feed.ready

    @property
    def clients(self) -> int:
        """How many websockets are open."""
        return len(self._clients)

    async def start(self) -> None:
        """Begin to read; clients may come at once, and are answered when the state is there."""
        self._tasks = [
            asyncio.create_task(self.feed.run()),
            asyncio.create_task(
                watch(
                    self._open,
                    lambda: (self.feed.partitions, self.core.positions),
                    self._look,
                    self.log_health,
                    self.settings.heartbeat_s,
                )
            ),
            asyncio.create_task(self._beat()),
        ]

    async def stop(self) -> None:
        """Send what the log still has, say bye to all clients, and close the log.

        The first for five seconds at most, so a client of a run that ends has its last signals.
        """
        self._stopping = True
        if self._clients:
            with contextlib.suppress(Exception):  # a log that is away has nothing to send
                async with asyncio.timeout(_LAST_S):
                    await self.feed.until_the_end()
        for client in list(self._clients):
            client.close_with_cursor("going_away")
        gone = [asyncio.create_task(client.gone.wait()) for client in self._clients]
        if gone:
            await asyncio.wait(gone, timeout=END_S)
        for task in [*gone, *self._tasks]:
            task.cancel()
        await asyncio.gather(*gone, *self._tasks, return_exceptions=True)
        await self.backlog.close()

    def register(self, app: web.Application) -> None:
        """Add GET /ws, and start and stop with the application."""
        app.router.add_get("/ws", self.handle)
        app.on_startup.append(lambda _: self.start())
        app.on_shutdown.append(lambda _: self.stop())

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket to its end."""
        check_origin(request, self.settings.origins)
        principal = await admit(request, self._authenticator)
        if self._stopping or len(self._clients) >= self.settings.max_clients:
            message = "The bridge has no room for one more websocket. Try again, or elsewhere."
            raise ProblemError(503, message, retry_after_s=5)
        socket = web.WebSocketResponse(
            timeout=END_S,
            heartbeat=max(4 * self.settings.heartbeat_s, 10.0),
            compress=self.settings.compression,
            max_msg_size=16 * FRAME_BYTES,
        )
        try:
            await socket.prepare(request)
        except ConnectionError:
            raise web.HTTPBadRequest from None  # it has gone meanwhile, and nobody hears this
        transport = request.transport
        if transport is None:
            return socket
        _keep_little_unsent(transport)
        client = Client(
            self,
            transport,
            request.writer.drain,
            str(getattr(principal, "name", "")),
            compressed=socket.compress == FULL_WINDOW,
        )
        await self._serve(client, socket, transport)
        return socket

    def join(self, client: Client) -> None:
        """Send a client heartbeats, and tell it of what is lost."""
        self._clients[client] = None

    def part(self, client: Client) -> None:
        """Undo `join`."""
        self._clients.pop(client, None)

    async def _serve(
        self, client: Client, socket: web.WebSocketResponse, transport: asyncio.Transport
    ) -> None:
        self.join(client)
        ending = asyncio.create_task(_cut_off(client, transport))
        try:
            await client.listen(socket)
        finally:
            self.part(client)
            client.forget()
            ending.cancel()
            client.gone.set()
            # What it was sent last may still be on its way; what it never reads is not kept.
            asyncio.get_running_loop().call_later(END_S, _abort, transport)

    def health(self) -> Frame:
        """Return the health frame that `status` subscribers get."""
        return control("health", **msgspec.to_builtins(self._health()))

    def _health(self) -> PlatformHealth:
        behind = self.log_health.behind
        return PlatformHealth(
            at=wall_ms(),
            connected=self.log_health.connected and behind is not None,
            lag_ms=self.log_health.lag_ms,
            clients=len(self._clients),
            undecoded=self.log_health.undecoded,
            last_error=self.log_health.last_error,
            topics=[
                msgspec.structs.replace(state, behind=None if behind is None else behind.get(topic))
                for topic, state in self.latest.topics.items()
            ],
            engines=engines_of(self.latest.scores.values()),
        )

    def _look(self, found: Ends) -> None:
        """Compare with the ends of the log; what does not fit makes the reader look again."""
        self.log_health.seen(found.ends, self.core.positions, found.at_s)
        self.latest.note_behind(self.log_health.behind or {})
        behind = sum((self.log_health.behind or {}).values())
        read = sum(self.core.positions.values())
        looks = self._stuck[1] + 1 if behind and read == self._stuck[0] else 0
        self._stuck = (read, looks)
        shrunk = any(found.ends[p] < found.positions.get(p, 0) for p in found.ends)
        if shrunk or looks >= _STUCK_LOOKS:
            self._stuck = (read, 0)
            self.feed.reconnect()

    def _tell_gap(self, place: Place, start: int, stop: int, reason: str) -> None:
        if reason == "replaced":
            self.backlog.forget()
        frame = gap_frame(place, start, stop, reason)
        for client in list(self._clients):
            if any(place in sub.started and place not in sub.behind for sub in client.all()):
                client.send(frame)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.settings.heartbeat_s)
            health = self.health()
            frames: dict[frozenset[str], Frame] = {}
            for number, client in enumerate(list(self._clients), start=1):
                self._beat_one(client, frames, health)
                if number % _CHUNK == 0:
                    await asyncio.sleep(0)
                    frames.clear()  # the cursor goes on meanwhile

    def _beat_one(self, client: Client, frames: dict[frozenset[str], Frame], health: Frame) -> None:
        """Send a heartbeat; clients that are caught up and have the same topics share one."""
        if client.send_queue.waiting:
            return  # it gets enough frames, and late
        topics = client.topics
        frame = frames.get(topics) if client.is_caught_up else self._heartbeat(client.cursor())
        if frame is None:
            frame = frames[topics] = self._heartbeat(client.cursor())
        client.send(frame)
        if any(STATUS in sub.channels for sub in client.all()):
            client.send(health)

    def _heartbeat(self, cursor: str) -> Frame:
        behind = self.log_health.behind
        return control(
            "heartbeat",
            at=wall_ms(),
            lag_ms=self.log_health.lag_ms,
            behind=None if behind is None else sum(behind.values()),
            cursor=cursor,
        )


async def _cut_off(client: Client, transport: asyncio.Transport) -> None:
    """Cut off a client that was sent away and does not go."""
    await client.ended.wait()
    await asyncio.sleep(END_S)
    _abort(transport)


def _abort(transport: asyncio.Transport) -> None:
    """End a connection; asyncio's own fails for one that ended after its last bytes went out."""
    socket = transport.get_extra_info("socket")
    if socket is None or socket.fileno() != -1:
        transport.abort()


def _keep_little_unsent(transport: asyncio.Transport) -> None:
    """Keep the kernel from taking megabytes for a slow client: old prices would wait in them."""
    socket = transport.get_extra_info("socket")
    option = getattr(sockets, "TCP_NOTSENT_LOWAT", None)
    if socket is not None and option is not None:
        socket.setsockopt(sockets.IPPROTO_TCP, option, _UNSENT_BYTES)
