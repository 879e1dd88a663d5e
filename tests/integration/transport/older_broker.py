"""A broker of some years ago: Apache Kafka behind a wire that hides what was not there then.

It offers no newer version of a request than Kafka 2.8 did, and topic settings that are to be
unknown reach the broker under a name that it does not know, so the refusal is its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from embedded.kafka import ApacheKafka
from transport.supervision.ports import free_port

API_VERSIONS = 18
_VERSIONS = """
    9 12 6 11 5 3 7 3 8 7 3 7 4 4 5 5 4 1 3 7 6 2 4 4 3 3 3 1 3
    2 2 2 4 2 2 2 2 3 2 2 2 2 2 2 1 0 0 0 1 1
"""
KAFKA_2_8 = dict(enumerate(map(int, _VERSIONS.split())))
"""The newest version of each request that Kafka 2.8 knew, by the number of the request."""


@asynccontextmanager
async def older_broker(unknown: Iterable[str] = ()) -> AsyncIterator[str]:
    """Start a broker that does not know some topic settings; yield its address."""
    hidden = {name.encode(): name[:-2].encode() + b"qq" for name in unknown}
    port, behind = free_port(), free_port(2)
    advertised = {"advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}"}
    kafka = ApacheKafka(port=behind, extra=advertised)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", behind)
            asked: dict[int, int] = {}
            both = {
                asyncio.create_task(_requests(reader, to_broker, hidden, asked)),
                asyncio.create_task(_responses(from_broker, writer, asked)),
            }
            tasks.update(both)
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            to_broker.close()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        await kafka.start()
        yield f"127.0.0.1:{port}"
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await kafka.stop()


async def _requests(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    hidden: dict[bytes, bytes],
    asked: dict[int, int],
) -> None:
    while True:
        size = await reader.readexactly(4)
        body = await reader.readexactly(int.from_bytes(size, "big"))
        if int.from_bytes(body[:2], "big") == API_VERSIONS:
            asked[int.from_bytes(body[4:8], "big")] = int.from_bytes(body[2:4], "big")
        for name, instead in hidden.items():
            body = body.replace(name, instead)
        writer.write(size + body)
        await writer.drain()


async def _responses(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: dict[int, int]
) -> None:
    while True:
        body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        version = asked.pop(int.from_bytes(body[:4], "big"), None)
        if version is not None and body[4:6] == b"\0\0":
            body = body[:6] + _older(body[6:], compact=version >= 3)
        writer.write(len(body).to_bytes(4, "big") + body)
        await writer.drain()


def _older(versions: bytes, *, compact: bool) -> bytes:
    """Return a list of requests and versions as the older broker would give it."""
    if compact:
        count, place, entry = _length(versions)
        count, size = count - 1, entry
    else:
        count, place, size = int.from_bytes(versions[:4], "big"), 4, 6
    kept = []
    for _ in range(count):
        one = versions[place : place + size]
        place += size
        key, least, most = (int.from_bytes(one[n : n + 2], "big") for n in (0, 2, 4))
        if key in KAFKA_2_8:
            newest = min(most, KAFKA_2_8[key])
            kept.append(b"".join(n.to_bytes(2, "big") for n in (key, least, newest)) + one[6:])
    number = len(kept)
    head = bytes([number + 1]) if compact else number.to_bytes(4, "big")
    assert number < 127
    return head + b"".join(kept) + versions[place:]


def _length(data: bytes) -> tuple[int, int, int]:
    """Return a compact array's length plus one, where its entries begin, and their size."""
    value = shift = place = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if not byte & 0x80:
            return value, place, 7  # each ends in a byte of no tags
