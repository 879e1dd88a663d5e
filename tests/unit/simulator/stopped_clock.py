"""A clock that stands where a test puts it."""

from __future__ import annotations


class StoppedClock:
    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)
