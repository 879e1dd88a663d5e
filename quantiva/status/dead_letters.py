"""Dead letters: read from their topic, grouped by the record they are about, and sent again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from aiokafka.errors import KafkaError

from schemas.dead_letters import DeadLetter
from schemas.topics import DEAD_LETTERS, physical
from transport import clients
from transport.admin import BrokerError
from transport.decoder import Decoder
from transport.log_reader import LogReader, Partition
from transport.settings import Settings

RETRIED_FROM = "retried_from"
"""Header of a record that was sent again: the id of the letter."""


class Selection(NamedTuple):
    """Which letters are meant; None means any. `ident` is a letter's id or a record's position."""

    topic: str | None = None
    stage: str | None = None
    since_ms: int = 0
    ident: str | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Return whether a letter is meant."""
        return (
            self.topic in {None, letter.topic}
            and self.stage in {None, letter.stage}
            and letter.failed_at >= self.since_ms
            and self.ident in {None, letter.letter_id, position(letter)}
        )


class DeadLetterGroup(NamedTuple):
    """One record, and the newest letter of every stage that could not use it, newest first."""

    topic: str
    partition: int
    offset: int
    letters: tuple[DeadLetter, ...]

    @property
    def position(self) -> str:
        """The record's place in the log, for example `market.news:2:17`."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def newest(self) -> DeadLetter:
        """The letter written last."""
        return self.letters[0]

    @property
    def stages(self) -> str:
        """The stages that could not use it, in the order of their names."""
        return ", ".join(sorted({letter.stage for letter in self.letters}))

    @property
    def whole(self) -> DeadLetter:
        """The letter that holds the record's bytes, if one does (long ones are left out)."""
        return max(self.letters, key=lambda letter: len(letter.record_value or b""))


def position(letter: DeadLetter) -> str:
    """Return where the record stands that a letter is about."""
    return f"{letter.topic}:{letter.partition}:{letter.offset}"


def grouped(letters: Iterable[DeadLetter]) -> list[DeadLetterGroup]:
    """Group letters by record, the newest first; a letter that was written twice counts once."""
    by_place: dict[tuple[str, int, int], dict[str, DeadLetter]] = {}
    for letter in letters:
        place = (letter.topic, letter.partition, letter.offset)
        known = by_place.setdefault(place, {})
        older = known.get(letter.letter_id)
        if older is None or letter.failed_at >= older.failed_at:
            known[letter.letter_id] = letter
    groups = [
        DeadLetterGroup(*place, tuple(sorted(known.values(), key=_newest_first)))
        for place, known in by_place.items()
    ]
    return sorted(groups, key=lambda group: (_newest_first(group.newest), group[:3]))


def _newest_first(letter: DeadLetter) -> tuple[int, str]:
    return -letter.failed_at, letter.stage


class Found(NamedTuple):
    """Groups, newest first; how many letters could not be read, and why the last one not."""

    groups: list[DeadLetterGroup]
    unreadable: int
    reason: str | None


class Refused(NamedTuple):
    """A record that cannot be sent again, and why."""

    group: DeadLetterGroup
    reason: str


class Resend(NamedTuple):
    """A record that can be sent again, with the key and value that it had."""

    group: DeadLetterGroup
    key: bytes | None
    value: bytes | None


class Plan(NamedTuple):
    """What would be sent, and what cannot."""

    sends: list[Resend]
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
    return Found(grouped(letters), unreadable, why)


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
    sends: list[Resend] = []
    refused = []
    for one in wanted:
        letter, original = one.whole, originals.get(one.position)
        if _partition(settings, one) not in there:
            refused.append(Refused(one, "the broker has no such partition"))
        elif letter.record_value is not None:
            sends.append(Resend(one, letter.record_key, letter.record_value))
        elif original is not None and original.timestamp == letter.record_timestamp:
            sends.append(Resend(one, original.key, original.value))
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


async def send(settings: Settings, sends: Sequence[Resend]) -> int:
    """Send records to where they stood: topic, partition, key, time and bytes; return how many.

    Raises BrokerError when the broker refuses one; those before it are sent.
    """
    producer = clients.producer(settings)
    done = 0
    try:
        await producer.start()
        for one, key, value in sends:
            letter = one.newest
            await producer.send_and_wait(
                physical(one.topic, settings.prefix),
                value,
                key=key,
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
