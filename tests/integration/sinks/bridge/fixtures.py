"""Bridges on a real broker, and clients that connect to them as anybody's would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from schemas.codec import local_codec
from schemas.contract import schema_name
from schemas.topics import BY_SCHEMA, SIGNALS, physical
from sinks.bridge.api import Api
from sinks.bridge.app import build_app
from sinks.bridge.auth import Auth
from sinks.bridge.connections import Runner
from sinks.bridge.hub import Hub, LogParts
from sinks.bridge.settings import BridgeSettings
from tests.integration.sinks.bench import PARTITIONS
from tests.unit.quantiva.status import samples
from transport.log_reader import LogReader
from transport.settings import Settings

TOKEN = "a token that nobody would guess"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
HANGS_S = 180.0
CODEC = local_codec()


def signal(number: int, **changes: Any) -> Any:
    return msgspec.structs.replace(samples.SIGNAL, signal_id=f"s{number}", **changes)


class Site:
    """Topics under one prefix of a broker, and the bridges that read them."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.settings = Settings(bootstrap=bootstrap, prefix=prefix, partitions=PARTITIONS)
        self._producer: Any = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.require_bootstrap(), acks="all", linger_ms=5
        )
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def send(self, *events: Any) -> None:
        for event in events:
            topic = BY_SCHEMA[schema_name(event)]
            await self._producer.send(
                physical(topic.name, self.settings.prefix),
                CODEC.encode(event),
                key=str(getattr(event, topic.key)).encode(),
            )
        await self._producer.flush()

    async def of_topic(self, topic: str = SIGNALS.name) -> dict[str, list[Any]]:
        """Return the events of a topic by place, as another consumer reads them."""
        name = physical(topic, self.settings.prefix)
        places = [TopicPartition(name, number) for number in range(PARTITIONS)]
        async with LogReader(self.settings) as reader:
            ends = await reader.ends(places)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.require_bootstrap(), auto_offset_reset="earliest"
        )
        await consumer.start()
        found: dict[str, list[Any]] = {f"{topic}:{place.partition}": [] for place in places}
        try:
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            async with asyncio.timeout(HANGS_S):
                while sum(map(len, found.values())) < sum(ends.values()):
                    for place, records in (await consumer.getmany(timeout_ms=100)).items():
                        events = found[f"{topic}:{place.partition}"]
                        events += [CODEC.decode(record.value) for record in records]
        finally:
            await consumer.stop()
        return found

    @asynccontextmanager
    async def bridge(
        self, port: int = 0, recent_events: int | None = None, **changes: Any
    ) -> AsyncIterator[Bridge]:
        tokens = SecretStr(json.dumps({TOKEN: {"name": "desk", "role": "viewer"}}))
        options = BridgeSettings(tokens=tokens, **{"heartbeat_s": 0.3, **changes})
        auth = Auth(options)
        log = LogParts(lambda: LogReader(self.settings), CODEC, self.settings.prefix)
        hub = Hub(options, log, auth)
        if recent_events is not None:
            hub.core.recent_events._most = recent_events
        app = build_app(Api(options, auth, hub.latest), hub, page=False)
        runner = Runner(app, options)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            async with asyncio.timeout(HANGS_S):
                await hub.ready.wait()
            yield Bridge(hub, runner.addresses[0][1])
        finally:
            await runner.cleanup()


class Bridge:
    """A bridge that runs."""

    def __init__(self, hub: Hub, port: int) -> None:
        self.hub = hub
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Follower]:
        """A client with a connection of its own; `compress=15` asks for permessage-deflate."""
        async with aiohttp.ClientSession() as session:
            socket = await session.ws_connect(f"{self.url}/ws", headers=HEADERS, **options)
            async with Follower(socket) as follower:
                yield follower


class Follower:
    """Keeps every frame that comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Follower:
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        await self.socket.close()

    async def _read(self) -> None:
        async for message in self.socket:
            self.frames.append(json.loads(message.data))

    async def say(self, kind: str = "subscribe", id: str = "1", **fields: Any) -> None:  # noqa: A002
        await self.socket.send_json({"type": kind, "id": id, **fields})

    async def subscribed(self, **fields: Any) -> None:
        """Subscribe, and wait for the answer."""
        await self.say(**fields)
        await until(lambda: self.of("ack", "error"), "the answer is there")
        assert not self.of("error"), self.of("error")

    async def errors(self, count: int) -> list[str]:
        """Wait for so many errors and return their codes."""
        await until(lambda: len(self.of("error")) >= count, f"{count} errors are there")
        return [frame["code"] for frame in self.of("error")]

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] in kinds]

    def ids(self) -> list[str]:
        return [frame["data"]["signal_id"] for frame in self.of("signal")]

    def by_place(self, kind: str = "signal") -> dict[str, list[tuple[int, Any]]]:
        """The events by place, as they came: offset and data."""
        found: dict[str, list[tuple[int, Any]]] = {}
        for frame in self.of(kind):
            topic, partition, offset = frame["cursor"].split(":")
            found.setdefault(f"{topic}:{partition}", []).append((int(offset), frame["data"]))
        return found


async def until(condition: Callable[[], Any], what: str) -> None:
    try:
        async with asyncio.timeout(HANGS_S):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None
