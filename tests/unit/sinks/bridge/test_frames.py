"""Frames on the wire, plain and compressed."""

from __future__ import annotations

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.signals import Signal
from sinks.bridge.frames import Bundle, Frame, control, event_frame, snapshot_frame
from tests.unit.quantiva.status import samples
from tests.unit.sinks.bridge.memory_log import messages

_TAIL = b"\0\0\xff\xff"


def inflated(packer: zlib._Decompress, frame: bytes) -> bytes:
    """Return a compressed frame's payload as a client reads it that keeps its context."""
    size, head = frame[1], 2
    if size == 126:
        size, head = int.from_bytes(frame[2:4], "big"), 4
    elif size == 127:
        size, head = int.from_bytes(frame[2:10], "big"), 10
    assert head + size == len(frame)
    return packer.decompress(frame[head:] + _TAIL)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_every_length_has_its_header(size: int) -> None:
    payload = b'"' + b"x" * size + b'"'
    frame = Frame(payload[: max(size, 2)] if size >= 2 else b'""')
    assert frame.plain[0] == 0x81
    assert frame.plain.endswith(frame.payload)
    header = len(frame.plain) - len(frame.payload)
    length = len(frame.payload)
    assert header == (2 if length < 126 else 4 if length < 65_536 else 10)


@given(st.lists(st.binary(min_size=256, max_size=5_000), min_size=1, max_size=5))
def test_compressed_frames_follow_each_other_in_one_context(payloads: list[bytes]) -> None:
    """As with a client that did not ask for no_context_takeover: the same bytes suit it too."""
    client = zlib.decompressobj(-15)
    for payload in payloads:
        frame = Frame(payload).packed
        assert frame[0] == 0xC1
        assert inflated(client, frame) == payload


def test_what_is_small_is_not_compressed() -> None:
    frame = control("pong", id="1")
    assert frame.packed == frame.plain


def test_a_frame_is_compressed_once() -> None:
    frame = Frame(b"x" * 1000)
    assert frame.packed is frame.packed


def test_an_event_says_its_place_and_its_time() -> None:
    frame = event_frame("signal", ("signals", 2, 145), 17, samples.SIGNAL, channel="signals")
    (found,) = messages(frame.plain)
    assert (found["type"], found["cursor"], found["at"]) == ("signal", "signals:2:145", 17)
    assert msgspec.convert(found["data"], Signal) == samples.SIGNAL


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_never_appears(number: float) -> None:
    event = msgspec.structs.replace(samples.SIGNAL, final_score=number)
    (found,) = messages(event_frame("signal", ("signals", 0, 0), 1, event).plain)
    assert found["data"]["final_score"] is None


def test_a_snapshot_holds_the_frames_as_they_were_sent() -> None:
    items = [event_frame("signal", ("signals", 0, n), 1, samples.SIGNAL) for n in range(2)]
    (found,) = messages(snapshot_frame({"type": "snapshot", "id": "1"}, items).plain)
    assert found["items"] == [messages(item.plain)[0] for item in items]


def test_a_bundle_is_its_frames_one_after_the_other() -> None:
    frames = [control("pong", id=str(number)) for number in range(3)]
    assert [one["id"] for one in messages(Bundle(frames).plain)] == ["0", "1", "2"]
    assert Bundle(frames).packed == b"".join(frame.packed for frame in frames)
