"""A server of `fanout` in a process of its own: the bridge's hub, or a bare aiohttp broadcast.

Lines of JSON on stdin are orders, lines on stdout answer: {"publish": n, "rate": r} sends n
messages at that rate a second (0: as fast as it goes). Both sides send the same text; what ours
gets is the Avro record, so decoding and encoding are inside its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import uvloop
from aiohttp import web
from pydantic import SecretStr

from schemas.codec import local_codec
from schemas.signals import Contribution, Signal
from schemas.topics import SIGNALS
from sinks.bridge.auth import Auth
from sinks.bridge.hub import Hub, LogParts
from sinks.bridge.hub.channels import BY_TOPIC
from sinks.bridge.settings import BridgeSettings
from transport.log_reader import Partition

TOKEN = "measured" * 4
ENGINES = ("sentiment", "technical", "fundamental", "event_risk", "liquidity")


def signal(number: int) -> Signal:
    """Return a signal; `as_of` is the wall clock in microseconds, for the delay."""
    parts = tuple(Contribution(name, "ok", 0.5, 0.8, 0.2, 0.1, 100, number) for name in ENGINES)
    return Signal(
        signal_id=f"{number:016x}",
        strategy_id="momentum",
        asset=f"A{number % 50:02d}",
        as_of=time.time_ns() // 1000,
        trigger="cycle",
        final_score=0.5,
        action="BUY",
        fused_action="BUY",
        confidence=0.8,
        contributions=parts,
        position_size=1.0,
        position_value_usd=100.0,
    )


class _Record(NamedTuple):
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class _Log:
    """A log in memory: what the hub costs, without a broker."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[_Record] = asyncio.Queue()
        self._end = 0

    def append(self, record: _Record) -> None:
        self._end = record.offset + 1
        self._queue.put_nowait(record)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[_Log]:
        yield self

    async def partitions(self) -> dict[str, list[Partition]]:
        return {topic: [(topic, 0)] for topic in BY_TOPIC}

    async def begins(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 0)

    async def ends(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return {name: self._end if name[0] == SIGNALS.name else 0 for name in partitions}

    async def scan(self, ranges: Mapping[Partition, Any]) -> AsyncIterator[list[_Record]]:
        return
        yield []

    has_markers = False

    def reached(self) -> dict[Partition, int]:
        """Return nothing: this log has no markers of transactions."""
        return {}

    async def follow(self, starts: Mapping[Partition, int]) -> AsyncIterator[list[_Record]]:
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            yield batch


class Ours:
    """The hub, fed from a log in memory."""

    def __init__(self, queue_frames: int) -> None:
        tokens = SecretStr(json.dumps({TOKEN: {"name": "bench", "role": "viewer"}}))
        settings = BridgeSettings(
            tokens=tokens, queue_frames=queue_frames, requests_minute=1_000_000
        )
        self._log = _Log()
        self._codec = local_codec()
        self.hub = Hub(settings, LogParts(self._log.open, self._codec), Auth(settings))
        self.app = web.Application()
        self.hub.register(self.app)

    async def send(self, number: int) -> None:
        event = signal(number)
        value = self._codec.encode(event)
        record = _Record(SIGNALS.name, 0, number, 1, event.asset.encode(), value)
        self._log.append(record)


class Bare:
    """What is written in an hour: a set of sockets and a loop that sends to each."""

    def __init__(self, _: int) -> None:
        self._sockets: dict[web.WebSocketResponse, None] = {}
        self.app = web.Application()
        self.app.router.add_get("/ws", self._handle)

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()  # the subscription
        await socket.send_str('{"type":"ack"}')
        self._sockets[socket] = None
        try:
            async for _ in socket:
                pass
        finally:
            del self._sockets[socket]
        return socket

    async def send(self, number: int) -> None:
        data = msgspec.json.encode(signal(number)).decode()
        text = f'{{"type":"signal","cursor":"signals:0:{number}","at":1,"data":{data}}}'
        for socket in list(self._sockets):
            with contextlib.suppress(ConnectionError):
                await socket.send_str(text)


async def publish(side: Ours | Bare, first: int, order: dict[str, Any]) -> int:
    """Send messages, each at its time; return the number of the next one."""
    begin = time.perf_counter()
    for number in range(order["publish"]):
        if order["rate"]:
            early = begin + number / order["rate"] - time.perf_counter()
            await asyncio.sleep(max(early, 0))
        await side.send(first + number)
    return first + int(order["publish"])


def started() -> dict[str, Any]:
    """Return what this worker was started with, on its core and with room for the sockets."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    if order["core"] is not None:
        os.sched_setaffinity(0, {order["core"]})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return order


async def orders() -> AsyncIterator[dict[str, Any]]:
    """Yield the orders that come on stdin."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield json.loads(line)


def say(**fields: Any) -> None:
    """Answer an order."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until stdin ends."""
    order = started()
    side: Ours | Bare = {"ours": Ours, "bare": Bare}[order["side"]](order["queue_frames"])
    runner = web.AppRunner(side.app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=8192)
    await site.start()
    say(port=runner.addresses[0][1])
    number = 0
    async for given in orders():
        cpu_s = time.process_time()
        number = await publish(side, number, given)
        say(cpu_s=time.process_time() - cpu_s)
    os._exit(0)  # thousands of goodbyes are not what is measured


if __name__ == "__main__":
    uvloop.run(main())
