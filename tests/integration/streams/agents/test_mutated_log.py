"""A million mutated records on Apache Kafka, through real workers and the real PostgreSQL sink.

No process ends, whatever cannot be decoded has a dead letter from everyone who reads it, and memory
does not grow with what has come.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from random import Random

import psutil
import pytest
from confluent_kafka import Producer

from embedded.stack import Stack
from schemas.codec import BadEventError
from schemas.topics import (
    DEAD_LETTERS,
    DECISIONS,
    REQUESTS,
    SCORES,
    SIGNALS,
    TOP,
    logical,
    physical,
)
from streams.topology import stages
from tests.integration.streams.agents.rig import Rig, market, rig
from tests.mutations import Mutated, mutated
from transport.log_reader import LogReader

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

_WAVE = 20_000
_LARGEST_BYTES = 1_000_000
"""What a topic takes; the broker refuses more before anybody reads it."""
_SINKS = ("market.trending", "market.news", SIGNALS.name, TOP.name)
_TOPICS = (
    *(f"market.{name}" for name in ("trending", "news", "candles", "books")),
    *("market.fundamentals", "market.calendar", REQUESTS.name, SCORES.name, DECISIONS.name),
    *(SIGNALS.name, TOP.name),
)

Places = dict[str, set[tuple[str, int, int]]]
"""(topic, partition, offset) by who reads it."""


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_million_mutated_records_end_no_process(kafka_stack: Stack, folder: Path) -> None:
    random, memory = Random(13), list[int]()
    async with rig(kafka_stack.env(), folder, name="million", processes=2) as parts:
        producer = Producer(
            {
                "bootstrap.servers": parts.settings.require_bootstrap(),
                "message.max.bytes": 2 * _LARGEST_BYTES,
                "queue.buffering.max.kbytes": 2**20,
            }
        )
        for wave in range(1_000_000 // _WAVE):
            records = mutated(_TOPICS, parts.settings.partitions, parts.codec.encode, random, _WAVE)
            await asyncio.to_thread(_write, producer, parts.settings.prefix, records)
            if wave % 5 == 4:
                await _read(parts)
                memory.append(_resident_mb(parts))
        await parts.play(market(assets=3, cycles=1))  # all of them are still at work
        await parts.stored()
        assert [worker.restarts for worker in parts.workers] == [0]
        assert len(await parts.fetch("SELECT 1 FROM strategy_signals")) > 0
        bad, letters = await _bad_and_letters(parts)
    for reader, places in bad.items():
        assert len(places) > 1_000, reader
        assert not places - letters[reader], f"{reader} said nothing of some"
    print(f"\nmemory of the workers in MB: {memory}")
    half = len(memory) // 2
    assert max(memory[half:]) < 1.2 * max(memory[:half])


def _write(producer: Producer, prefix: str, records: Iterable[Mutated]) -> None:
    for one in records:
        if len(one.key or b"") + len(one.value or b"") > _LARGEST_BYTES:
            continue
        time_ms = one.timestamp_ms if one.timestamp_ms > 0 else 0  # 0: now
        producer.produce(
            physical(one.topic, prefix),
            value=one.value,
            key=one.key,
            partition=one.partition,
            timestamp=time_ms,
            headers=list(one.headers),
        )
        producer.poll(0)
    assert producer.flush(60) == 0


async def _read(parts: Rig) -> None:
    """Wait until every stage has committed all that there is."""
    topics = [physical(topic, parts.settings.prefix) for topic in _TOPICS]
    await parts.barrier(
        await parts.barrier.ends(logical(one, parts.settings.prefix) for one in topics)
    )
    await parts.stored()


def _resident_mb(parts: Rig) -> int:
    pids = [pid for worker in parts.workers for pid in worker.pids().values()]
    return sum(psutil.Process(pid).memory_info().rss for pid in pids) // 2**20


async def _bad_and_letters(parts: Rig) -> tuple[Places, Places]:
    """Return who has to say something of which record, and who did."""
    readers = defaultdict(list)
    for stage in stages():
        for topic in stage.inputs:
            readers[topic].append(stage.name)
    for topic in _SINKS:
        readers[topic].append("sink.postgres")
    bad: Places = defaultdict(set)
    letters: Places = defaultdict(set)
    async with LogReader(parts.settings) as reader:
        partitions = await reader.partitions()
        wanted = [one for topic in (*_TOPICS, DEAD_LETTERS.name) for one in partitions[topic]]
        begins, ends = await reader.begins(wanted), await reader.ends(wanted)
        async for records in reader.scan({tp: (begins[tp], ends[tp]) for tp in wanted}):
            for record in records:
                topic = logical(record.topic, parts.settings.prefix)
                if topic == DEAD_LETTERS.name:
                    letter = parts.codec.decode(record.value)
                    letters[letter.stage].add((letter.topic, letter.partition, letter.offset))
                    continue
                try:
                    parts.codec.decode(record.value)
                except BadEventError:
                    for name in readers[topic]:
                        bad[name].add((topic, record.partition, record.offset))
    return bad, letters
