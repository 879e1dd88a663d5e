"""A clock that stands still until the test moves it: runs of days in milliseconds, exactly."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class VirtualClock:
    """A `transport.clock.Clock`; sleepers wake in the order of their times."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        wakes_ms = self._now_ms + round(seconds * 1000)
        heapq.heappush(self._sleepers, (wakes_ms, next(self._numbers), future))
        await future

    async def advance_to(self, until_ms: int) -> None:
        """Let time pass; whoever wakes runs until it waits again."""
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until_ms:
            wakes_ms, _, future = heapq.heappop(self._sleepers)
            self._now_ms = max(self._now_ms, wakes_ms)
            if not future.done():
                future.set_result(None)
                await settle()
        self._now_ms = until_ms

    async def jump_to(self, now_ms: int) -> None:
        """Let time pass without waking anybody before its end, as on a suspended machine."""
        self._now_ms = now_ms
        await self.advance_to(now_ms)


async def settle() -> None:
    """Let every task run until it waits for something that only the test can bring."""
    for _ in range(12):
        await asyncio.sleep(0)
