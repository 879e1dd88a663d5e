"""Reads the dead-letter topic, and sends records again from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from aiokafka.errors import KafkaError

from quantiva.status.letters import DeadLetterGroup, Selection, complaints
from schemas.dead_letters import DeadLetter
from schemas.topics import DEAD_LETTERS, physical
from transport import clients
from transport.admin import BrokerError
from transport.decoder import Decoder
from transport.log_reader import LogReader, Partition
from transport.settings import Settings

RETRIED_FROM = "retried_from"
"""Header of a record that was sent again: the id of the letter."""


class Found(NamedTuple):
    """Complaints, newest first; how many letters could not be read, and why the last one not."""

    complaints: list[DeadLetterGroup]
    unreadable: int
    reason: str | None


class Refused(NamedTuple):
    """A record that cannot be sent again, and why."""

    complaint: DeadLetterGroup
    reason: str


class Plan(NamedTuple):
    """What would be sent (complaint and value), and what cannot."""

    sends: list[tuple[DeadLetterGroup, bytes | None]]
    refused: list[Refused]


async def find(
    settings: Settings, reader: LogReader, selection: Selection, *, with_bytes: bool = True
) -> Found:
    """Return the selected dead letters. Without bytes, any number of letters fits the memory."""
    partitions = (await reader.partitions())[DEAD_LETTERS.name]
    ranges = await reader.from_time(partitions, selection.since_ms)
    decoder, letters, unreadable, why = Decoder.of(settings), list[DeadLetter](), 0, None
    async for records in reader.scan(ranges):
        for record in records:
            letter, reason = await decoder.read(record.value)
            if not isinstance(letter, DeadLetter):
                unreadable, why = unreadable + 1, reason or "not a dead letter"
            elif selection.takes(letter):
                small = letter if with_bytes else msgspec.structs.replace(letter, record_value=None)
                letters.append(small)
    return Found(complaints(letters), unreadable, why)


async def plan(settings: Settings, reader: LogReader, found: Sequence[DeadLetterGroup]) -> Plan:
    """Work out what can be sent again, oldest position first; each record once."""
    partitions = await reader.partitions()
    there = {tp for of_topic in partitions.values() for tp in of_topic}
    wanted = sorted(found, key=lambda one: one[:3])
    places = {
        one.position: (_partition(settings, one), one.offset)
        for one in wanted
        if one.whole.record_value is None and _partition(settings, one) in there
    }
    originals = await _originals(reader, places)
    sends: list[tuple[DeadLetterGroup, bytes | None]] = []
    refused = []
    for one in wanted:
        value, original = one.whole.record_value, originals.get(one.position)
        if _partition(settings, one) not in there:
            refused.append(Refused(one, "the broker has no such partition"))
        elif value is not None:
            sends.append((one, value))
        elif original is not None and original.timestamp == one.newest.record_timestamp:
            sends.append((one, original.value))
        else:
            refused.append(Refused(one, "the letter has no value, and the record is gone"))
    return Plan(sends, refused)


async def _originals(
    reader: LogReader, places: Mapping[str, tuple[Partition, int]]
) -> dict[str, Any]:
    """Return the records that still stand in the log, by position."""
    partitions = {tp for tp, _ in places.values()}
    begins, ends = await reader.begins(partitions), await reader.ends(partitions)
    alive = {p for p in places.values() if begins[p[0]] <= p[1] < ends[p[0]]}
    records = await reader.peek(alive)
    return {name: records.get(place) for name, place in places.items()}


def _partition(settings: Settings, one: DeadLetterGroup) -> Partition:
    return physical(one.topic, settings.prefix), one.partition


async def send(settings: Settings, sends: Sequence[tuple[DeadLetterGroup, bytes | None]]) -> int:
    """Send records to where they stood: topic, partition, key, time and bytes; return how many.

    Raises BrokerError when the broker refuses one; those before it are sent.
    """
    producer = clients.producer(settings)
    done = 0
    try:
        await producer.start()
        for one, value in sends:
            letter = one.newest
            await producer.send_and_wait(
                physical(one.topic, settings.prefix),
                value,
                key=letter.record_key,
                partition=one.partition,
                timestamp_ms=letter.record_timestamp,
                headers=[(RETRIED_FROM, letter.letter_id.encode())],
            )
            done += 1
    except (KafkaError, OSError) as error:
        msg = f"{done} of {len(sends)} records sent again; then the broker refused one: {error}"
        raise BrokerError(msg) from error
    finally:
        await producer.stop()
    return done
