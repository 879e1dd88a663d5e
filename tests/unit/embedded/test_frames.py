"""What the proxy reads in Kafka's frames, against those that aiokafka writes."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import pytest
from aiokafka.protocol import admin, commit, fetch, offset, produce
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from embedded.durable import frames
from embedded.durable.frames import Commit, NewTopic


def request(made: Any) -> bytes:
    """Return a request as it comes over the wire, without its length."""
    client = b"\0\2me"
    return struct.pack(">hhi", made.API_KEY, made.API_VERSION, 7) + client + made.encode()


def response(made: Any) -> bytearray:
    return bytearray(struct.pack(">i", 7) + made.encode())


def read(kind: Any, frame: bytearray) -> Any:
    return kind.decode(BytesIO(bytes(frame[4:])))


def batch(*values: bytes, base: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 20)
    for number, value in enumerate(values, start=base):
        builder.append(number, 1000, b"k", value, [])
    return bytes(builder.build())


@pytest.mark.parametrize("version", range(3, 9))
def test_produce(version: int) -> None:
    places = {("a", 0): batch(b"1", b"2"), ("a", 1): batch(b"3"), ("b", 7): batch(b"4")}
    topics = [("a", [(0, places["a", 0]), (1, places["a", 1])]), ("b", [(7, places["b", 7])])]
    made = getattr(produce, f"ProduceRequest_v{version}")(None, -1, 30_000, topics)
    frame = request(made)
    head = frames.header(frame)
    assert (head.key, head.version, head.correlation) == (frames.PRODUCE, version, 7)
    acks_at, found = frames.produced(frame, head)
    assert found == places
    assert frame[acks_at : acks_at + 2] == b"\xff\xff"
    kind = getattr(produce, f"ProduceResponse_v{version}")
    one = lambda number, error, base: (  # noqa: E731
        *(number, error, base, -1),
        *((0,) if version >= 5 else ()),
        *(([(0, "why"), (1, None)], "more") if version >= 8 else ()),
    )
    answer = response(kind([("a", [one(0, 0, 41), one(1, 3, -1)]), ("b", [one(7, 0, 5)])], 0))
    assert frames.produce_results(answer, version) == {
        ("a", 0): (0, 41),
        ("a", 1): (3, -1),
        ("b", 7): (0, 5),
    }


@pytest.mark.parametrize("version", range(4, 12))
def test_fetch(version: int) -> None:
    part = lambda number, at: (  # noqa: E731
        number,
        *((-1,) if version >= 9 else ()),
        at,
        *((0,) if version >= 5 else ()),
        100,
    )
    made = getattr(fetch, f"FetchRequest_v{version}")(
        *(-1, 20, 1, 1000, 0),
        *((0, -1) if version >= 7 else ()),
        [("a", [part(0, 5), part(1, 17)]), ("b", [part(2, 0)])],
        *(([],) if version >= 7 else ()),
        *(("",) if version >= 11 else ()),
    )
    frame = request(made)
    found = frames.fetched(frame, frames.header(frame))
    assert found == {("a", 0): 5, ("a", 1): 17, ("b", 2): 0}
    kind = getattr(fetch, f"FetchResponse_v{version}")
    row = lambda number, data: (  # noqa: E731
        *(number, 0, 90, 90),
        *((0,) if version >= 5 else ()),
        [(1, 2), (3, 4)],
        *((-1,) if version >= 11 else ()),
        data,
    )
    answer = response(
        kind(
            0,
            *((0, 0) if version >= 7 else ()),
            [("a", [row(0, batch(b"1")), row(1, b"")]), ("b", [row(2, batch(b"2"))])],
        )
    )
    frames.set_out_of_range(answer, version, {("a", 1): 30, ("b", 2): 8})
    topics = dict(read(kind, answer).topics)
    rows = {(name, one[0]): one for name, ones in topics.items() for one in ones}
    assert {place: one[1] for place, one in rows.items()} == {("a", 0): 0, ("a", 1): 1, ("b", 2): 1}
    if version >= 5:
        assert (rows["a", 1][4], rows["b", 2][4], rows["a", 0][4]) == (30, 8, 0)


@pytest.mark.parametrize("version", range(1, 4))
def test_list_offsets(version: int) -> None:
    made = getattr(offset, f"OffsetRequest_v{version}")(
        -1, *((0,) if version >= 2 else ()), [("a", [(0, -2), (1, -1)])]
    )
    frame = request(made)
    found = frames.asked_ends(frame, frames.header(frame))
    assert found == {("a", 0): frames.EARLIEST, ("a", 1): frames.LATEST}
    kind = getattr(offset, f"OffsetResponse_v{version}")
    rows = [(0, 0, 5, 6), (1, 0, 5, 6), (2, 3, 5, 6)]
    answer = response(kind(*((0,) if version >= 2 else ()), [("a", rows)]))
    frames.set_ends(answer, version, {("a", 0): 44, ("a", 2): 55})
    assert [one[3] for one in read(kind, answer).topics[0][1]] == [44, 6, 6]


@pytest.mark.parametrize("version", [2, 3])
def test_commit(version: int) -> None:
    made = getattr(commit, f"OffsetCommitRequest_v{version}")(
        "group", 4, "member", -1, [("a", [(0, 12, "note"), (1, 13, None)])]
    )
    frame = request(made)
    group, found = frames.commits(frame, frames.header(frame))
    assert (group, found) == ("group", [Commit(("a", 0), 12, "note"), Commit(("a", 1), 13, None)])
    kind = getattr(commit, f"OffsetCommitResponse_v{version}")
    answer = response(kind(*((0,) if version >= 3 else ()), [("a", [(0, 0), (1, 25)])]))
    assert frames.commit_errors(answer, version) == {("a", 0): 0, ("a", 1): 25}


@pytest.mark.parametrize("version", range(4))
def test_topics(version: int) -> None:
    topics = [("a", 4, 1, [], [("cleanup.policy", "compact"), ("retention.ms", None)])]
    for only_asks in (False, True) if version >= 1 else (False,):
        made = getattr(admin, f"CreateTopicsRequest_v{version}")(
            topics, 1000, *((only_asks,) if version >= 1 else ())
        )
        frame = request(made)
        found = frames.new_topics(frame, frames.header(frame))
        wanted = NewTopic("a", 4, {"cleanup.policy": "compact", "retention.ms": None})
        assert found == ([] if only_asks else [wanted])
    row = lambda name, error: (name, error, *(("why",) if version >= 1 else ()))  # noqa: E731
    kind = getattr(admin, f"CreateTopicsResponse_v{version}")
    answer = response(kind(*((0,) if version >= 2 else ()), [row("a", 0), row("b", 36)]))
    assert frames.named_errors(answer, frames.CREATE_TOPICS, version) == {"a": 0, "b": 36}


def test_deletions() -> None:
    frame = request(admin.DeleteTopicsRequest_v1(["a", "b"], 1000))
    assert frames.names(frame, frames.header(frame)) == ["a", "b"]
    answer = response(admin.DeleteTopicsResponse_v1(0, [("a", 0), ("b", 3)]))
    assert frames.named_errors(answer, frames.DELETE_TOPICS, 1) == {"a": 0, "b": 3}
    frame = request(admin.DeleteGroupsRequest_v1(["g"]))
    assert frames.names(frame, frames.header(frame)) == ["g"]
    answer = response(admin.DeleteGroupsResponse_v1(0, [("g", 0)]))
    assert frames.named_errors(answer, frames.DELETE_GROUPS, 1) == {"g": 0}


@pytest.mark.parametrize("version", [0, 3])
def test_versions_are_limited(version: int) -> None:
    offered = {frames.PRODUCE: (0, 11), frames.LIST_OFFSETS: (0, 9), 3: (0, 12)}
    if version == 0:
        answer = response(admin.ApiVersionResponse_v0(0, [(k, *v) for k, v in offered.items()]))
    else:
        rows = b"".join(struct.pack(">hhhb", k, *v, 0) for k, v in offered.items())
        answer = bytearray(struct.pack(">ihb", 7, 0, len(offered) + 1) + rows + bytes(5))
    frames.cap_versions(answer, version)
    if version == 0:
        rows = {row[0]: row[1:] for row in read(admin.ApiVersionResponse_v0, answer).api_versions}
    else:
        rows = {k: v for k, *v, _ in struct.iter_unpack(">hhhb", bytes(answer[7:28]))}
    assert {k: tuple(v) for k, v in rows.items()} == {
        frames.PRODUCE: (3, 8),
        frames.LIST_OFFSETS: (1, 3),
        3: (0, 12),
    }


def test_batches_and_filler() -> None:
    first, second = batch(b"1", b"2", b"3"), batch(b"4")
    assert list(frames.batches(first + second)) == [(first, 3), (second, 1)]
    assert list(frames.batches(frames.filler(1000))) == [(frames.filler(1000), 1000)]


def test_what_is_cut_short_is_refused() -> None:
    frame = request(produce.ProduceRequest_v7(None, -1, 1, [("a", [(0, batch(b"1"))])]))
    head = frames.header(frame)
    with pytest.raises(struct.error):
        frames.produced(frame[: head.body + 4], head)
