"""Reading: by offset, by time, each record once, and what cannot be read is said."""

from __future__ import annotations

import io
import random
import tracemalloc
import uuid
from pathlib import Path
from typing import Any

import fastavro
import pytest

from schemas.codec import local_codec
from schemas.contract import schema
from streams.archive import segments
from streams.archive.local_store import LocalStore
from streams.archive.reader import Archive, ArchiveError
from streams.archive.records import LoggedRecord
from streams.archive.store import open_store
from tests.contract.sink_samples import trending
from tests.unit.streams.archive.samples import T0, TOPIC, at_days, logged, opened, run, written

ODD = [
    logged(0, key=None, value=None),
    logged(1, key=b"", value=b""),
    logged(2, value=b"\0\0\0\0\1garbage", headers=(("sent_ms", b"1"),)),
    logged(3, headers=(("a", None), ("a", b""), ("\N{BITCOIN SIGN}", b"\xff"))),
    logged(4, timestamp_ms=-1),
]


def overlapping(folder: Path, *spans: tuple[int, int]) -> Archive:
    """An archive as two writers leave it that do not see each other."""
    store = LocalStore(folder)
    opened(store)
    for first, last in spans:
        records = run(first, last)
        segment = segments.describe(TOPIC, 0, records)
        with store.locked():
            store.write(segment.path, segments.encode(segment, records, ()))
    return Archive(str(folder))


def offsets(archive: Archive, **bounds: Any) -> list[int]:
    return [record.offset for record in archive.records(TOPIC, 0, **bounds)]


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    assert list(written(tmp_path, ODD[:2], ODD[2:]).records(TOPIC, 0)) == ODD


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        pytest.param({}, range(30), id="all"),
        pytest.param({"first": 10}, range(10, 30), id="from the start of a file"),
        pytest.param({"first": 13}, range(13, 30), id="from within a file"),
        pytest.param({"last": 9}, range(10), id="to the end of a file"),
        pytest.param({"last": 12}, range(13), id="to within a file"),
        pytest.param({"first": 12, "last": 12}, [12], id="one"),
        pytest.param({"first": 30}, [], id="behind the end"),
        pytest.param({"from_ms": T0 + 12_000}, range(12, 30), id="from a time"),
        pytest.param({"from_ms": T0 + 11_001}, range(12, 30), id="from between two times"),
        pytest.param({"until_ms": T0 + 12_000}, range(12), id="until a time"),
        pytest.param({"until_ms": T0 + 20_001}, range(21), id="until after a time"),
        pytest.param(
            {"from_ms": T0 + 8_000, "until_ms": T0 + 22_000, "first": 9, "last": 19},
            range(9, 20),
            id="both",
        ),
        pytest.param({"from_ms": T0 + 30_000}, [], id="after the last time"),
    ],
)
def test_ranges(tmp_path: Path, bounds: dict[str, int], expected: list[int]) -> None:
    archive = written(tmp_path, run(0, 9), run(10, 19), run(20, 29))
    assert offsets(archive, **bounds) == list(expected)


def test_late_records_are_found_by_their_own_time(tmp_path: Path) -> None:
    archive = written(tmp_path, at_days(0, 1, 0.5, 1.5, 0.9))
    day = T0 + 86_400_000
    assert offsets(archive, until_ms=day) == [0, 2, 4]
    assert offsets(archive, from_ms=day) == [1, 3]


def test_files_outside_the_range_are_not_opened(tmp_path: Path) -> None:
    archive = written(tmp_path, run(0, 9), run(10, 19), run(20, 29))
    broken = [tmp_path / archive.segments(TOPIC, 0)[number].path for number in (0, 2)]
    for path in broken:
        path.write_bytes(b"broken")
    assert offsets(archive, first=10, last=19) == list(range(10, 20))
    assert offsets(archive, from_ms=T0 + 10_000, until_ms=T0 + 20_000) == list(range(10, 20))


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([(0, 9), (5, 19)], id="partly"),
        pytest.param([(0, 19), (3, 8)], id="within"),
        pytest.param([(0, 9), (0, 19)], id="same beginning"),
        pytest.param([(0, 9), (0, 9), (5, 12), (3, 19)], id="many"),
    ],
)
def test_overlapping_files_give_each_offset_once(
    tmp_path: Path, spans: list[tuple[int, int]]
) -> None:
    archive = overlapping(tmp_path, *spans)
    assert offsets(archive) == list(range(20))
    assert offsets(archive, first=6, last=17) == list(range(6, 18))
    assert [archive.record(TOPIC, 0, n) for n in range(20)] == run(0, 19)


def test_one_record(tmp_path: Path) -> None:
    many = run(10, 20_000)
    archive = written(tmp_path, many[:5], many[5:], run(20_005, 20_009))
    blocks = (tmp_path / archive.segments(TOPIC, 0)[1].path).read_bytes()
    assert len(list(fastavro.block_reader(io.BytesIO(blocks)))) > 2
    for offset in (10, 14, 15, 9_999, 12_345, 20_000, 20_005, 20_009):
        assert archive.record(TOPIC, 0, offset) == logged(offset)
    for offset in (0, 9, 20_001, 20_004, 20_010):
        assert archive.record(TOPIC, 0, offset) is None
    assert archive.record(TOPIC, 1, 10) is None
    assert offsets(archive, first=12_345, last=12_347) == [12_345, 12_346, 12_347]


def test_a_record_that_was_compacted_away(tmp_path: Path) -> None:
    archive = written(tmp_path, [logged(1), logged(5), logged(9)])
    assert [archive.record(TOPIC, 0, n) for n in (1, 4, 5)] == [logged(1), None, logged(5)]


def cut(data: bytes) -> bytes:
    return data[:-7]


def cut_between_blocks(data: bytes) -> bytes:
    blocks = list(fastavro.block_reader(io.BytesIO(data)))
    return data[: blocks[1].offset]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(cut, "cannot be read", id="cut off"),
        pytest.param(cut_between_blocks, "it ends at offset", id="cut off between two blocks"),
        pytest.param(lambda _: b"", "cannot be read", id="empty"),
        pytest.param(lambda data: b"Obj\1" + bytes(len(data)), "cannot be read", id="zeros"),
        pytest.param(
            lambda data: data[:-300] + bytes(50) + data[-250:], "cannot be read", id="a hole in it"
        ),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, spoil: Any, said: str) -> None:
    archive = written(tmp_path, run(0, 9), run(10, 20_000))
    path = tmp_path / archive.segments(TOPIC, 0)[1].path
    path.write_bytes(spoil(path.read_bytes()))
    found = []
    with pytest.raises(ArchiveError, match=said):
        found.extend(archive.records(TOPIC, 0))
    with pytest.raises(ArchiveError, match="archive these offsets again"):
        list(archive.records(TOPIC, 0, first=15_000))


def test_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"no archive at .*archive\.json is missing"):
        Archive(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"{", "cannot be read", id="no JSON"),
        pytest.param(b'{"version":1}', "cannot be read", id="fields missing"),
        pytest.param(
            b'{"version":2,"prefix":"","partitions":{}}', "is of version 2", id="another version"
        ),
    ],
)
def test_a_manifest_of_no_use(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "archive.json").write_bytes(text)
    with pytest.raises(ArchiveError, match=said):
        Archive(str(tmp_path))


def test_the_codec_decodes_what_any_archived_id_means(tmp_path: Path) -> None:
    writer = opened(LocalStore(tmp_path))
    writer.add_schema(41, schema("trending_asset").text)
    writer.add_schema(42, '{"type":"record","name":"Other","fields":[]}')
    writer.add_schema(43, 'syntax = "proto3";')
    archive = Archive(str(tmp_path))
    assert list(archive.schemas) == [41, 42, 43]
    value = b"\0\0\0\0\x29" + local_codec().encode(trending(1))[5:]
    assert archive.codec().decode(value) == trending(1)


def test_a_copy_of_a_distant_archive(tmp_path: Path) -> None:
    address = f"memory://{uuid.uuid4().hex}/archive"
    writer = opened(open_store(address))
    writer.add_schema(1, schema("trending_asset").text)
    writer.write(TOPIC, 1, ODD)
    distant = Archive(address)
    assert list(distant.records(TOPIC, 1)) == ODD
    copy = distant.local(tmp_path / "copy")
    assert copy.address == str(tmp_path / "copy")
    assert (copy.partitions, copy.schemas) == (distant.partitions, distant.schemas)
    assert list(copy.records(TOPIC, 1)) == ODD
    assert copy.local(tmp_path / "other") is copy


def test_one_block_is_in_memory_at_a_time(tmp_path: Path) -> None:
    rng = random.Random(7)
    archive = written(tmp_path, [logged(n, value=rng.randbytes(500)) for n in range(20_000)])
    assert archive.segments(TOPIC, 0)[0].size > 10_000_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in archive.records(TOPIC, 0)) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


def test_a_named_tuple_it_is(tmp_path: Path) -> None:
    record = next(iter(written(tmp_path, run(0, 0)).records(TOPIC, 0)))
    assert isinstance(record, LoggedRecord)
    assert (record.offset, record.key) == (0, b"BTC")
