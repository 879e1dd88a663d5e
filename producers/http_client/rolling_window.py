"""Requests of the last minute, those under way among them.

Our own, since pyrate-limiter waits by `asyncio.sleep` and the machine's monotonic time (no scaled
clock), knows no calendar day, and forgets a request by when it was begun: a slow one arrives later
than that, and then one too many are in the upstream's minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

MINUTE_MS = 60_000
_KEPT_MS = MINUTE_MS + 100  # the upstream's clock and ours may round differently


class RollingWindow:
    """How many requests fit into a minute, whenever that minute begins. Times are ms, given."""

    def __init__(self, limit: int | None, spent: Iterable[tuple[int, int]] = ()) -> None:
        """Begin with `spent`: (when it ended, cost). ValueError unless the limit is above 0."""
        if limit is not None and limit < 1:
            msg = f"a limit of {limit} requests a minute allows none"
            raise ValueError(msg)
        self._limit = limit
        self._spent = deque(sorted(spent))
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """The cost of the requests that have begun and not ended."""
        return self._under_way

    def used(self, now_ms: int) -> int:
        """Return the cost of the last minute."""
        self._forget(now_ms)
        return self._under_way + sum(cost for _, cost in self._spent)

    def spent(self, now_ms: int) -> list[tuple[int, int]]:
        """Return what to begin with after a restart; what is under way counts as ended now."""
        self._forget(now_ms)
        under_way = [(now_ms, self._under_way)] if self._under_way else []
        return [*self._spent, *under_way]

    def free_at(self, now_ms: int, cost: int) -> int:
        """Return the earliest time at which `cost` more may fit: `now_ms` if they do now."""
        if self._limit is None:
            return now_ms
        used = self.used(now_ms)
        behind = used + cost - self._limit  # so many must have ended a minute ago
        waits_ms = 0
        while behind > used:  # those who must end first have not even begun
            behind, waits_ms = behind - self._limit, waits_ms + _KEPT_MS
        return max(now_ms, self._ends_ms(now_ms, behind)) + waits_ms

    def begin(self, cost: int) -> None:
        """Count a request that begins now, until `end`."""
        self._under_way += cost

    def end(self, now_ms: int, cost: int, *, made: bool = True) -> None:
        """Count a request that was begun as ended now; forget it if it was never made."""
        self._under_way -= cost
        if made:
            self.mark(now_ms, cost)

    def mark(self, now_ms: int, cost: int) -> None:
        """Count a request as made now."""
        self._spent.append((now_ms, cost))

    def _ends_ms(self, now_ms: int, place: int) -> int:
        """Return when the `place` oldest no longer count."""
        for at_ms, cost in self._spent:
            if place <= 0:
                break
            place -= cost
            if place <= 0:
                return at_ms + _KEPT_MS
        return now_ms if place <= 0 else now_ms + _KEPT_MS

    def _forget(self, now_ms: int) -> None:
        while self._spent and self._spent[0][0] <= now_ms - _KEPT_MS:
            self._spent.popleft()
        if self._spent and self._spent[-1][0] > now_ms:  # the clock was put back
            self._spent = deque((min(at_ms, now_ms), cost) for at_ms, cost in self._spent)
