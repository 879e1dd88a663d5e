"""Laws of the journal: the order between partitions does not matter, no death loses or doubles."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.dedup.checkpoint import CheckpointFile
from producers.dedup.deduplicating_publisher import DeduplicatingPublisher
from producers.dedup.headlines import SeenNews
from producers.dedup.index_state import (
    KEPT,
    PublishedCandles,
    Snapshot,
    holds,
    open_times,
    with_candle,
)
from producers.dedup.published_index import PublishedIndex
from tests.factories import HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, candle, news
from tests.unit.producers.dedup.index_harness import (
    CODEC,
    DyingSender,
    KilledError,
    MemoryLog,
    decode,
    fundamentals,
    scheduled,
    ticks,
)

_HEADLINES = (
    "Validators vote on a new fee market",
    "Treasury firm buys the dip once more",
    "Court dismisses a lawsuit of last spring",
)
ASSETS = ("BTC", "ETH", "SOL", "XRP")


def events_of(asset: str) -> list[Any]:
    """Return what is published of an asset in three cycles, in order, no two alike."""
    found: list[Any] = []
    for n in range(3):
        at_ms = T0 + n * HOUR_MS
        found += [
            candle(asset, at_ms + HOUR_MS),
            candle(asset, at_ms + 2 * HOUR_MS, closed=False),
            news(asset, at_ms, headline=_HEADLINES[n]),
            msgspec.structs.replace(fundamentals(f"{n}", at_ms), asset=asset),
            scheduled(at_ms, asset=asset, impact=n / 10),
            *ticks(at_ms, asset),
        ]
    return found


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=40))
def test_partitions_may_be_read_in_any_order_and_again(turns: list[tuple[int, int]]) -> None:
    queues = [events_of(asset) for asset in ASSETS]
    in_turn, shuffled = PublishedIndex(SeenNews()), PublishedIndex(SeenNews())
    for event in [event for queue in queues for event in queue]:
        in_turn.apply(event)
    read = [0] * len(queues)
    for number, back in [*turns, *[(number, 0) for number in range(4) for _ in range(5)]]:
        start = max(read[number] - back, 0)  # some of it comes again
        for event in queues[number][start : start + 4]:
            shuffled.apply(event)
        read[number] = max(start + 4, read[number])
    assert all(at >= len(queue) for at, queue in zip(read, queues, strict=True))
    assert _comparable(shuffled) == _comparable(in_turn)


def _comparable(index: PublishedIndex) -> Snapshot:
    snapshot = index.snapshot()
    return msgspec.structs.replace(snapshot, articles=tuple(sorted(snapshot.articles)))


@given(st.lists(st.integers(0, 3 * KEPT), max_size=60), st.sampled_from([1, 60, 3_600]))
def test_a_window_is_a_set_of_the_newest(slots: list[int], length_ms: int) -> None:
    window: PublishedCandles | None = None
    for slot in slots:
        window = with_candle(window, slot * length_ms, length_ms, "binance")
    oldest = max(slots, default=0) - KEPT
    kept = sorted({slot for slot in slots if slot > oldest})
    assert open_times(window, length_ms) == tuple(slot * length_ms for slot in kept)
    for slot in range(3 * KEPT + 2):
        known = slot in kept or (bool(slots) and slot <= oldest)
        assert holds(window, slot * length_ms, length_ms, "binance") == known


def batches() -> Iterator[list[Any]]:
    """Yield the assets' events by cycle, cut in two."""
    by_asset = [events_of(asset) for asset in ASSETS]
    share = len(by_asset[0]) // 3
    for n in range(3):
        events = [event for queue in by_asset for event in queue[n * share : (n + 1) * share]]
        yield events[: len(events) // 2]
        yield events[len(events) // 2 :]


@settings(max_examples=60)
@given(
    deaths=st.lists(st.integers(0, 40), max_size=8),
    checkpoints=st.lists(st.booleans(), min_size=1, max_size=7),
    lost_at=st.integers(0, 8),
)
def test_whenever_a_process_dies_nothing_is_lost_and_nothing_comes_twice(
    deaths: list[int], checkpoints: list[bool], lost_at: int
) -> None:
    """Each life begins with the first events again; checkpoints are written now and then."""
    log = MemoryLog()

    async def live(folder: Path, dies_after: int | None) -> None:
        file = CheckpointFile(folder / "journal")
        sender, index = DyingSender(log, dies_after), PublishedIndex(SeenNews())
        publishes = DeduplicatingPublisher(sender, index, decode, log.opened, file)
        for number, batch in enumerate(batches()):
            await publishes.emit(batch)
            if checkpoints[number % len(checkpoints)]:
                await publishes.checkpoint()

    with tempfile.TemporaryDirectory() as name:
        for number, dies_after in enumerate([*deaths, None]):
            if number == lost_at:
                (Path(name) / "journal").unlink(missing_ok=True)
            try:
                asyncio.run(live(Path(name), dies_after))
            except KilledError:
                continue
    expected = [event for batch in batches() for event in batch]
    assert Counter(map(CODEC.encode, log.events())) == Counter(map(CODEC.encode, expected))
