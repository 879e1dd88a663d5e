"""The twin: a sealed process that is given one record at a time, so it knows no later one.

Frames on its standard input and output are a length (4 bytes, big-endian) and bytes:

    hello   names of the stages, strategies      ->  "" or what went wrong
    a record                                     ->  the digest of what the stages said of it
    nothing (length 0)                           ->  what they said of the last record, in full

The answer to a record comes before the next record is sent: the future is not in this process, and
the guards keep it from fetching it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO

import msgspec

from schemas.rule_language import wanted
from streams.engines.indicators.library import load
from streams.lookahead.guard import FileGuard
from streams.lookahead.output_digest import digest, output_digest
from streams.lookahead.records import unpack
from streams.lookahead.steps import WatchedTopology, load_stage
from streams.replay.sandbox import seal
from streams.settings_tree import given
from streams.stage import Stage, StrategyAt

_LENGTH_BYTES = 4


class Hello(msgspec.Struct, frozen=True):
    """What a twin is told first."""

    stages: tuple[str, ...]
    strategies: dict[str, StrategyAt]
    partitions: int


class Welcome(msgspec.Struct, frozen=True):
    """The twin's answer; `stage` is the one that could not be loaded, and why."""

    stage: str = ""
    error: str = ""


def send(stream: IO[bytes], frame: bytes) -> None:
    """Write a frame."""
    stream.write(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read a frame; None at the end of the stream."""
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    return stream.read(int.from_bytes(head, "big"))


def main() -> None:
    """Serve until the input ends."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what an engine prints must not get between the frames
    first = receive(incoming)
    if first is None:
        return
    hello = msgspec.msgpack.decode(first, type=Hello)
    given()  # a file, perhaps
    if any(wanted(at.strategy) for at in hello.strategies.values()):
        load()  # C code that wants to see the clock's own classes
    guard = FileGuard()
    seal()
    stages, welcome = _load(hello, guard.refusal)
    guard.close()
    send(outgoing, msgspec.msgpack.encode(welcome))
    line = WatchedTopology(stages, hello.strategies, guard.refusal, hello.partitions)
    said = b""
    while (frame := receive(incoming)) is not None:
        if frame:
            said = output_digest(line.steps(unpack(frame)))
            send(outgoing, digest(said))
        else:
            send(outgoing, said)


def _load(hello: Hello, refusal: Callable[[], str]) -> tuple[list[Stage], Welcome]:
    stages = []
    for name in hello.stages:
        try:
            stages.append(load_stage(name))
            error = refusal()
        except Exception as raised:
            error = refusal() or f"{type(raised).__name__}: {raised}"
        if error:
            return [], Welcome(name, error)
    return stages, Welcome()
