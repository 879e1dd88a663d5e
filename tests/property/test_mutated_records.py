"""Whatever stands in an input topic: a stage applies it or writes a dead letter, and goes on.

The real loop, validator, codec and engines over a broker in memory. `make soak` throws ten times as
many.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas.contract import schema_name
from schemas.dead_letters import Kind
from schemas.partitioning import partition_of
from schemas.signals import RankEntry
from schemas.topics import BY_SCHEMA, STRATEGIES
from streams.agents.strategies import StrategyTable
from streams.stage import StrategyAt, Tables
from streams.topology import stage, stage_names
from tests import factories
from tests.factories import START_MS
from tests.unit.streams.agents.memory_broker import CODEC, PARTITIONS, MemoryBroker, MemoryWorker
from transport.settings import Settings

EVENTS = [
    factories.candle(),
    factories.tick("BTC"),
    factories.book(),
    factories.news(),
    factories.fundamentals(),
    factories.calendar_event(),
    factories.strategy("balanced"),
    factories.request(),
    *factories.answers(asset="BTC"),
    RankEntry("balanced", "signal", START_MS, 1, "BTC", "s1", "BUY", 0.5, 0.8),
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


def _fill(broker: MemoryBroker, topics: tuple[str, ...], random: Random, count: int) -> None:
    broker.is_strict = False  # other producers may write what they like
    values = [CODEC.encode(event) for event in EVENTS]
    own = [CODEC.encode(event) for event in EVENTS if _topic_of(event) in topics] or values
    for number in range(count):
        value = _mutated(random.choice(own if random.random() < 0.8 else values), random)
        if number % 4_000 == 17:
            value = random.randbytes(1_048_400)
        key = random.choice(KEYS)
        if number % 3_000 == 5:
            key = random.randbytes(300_000)
        partition = partition_of(b"BTC", PARTITIONS) if random.random() < 0.9 else 0
        where = (random.choice(topics), partition)
        broker.append(*where, key, value, random.choice(TIMES_MS), random.choice(HEADERS))  # type: ignore[arg-type]
    broker.is_strict = True


def _topic_of(event: Any) -> str:
    return BY_SCHEMA[schema_name(event)].name


@pytest.mark.parametrize("name", stage_names())
@pytest.mark.parametrize(
    "count", [7_000, pytest.param(70_000, marks=pytest.mark.long)], ids=["", "soak"]
)
@pytest.mark.parametrize("transactions", [True, False], ids=["in transactions", "in order"])
async def test_every_record_has_one_fate(
    name: str, count: int, tmp_path: Path, *, transactions: bool
) -> None:
    random, broker = Random(name), MemoryBroker()
    one = stage(name)
    _fill(broker, one.inputs, random, count)
    tables = Tables({"balanced": StrategyAt(factories.strategy("balanced"), 0)})
    worker = MemoryWorker(broker, one, tmp_path, tables=tables, transactions=transactions)
    await worker.run()
    assert worker.fetch() == [], "not every offset is committed"
    sent = broker.sent(one.inputs)
    letters = [CODEC.decode(record.value) for record in sent if record.topic == "dead.letters"]
    assert len({letter.letter_id for letter in letters}) == len(letters)
    assert {letter.kind for letter in letters} <= {Kind.INVALID, Kind.UNUSABLE}
    assert 0.2 * count < len(letters) < count
    assert max(len(record.value) for record in sent) < 1_000_000
    good = [record for record in sent if record.topic != "dead.letters"]
    assert good, "nothing came through: this shows nothing"
    for record in good:
        CODEC.decode(record.value)


def test_the_strategies_reader_keeps_the_good_ones(tmp_path: Path) -> None:
    random, broker = Random(5), MemoryBroker()
    _fill(broker, (STRATEGIES.name,), random, 14_000)
    table = StrategyTable(Settings(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9"), CODEC)
    records = [record for log in broker.records.values() for record in log]
    for start in range(0, len(records), 500):
        table._apply(records[start : start + 500])
    broker.publish(factories.strategy("careful"))
    table._apply([broker._arrivals[-1]])
    assert "careful" in table.tables().strategies
