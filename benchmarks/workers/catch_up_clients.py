"""Clients of `catch_up` in a process of their own: those that ping, or those that catch up.

Lines of JSON on stdin are orders: {"connect": n} opens clients that {"ping": s} makes ping for so
many seconds; {"ping_until": true} until {"enough": true} comes, which says what {"ping"} says.
{"since_begin": n, "never_read": m} opens clients that ask for all there is, {"leave": true} ends
them.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import uvloop

from benchmarks.brokers import PARTITIONS
from benchmarks.workers.fanout_clients import framed, handshake
from benchmarks.workers.fanout_server import orders, say, started
from schemas.topics import SIGNALS

_EVERY_S = 0.2
_PING = framed(json.dumps({"type": "ping", "id": "1"}) + " " * 100)
_PONG = b'{"type":"pong"'
_SINCE = ",".join(f"{SIGNALS.name}:{number}:-1" for number in range(PARTITIONS))
_SUBSCRIBE = framed(
    json.dumps({"type": "subscribe", "id": "1", "channels": ["signals"], "since": _SINCE})
    + " " * 100
)


class Pinging(asyncio.Protocol):
    """Notes how long pongs take."""

    def __init__(self, port: int, delays_s: list[float]) -> None:
        self._port = port
        self._delays_s = delays_s
        self._sent_s = 0.0
        self.is_open = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(handshake(self._port))

    def data_received(self, data: bytes) -> None:
        if not self.is_open.done():
            self.is_open.set_result(None)
        if _PONG in data and self._sent_s:
            self._delays_s.append(time.perf_counter() - self._sent_s)
            self._sent_s = 0.0

    def ping(self) -> None:
        """Send one, unless the last one is not answered yet."""
        if not self._sent_s:
            self._sent_s = time.perf_counter()
            self.transport.write(_PING)


class Behind(asyncio.Protocol):
    """Asks for everything, and reads it or does not."""

    def __init__(self, port: int, *, reads: bool) -> None:
        self._port = port
        self.reads = reads
        self._asked = False
        self.got = 0
        self.is_under_way = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        # As browsers do, which all take compressed frames.
        deflate = b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        transport.write(handshake(self._port).removesuffix(b"\r\n\r\n") + deflate)

    def data_received(self, data: bytes) -> None:
        self.got += len(data)
        if not self._asked:
            self._asked = True
            self.transport.write(_SUBSCRIBE)
            if not self.reads:
                self.transport.pause_reading()
        elif not self.is_under_way.done():
            self.is_under_way.set_result(None)


class Load:
    """All clients of this process."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._delays_s: list[float] = []
        self._pinging: list[Pinging] = []
        self._behind: list[Behind] = []
        self._until: asyncio.Task[None] | None = None

    async def follow(self, given: dict[str, Any]) -> dict[str, Any]:
        """Do what an order says, and return the answer."""
        if "connect" in given:
            for _ in range(given["connect"]):
                self._pinging.append(await self._open(lambda: Pinging(self._port, self._delays_s)))
                await self._pinging[-1].is_open
        elif "ping" in given:
            await self._ping(given["ping"])
            return self._said()
        elif "ping_until" in given:
            self._until = asyncio.create_task(self._ping(3600.0))
        elif "enough" in given:
            assert self._until is not None
            self._until.cancel()
            await asyncio.sleep(3 * _EVERY_S)
            return self._said()
        elif "leave" in given:
            megabytes = sum(one.got for one in self._behind) / 1e6
            while self._behind:
                self._behind.pop().transport.abort()
            return {"megabytes": megabytes}
        else:
            for reads, count in ((True, given["since_begin"]), (False, given["never_read"])):
                for _ in range(count):
                    one = await self._open(lambda reads=reads: Behind(self._port, reads=reads))
                    self._behind.append(one)
            await asyncio.gather(*(one.is_under_way for one in self._behind if one.reads))
        return {"at_s": time.perf_counter()}

    async def _open(self, make: Any) -> Any:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(make, "127.0.0.1", self._port))[1]

    async def _ping(self, seconds: float) -> None:
        self._delays_s.clear()
        end_s = time.perf_counter() + seconds
        while time.perf_counter() < end_s:
            began_s = time.perf_counter()
            for number, one in enumerate(self._pinging):
                early_s = began_s + _EVERY_S * number / len(self._pinging) - time.perf_counter()
                if early_s > 0.001:
                    await asyncio.sleep(early_s)
                one.ping()
            await asyncio.sleep(max(began_s + _EVERY_S - time.perf_counter(), 0))
        await asyncio.sleep(_EVERY_S)

    def _said(self) -> dict[str, Any]:
        ranked = sorted(self._delays_s) or [0.0]
        return {
            "pings": len(self._delays_s),
            "p50_ms": 1000 * ranked[len(ranked) // 2],
            "p99_ms": 1000 * ranked[len(ranked) * 99 // 100],
            "most_ms": 1000 * ranked[-1],
        }


async def main() -> None:
    """Follow orders until stdin ends."""
    load = Load(started()["port"])
    async for given in orders():
        say(**await load.follow(given))
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main())
