"""Requests allowed of an upstream: waits for the minute, refuses when the day or month is spent."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from producers.http_client.errors import UpstreamError
from producers.http_client.headers import RateLimitHeaders, rate_limits
from producers.http_client.request_counts import MONTH_DAYS, DailyCounter, RollingWindow, load, save
from producers.http_client.upstream import Limits
from schemas.times import DAY_MS, MINUTE_MS
from transport.clock import Clock

_log = logging.getLogger(__name__)
_SHORTEST_WAIT_MS = 50  # of a waiter whose turn comes as soon as those before it have begun


@dataclass(slots=True, eq=False)
class Reservation:
    """A request that may be made now."""

    cost: int
    made: bool = True

    def cancel(self) -> None:
        """Give the request back: it is not made and does not count."""
        self.made = False


class Quota:
    """One upstream's requests by minute, UTC day and month (31 days), on the producers' clock.

    `store` is a small file that keeps the counts over restarts; None: they start from 0.
    First come, first served; a wait above `max_wait_s` raises UpstreamError.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        store: Path | None = None,
        *,
        upstream: str = "the upstream",
        max_wait_s: float = 600.0,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._store = store
        self._upstream = upstream
        self._max_wait_ms = int(max_wait_s * 1000)
        self._counter = DailyCounter() if store is None else load(store)
        self._window = RollingWindow(limits.per_minute, _restored(self._counter, clock.now_ms()))
        self._queue: deque[Reservation] = deque()
        self._shut_until_ms = 0
        self._unwritten = False

    @property
    def limit_day(self) -> int | None:
        """Requests a UTC day: the day's limit, or the month's spread over 31 days; None: free."""
        month = self.limits.per_month
        known = [self.limits.per_day, None if month is None else max(month // MONTH_DAYS, 1)]
        return min((limit for limit in known if limit is not None), default=None)

    def used_minute(self) -> int:
        """Return the requests of the last 60 s, those under way among them."""
        return self._window.used(self._clock.now_ms())

    def used_day(self) -> int:
        """Return the requests of the current UTC day."""
        return self._counter.of_day(self._clock.now_ms())

    def left_day(self) -> int | None:
        """Return how many requests are left today, by our count and the upstream's; None: free."""
        limit, now_ms = self.limit_day, self._clock.now_ms()
        lefts = [left for left, _ in self._budgets(now_ms)]
        lefts.append(None if limit is None else limit - self._counter.of_day(now_ms))
        left = min((left for left in lefts if left is not None), default=None)
        return None if left is None else max(left, 0)

    async def take(self, cost: int = 1) -> None:
        """Wait for the turn of a request and count it.

        Raises UpstreamError: kind "limit" when it would wait too long, "quota" when the day or the
        month is spent; ValueError when `cost` is more than a minute allows.
        """
        async with self.reserve(cost):
            pass

    @asynccontextmanager
    async def reserve(self, cost: int = 1) -> AsyncIterator[Reservation]:
        """Wait for the turn of a request and make it inside: it counts until a minute after.

        Raises like `take`.
        """
        reservation = Reservation(cost)
        begun_ms = await self._wait(reservation)
        try:
            yield reservation
        finally:
            self._end(reservation, begun_ms)

    def adopt(self, headers: Mapping[str, str]) -> None:
        """Take over the limits of a response (inside its reservation) where less is left."""
        now_ms = self._clock.now_ms()
        windows = rate_limits(headers, now_ms)
        self._adopt_minute(windows["minute"], now_ms)
        nameless = windows[""]
        if nameless.left == 0 and nameless.reset_ms is not None:
            self._shut_until_ms = max(self._shut_until_ms, nameless.reset_ms)
        day = windows["day"]
        if day.left is not None:
            others = max(self._window.under_way - 1, 0)  # the upstream may not have them yet
            self._counter.reported_left = max(day.left - others, 0)
            self._counter.reported_until_ms = day.reset_ms or _next_day_ms(now_ms)

    def _adopt_minute(self, minute: RateLimitHeaders, now_ms: int) -> None:
        if minute.left is None:
            return
        if minute.left == 0:
            latest_ms = now_ms + MINUTE_MS  # whatever the upstream's clock says
            reset_ms = min(minute.reset_ms or latest_ms, latest_ms)
            self._shut_until_ms = max(self._shut_until_ms, reset_ms)
        elif self.limits.per_minute is not None:
            more = self.limits.per_minute - self._window.used(now_ms) - minute.left
            if more > 0:  # somebody else uses the same key or address
                self._window.mark(now_ms, more)

    async def _wait(self, reservation: Reservation) -> int:
        """Return when the request may begin, ms."""
        if reservation.cost < 1 or reservation.cost > (self.limits.per_minute or reservation.cost):
            most = self.limits.per_minute
            msg = f"{reservation.cost} requests at once: {self._upstream} allows {most}"
            raise ValueError(msg)
        give_up_ms = self._clock.now_ms() + self._max_wait_ms
        self._queue.append(reservation)
        try:
            while True:
                now_ms = self._clock.now_ms()
                self._refuse_if_spent(reservation.cost, now_ms)
                free_ms = self._free_at(reservation, now_ms)
                if free_ms <= now_ms and self._queue[0] is reservation:
                    self._begin(reservation, now_ms)
                    return now_ms
                if free_ms > give_up_ms:
                    raise self._too_long(free_ms - now_ms)
                await self._clock.sleep(max(free_ms - now_ms, _SHORTEST_WAIT_MS) / 1000)
        finally:
            self._queue.remove(reservation)

    def _free_at(self, reservation: Reservation, now_ms: int) -> int:
        ahead = sum(
            other.cost for other in takewhile(lambda it: it is not reservation, self._queue)
        )
        return max(self._window.free_at(now_ms, ahead + reservation.cost), self._shut_until_ms)

    def _begin(self, reservation: Reservation, now_ms: int) -> None:
        self._window.begin(reservation.cost)
        self._counter.add(now_ms, reservation.cost)
        self._write(now_ms)

    def _end(self, reservation: Reservation, begun_ms: int) -> None:
        now_ms = self._clock.now_ms()
        self._window.end(now_ms, reservation.cost, made=reservation.made)
        if not reservation.made:
            self._counter.add(begun_ms, -reservation.cost)
            self._write(now_ms)
        elif now_ms // DAY_MS > begun_ms // DAY_MS:
            self._counter.add(now_ms, reservation.cost)  # either day may be the upstream's
            self._write(now_ms)

    def _budgets(self, now_ms: int) -> list[tuple[int | None, str]]:
        """Return what is left of the day and the month, and how they are called."""
        day, month, counter = self.limits.per_day, self.limits.per_month, self._counter
        return [
            (None if day is None else day - counter.of_day(now_ms), f"the {day} requests of today"),
            (
                None if month is None else month - counter.of_month(now_ms),
                f"the {month} requests of a month",
            ),
            (counter.left_as_reported(now_ms), "the day's requests, as the upstream counts them,"),
        ]

    def _refuse_if_spent(self, cost: int, now_ms: int) -> None:
        for left, what in self._budgets(now_ms):
            if left is not None and left < cost:
                until_ms = _next_day_ms(now_ms)
                if self._counter.left_as_reported(now_ms) == left:
                    until_ms = self._counter.reported_until_ms
                moment = datetime.fromtimestamp(until_ms / 1000, UTC)
                raise UpstreamError(
                    self._upstream,
                    "quota",
                    f"{what} are spent; it is asked again after {moment:%Y-%m-%d %H:%M} UTC",
                    retry_after_s=(until_ms - now_ms) / 1000,
                )

    def _too_long(self, wait_ms: int) -> UpstreamError:
        text = (
            f"its requests of a minute are taken for the next {wait_ms / 1000:.0f} s, longer than "
            f"the {self._max_wait_ms / 1000:.0f} s that a request may wait; ask for less at once"
        )
        return UpstreamError(self._upstream, "limit", text, retry_after_s=wait_ms / 1000)

    def _write(self, now_ms: int) -> None:
        if self._store is None:
            return
        self._counter.minute = self._window.spent(now_ms)
        try:
            save(self._store, self._counter)
        except OSError as error:
            if not self._unwritten:  # said once
                _log.warning("%s cannot be written: %s", self._store.name, error.strerror)
            self._unwritten = True


def _restored(counter: DailyCounter, now_ms: int) -> list[tuple[int, int]]:
    """Return the requests of the last minute; when they ended is not known, but not after now."""
    return [
        (now_ms, cost) for begun_ms, cost in counter.minute if now_ms - begun_ms < 2 * MINUTE_MS
    ]


def _next_day_ms(now_ms: int) -> int:
    return (now_ms // DAY_MS + 1) * DAY_MS
