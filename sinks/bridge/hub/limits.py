"""How many messages a second a client may send."""

from __future__ import annotations


class Bucket:
    """Takes `burst` messages at once and `per_s` a second after that."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Return whether one more may come now; `now_s` is a clock that never goes back."""
        if self._at_s is not None:
            self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
