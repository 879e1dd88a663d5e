"""A small publishing process that can be killed: `python -m ... BOOTSTRAP PREFIX FOLDER [POINT N]`.

It publishes the same seeded market from its beginning each time it is started, as upstreams show
the same things again after a restart. At the N-th time that it reaches POINT it kills itself; with
the point "slowly" it never does, and takes its time, for somebody else to kill it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.dedup.checkpoint import Checkpoint, CheckpointFile
from producers.dedup.deduplicating_publisher import DeduplicatingPublisher
from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import PublishedIndex
from schemas.codec import local_codec
from schemas.market import OrderBook
from transport.decoder import Decoder
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.settings import Settings

START_MS = 1_767_572_400_000
PARTITIONS = 5
POINTS = ("handed over", "acknowledged", "saving")
_BATCH = 70
SLOWLY = "slowly"
_PACE_S, _SLOW_PACE_S = 0.02, 0.15


def batches() -> list[list[Any]]:
    """Return the market in batches, none of which holds two cycles."""
    state, events = backfill(11, START_MS, ASSETS[:4])
    cycles = [events]
    for _ in range(8):
        state, events = cycle(state, state.now_ms)
        cycles.append(events)
    found = []
    for events in cycles:
        kept = [event for event in events if not isinstance(event, OrderBook)]
        found += [kept[at : at + _BATCH] for at in range(0, len(kept), _BATCH)]
    return found


class Fate:
    """Kills the process at the n-th time that it reaches a point."""

    def __init__(self, point: str = "", number: int = 0) -> None:
        self._point = point
        self._left = number

    @property
    def pace_s(self) -> float:
        """How long it rests after a batch that it has published."""
        return _SLOW_PACE_S if self._point == SLOWLY else _PACE_S

    def reached(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class MortalPublisher(Publisher):
    """May die before what it was given is acknowledged, or just after."""

    fate = Fate()

    async def flush(self) -> None:
        self.fate.reached("handed over")
        await super().flush()
        self.fate.reached("acknowledged")


class MortalFile(CheckpointFile):
    """May die with half a checkpoint written."""

    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path)
        self._half = path.with_name(f"{path.name}.tmp")
        self._fate = fate

    def save(self, checkpoint: Checkpoint) -> None:
        self._half.parent.mkdir(parents=True, exist_ok=True)
        self._half.write_bytes(b"half of")
        self._fate.reached("saving")
        super().save(checkpoint)


async def main(bootstrap: str, prefix: str, folder: str, fate: Fate) -> None:
    settings = Settings(bootstrap=bootstrap, prefix=prefix, partitions=PARTITIONS)
    codec = local_codec()
    file = MortalFile(Path(folder) / "journal", fate)
    async with MortalPublisher(settings, codec) as publisher:
        publisher.fate = fate
        index, decode = PublishedIndex(SeenNews()), Decoder(codec).decode
        publishes = DeduplicatingPublisher(
            publisher, index, decode, lambda: LogReader(settings), file
        )
        recalled = await publishes.start()
        print("recalled", recalled.records, recalled.after_checkpoint, flush=True)
        for number, batch in enumerate(batches()):
            emitted = await publishes.emit(batch)
            if emitted.published:
                print("published", number, emitted.published, flush=True)
                await asyncio.sleep(fate.pace_s)
                if number % 3 == 2:
                    await publishes.checkpoint()
        await publishes.checkpoint()


if __name__ == "__main__":
    _, *words = sys.argv
    asyncio.run(main(*words[:3], Fate(words[3], int(words[4])) if words[3:] else Fate()))
