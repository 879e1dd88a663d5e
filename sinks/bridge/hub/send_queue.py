"""The way out to one client: never waits, never grows without a bound.

A frame goes straight to the socket while that takes it. Once the socket is full frames queue, and
a task of this client alone writes them as it drains; nobody else notices.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from sinks.bridge.frames import Frame

SOCKET_BYTES = 65_536
"""So much may wait in the socket's buffer before frames queue here, where prices are conflated."""


class Wire(Protocol):
    """What is used of an asyncio transport."""

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until the socket takes them."""

    def get_write_buffer_size(self) -> int:
        """Return the bytes kept."""

    def is_closing(self) -> bool:
        """Return whether nothing can be sent any more."""


class SendQueue:
    """Sends frames in order.

    `drain` waits until the socket takes more. `limit` frames may wait, the latest of each key
    beside them; one more, or none taken for `stall_s`, and `on_slow` is called, once.
    """

    def __init__(
        self,
        wire: Wire,
        drain: Callable[[], Awaitable[None]],
        on_slow: Callable[[], None],
        *,
        limit: int,
        stall_s: float = 30.0,
        compressed: bool = False,
    ) -> None:
        self._wire = wire
        self._drain = drain
        self._on_slow = on_slow
        self._limit = limit
        self._stall_s = stall_s
        self._compressed = compressed
        self._queue: deque[Frame | str] = deque()
        self._held: dict[str, Frame] = {}
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._queue)

    def unsent(self) -> Iterator[Frame]:
        """Yield the frames that wait, save for those of which only the latest matters."""
        return (entry for entry in self._queue if not isinstance(entry, str))

    def send(self, frame: Frame) -> None:
        """Send a frame, now or when those before it are sent. Never waits."""
        if self._closed:
            return
        if not self._queue and self._fits():
            self._put(frame)
        else:
            self._keep(frame)

    def send_all(self, frames: list[Frame]) -> None:
        """Send frames in order, together while the socket takes them. Never waits."""
        if self._closed or not frames:
            return
        if not self._queue and self._fits():
            self._write_out(b"".join(self.bytes_of(frame) for frame in frames))
        else:
            for frame in frames:
                self.send(frame)

    def _keep(self, frame: Frame) -> None:
        if frame.key is not None:
            if frame.key not in self._held:
                self._queue.append(frame.key)
            self._held[frame.key] = frame
        else:
            self._queue.append(frame)
        if len(self._queue) - len(self._held) > self._limit:
            self._on_slow()
        elif self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def flushed(self) -> None:
        """Wait until nothing waits here; returns at once when there is nobody to send to."""
        if self._writer is not None:
            await asyncio.wait({self._writer})

    def close_with(self, frame: Frame, closing: bytes = b"") -> None:
        """Drop what waits and send a last frame behind what the socket has already.

        `closing` is the websocket's own frame that begins its end.
        """
        self.close()
        self._put(frame)
        if closing and not self._wire.is_closing():
            self._wire.write(closing)

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True
        self._queue.clear()
        self._held.clear()
        writer, self._writer = self._writer, None
        if writer is not None and writer is not _current():
            writer.cancel()

    async def _write(self) -> None:
        try:
            while self._queue:
                await self._room()
                while self._queue and self._fits():
                    self._put(self._next())
                await asyncio.sleep(0)
            self._writer = None
        except TimeoutError:
            self._on_slow()
        except ConnectionError:
            self.close()  # the client is gone; who reads from it notices too

    async def _room(self) -> None:
        """Wait until the socket takes more; TimeoutError when it takes nothing for `stall_s`."""
        while not self._fits():
            before = self._wire.get_write_buffer_size()
            try:
                async with asyncio.timeout(self._stall_s):
                    await self._drained()
            except TimeoutError:
                if self._wire.get_write_buffer_size() >= before:
                    raise

    async def _drained(self) -> None:
        """Wait for the transport, whose own limit may be above ours."""
        while not self._fits():
            await self._drain()
            if not self._fits():
                await asyncio.sleep(0.005)

    def _fits(self) -> bool:
        return self._wire.get_write_buffer_size() <= SOCKET_BYTES

    def _put(self, frame: Frame) -> None:
        self._write_out(self.bytes_of(frame))

    def bytes_of(self, frame: Frame) -> bytes:
        """Return what goes to the socket; made at the first call for the frame."""
        return frame.packed if self._compressed else frame.plain

    def _write_out(self, data: bytes) -> None:
        """Hand bytes to the socket; one that is gone takes nothing, and fails nobody else."""
        try:
            if not self._wire.is_closing():
                self._wire.write(data)
        except (OSError, RuntimeError):  # uvloop says RuntimeError of a closed one
            self.close()

    def _next(self) -> Frame:
        entry = self._queue.popleft()
        return self._held.pop(entry) if isinstance(entry, str) else entry


def _current() -> asyncio.Task[None] | None:
    return asyncio.current_task()
