"""Rows of an owner that slept count no more, and a topic that was recreated begins again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams.agents.changelog import OWNER_KEY, Changelog
from streams.agents.state_store import StateStore
from streams.stage import Entry, Position
from tests.unit.streams.agents.memory_broker import MemoryBroker, MemoryWorker
from tests.unit.streams.agents.scenes import COUNTING, SCENES, Count
from transport.settings import Settings

SCORING = SCENES["scoring"]


def _row(store: StateStore, epoch: int, candles: int, offset: int) -> bytes:
    store.epochs[0] = epoch
    state = COUNTING.state_type(engine=Count(candles, 1.0), last_score=0.0, clock_ms=0)
    return store.encode(Entry(state, {"market.candles": offset}), [], 0)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param([(1, 3), (1, 5)], 5, id="the last one"),
        pytest.param([(1, 3), (2, 4), (1, 9)], 4, id="not the one of an older epoch"),
        pytest.param([(1, 5), (1, 3)], 5, id="not one with less applied in the same epoch"),
        pytest.param([(1, 5), (2, 3)], 3, id="a newer owner may begin further back"),
        pytest.param([(0, 2), (0, 4)], 4, id="rows of versions without epochs"),
    ],
)
def test_what_counts_of_a_keys_rows(written: list[tuple[int, int]], kept: int) -> None:
    writer, store = StateStore(COUNTING), StateStore(COUNTING)
    rows = [(b"BTC", _row(writer, epoch, offset, offset)) for epoch, offset in written]
    store.restore(0, rows)
    entry, _ = store.load(b"BTC")
    assert entry is not None
    assert entry.applied == {"market.candles": kept}


def test_an_owners_row_shuts_out_rows_of_every_key() -> None:
    writer, store = StateStore(COUNTING), StateStore(COUNTING)
    before, after = _row(writer, 1, 1, 1), _row(writer, 1, 2, 2)
    owner = msgspec.msgpack.encode((None, {}, [], 2, {}))
    store.restore(0, [(b"BTC", before), (OWNER_KEY, owner), (b"BTC", after)])
    entry, _ = store.load(b"BTC")
    assert entry is not None
    assert entry.applied == {"market.candles": 1}


def test_a_value_without_an_epoch_can_still_be_read() -> None:
    store = StateStore(COUNTING)
    state = COUNTING.state_type(engine=Count(3, 2.5), last_score=0.25, clock_ms=9)
    store.restore(0, [(b"BTC", msgspec.msgpack.encode((state, {"market.candles": 3}, [])))])
    assert store.load(b"BTC") == (Entry(state, {"market.candles": 3}), [])


async def test_on_a_broker_without_transactions_a_sleeper_writes_nothing(tmp_path: Path) -> None:
    broker = MemoryBroker()
    broker.publish(*SCORING.events)
    worker = MemoryWorker(broker, COUNTING, tmp_path)
    worker.app.is_asleep = True
    await worker.run()
    assert broker.sent(COUNTING.inputs) == []
    assert (broker.committed, worker.app.rejoins) == ({}, 1)


async def test_who_was_fenced_writes_nothing_and_reads_again(tmp_path: Path) -> None:
    broker = MemoryBroker()
    broker.publish(*SCORING.events)
    sleeper = MemoryWorker(broker, COUNTING, tmp_path, transactions=True)
    await sleeper.loop.take_over({0, 1})
    owner = MemoryWorker(broker, COUNTING, tmp_path, transactions=True)
    await owner.run()
    sent, state = broker.sent(COUNTING.inputs), owner.final_state()
    broker.committed.clear()  # as if the sleeper had read before the owner committed
    await sleeper.loop.run(_stream(sleeper))
    assert broker.sent(COUNTING.inputs) == sent
    assert sleeper.final_state() == state
    assert (broker.committed, sleeper.app.rejoins) == ({}, 1)


def _stream(worker: MemoryWorker) -> Any:
    worker.stream.waiting = worker.fetch()
    return worker.stream


@pytest.mark.parametrize(
    ("ids", "ends", "applied"),
    [
        pytest.param({}, 4, {"market.candles": 3}, id="nothing happened"),
        pytest.param({"market.candles": "one"}, 9, {"market.candles": 3}, id="the same topic"),
        pytest.param({"market.candles": "two"}, 9, {"market.candles#1": 3}, id="made anew"),
        pytest.param({}, 3, {"market.candles#1": 3}, id="it lost its end"),
    ],
)
def test_a_topic_that_was_recreated_is_read_from_its_first_record(
    ids: dict[str, str], ends: int, applied: dict[str, int]
) -> None:
    store = StateStore(COUNTING)
    settings = Settings(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9")
    changelog = Changelog(settings, COUNTING, "state-changelog")
    owner = msgspec.msgpack.encode((None, {}, [], 1, {"market.candles": "one"}))
    changelog._take(store, 0, [(OWNER_KEY, owner), (b"BTC", _row(StateStore(COUNTING), 1, 3, 3))])
    rows = changelog._recreated(store, 0, "market.candles", ends, ids)
    entry, _ = store.load(b"BTC")
    assert entry is not None
    assert entry.applied == applied
    assert bool(rows) == ("market.candles" not in applied)


def test_sequence_numbers_go_on_over_a_topic_that_was_recreated() -> None:
    before = Position("market.candles", 0, 3, {"market.candles": 3})
    after = Position("market.candles", 0, 0, {"market.candles#1": 3, "market.candles": 0})
    assert after.sequence() > before.sequence()
    assert [one.topic for one in after.inputs()] == ["market.candles"]
