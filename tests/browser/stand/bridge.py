"""The bridge that the browser looks at: `sinks.bridge` as it is, restarted at will on one port."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
from aiohttp import web
from pydantic import SecretStr

from embedded.database import Database
from schemas.codec import local_codec
from schemas.topics import SIGNALS
from sinks.base import SinkRecord
from sinks.bridge.api import Api
from sinks.bridge.app import build_app
from sinks.bridge.auth import Auth
from sinks.bridge.connections import Runner
from sinks.bridge.hub import Hub, LogParts
from sinks.bridge.settings import BridgeSettings
from sinks.postgres import PostgresSink
from streams.replay.market import Produced
from tests.browser.stand.log import MemoryLog
from transport.supervision.ports import free_port

TOKEN = "viewer-of-the-desk"
_TOKENS = json.dumps({TOKEN: {"name": "desk", "role": "viewer"}})


class Stand:
    """Log, database and bridge. `start` and `stop` are those of the bridge; the rest stays."""

    def __init__(self, database: Database | None) -> None:
        self.log = MemoryLog()
        self.sent: list[str] = []
        """Ids of the signals in the log, in its order."""
        self.codec = local_codec()
        self._database = database
        self._sink: PostgresSink | None = None
        self._pool: asyncpg.Pool[Any] | None = None
        self._runner: web.AppRunner | None = None
        self._port = free_port()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._port}"

    async def publish(self, produced: list[Produced]) -> None:
        """Append to the log, and to the database what the PostgreSQL sink takes."""
        records = []
        for one in produced:
            value = self.codec.encode(one.event)
            offset = self.log.append(one.topic, one.partition, one.key, one.timestamp_ms, value)
            if one.topic == SIGNALS.name:
                self.sent.append(one.event.signal_id)
            if one.topic in PostgresSink.topics:
                records.append(_record(one, offset))
        self.log.wake()
        if self._database is not None:
            await self._store(records)

    async def _store(self, records: list[SinkRecord]) -> None:
        assert self._database is not None
        if self._sink is None:
            self._sink = PostgresSink(self._database.dsn)
            await self._sink.setup()
        self._sink.add(records)
        await self._sink.flush()

    async def start(self) -> None:
        """Start a bridge, or one again on the same port."""
        settings = BridgeSettings(
            port=self._port, tokens=SecretStr(_TOKENS), heartbeat_s=1.0, requests_minute=6_000
        )
        if self._database is not None:
            self._pool = await asyncpg.create_pool(self._database.dsn, min_size=1, max_size=4)
        auth = Auth(settings, self._pool)
        hub = Hub(settings, LogParts(self.log.open, self.codec), auth)
        app = build_app(Api(settings, auth, hub.latest, self._pool), hub)
        self._runner = Runner(app, settings)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        await hub.ready.wait()

    async def stop(self) -> None:
        """Stop the bridge; log and database stay as they are."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def close(self) -> None:
        """Stop everything of this stand."""
        await self.stop()
        if self._sink is not None:
            await self._sink.close()


def _record(one: Produced, offset: int) -> SinkRecord:
    return SinkRecord(
        topic=one.topic,
        partition=one.partition,
        offset=offset,
        timestamp_ms=one.timestamp_ms,
        key=one.key.encode(),
        event=one.event,
    )
