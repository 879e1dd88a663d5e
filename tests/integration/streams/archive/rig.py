"""A log to archive: topics under a prefix of their own, a writer of records, and the command."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from schemas.codec import Codec
from schemas.contract import schema_name
from schemas.topics import BY_SCHEMA, logical, physical
from streams.archive.copying import logged
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from transport.log_reader import LogReader
from transport.settings import Settings

HANGS_S = 180.0
"""Only a test that hangs takes so long; nothing else depends on it."""
START_MS = 1_767_225_600_000

Log = dict[tuple[str, int], list[LoggedRecord]]


class Rig:
    """See the module's docstring."""

    def __init__(self, settings: Settings, codec: Codec, environment: dict[str, str]) -> None:
        self.settings = settings
        self.codec = codec
        self.environment = environment
        self._producer: Any = None

    async def start(self) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.settings.bootstrap, enable_idempotence=False, linger_ms=5
        )
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def send(
        self,
        topic: str,
        *values: Any,
        partition: int = 0,
        at_ms: int = START_MS,
        key: bytes | None = b"BTC",
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> None:
        """Send events or raw bytes; one second lies between their timestamps."""
        encoded = [v if v is None or isinstance(v, bytes) else self.codec.encode(v) for v in values]
        sent = [
            await self._producer.send(
                physical(topic, self.settings.prefix),
                value,
                key=key,
                partition=partition,
                timestamp_ms=at_ms + 1000 * number,
                headers=headers or [],
            )
            for number, value in enumerate(encoded)
        ]
        await asyncio.gather(*sent)

    async def publish(self, *events: Any) -> None:
        """Send events to their topics."""
        for event in events:
            await self.send(BY_SCHEMA[schema_name(event)].name, event)

    async def log(self, *topics: str) -> Log:
        """Return what the broker has, by logical topic and partition."""
        found: Log = defaultdict(list)
        async with LogReader(self.settings) as reader:
            by_topic = await reader.partitions()
            partitions = [one for topic in topics for one in by_topic[topic]]
            begins, ends = await reader.begins(partitions), await reader.ends(partitions)
            async for records in reader.scan({p: (begins[p], ends[p]) for p in partitions}):
                for raw in records:
                    place = (logical(raw.topic, self.settings.prefix), raw.partition)
                    found[place].append(logged(raw))
        return dict(found)

    async def spawn(self, *words: str) -> asyncio.subprocess.Process:
        """Start `quantiva WORDS` as a process."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "quantiva.cli",
            *words,
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def quantiva(self, *words: str) -> tuple[int, str]:
        """Run `quantiva WORDS` to its end; return the exit status and all that it said."""
        process = await self.spawn(*words)
        try:
            said, _ = await asyncio.wait_for(process.communicate(), HANGS_S)
        except TimeoutError:
            process.send_signal(signal.SIGKILL)
            raise
        return process.returncode or 0, said.decode()


def archived(address: Path | str) -> Log:
    """Return all that an archive holds."""
    archive = Archive(str(address))
    found = {
        (topic, number): list(archive.records(topic, number))
        for topic, count in archive.partitions.items()
        for number in range(count)
    }
    return {place: records for place, records in found.items() if records}


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait until the condition holds."""
    try:
        async with asyncio.timeout(HANGS_S):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None
