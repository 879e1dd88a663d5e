"""The contract of sinks, for the archive: in a folder and in an object store."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.registry_client import RegistryError
from sinks.archive import ArchiveSink
from sinks.base import SinkError, SinkRecord, SinkUnavailableError
from streams.archive.check import check
from streams.archive.local_store import Disk, LocalStore
from streams.archive.reader import Archive
from streams.archive.store import ArchiveStore, open_store
from streams.archive.writer import ArchiveWriter

TOPICS = {"market.news": 2, "signals": 1}
EVENT = b"\0\0\0\0\5event"


class Registry:
    """Knows one schema; may be away."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[int] = []

    async def text(self, number: int) -> str | None:
        self.asked.append(number)
        if self.away:
            raise RegistryError("the registry does not answer")
        return '"bytes"' if number == 5 else None


class Bench:
    """A sink and its archive."""

    def __init__(self, store: ArchiveStore) -> None:
        self.store = store
        self.registry = Registry()
        self.sink = self.another()

    def another(self) -> ArchiveSink:
        return ArchiveSink(self.store, "", TOPICS, self.registry.text)

    def stored(self) -> list[tuple[str, int, int, bytes | None]]:
        archive = Archive(self.store)
        assert check(archive).problems == ()
        return [
            (topic, number, record.offset, record.value)
            for topic, count in archive.partitions.items()
            for number in range(count)
            for record in archive.records(topic, number)
        ]


@pytest.fixture(params=["folder", "object store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ArchiveStore]:
    if request.param == "folder":
        return LocalStore(tmp_path / "archive")
    return open_store(f"memory://{uuid.uuid4().hex}/archive")


@pytest.fixture
async def bench(store: ArchiveStore) -> Bench:
    made = Bench(store)
    await made.sink.setup()
    return made


def record(
    offset: int, topic: str = "market.news", partition: int = 0, **changes: object
) -> SinkRecord:
    fields: dict[str, object] = {"value": b"%d" % offset, "key": b"BTC", "timestamp_ms": offset}
    return SinkRecord(topic=topic, partition=partition, offset=offset, **{**fields, **changes})


async def test_flush_writes_every_partition(bench: Bench) -> None:
    bench.sink.add([record(0), record(1, value=None)])
    bench.sink.add([record(7, partition=1)])
    bench.sink.add([record(0, topic="signals", value=EVENT)])
    flushed = await bench.sink.flush()
    assert (flushed.rows, flushed.rejected) == ({"market.news": 3, "signals": 1}, ())
    assert bench.stored() == [
        ("market.news", 0, 0, b"0"),
        ("market.news", 0, 1, None),
        ("market.news", 1, 7, b"7"),
        ("signals", 0, 0, EVENT),
    ]


async def test_nothing_is_visible_before_flush(bench: Bench) -> None:
    bench.sink.add([record(0)])
    assert bench.stored() == []
    assert bench.sink.reached == {("market.news", 0): 0}


async def test_an_empty_flush_does_nothing(bench: Bench) -> None:
    assert (await bench.sink.flush()).rows == {}
    assert bench.sink.writer.files_written == 0


async def test_the_same_records_again_change_nothing(bench: Bench) -> None:
    bench.sink.add([record(0), record(1)])
    await bench.sink.flush()
    before = bench.stored()
    for sink in (bench.sink, bench.another()):
        await sink.setup()
        sink.add([record(0), record(1)])
        sink.add([record(0), record(1)])
        assert (await sink.flush()).rows == {}
    assert bench.stored() == before


async def test_discard_forgets_what_was_not_flushed(bench: Bench) -> None:
    bench.sink.add([record(0)])
    bench.sink.discard()
    assert bench.sink.reached == {}
    await bench.sink.flush()
    assert bench.stored() == []


async def test_what_another_one_wrote_is_not_written_again(bench: Bench) -> None:
    """A rebalance: the first one has read, the second one takes over and is quicker."""
    bench.sink.add([record(n) for n in range(5)])
    other = bench.another()
    await other.setup()
    other.add([record(n) for n in range(3)])
    await other.flush()
    assert (await bench.sink.flush()).rows == {"market.news": 2}
    assert [offset for _, _, offset, _ in bench.stored()] == [0, 1, 2, 3, 4]


async def test_a_registry_that_is_away_is_waited_for_and_nothing_is_lost(bench: Bench) -> None:
    bench.registry.away = True
    bench.sink.add([record(0, value=EVENT)])
    with pytest.raises(SinkUnavailableError, match="does not answer"):
        await bench.sink.flush()
    assert bench.stored() == []
    bench.registry.away = False
    await bench.sink.flush()
    assert len(bench.stored()) == 1
    assert Archive(bench.store).schemas == {5: '"bytes"'}


async def test_garbage_that_looks_like_an_event_is_kept(bench: Bench) -> None:
    values = [b"\0\0\0\0\6", b"\0", b"", b"\0\0\0\0", EVENT]
    bench.sink.add([record(number, value=value) for number, value in enumerate(values)])
    await bench.sink.flush()
    assert [value for *_, value in bench.stored()] == values
    assert bench.registry.asked == [5, 6]


async def test_another_log_ends_the_sink(bench: Bench) -> None:
    bench.sink.add([record(0)])
    await bench.sink.flush()
    bench.sink.add([record(0, value=b"other")])
    with pytest.raises(SinkError, match="Take another address"):
        await bench.sink.flush()


async def test_setup_refuses_another_layout(bench: Bench) -> None:
    ArchiveWriter(bench.store).open("", {"engine.scores": 8})
    for prefix, topics in (("test.", TOPICS), ("", {"signals": 2})):
        sink = ArchiveSink(bench.store, prefix, topics, bench.registry.text)
        with pytest.raises(SinkError, match=r"ake another address") as caught:
            await sink.setup()
        assert not isinstance(caught.value, SinkUnavailableError)


async def test_a_topic_that_grew_ends_the_sink(bench: Bench) -> None:
    bench.sink.add([record(0, topic="signals", partition=1)])
    with pytest.raises(SinkError, match="has got more"):
        await bench.sink.flush()


class FullDisk(Disk):
    """Has no space left, for a while."""

    full = True

    def write(self, path: Path, data: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().write(path, data)


async def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    await Bench(LocalStore(tmp_path)).sink.setup()
    disk = FullDisk()
    bench = Bench(LocalStore(tmp_path, disk))
    await bench.sink.setup()
    bench.sink.add([record(0), record(0, topic="signals", value=EVENT)])
    with pytest.raises(SinkUnavailableError, match=r"cannot be written: .*No space left"):
        await bench.sink.flush()
    disk.full = False
    assert (await bench.sink.flush()).rows == {"market.news": 1, "signals": 1}
    assert len(bench.stored()) == 2


async def test_a_place_that_can_never_be_written_ends_the_sink(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="cannot be written") as caught:
        await Bench(LocalStore(tmp_path / "file" / "archive")).sink.setup()
    assert not isinstance(caught.value, SinkUnavailableError)


async def test_close_twice(bench: Bench) -> None:
    bench.sink.add([record(0)])
    await bench.sink.close()
    await bench.sink.close()
    assert bench.stored() == []
