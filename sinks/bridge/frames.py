"""Websocket frames that are made once and sent to many.

RFC 6455 frames of a server carry no mask, so their bytes are the same for every client. Those of
permessage-deflate (RFC 7692) are too, when each message is compressed by itself: it refers to
nothing before it, whatever the two sides agreed about keeping their context. aiohttp compresses
for each client; sent past its writer, a frame is compressed once.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

_TEXT = 0x81  # the last frame of a message, text
_CLOSE = 0x88
_COMPRESSED = 0x40
_TAIL = b"\0\0\xff\xff"
_LEAST_BYTES = 256  # compressing less saves nothing that a packet would notice

FULL_WINDOW = 15
"""Compressed frames are made for this window; a client that asks for a smaller one gets plain."""

_encode = msgspec.json.Encoder().encode


class Frame:
    """One text message, with what decides who gets it.

    `place` is (logical topic, partition, offset) of an event, None for anything else. `key` is set
    where only the latest of its kind matters: in a queue a newer frame of that key replaces it.
    `opens` are (logical topic, partition) of which the client can use nothing before this frame.
    """

    __slots__ = (
        "_head",
        "_packed",
        "action",
        "asset",
        "channel",
        "confidence",
        "key",
        "opens",
        "place",
        "plain",
        "strategy",
    )

    def __init__(
        self,
        payload: bytes,
        *,
        channel: str = "",
        place: tuple[str, int, int] | None = None,
        asset: str | None = None,
        strategy: str | None = None,
        action: str | None = None,
        confidence: float | None = None,
        key: str | None = None,
    ) -> None:
        self.plain = _framed(payload, _TEXT)
        self._head = len(self.plain) - len(payload)
        self.channel = channel
        self.place = place
        self.asset = asset
        self.strategy = strategy
        self.action = action
        self.confidence = confidence
        self.key = key
        self.opens: tuple[tuple[str, int], ...] = ()
        self._packed: bytes | None = None

    @property
    def payload(self) -> bytes:
        """The text itself."""
        return self.plain[self._head :]

    @property
    def packed(self) -> bytes:
        """The frame for clients that take permessage-deflate; made at the first use."""
        if self._packed is None:
            self._packed = self.plain
            if len(self.plain) - self._head >= _LEAST_BYTES:
                self._packed = _framed(deflated(self.payload), _TEXT | _COMPRESSED)
        return self._packed


class Bundle(Frame):
    """Several messages that are sent as one: nothing comes between them, and they queue as one."""

    __slots__ = ("_frames",)

    def __init__(self, frames: list[Frame]) -> None:
        super().__init__(b"")
        self._frames = frames
        self.plain = b"".join(frame.plain for frame in frames)

    @property
    def packed(self) -> bytes:
        """The messages, compressed where that saves something."""
        if self._packed is None:
            self._packed = b"".join(frame.packed for frame in self._frames)
        return self._packed


def control(kind: str, **fields: Any) -> Frame:
    """Return a frame that is no event: `type` first, then the fields."""
    return Frame(_encode({"type": kind, **fields}))


def event_frame(kind: str, place: tuple[str, int, int], at: int, data: Any, **facts: Any) -> Frame:
    """Return the frame of an event: its cursor, the record's timestamp, and `data` as JSON."""
    topic, partition, offset = place
    head = f'{{"type":"{kind}","cursor":"{topic}:{partition}:{offset}","at":{at},"data":'
    return Frame(head.encode() + _encode(data) + b"}", place=place, **facts)


def snapshot_frame(head: dict[str, Any], items: list[Frame]) -> Frame:
    """Return a snapshot: the fields of the head, and `items` with the frames as they were sent."""
    return Frame(_encode(head)[:-1] + b',"items":[' + b",".join(i.payload for i in items) + b"]}")


def close_frame(code: int, reason: str) -> bytes:
    """Return the frame that begins the end of a connection; the reason is cut to what fits."""
    return _framed(code.to_bytes(2, "big") + reason.encode()[:120], _CLOSE)


def deflated(payload: bytes) -> bytes:
    """Return a message's payload as permessage-deflate sends it, without any context."""
    packer = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, -FULL_WINDOW)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def _framed(payload: bytes, first: int) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload
