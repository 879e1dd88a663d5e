"""What is published once: batches that fail, are cancelled, or come from two tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
import pytest

from tests.unit.marketdata.recorded_factory import book, candle, news
from tests.unit.producers.dedup.index_harness import (
    DyingSender,
    KilledError,
    MemoryLog,
    filled,
    hourly,
    once,
)
from transport.publisher import PublishError


async def test_what_is_new_is_published_and_nothing_twice(tmp_path) -> None:
    log = filled(*hourly(0, 1))
    publishes = once(log, tmp_path)
    batch = [*hourly(1, 2, 2, 3), news(), news(), book(), book()]
    emitted = await publishes.emit(batch)
    assert (emitted.published, emitted.known, emitted.refused) == (5, 3, ())
    assert (await publishes.emit(hourly(0, 1, 2, 3))).published == 0
    assert sum(1 for event in log.events() if event == news()) == 1


async def test_an_event_that_breaks_the_contract_is_left_out_and_told(tmp_path) -> None:
    log = MemoryLog()
    emitted = await once(log, tmp_path).emit([*hourly(0), candle(close=-1.0), *hourly(1)])
    assert emitted.published == 2
    (refused,) = emitted.refused
    assert refused.startswith("Candle of BTC from test: close -1.0 is not a price")


class Failing(DyingSender):
    """Sends half of a batch and says that it failed."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__(log)
        self.fails = True

    async def publish_many(
        self, events: Iterable[msgspec.Struct], *, are_valid: bool = False
    ) -> int:
        batch = list(events)
        if not self.fails:
            return await super().publish_many(batch)
        self.fails = False
        await super().publish_many(batch[: len(batch) // 2])
        raise PublishError("the broker is away")


async def test_after_a_failure_the_log_says_what_reached_it(tmp_path) -> None:
    log = filled(*hourly(0))
    publishes = once(log, tmp_path, Failing(log))
    batch = [*hourly(0, 1, 2, 3, 4), *hourly(7, asset="ETH")]
    with pytest.raises(PublishError):
        await publishes.emit(batch)
    emitted = await publishes.emit(batch)
    assert (emitted.published, emitted.known) == (3, 3)
    assert len(log.events()) == 6


class Slow(DyingSender):
    """What is handed over reaches the log later, also when nobody waits for it any more."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__(log)
        self.sending = 0
        self.settled = asyncio.Event()

    async def publish_many(
        self, events: Iterable[msgspec.Struct], *, are_valid: bool = False
    ) -> int:
        batch = list(events)
        self.sending += 1
        asyncio.get_running_loop().call_later(0.02, self._land, batch)
        await self.flush()
        return len(batch)

    def _land(self, batch: list[msgspec.Struct]) -> None:
        self._log.append(*batch)
        self.sending -= 1
        self.settled.set()

    async def flush(self) -> None:
        while self.sending:
            self.settled.clear()
            await self.settled.wait()


async def test_a_cancelled_batch_that_lands_later_is_not_published_again(tmp_path) -> None:
    log = MemoryLog()
    publishes = once(log, tmp_path, Slow(log))
    await publishes.start()
    emitting = asyncio.create_task(publishes.emit(hourly(0, 1)))
    await asyncio.sleep(0.005)
    emitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await emitting
    assert not log.events()
    assert (await publishes.emit(hourly(0, 1, 2))).published == 1
    assert len(log.events()) == 3


async def test_two_tasks_with_the_same_events_publish_them_once(tmp_path) -> None:
    log = MemoryLog()
    publishes = once(log, tmp_path, Slow(log))
    done = await asyncio.gather(*[publishes.emit(hourly(*range(n, n + 5))) for n in range(5)])
    assert sum(one.published for one in done) == len(log.events()) == 9


async def test_a_checkpoint_holds_nothing_that_did_not_reach_the_log(tmp_path) -> None:
    """A process dies with events claimed and unsent; they come when it is back."""
    log = MemoryLog()
    publishes = once(log, tmp_path, DyingSender(log, dies_after=2))
    with pytest.raises(KilledError):
        await publishes.emit(hourly(*range(5)))
    await publishes.checkpoint()
    assert (await once(log, tmp_path).emit(hourly(*range(5)))).published == 3
