"""The loop takes chunks, overlaps two batches by one, and hands over cleanly."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from streams.agents import loop
from tests import factories
from tests.factories import START_MS
from tests.unit.streams.agents.memory_broker import (
    CHANGELOG,
    MemoryBroker,
    MemoryStream,
    MemoryWorker,
)
from tests.unit.streams.agents.scenes import COUNTING


def _worker(folder: Path, events: int = 6, **options: Any) -> MemoryWorker:
    broker = MemoryBroker()
    broker.publish(*(factories.candle(close_ms=START_MS + number) for number in range(events)))
    return MemoryWorker(broker, COUNTING, folder, **options)


async def test_it_counts_the_events_that_it_took(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    await worker.run()
    assert worker.loop.events == 6


async def test_chunks_of_an_earlier_generation_are_left_to_who_has_them_now(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    stale = worker.fetch()
    worker.app.revoke()
    await worker.loop.run(MemoryStream(stale))
    assert worker.loop.events == 0
    assert worker.broker.sent(COUNTING.inputs) == []


async def test_after_a_rebalance_the_table_counts_and_not_the_memory(tmp_path: Path) -> None:
    """Another worker had the key meanwhile: what this one remembers of it is old."""
    broker = MemoryBroker()
    broker.publish(factories.candle(price=1.0))
    worker, other = (MemoryWorker(broker, COUNTING, tmp_path) for _ in range(2))
    await worker.run()
    broker.publish(factories.candle(close_ms=START_MS + 1, price=10.0))
    other.restore()
    await other.run()
    broker.publish(factories.candle(close_ms=START_MS + 2, price=100.0))
    worker.rebalance()
    await asyncio.sleep(0)  # Faust seeks, and so takes over, before anything is fetched
    await worker.loop.run(worker.stream)
    assert worker.final_state()[b"BTC"].state.engine.total_usd == 111.0


async def test_the_next_changelog_waits_for_the_outputs_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "MAX_EVENTS", 1)
    worker = _worker(tmp_path, events=0)
    effects: list[str] = []
    worker.app.on_point = lambda number, effect: effects.append(effect)
    worker.broker.publish(factories.candle(), factories.tick("BTC", START_MS + 1))
    await worker.run()
    sends = [effect for effect in effects if not effect.startswith("commit")]
    one_batch = [f"send {CHANGELOG}", f"acknowledge {CHANGELOG}"]
    one_batch += ["send engine.scores", "acknowledge engine.scores"]
    assert sends == one_batch * 2


async def test_an_error_of_the_broker_ends_the_loop(tmp_path: Path) -> None:
    worker = _worker(tmp_path)

    def refuse(number: int, effect: str) -> None:
        msg = "NotEnoughReplicas"
        raise OSError(msg)

    worker.app.on_point = refuse
    with pytest.raises(OSError, match="NotEnoughReplicas"):
        await worker.run()


async def test_drain_waits_for_the_batch_that_is_being_written(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    held = asyncio.Event()
    acknowledge = worker.app._acknowledge

    async def slow(topic: str) -> None:
        await held.wait()
        await acknowledge(topic)

    worker.app._acknowledge = slow  # type: ignore[method-assign]
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    draining = asyncio.create_task(worker.app.drain())
    await asyncio.sleep(0.01)
    assert not draining.done()
    held.set()
    await asyncio.gather(draining, running)
    assert len(worker.broker.sent(COUNTING.inputs)) == 6


async def test_drain_gives_up_before_the_session_ends(tmp_path: Path) -> None:
    worker = _worker(tmp_path)
    worker.app.conf.broker_session_timeout = 0.05
    never = asyncio.Event()
    worker.app._acknowledge = lambda topic: never.wait()  # type: ignore[method-assign]
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    await worker.app.drain()
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("waits", [True, False], ids=["any other", "what somebody waits for"])
async def test_a_transaction_waits_for_its_pace(tmp_path: Path, *, waits: bool) -> None:
    worker = _worker(tmp_path, transactions=True)
    chunks = worker.fetch()
    topics = frozenset() if waits else frozenset({chunks[-1].tp.topic})
    worker.loop._urgent = topics
    worker.loop._began_s = began_s = time.monotonic()
    await worker.run()
    assert (time.monotonic() - began_s > 0.09) is waits
    assert worker.loop.events == 6
