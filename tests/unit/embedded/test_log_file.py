"""The file of the durable broker against a model of what it should hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded.durable.frames import Commit, NewTopic, Place
from embedded.durable.log_file import GROUP_LIVES_MS, LogFile
from tests.unit.embedded.test_frames import batch

_SIZE = 1000


def records(log: LogFile, place: Place, first: int) -> list[tuple[int, bytes | None]]:
    """Return offset and value of what would be written to a new broker from an offset on."""
    found, base = [], first
    for data in log.stored(place):
        held = list(DefaultRecordBatch(data))
        found += [(base + record.offset, record.value) for record in held]
        base = found[-1][0] + 1
    return found


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1), st.integers(1, 4)),
        st.tuples(st.just("commit"), st.integers(0, 1), st.integers(0, 40)),
        st.tuples(st.just("trim"), st.integers(0, 1), st.integers(0, 8)),
        st.tuples(st.just("again"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_a_suffix_is_kept_that_has_all_that_is_unread(actions: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = LogFile(Path(folder) / "log.sqlite")
        log.add_topic(NewTopic("t", 2, {"cleanup.policy": "delete"}))
        written: dict[int, list[bytes]] = {0: [], 1: []}
        read: dict[int, int] = {}
        for action, partition, number in actions:
            place = ("t", partition)
            if action == "write":
                values = [
                    b"%d " % (len(written[partition]) + one) + bytes(_SIZE) for one in range(number)
                ]
                log.append({place: batch(*values)})
                written[partition] += values
            elif action == "commit":
                first, end = log.ends(place) or (0, 0)
                read[partition] = min(max(number, first), end)
                log.commit("group", [Commit(place, read[partition], None)], 1000)
            elif action == "trim":
                log.trim(number * _SIZE)
            else:
                log.close()
                log = LogFile(Path(folder) / "log.sqlite")
        for partition, values in written.items():
            ends = log.ends(("t", partition))
            if not values:
                continue
            assert ends is not None
            first, end = ends
            assert end == len(values)
            assert first <= read.get(partition, end)
            kept = records(log, ("t", partition), first)
            assert kept == list(enumerate(values))[first:]
        log.close()


def test_a_compacted_topic_keeps_the_last_of_each_key_at_their_offsets(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log.sqlite")
    place = ("group-stage-state-changelog", 0)
    log.add_topic(NewTopic(place[0], 1, {"cleanup.policy": "compact"}))
    for number in range(50):
        log.append({place: batch(b"%d" % number, b"%d again" % number)})
    last = [(96, b"48"), (97, b"48 again"), (98, b"49"), (99, b"49 again")]
    assert records(log, place, 0) == last
    assert log.trim(0) == 0
    assert log.ends(place) == (0, 100)
    log.close()


def test_what_the_archive_has_not_read_is_kept(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log.sqlite")
    place = ("t", 0)
    for number in range(20):
        log.append({place: batch(b"%d" % number + bytes(_SIZE))})
    log.commit("sink", [Commit(place, 20, None)], 1000)
    assert log.trim(0, "archive.") == 0, "no archive has read anything yet"
    log.commit("archive.new", [Commit(place, 12, None)], 1000)
    log.commit("archive.old", [Commit(place, 3, None)], 1000 - GROUP_LIVES_MS)
    assert log.trim(0, "archive.") == 12
    assert log.ends(place) == (12, 20)
    log.close()


def test_a_group_that_is_gone_keeps_nothing(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log.sqlite")
    place = ("t", 0)
    for number in range(20):
        log.append({place: batch(b"%d" % number + bytes(_SIZE))})
    log.commit("gone", [Commit(place, 1, None)], 1000)
    log.commit("lives", [Commit(place, 18, None)], 1001 + GROUP_LIVES_MS)
    assert log.trim(3 * _SIZE) == 18
    log.take_back(place, 19)
    assert log.ends(place) == (18, 19)
    log.remove_topic("t")
    assert (log.ends(place), log.committed(), log.topics()) == (None, {}, [])
    log.close()
