"""Faust seeks from two tasks, and partitions change meanwhile: only the last word counts."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.agents.faust_ext.consumer import ChunkConsumer, ConsumerThread

SCORES = TP("engine.scores", 0)


class Seeker(ChunkConsumer):
    """The consumer without its thread: the test answers what is committed."""

    def __init__(self) -> None:
        self.app = SimpleNamespace(assignment_number=1, take_over=self._take_over)
        self._seeking, self._asked = asyncio.Lock(), None
        self._read_offset: Any = defaultdict(lambda: None)
        self._committed_offset: Any = defaultdict(lambda: None)
        self.answers: list[asyncio.Future[dict[TP, int]]] = []
        self.taking = self.most_taking = 0

    def assignment(self) -> set[TP]:
        return {SCORES}

    async def _take_over(self, _: set[int]) -> None:
        self.taking += 1
        self.most_taking = max(self.most_taking, self.taking)
        await asyncio.sleep(0)
        self.taking -= 1

    async def seek_to_committed(self) -> dict[TP, int]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_seeks_at_a_time() -> None:
    seeker = Seeker()
    seeks = [asyncio.create_task(seeker.perform_seek()) for _ in range(2)]
    await _turns()
    assert len(seeker.answers) == 1
    seeker.answers[0].set_result({SCORES: 7})
    await _turns()
    seeker.answers[1].set_result({SCORES: 8})
    await asyncio.gather(*seeks)
    assert seeker.most_taking == 1
    assert seeker._read_offset[SCORES] == seeker._committed_offset[SCORES] == 8


async def test_what_was_committed_under_an_earlier_assignment_is_passed_over() -> None:
    """Else the offset of a topic that is gone hides all records of the one in its place."""
    seeker = Seeker()
    first = asyncio.create_task(seeker.perform_seek())
    await _turns()
    seeker.app.assignment_number = 2
    second = asyncio.create_task(seeker.perform_seek())
    await _turns()
    seeker.answers[0].set_result({SCORES: 933})
    await _turns()
    seeker.answers[1].set_result({SCORES: 0})
    await asyncio.gather(first, second)
    assert seeker._read_offset[SCORES] == 0


async def test_a_seek_that_is_cancelled_ends_before_the_next_begins() -> None:
    """Its thread goes on: it would seek back to the old offset after the next one."""
    seeker = Seeker()
    first = asyncio.create_task(seeker.perform_seek())
    await _turns()
    first.cancel()
    seeker.app.assignment_number = 2
    second = asyncio.create_task(seeker.perform_seek())
    await _turns()
    assert len(seeker.answers) == 1
    seeker.answers[0].set_result({SCORES: 933})
    await _turns()
    seeker.answers[1].set_result({SCORES: 3})
    await second
    assert seeker._read_offset[SCORES] == 3


class Committed:
    """A consumer of aiokafka: it seeks where more than 0 is committed."""

    def __init__(self, offsets: dict[TP, int | None]) -> None:
        self.offsets, self.positions = offsets, dict.fromkeys(offsets, 10)

    async def seek_to_committed(self) -> dict[TP, int | None]:
        self.positions |= {tp: offset for tp, offset in self.offsets.items() if offset}
        return self.offsets

    def seek(self, tp: TP, offset: int) -> None:
        self.positions[tp] = offset


class Thread(ConsumerThread):
    """The consumer's thread, without one."""

    def __init__(self, consumer: Committed) -> None:
        self.consumer = consumer

    def _ensure_consumer(self) -> Any:
        return self.consumer

    async def call_thread(self, function: Any, *arguments: Any) -> Any:
        return await function(*arguments)


@pytest.mark.parametrize(
    ("committed", "position"),
    [
        pytest.param(0, 0, id="rewound to the first offset"),
        pytest.param(7, 7, id="in the middle"),
        pytest.param(None, 10, id="nothing committed: as the reset policy found"),
    ],
)
async def test_the_committed_offset_is_the_next_that_is_read(
    committed: int | None, position: int
) -> None:
    consumer = Committed({SCORES: committed})
    assert await Thread(consumer).seek_to_committed() == {SCORES: committed}
    assert consumer.positions[SCORES] == position
