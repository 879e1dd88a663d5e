"""Tools of the runner's tests: topics, a producer, running a sink, looking into the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.codec import local_codec
from schemas.contract import schema_name
from schemas.dead_letters import DeadLetter
from schemas.topics import BY_SCHEMA, DEAD_LETTERS, TOPICS, physical
from sinks.base import Sink
from sinks.config import RunnerConfig
from sinks.postgres import PostgresSink
from sinks.runner import SinkRunner
from sinks.status import SinkState
from transport.settings import Settings

PARTITIONS = 2
HANGS_S = 180.0
"""Only a test that hangs takes so long; nothing else depends on it."""


class Rows:
    """The database as a user sees it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return [tuple(row) for row in await connection.fetch(text, *values)]
        finally:
            await connection.close()

    async def count(self, table: str) -> int:
        return int((await self.query(f"SELECT count(*) FROM {table}"))[0][0])

    async def until(self, table: str, expected: int) -> None:
        """Wait until a table has that many rows; more fail at once."""

        async def reached() -> bool:
            found = await self.count(table)
            assert found <= expected
            return found == expected

        await until(reached, f"{table} has {expected} rows")


class Bench:
    """Topics under one prefix of a broker."""

    def __init__(
        self, bootstrap: str, prefix: str, dsn: str, session_timeout_s: float = 1.0
    ) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.dsn = dsn
        self.codec = local_codec()
        self._session_timeout_s = session_timeout_s
        self._producer: Any = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def send(self, *events: Any, sent_ms: int | None = None) -> None:
        headers = [] if sent_ms is None else [("sent_ms", str(sent_ms).encode())]
        for event in events:
            topic = BY_SCHEMA[schema_name(event)]
            await self.send_raw(
                topic.name, self.codec.encode(event), str(getattr(event, topic.key)), headers
            )
        await self._producer.flush()

    async def send_raw(
        self, topic: str, value: bytes | None, key: str, headers: list[Any] | None = None
    ) -> None:
        await self._producer.send(
            physical(topic, self.prefix), value, key=key.encode(), headers=headers
        )

    async def flush(self) -> None:
        await self._producer.flush()

    @property
    def settings(self) -> Settings:
        return Settings(
            bootstrap=self.bootstrap, prefix=self.prefix, session_timeout_s=self._session_timeout_s
        )

    def runner(
        self, sink: Sink | None = None, *, hooks: dict[str, Any] | None = None, **changes: Any
    ) -> SinkRunner:
        sink = sink or PostgresSink(self.dsn, run_migrations=False)
        config = RunnerConfig(**{"longest_wait_s": 0.5, "group": "sink", **changes})
        return SinkRunner(sink, self.codec, self.settings, config, **(hooks or {}))

    async def committed(self) -> int:
        """Return the sum of the committed offsets of the group, over all topics."""
        group = self.settings.group_id("sink")
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group)
        await consumer.start()
        try:
            found = [
                await consumer.committed(TopicPartition(physical(topic.name, self.prefix), number))
                for topic in TOPICS
                for number in range(topic.partitions or PARTITIONS)
            ]
        finally:
            await consumer.stop()
        return sum(offset or 0 for offset in found)

    async def dead_letters(self, count: int) -> list[DeadLetter]:
        """Return the first `count` dead letters; TimeoutError when there are fewer."""
        consumer = AIOKafkaConsumer(
            physical(DEAD_LETTERS.name, self.prefix),
            bootstrap_servers=self.bootstrap,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        letters: list[DeadLetter] = []
        try:
            async with asyncio.timeout(HANGS_S):
                while len(letters) < count:
                    letters.append(self.codec.decode((await consumer.getone()).value))
        finally:
            await consumer.stop()
        return letters


@asynccontextmanager
async def running(runner: SinkRunner) -> AsyncIterator[asyncio.Task[None]]:
    """Run a runner in a task, and stop it in order."""
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        await runner.stop()
        if not task.cancelled() and task.done():
            task.result()


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait until the condition holds; it may be a coroutine function."""
    try:
        async with asyncio.timeout(HANGS_S):
            while True:
                result = condition()
                if asyncio.iscoroutine(result):
                    result = await result
                if result:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None


def is_running(runner: SinkRunner) -> Callable[[], bool]:
    return lambda: runner.status.state is SinkState.RUNNING


async def create_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [
                NewTopic(physical(topic.name, prefix), topic.partitions or PARTITIONS, 1)
                for topic in TOPICS
            ]
        )
    finally:
        await admin.close()
