"""Thousands of websocket clients of `fanout` in one process: raw protocols that count and parse.

Lines of JSON on stdin are orders, lines on stdout answer: {"connect": n}, {"stall": n} (clients
that subscribe and never read), {"unstall": true}, {"expect": n} starts a count, {"read": s} waits
until each client has so many messages or s seconds are over and says what came.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from array import array
from typing import Any

import uvloop

from benchmarks.workers.fanout_server import TOKEN, orders, say, started

_MASK = b"\0\0\0\0"


def framed(text: str) -> bytes:
    """Return a client's frame; a mask of zeros masks nothing."""
    data = text.encode()
    return bytes((0x81, 0x80 | 126)) + len(data).to_bytes(2, "big") + _MASK + data


SUBSCRIBE = framed(json.dumps({"type": "subscribe", "id": "1", "channels": ["signals"]}))


def handshake(port: int) -> bytes:
    """Return the request of a websocket."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Count:
    """What all clients got since the last order."""

    def __init__(self) -> None:
        self.delays_us = array("q")
        self.got = 0
        self.expected = 0
        self.last_s = 0.0
        self.done = asyncio.Event()

    def begin(self, expected: int) -> None:
        """Start anew."""
        self.delays_us = array("q")
        self.got, self.expected = 0, expected
        self.done.clear()


class Client(asyncio.Protocol):
    """Counts signals and notes their delays."""

    def __init__(self, count: Count, port: int) -> None:
        self._count = count
        self._port = port
        self._rest = b""
        self._open = False
        self.subscribed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(handshake(self._port))

    def data_received(self, data: bytes) -> None:
        now_us = time.time_ns() // 1000
        rest = self._rest + data if self._rest else data
        if not self._open:
            head, found, rest = rest.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._open = True
            self.transport.write(SUBSCRIBE)
        self._rest = self._frames(rest, now_us)

    def _frames(self, rest: bytes, now_us: int) -> bytes:
        at, size = 0, len(rest)
        count = self._count
        while size - at >= 2:
            length, head = rest[at + 1], 2
            if length == 126:
                length, head = int.from_bytes(rest[at + 2 : at + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(rest[at + 2 : at + 10], "big"), 10
            if size - at < head + length:
                break
            begin = at + head
            if rest.startswith(b'{"type":"signal"', begin):
                # 400 characters: the head and the fields before it are shorter.
                stamp = rest.find(b'"as_of":', begin, begin + 400) + 8
                count.delays_us.append(now_us - int(rest[stamp : stamp + 16]))
                count.got += 1
                if count.got == count.expected:
                    count.last_s = time.perf_counter()
                    count.done.set()
            elif not self.subscribed.done() and rest.startswith(b'{"type":"ack"', begin):
                self.subscribed.set_result(None)
            elif rest[at] == 0x89:  # a ping: the server asks who is there
                self.transport.write(
                    bytes((0x8A, 0x80 | length)) + _MASK + rest[begin : begin + length]
                )
            at = begin + length
        return rest[at:]


class Load:
    """All clients of this process."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.count = Count()
        self.clients: list[Client] = []
        self.stalled: list[socket.socket] = []

    async def connect(self, number: int) -> None:
        """Open websockets and wait for the answers to their subscriptions."""
        loop = asyncio.get_running_loop()
        for first in range(0, number, 200):
            group = [
                loop.create_connection(
                    lambda: Client(self.count, self._port), "127.0.0.1", self._port
                )
                for _ in range(min(200, number - first))
            ]
            made = [client for _, client in await asyncio.gather(*group)]
            await asyncio.gather(*(client.subscribed for client in made))
            self.clients += made

    async def stall(self, number: int) -> None:
        """Open websockets that subscribe and never read, with little room in the kernel."""
        loop = asyncio.get_running_loop()
        for _ in range(number):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)
            await loop.sock_connect(one, ("127.0.0.1", self._port))
            await loop.sock_sendall(one, handshake(self._port))
            await loop.sock_recv(one, 400)
            await loop.sock_sendall(one, SUBSCRIBE)
            self.stalled.append(one)

    def unstall(self) -> None:
        """Drop the stalled ones."""
        while self.stalled:
            self.stalled.pop().close()

    async def read(self, limit_s: float) -> dict[str, Any]:
        """Wait for what is expected and say what came."""
        try:
            async with asyncio.timeout(limit_s):
                await self.count.done.wait()
        except TimeoutError:
            self.count.last_s = time.perf_counter()
        ranked = sorted(self.count.delays_us) or [0]
        return {
            "got": self.count.got,
            "expected": self.count.expected,
            "p50_ms": ranked[len(ranked) // 2] / 1000,
            "p99_ms": ranked[len(ranked) * 99 // 100] / 1000,
            "last_s": self.count.last_s,
        }


async def main() -> None:
    """Follow orders until stdin ends."""
    load = Load(started()["port"])
    async for given in orders():
        say(**await _follow(load, given))
    os._exit(0)


async def _follow(load: Load, given: dict[str, Any]) -> dict[str, Any]:
    if "connect" in given:
        await load.connect(given["connect"])
    elif "stall" in given:
        await load.stall(given["stall"])
    elif "unstall" in given:
        load.unstall()
    elif "expect" in given:
        load.count.begin(given["expect"])
    else:
        return await load.read(given["read"])
    return {"at_s": time.perf_counter()}


if __name__ == "__main__":
    uvloop.run(main())
