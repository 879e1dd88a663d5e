"""`python -m tests.browser.stand`: the stand with a market that goes on, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import time

from embedded.database import Database
from sinks.postgres import migrate
from streams.replay.market import Produced
from tests.browser.stand.bridge import TOKEN, Stand
from tests.browser.stand.world import CYCLE_MS, World

HISTORY = 12
_EVERY_S = 0.5


def now_ms() -> int:
    """Return the wall clock, ms since 1970."""
    return time.time_ns() // 1_000_000


async def fill(stand: Stand, cycles: int = HISTORY) -> tuple[World, list[Produced]]:
    """Publish a market of so many cycles up to now; return it, and the rest of its last cycle."""
    world = World(now_ms() // CYCLE_MS * CYCLE_MS - cycles * CYCLE_MS)
    await stand.publish(world.begin())
    for _ in range(cycles):
        await stand.publish(world.cycle())
    last = world.cycle()
    now = now_ms()
    await stand.publish([one for one in last if one.timestamp_ms <= now])
    return world, [one for one in last if one.timestamp_ms > now]


async def play(stand: Stand, world: World, rest: list[Produced]) -> None:
    """Publish what comes when its time comes, for ever."""
    while True:
        now = now_ms()
        await stand.publish([one for one in rest if one.timestamp_ms <= now])
        rest = [one for one in rest if one.timestamp_ms > now] or world.cycle()
        await asyncio.sleep(_EVERY_S)


async def main() -> None:
    """Run until Ctrl-C."""
    database = Database(fast=True)
    await migrate(await database.start())
    stand = Stand(database)
    try:
        world, rest = await fill(stand)
        await stand.start()
        print(f"{stand.address}/#token={TOKEN}", flush=True)
        await play(stand, world, rest)
    finally:
        await stand.close()
        await database.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
