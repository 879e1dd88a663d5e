"""The simulated market as an archive: what a replay reads, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from marketdata.simulated.assets import Asset
from marketdata.simulated.simulation import backfill, cycle
from schemas.events import TOPIC_OF
from schemas.partitioning import partition_of
from schemas.topics import TOPICS
from streams.replay.output import Output, make_output
from streams.runner import Produced

START_MS = 1_767_225_600_000
PARTITIONS = 2


def archived_market(folder: Path, assets: Sequence[Asset], cycles: int, seed: int = 1) -> None:
    """Write so many cycles of ten minutes, from `START_MS` on, and the history before them."""
    make_output(folder, PARTITIONS, [topic.name for topic in TOPICS])
    output, offsets = Output(folder), Counter[tuple[str, int]]()
    state, events = backfill(seed, START_MS, assets)
    for _ in range(cycles + 1):
        for event in events:
            key, topic = event.asset, TOPIC_OF[type(event)].name
            place = topic, partition_of(key.encode(), PARTITIONS)
            at_ms = event.observed_at
            output.add(Produced(*place, offsets[place], key, at_ms, event))
            offsets[place] += 1
        state, events = cycle(state, state.now_ms)
    output.close()
