"""Whatever stands in an input topic: a stage applies it or writes a dead letter, and goes on.

The real loop, validator, codec and engines over a broker in memory. `make soak` throws ten times as
many.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from schemas.dead_letters import Kind
from schemas.topics import STRATEGIES
from streams.agents.strategies import StrategyTable
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.stage import StrategyAt, Tables
from streams.topology import stage, stage_names
from tests import factories
from tests.mutations import mutated
from tests.unit.streams.agents.memory_broker import CODEC, PARTITIONS, MemoryBroker, MemoryWorker
from transport.settings import Settings


def _fill(broker: MemoryBroker, topics: tuple[str, ...], random: Random, count: int) -> None:
    broker.is_strict = False  # other producers may write what they like
    for one in mutated(topics, PARTITIONS, CODEC.encode, random, count):
        where, rest = one[:2], one[2:]
        broker.append(*where, *rest)  # type: ignore[arg-type]
    broker.is_strict = True


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
    if name != OutcomesStage.name:  # what became of a score is known an hour later at the earliest
        assert good, "nothing came through: this shows nothing"
    for record in good:
        CODEC.decode(record.value)


def test_the_strategies_reader_keeps_the_good_ones(tmp_path: Path) -> None:
    random, broker = Random(5), MemoryBroker()
    _fill(broker, (STRATEGIES.name,), random, 14_000)
    table = StrategyTable(Settings(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9"), CODEC)
    records = [record for log in broker.records.values() for record in log]
    for start in range(0, len(records), 500):
        table.apply(records[start : start + 500])
    broker.publish(factories.strategy("careful"))
    table.apply([broker._arrivals[-1]])
    assert "careful" in table.tables().strategies
