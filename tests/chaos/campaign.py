"""One play with faults beside the same play without: the log and the tables must be the same."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from marketdata.conflict_free_batches import conflict_free_batches
from tests.integration.streams.agents.rig import Rig, market, rig

OUTPUTS = ("engine.scores", "signals.decisions", "signals", "signals.top", "dead.letters")
ASLEEP_S = 9.0
"""Longer than a session of 6 s and the rebalance after it: others own the partitions by then."""
WORKERS = 2
_WAVE_EVENTS = 5000


class Plan(NamedTuple):
    """How many faults of each kind, and the market that they meet."""

    faults: dict[str, int]
    assets: int = 3
    cycles: int = 2
    seed: int = 1


class Left(NamedTuple):
    """What a play leaves: committed records by topic and rows by table, as sorted text."""

    records: dict[str, list[str]]
    tables: dict[str, list[str]]


class Differences(NamedTuple):
    """What the faults changed: all of it 0 is what must be."""

    lost: int
    doubled: int
    changed: int
    tables: int

    @classmethod
    def between(cls, clean: Left, played: Left) -> Differences:
        """Count records that are missing, that stand twice, and that nobody expects."""
        lost = doubled = changed = 0
        for topic, expected in clean.records.items():
            wanted, found = Counter(expected), Counter(played.records[topic])
            lost += sum((wanted - found).values())
            changed += sum(count for text, count in found.items() if text not in wanted)
            doubled += sum(
                found[text] - wanted[text] for text in wanted if found[text] > wanted[text]
            )
        rows = sum(played.tables[name] != rows for name, rows in clean.tables.items())
        return cls(lost, doubled, changed, rows)


class Campaign:
    """Plays markets on one stack; `kafka` is the broker that faults may hit, None for none."""

    def __init__(self, stack: Stack, kafka: ApacheKafka | None, folder: Path) -> None:
        self._stack = stack
        self._kafka = kafka
        self._folder = folder
        self.recoveries_s: list[tuple[str, float]] = []
        self._faults: dict[str, Callable[[Rig, int], Coroutine[None, None, None]]] = {
            "worker killed": self._kill,
            "worker asleep": self._sleep,
            "worker leaves": self._leave,
            "sink restarted": self._restart_sink,
            "broker killed": self._kill_broker,
            "database killed": self._kill_database,
        }

    async def play(
        self, name: str, plan: Plan, *, with_faults: bool = True, say: Callable[[str], None] = print
    ) -> Left:
        """Play the plan's market and return what is left in log and tables.

        A fault begins up to 400 ms after a wave of events was sent, while it is worked on; then all
        of the wave has to arrive. LookupError when the market ends before the faults do.
        """
        random = Random(plan.seed)
        kinds = [kind for kind, count in sorted(plan.faults.items()) for _ in range(count)]
        random.shuffle(kinds)
        if not with_faults:
            kinds = []
        async with rig(self._stack.env(), self._folder, name=name, worker_count=WORKERS) as parts:
            begun: list[asyncio.Task[None]] = []
            events: list[Any] = list(market(plan.assets, plan.cycles, plan.seed))
            for number, wave in enumerate(conflict_free_batches(events, _WAVE_EVENTS)):
                await parts.publisher.publish_many(wave)
                sent_s = time.monotonic()
                kind = kinds.pop() if kinds and all(task.done() for task in begun) else None
                if kind is not None:
                    await asyncio.sleep(random.random() * 0.4)
                    say(f"  wave {number}: {kind}, {len(kinds)} more")
                    fault = self._faults[kind](parts, random.randrange(WORKERS))
                    begun.append(asyncio.create_task(fault))
                await parts.publisher.flush()
                await _beside(begun, parts.barrier(parts.publisher.positions()))
                if kind is not None:
                    self.recoveries_s.append((kind, time.monotonic() - sent_s))
            await asyncio.gather(*begun)
            if kinds:
                msg = f"the market ended before {len(kinds)} faults: play more cycles"
                raise LookupError(msg)
            await parts.barrier(parts.publisher.positions())
            await parts.stored()
            return Left(await parts.records(OUTPUTS), await parts.tables())

    async def _kill(self, parts: Rig, number: int) -> None:
        parts.kill_worker(number)

    async def _sleep(self, parts: Rig, number: int) -> None:
        await parts.sleep_worker(number, ASLEEP_S)

    async def _leave(self, parts: Rig, number: int) -> None:
        await parts.workers[number].stop()
        await asyncio.sleep(1.0)
        await parts.replace_worker(number)

    async def _restart_sink(self, parts: Rig, number: int) -> None:
        await parts.restart_sink()

    async def _kill_broker(self, parts: Rig, number: int) -> None:
        assert self._kafka is not None
        await self._kafka.kill()
        await asyncio.sleep(1.0)
        await self._kafka.start()

    async def _kill_database(self, parts: Rig, number: int) -> None:
        await self._stack.database.kill()
        await asyncio.sleep(1.0)
        await self._stack.database.start()


async def _beside(begun: list[asyncio.Task[None]], waiting: Coroutine[None, None, None]) -> None:
    """Wait for the log while faults go on; raises what a fault ended with."""
    task = asyncio.create_task(waiting)
    while not task.done():
        pending = [one for one in begun if not one.done()]
        await asyncio.wait({task, *pending}, return_when=asyncio.FIRST_COMPLETED)
        for one in begun:
            if one.done() and one.exception() is not None:
                task.cancel()
                one.result()
    task.result()
