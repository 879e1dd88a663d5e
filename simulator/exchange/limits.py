"""Limits on what a client may ask in a while, and how much of them is used."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.request_log import LATE_S


@dataclass(slots=True)
class WeightWindow:
    """A counter that starts from 0 in every window of the clock.

    length_ms  of a window
    most       allowed in one
    speed      of the clock: when it is fast, requests that were spread well come in lumps, and
               as many more are let through as may be late by `LATE_S`
    """

    length_ms: int
    most: int
    speed: float = 1.0
    used: int = 0
    _number: int = -1

    def add(self, now_ms: int, cost: int = 1) -> bool:
        """Count `cost` and return whether that is still allowed."""
        if now_ms // self.length_ms != self._number:
            self._number, self.used = now_ms // self.length_ms, 0
        self.used += cost
        late = self.most * LATE_S * max(0.0, self.speed - 1.0) * 1000.0 / self.length_ms
        return self.used <= self.most + late

    def ends_ms(self, now_ms: int) -> int:
        """Return when the window of `now_ms` ends."""
        return (now_ms // self.length_ms + 1) * self.length_ms
