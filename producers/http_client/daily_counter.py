"""Requests by UTC day, kept in a small file over restarts. One process a file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

DAY_MS = 86_400_000
MONTH_DAYS = 31  # the longest month: whichever day a plan's month begins on, it is not overdrawn

_log = logging.getLogger(__name__)


class DailyCounter(msgspec.Struct):
    """What was asked.

    days        requests by UTC day (days since 1970), of the last month
    minute      (when it ended, ms; cost) of the last minute's requests when this was written
    said_left   requests that the upstream said are left until `said_until_ms`; None: it did not say
    """

    days: dict[int, int] = {}
    minute: list[tuple[int, int]] = []
    said_left: int | None = None
    said_until_ms: int = 0

    def add(self, now_ms: int, cost: int) -> None:
        """Count `cost` requests now (negative: they were not made after all)."""
        today = now_ms // DAY_MS
        self.days[today] = max(self.days.get(today, 0) + cost, 0)
        if self.said_left is not None:
            self.said_left = max(self.said_left - cost, 0)
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

    def left_as_said(self, now_ms: int) -> int | None:
        """Return what the upstream said is left; None when it did not, or its time is over."""
        return self.said_left if now_ms < self.said_until_ms else None


def load(path: Path) -> DailyCounter:
    """Return the tally of a file; an empty one if there is none or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DailyCounter)
    except FileNotFoundError:
        return DailyCounter()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        _log.warning("%s cannot be read (%s): its requests are counted from 0", path.name, error)
        return DailyCounter()


def save(path: Path, tally: DailyCounter) -> None:
    """Write the tally at once or not at all. OSError when it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(msgspec.json.encode(tally))
    os.replace(beside, path)
