"""Signals that answer requests, and who waits for one: the bridge's own reader brings them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from schemas.signals import Signal

MOST_ANSWERS = 2_000


class Answers:
    """The newest answers by request. Nothing here is sent to anybody but who has the id."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._found: OrderedDict[str, Signal] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[Signal]]] = {}

    def take(self, signal: Signal) -> None:
        """Take a signal in, where it is an answer."""
        if signal.request_id is None:
            return
        self._found[signal.request_id] = signal
        self._found.move_to_end(signal.request_id)
        if len(self._found) > self._most:
            self._found.popitem(last=False)
        for future in self._waiting.get(signal.request_id, ()):
            if not future.done():
                future.set_result(signal)

    def get(self, request_id: str) -> Signal | None:
        """Return the answer to a request; None: it has not come."""
        return self._found.get(request_id)

    def forget(self, request_id: str) -> None:
        """Forget an answer: the same is asked again."""
        self._found.pop(request_id, None)

    async def wait(self, request_id: str, seconds: float) -> Signal | None:
        """Return the answer to a request as soon as it comes; None: not within so many seconds."""
        found = self.get(request_id)
        if found is not None or seconds <= 0.0:
            return found
        future: asyncio.Future[Signal] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(request_id, set()).add(future)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return None
        finally:
            others = self._waiting[request_id]
            others.discard(future)
            if not others:
                del self._waiting[request_id]
