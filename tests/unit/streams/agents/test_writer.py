"""The order of the effects of one batch, and what is left when it ends early."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from schemas.partitioning import partition_of
from streams.agents.writer import PartitionsRevokedError
from tests import factories
from tests.factories import START_MS
from tests.unit.streams.agents.memory_broker import (
    CHANGELOG,
    PARTITIONS,
    MemoryBroker,
    MemoryWorker,
)
from tests.unit.streams.agents.scenes import COUNTING

BTC = partition_of(b"BTC", PARTITIONS)
PLACE = TP("market.candles", BTC)


async def _batch(folder: Path, *events: Any, **options: Any) -> tuple[MemoryWorker, Any]:
    """Return a worker and its first batch, worked out and not written."""
    broker = MemoryBroker()
    broker.publish(*(events or (factories.candle(),)))
    worker = MemoryWorker(broker, COUNTING, folder, **options)
    return worker, await worker.work()


def _revoke_at(worker: MemoryWorker, effect: str) -> None:
    def revoke(number: int, what: str) -> None:
        if what == effect:
            worker.app.revoke()

    worker.app.on_point = revoke


async def test_changelog_then_outputs_then_offsets(tmp_path: Path) -> None:
    worker, work = await _batch(tmp_path, factories.candle(), factories.tick("ETH"))
    effects: list[str] = []
    worker.app.on_point = lambda number, effect: effects.append(effect)
    await worker.writer.write(work)
    assert [effect for effect, _ in groupby(effects)] == [
        *(f"send {CHANGELOG}", f"acknowledge {CHANGELOG}"),
        *("send engine.scores", "acknowledge engine.scores"),
        *("commit market.candles", "commit market.trending"),
    ]


async def test_the_table_has_what_the_changelog_has(tmp_path: Path) -> None:
    worker, work = await _batch(tmp_path)
    await worker.writer.write(work)
    entry = worker.broker.table()[b"BTC"]
    worker.store.forget()
    assert worker.store.load(b"BTC")[0] == work.entries[b"BTC"][1]
    assert entry == worker.store.encode(work.entries[b"BTC"][1], work.outputs[b"BTC"], BTC)


@pytest.mark.parametrize(
    ("effect", "changelogs", "outputs"),
    [
        pytest.param(None, 0, 0, id="before the changelog"),
        pytest.param(f"acknowledge {CHANGELOG}", 1, 0, id="before the outputs"),
        pytest.param("acknowledge engine.scores", 1, 1, id="before the offsets"),
    ],
)
async def test_partitions_that_go_end_the_batch(
    effect: str | None, changelogs: int, outputs: int, tmp_path: Path
) -> None:
    worker, work = await _batch(tmp_path)
    if effect is None:
        worker.app.revoke()
    else:
        _revoke_at(worker, effect)
    with pytest.raises(PartitionsRevokedError):
        await worker.writer.write(work)
    records = worker.broker.records
    assert len(records[TP(CHANGELOG, BTC)]) == changelogs
    assert len(records[TP("engine.scores", BTC)]) == outputs
    assert worker.broker.committed == {}


async def test_without_a_producer_the_batch_is_given_up(tmp_path: Path) -> None:
    worker, work = await _batch(tmp_path)
    worker.app.producer._producer = None  # Faust has stopped it
    with pytest.raises(PartitionsRevokedError):
        await worker.writer.write(work)


@pytest.mark.parametrize("topic", [CHANGELOG, "engine.scores"])
async def test_a_refused_record_commits_nothing(topic: str, tmp_path: Path) -> None:
    worker, work = await _batch(tmp_path)

    def refuse(number: int, effect: str) -> None:
        if effect == f"acknowledge {topic}":
            msg = "MessageSizeTooLarge"
            raise OSError(msg)

    worker.app.on_point = refuse
    with pytest.raises(OSError, match="MessageSizeTooLarge"):
        await worker.writer.write(work)
    assert worker.broker.committed == {}


async def test_more_records_than_a_producers_batch_takes_keep_their_order(tmp_path: Path) -> None:
    candles = [factories.candle(close_ms=START_MS + number) for number in range(7)]
    worker, work = await _batch(tmp_path, *candles, batch_limit=3)
    await worker.writer.write(work)
    sent = worker.broker.records[TP("engine.scores", BTC)]
    assert [one.timestamp for one in sent] == [one.observed_at for one in candles]
    assert [one.headers for one in sent] == [
        (("sent_ms", b"%d" % (one.observed_at + 7)),) for one in candles
    ]
    assert worker.broker.committed == {PLACE: 7}


async def test_a_dead_letter_goes_out_after_the_changelog_and_before_the_offset(
    tmp_path: Path,
) -> None:
    broker = MemoryBroker()
    broker.append("market.candles", BTC, b"BTC", b"garbage", START_MS)
    worker = MemoryWorker(broker, COUNTING, tmp_path)
    _revoke_at(worker, "acknowledge dead.letters")
    work = await worker.work()
    with pytest.raises(PartitionsRevokedError):
        await worker.writer.write(work)
    assert len(broker.sent(COUNTING.inputs)) == 1
    assert broker.committed == {}
