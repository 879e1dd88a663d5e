"""How many requests were made: in the last minute, and by UTC day, kept over restarts.

The window is our own, since pyrate-limiter waits by `asyncio.sleep` and the machine's monotonic
time (no scaled clock), knows no calendar day, and forgets a request by when it was begun: a slow
one arrives later than that, and then one too many are in the upstream's minute.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from schemas.times import DAY_MS, MINUTE_MS

MONTH_DAYS = 31  # the longest month: whichever day a plan's month begins on, it is not overdrawn

_log = logging.getLogger(__name__)


class DailyCounter(msgspec.Struct):
    """Requests made, in a small file. One process a file.

    days           requests by UTC day (days since 1970), of the last month
    minute         (when it ended, ms; cost) of the last minute's requests when it was written
    reported_left  requests that the upstream says are left until `reported_until_ms`; None: unsaid
    """

    days: dict[int, int] = {}
    minute: list[tuple[int, int]] = []
    reported_left: int | None = msgspec.field(name="said_left", default=None)
    reported_until_ms: int = msgspec.field(name="said_until_ms", default=0)

    def add(self, now_ms: int, cost: int) -> None:
        """Count `cost` requests now (negative: they were not made after all)."""
        today = now_ms // DAY_MS
        self.days[today] = max(self.days.get(today, 0) + cost, 0)
        if self.reported_left is not None:
            self.reported_left = max(self.reported_left - cost, 0)
        # A day ahead is kept: a clock that was put back over midnight has it again soon.
        kept = range(today - MONTH_DAYS + 1, today + 2)
        self.days = {day: count for day, count in self.days.items() if day in kept}

    def of_day(self, now_ms: int) -> int:
        """Return the requests of the current UTC day."""
        return self.days.get(now_ms // DAY_MS, 0)

    def of_month(self, now_ms: int) -> int:
        """Return the requests of the last 31 UTC days, today's among them."""
        today = now_ms // DAY_MS
        return sum(self.days.get(day, 0) for day in range(today - MONTH_DAYS + 1, today + 1))

    def left_as_reported(self, now_ms: int) -> int | None:
        """Return the requests left by the upstream's report; None without a current one."""
        return self.reported_left if now_ms < self.reported_until_ms else None


def load(path: Path) -> DailyCounter:
    """Return the tally of a file; an empty one if there is none or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DailyCounter)
    except FileNotFoundError:
        return DailyCounter()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read (%s): its requests are counted from 0", path.name, error)
        return DailyCounter()


def save(path: Path, counter: DailyCounter) -> None:
    """Write the tally at once or not at all. OSError when it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(msgspec.json.encode(counter))
    os.replace(beside, path)


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
