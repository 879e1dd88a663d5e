"""The journal read back from a log, with a checkpoint and without, and publishing only once."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from producers.dedup.checkpoint import VERSION, Checkpoint, CheckpointFile, Mark
from producers.dedup.deduplicating_publisher import DeduplicatingPublisher, Recalled
from producers.dedup.headlines import SeenNews
from producers.dedup.index_state import Snapshot
from producers.dedup.log_indexer import LogIndexer, OtherLogError
from producers.dedup.published_index import PublishedIndex
from schemas.codec import Codec, UnknownSchemaError
from schemas.registry_client import RegistryError
from tests.factories import HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, candle, news
from tests.unit.producers.dedup.index_harness import (
    CODEC,
    DyingSender,
    MemoryLog,
    decode,
    filled,
    hourly,
    once,
)
from transport.decoder import Decoder

BTC_CANDLES = ("market.candles", 1)


async def test_all_of_the_log_is_read_and_what_is_no_event_is_counted() -> None:
    log = filled(*hourly(*range(100)), *hourly(*range(20), asset="ETH"), news())
    log.append_raw(BTC_CANDLES, b"garbage")
    log.append_raw(BTC_CANDLES, None)
    log.append_raw(BTC_CANDLES, CODEC.encode(candle(close=-1.0, open_time=T0 * 2)))
    log.append_raw(("market.books", 0), b"is not read")
    progress = []
    indexer = LogIndexer(PublishedIndex(SeenNews()), decode)
    count = await indexer.catch_up(log, lambda *done: progress.append(done))
    assert count == 124
    assert indexer.unreadable == 3
    assert indexer.index.closed_times("BTC", "1h") == tuple(T0 + n * HOUR_MS for n in range(100))
    assert len(indexer.index.closed_times("ETH", "1h")) == 20
    assert progress[-1] == (124, 124)
    assert await indexer.catch_up(log) == 0


async def test_after_a_checkpoint_only_what_came_since_is_read(tmp_path) -> None:
    log = filled(*hourly(*range(200)))
    first = once(log, tmp_path)
    assert await first.start() == Recalled(200, after_checkpoint=False, note=None, unreadable=0)
    await first.checkpoint()
    log.append(*hourly(200, 201), news("ETH"))
    log.reads = 0
    second = once(log, tmp_path)
    assert await second.start() == Recalled(3, after_checkpoint=True, note=None, unreadable=0)
    assert log.reads <= 3 + 2 * 2  # and the last one before, of each partition, in two rounds
    third = once(log, tmp_path / "none")
    await third.start()
    assert third.index.snapshot() == second.index.snapshot()


async def test_what_lands_while_it_is_read_is_read_too(tmp_path) -> None:
    """A killed process's last batch may still be on its way when the next one starts."""
    late = [hourly(n) for n in range(100, 103)]

    class Filling(MemoryLog):
        async def ends(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
            found = await super().ends(partitions)
            if late:
                self.append(*late.pop())
            return found

    log = Filling()
    log.append(*hourly(*range(10)))
    publishes = once(log, tmp_path)
    assert (await publishes.start()).records == 13


def _another_record(log: MemoryLog) -> MemoryLog:
    return filled(*hourly(*range(1, 51)))


def _sent_again(log: MemoryLog) -> MemoryLog:
    """The same records in a broker of its own: a rehearsal repeated."""
    return filled(*hourly(*range(50)), sent=b"another time")


def _shorter(log: MemoryLog) -> MemoryLog:
    return filled(*hourly(*range(49)))


def _empty(log: MemoryLog) -> MemoryLog:
    return MemoryLog()


def _more_partitions(log: MemoryLog) -> MemoryLog:
    return MemoryLog(partitions=5)


def _expired(log: MemoryLog) -> MemoryLog:
    log.append(*hourly(*range(50, 60)))
    log.begin = {place: len(records) for place, records in log.records.items()}
    return log


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(_another_record, "does not hold the record that was read last", id="another"),
        pytest.param(_sent_again, "does not hold the record that was read last", id="sent again"),
        pytest.param(_shorter, r"ends at 49, and was read to 50", id="shorter"),
        pytest.param(_empty, r"ends at 0, and was read to 50", id="empty"),
        pytest.param(_more_partitions, "have 25 partitions, and had 15", id="more partitions"),
        pytest.param(_expired, "begins at 60, and was read only to 50", id="expired unread"),
    ],
)
async def test_a_checkpoint_of_another_log_is_thrown_away_with_a_sentence(
    change, why, tmp_path, caplog
) -> None:
    log = filled(*hourly(*range(50)))
    await once(log, tmp_path).checkpoint()
    log = change(log)
    publishes = once(log, tmp_path)
    recalled = await publishes.start()
    assert not recalled.after_checkpoint
    assert recalled.note is not None
    assert recalled.note.startswith("the checkpoint is not of this log, so all of it is read: ")
    assert recalled.note in caplog.text
    with pytest.raises(OtherLogError, match=why):
        raise OtherLogError(recalled.note)
    whole = once(log, tmp_path / "none")
    await whole.start()
    assert publishes.index.snapshot() == whole.index.snapshot()


async def test_a_checkpoint_of_another_memory_of_headlines_is_not_used(tmp_path) -> None:
    log = filled(news())
    file = CheckpointFile(tmp_path / "journal")
    await once(log, tmp_path).checkpoint()
    kept = file.load().checkpoint
    assert kept is not None
    file.save(msgspec.structs.replace(kept, index=Snapshot(news={"other": 1})))
    recalled = await once(log, tmp_path).start()
    assert (recalled.records, recalled.after_checkpoint) == (1, False)


async def test_records_that_expired_after_they_were_read_do_not_matter(tmp_path) -> None:
    log = filled(*hourly(*range(50)))
    await once(log, tmp_path).checkpoint()
    log.begin = {place: len(records) for place, records in log.records.items()}
    publishes = once(log, tmp_path)
    assert (await publishes.start()).after_checkpoint
    assert len(publishes.index.closed_times("BTC", "1h")) == 50


async def test_a_log_recreated_under_a_running_process_is_noticed(tmp_path) -> None:
    log = filled(*hourly(*range(50)))
    publishes = once(log, tmp_path)
    await publishes.checkpoint()
    log.records = _sent_again(log).records
    with pytest.raises(OtherLogError):
        await publishes.checkpoint()
    emitted = await publishes.emit(hourly(49, 50))
    assert (emitted.published, emitted.known) == (1, 1)


DAMAGE = {
    "cut off": lambda content: content[:-1],
    "empty": lambda content: b"",
    "a bit is turned": lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_a_damaged_checkpoint_is_not_used(damage, tmp_path) -> None:
    log = filled(*hourly(*range(50)))
    await once(log, tmp_path).checkpoint()
    path = tmp_path / "journal"
    path.write_bytes(damage(path.read_bytes()))
    recalled = await once(log, tmp_path).start()
    assert recalled == Recalled(
        50, False, "the checkpoint journal is damaged: the whole log is read instead", 0
    )


def test_a_checkpoint_of_another_version_or_that_is_a_folder_is_not_used(tmp_path) -> None:
    file = CheckpointFile(tmp_path / "deep" / "journal")
    assert file.load() == (None, None)
    kept = Checkpoint({("market.news", 0): Mark(5, (4, 77))}, Snapshot())
    file.save(kept)
    assert file.load().checkpoint == kept
    file.save(msgspec.structs.replace(kept, version=VERSION + 1))
    assert "is another version's" in str(file.load().note)
    (tmp_path / "folder").mkdir()
    assert "cannot be read" in str(CheckpointFile(tmp_path / "folder").load().note)


def test_a_process_killed_while_it_saves_leaves_the_old_checkpoint(tmp_path) -> None:
    file = CheckpointFile(tmp_path / "journal")
    file.save(Checkpoint({}, Snapshot(newest_ms=1)))
    (tmp_path / "journal.tmp").write_bytes(b"half of the n")
    loaded = file.load().checkpoint
    assert loaded is not None
    assert loaded.index.newest_ms == 1
    file.save(Checkpoint({}, Snapshot(newest_ms=2)))
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]


async def away(codec: Codec, unknown: UnknownSchemaError) -> bool:
    raise RegistryError("does not answer")


async def test_a_registry_that_is_away_ends_the_reading_and_is_no_empty_log(tmp_path) -> None:
    log = filled(*hourly(0))
    file = CheckpointFile(tmp_path / "journal")
    index = PublishedIndex(SeenNews())
    publishes = DeduplicatingPublisher(
        DyingSender(log), index, Decoder(Codec({}), away).decode, log.opened, file
    )
    for _ in range(2):
        with pytest.raises(RegistryError):
            await publishes.emit(hourly(0))
    assert len(log.events()) == 1


async def test_without_a_registry_unknown_schemas_are_unreadable() -> None:
    indexer = LogIndexer(PublishedIndex(SeenNews()), Decoder(Codec({})).decode)
    assert await indexer.catch_up(filled(*hourly(0))) == 1
    assert indexer.unreadable == 1
