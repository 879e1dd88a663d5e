"""Records as nobody should write them: values, keys, times and headers mutated by a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec

from schemas.contract import schema_name
from schemas.partitioning import partition_of
from schemas.topics import BY_SCHEMA
from tests import factories
from tests.factories import START_MS

EVENTS = [
    factories.candle(),
    factories.tick("BTC"),
    factories.book(),
    factories.news(),
    factories.news_score(),
    factories.fundamentals(),
    factories.calendar_event(),
    factories.strategy("balanced"),
    factories.request(),
    *factories.answers(asset="BTC"),
    factories.decision(),
]
"""One of each kind: each of them is also a record of a wrong kind in the others' topics."""
HEADERS: tuple[tuple[tuple[str, bytes | None], ...], ...] = (
    (),
    (("sent_ms", b"1767225600123"),),
    *((("sent_ms", value),) for value in (b"", b"abc", b"1.5", None, b"-5", b"9" * 5000)),
    (("sent_ms", (1_767_225_600_123).to_bytes(8, "big")), ("trace", b"\xff\xfe")),
    (("sent_ms", b"%d" % 2**70), ("sent_ms", b"7")),
    (("", None), ("sent_ms", b"\xef\xbc\x91")),
)
KEYS = (
    b"BTC",
    b"BTC",
    b"BTC",
    b"balanced",
    None,
    b"",
    b"\xff\xfe",
    b"\x00",
    b"ETH",
    "币安人生".encode(),
)
TIMES_MS = (START_MS, START_MS, 0, -1, 2**63 - 1, 1)


def _mutated(value: bytes, random: Random) -> bytes | None:
    """Return a value as it is, or with some bytes changed, cut, repeated or made anew."""
    way = random.randrange(7)
    cut = random.randrange(len(value) + 1)
    if way < 2:
        return value
    if way == 2:
        changed = bytearray(value)
        for _ in range(random.randrange(1, 4)):
            changed[random.randrange(len(changed))] = random.randrange(256)
        return bytes(changed)
    ways: list[Callable[[], bytes | None]] = [
        lambda: value[:cut],
        lambda: value[:5] + random.randbytes(cut),
        lambda: value[:cut] + value[cut // 2 :],
        lambda: random.choice((None, b"", random.randbytes(cut))),
    ]
    return ways[way - 3]()


class Mutated(NamedTuple):
    """A record on its way to a topic (logical name) and partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes | None], ...]


def mutated(
    topics: Sequence[str],
    partitions: int,
    encode: Callable[[msgspec.Struct], bytes],
    random: Random,
    count: int,
) -> Iterator[Mutated]:
    """Yield records for these topics: two of seven as they should be, some very large."""
    values = [encode(event) for event in EVENTS]
    own = [encode(event) for event in EVENTS if _topic_of(event) in topics] or values
    for number in range(count):
        value = _mutated(random.choice(own if random.random() < 0.8 else values), random)
        if number % 4_000 == 17:
            value = random.randbytes(1_048_400)
        key = random.choice(KEYS)
        if number % 3_000 == 5:
            key = random.randbytes(300_000)
        partition = partition_of(b"BTC", partitions) if random.random() < 0.9 else 0
        topic, time_ms = random.choice(topics), random.choice(TIMES_MS)
        yield Mutated(topic, partition, key, value, time_ms, random.choice(HEADERS))


def _topic_of(event: Any) -> str:
    return BY_SCHEMA[schema_name(event)].name
