"""Answers that take long to make: each is kept for a minute, and one is made at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from sinks.bridge.hub.views import Recent

T = TypeVar("T")
KEPT_MS = 60_000
_MOST = 64


class Kept:
    """The last answers by what was asked; one at a time bounds the memory that making takes."""

    def __init__(self) -> None:
        self._made: Recent[Hashable, tuple[int, Any]] = Recent(_MOST)
        self._making = asyncio.Lock()

    async def get(self, key: Hashable, now_ms: int, make: Callable[[], Awaitable[T]]) -> T:
        """Return the answer of a key that was made within a minute, else make it."""
        found = self._find(key, now_ms)
        if found is None:
            async with self._making:
                found = self._find(key, now_ms)  # who waited beside us may have made it
                if found is None:
                    found = (now_ms, await make())
                    self._made.set(key, found)
        answer: T = found[1]
        return answer

    def _find(self, key: Hashable, now_ms: int) -> tuple[int, Any] | None:
        found = self._made.values.get(key)
        return found if found is not None and now_ms - found[0] < KEPT_MS else None
