"""What the check finds: each kind of damage, planted, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.archive import segments
from streams.archive.check import check
from streams.archive.local_store import LocalStore
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from tests.unit.streams.archive.samples import COMPACTED, T0, TOPIC, at_days, logged, opened, run

EVENT = b"\0\0\0\0\x09event"


def plant(folder: Path, records: list[LoggedRecord], topic: str = TOPIC, number: int = 0) -> Path:
    """Write a file without looking at what is there."""
    segment = segments.describe(topic, number, records)
    needed = [9] if any(record.value == EVENT for record in records) else []
    path = folder / segment.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(segments.encode(segment, records, needed))
    return path


def lost(folder: Path) -> None:
    plant(folder, run(15, 19))


def lost_within(folder: Path) -> None:
    plant(folder, [logged(10), logged(11), logged(13)])


def doubled(folder: Path) -> None:
    plant(folder, run(8, 12))


def doubled_within(folder: Path) -> None:
    plant(folder, [*run(10, 12), *run(11, 13)])


def cut(folder: Path) -> None:
    path = plant(folder, run(10, 19))
    path.write_bytes(path.read_bytes()[:-5])


def no_avro(folder: Path) -> None:
    plant(folder, run(10, 19)).write_bytes(b"hello")


def renamed(folder: Path) -> None:
    path = plant(folder, run(10, 19))
    path.rename(path.with_name(path.name.replace(f"{19:020d}", f"{21:020d}")))


def later_times(folder: Path) -> None:
    path = plant(folder, run(10, 19))
    path.rename(path.with_name(path.name.replace(str(T0 + 19_000), str(T0 + 20_000))))


def another_day(folder: Path) -> None:
    path = plant(folder, run(10, 19))
    target = folder / TOPIC / "2026-01-02" / "0" / path.name
    target.parent.mkdir(parents=True)
    path.rename(target)


def two_days(folder: Path) -> None:
    records = at_days(0, 0.5, 1)
    plant(folder, [one._replace(offset=one.offset + 10) for one in records])


def another_partition(folder: Path) -> None:
    path = plant(folder, run(10, 19), number=1)
    target = folder / TOPIC / "2026-01-01" / "0" / path.name
    path.rename(target)


def unknown_partition(folder: Path) -> None:
    plant(folder, run(0, 3), number=7)


def unknown_topic(folder: Path) -> None:
    plant(folder, run(0, 3), topic="market.other")


def no_schema(folder: Path) -> None:
    plant(folder, run(10, 11, value=EVENT))


def stranger(folder: Path) -> None:
    (folder / TOPIC / "notes.txt").write_text("hello")


CASES = [
    pytest.param(lost, [r"Hole: .*\[0\] lacks offsets 10 to 14, after .*9-"], id="hole"),
    pytest.param(lost_within, ["Hole: .*lacks offset 12"], id="hole in a file"),
    pytest.param(doubled, [r"Double: .*\[0\] has offsets 8 to 9 twice, in .* and in"], id="double"),
    pytest.param(doubled_within, ["Double: .*offset 11 twice"], id="double in a file"),
    pytest.param(cut, ["Unreadable: .*cannot be read"], id="cut off"),
    pytest.param(no_avro, ["Unreadable: .*cannot be read"], id="no Avro"),
    pytest.param(renamed, ["Unreadable: .*ends at offset 19, its name says 21"], id="other name"),
    pytest.param(later_times, ["other offsets or times"], id="other times in the name"),
    pytest.param(another_day, ["does not begin on its day"], id="another day's folder"),
    pytest.param(two_days, ["goes on into a later one"], id="two days in a file"),
    pytest.param(another_partition, [r"says that it is of market\.trending\[1\]"], id="moved"),
    pytest.param(unknown_partition, ["has 2 partitions"], id="more partitions"),
    pytest.param(unknown_topic, ["is not among the topics"], id="unknown topic"),
    pytest.param(no_schema, ["Schema 9 is missing, and market"], id="schema missing"),
    pytest.param(stranger, ["notes.txt is no file of an archive"], id="a stranger"),
]


def sound(folder: Path) -> None:
    writer = opened(LocalStore(folder))
    writer.write(TOPIC, 0, run(0, 9))
    writer.write(TOPIC, 1, at_days(3, 4, 3.5))
    writer.write(COMPACTED, 0, [logged(4), logged(7)])
    writer.write(COMPACTED, 0, [logged(20), logged(22)])


def test_a_sound_archive(tmp_path: Path) -> None:
    sound(tmp_path)
    seen: list[tuple[int, int]] = []
    report = check(Archive(str(tmp_path)), lambda done, total: seen.append((done, total)))
    assert (report.files, report.records, report.problems) == (5, 17, ())
    assert report.size == sum(path.stat().st_size for path in tmp_path.rglob("*.avro"))
    assert seen[-1] == (report.size, report.size)


def test_what_a_writer_leaves_in_the_midst_of_it_is_no_problem(tmp_path: Path) -> None:
    sound(tmp_path)
    (tmp_path / TOPIC / "2026-01-01" / "0" / "half.avro.tmp").write_bytes(b"Obj")
    assert check(Archive(str(tmp_path))).problems == ()


@pytest.mark.parametrize(("damage", "said"), CASES)
def test_damage_is_found_and_said_once(
    tmp_path: Path, damage: Callable[[Path], None], said: list[str]
) -> None:
    sound(tmp_path)
    damage(tmp_path)
    problems = check(Archive(str(tmp_path))).problems
    assert len(problems) == len(said), problems
    for problem, pattern in zip(problems, said, strict=True):
        assert re.search(pattern, problem), problem


def test_the_schema_is_there(tmp_path: Path) -> None:
    sound(tmp_path)
    no_schema(tmp_path)
    opened(LocalStore(tmp_path)).add_schema(9, json.dumps("bytes"))
    assert check(Archive(str(tmp_path))).problems == ()
