"""How often a token may ask: a moving window of a minute."""

from __future__ import annotations

import math
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from sinks.bridge.auth.errors import TooManyRequestsError
from sinks.bridge.auth.roles import Principal


class Rate:
    """Requests of each principal in this process."""

    def __init__(self, per_minute: int, now_ms: Callable[[], int]) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._now_ms = now_ms

    async def take(self, principal: Principal) -> None:
        """Count a request; TooManyRequestsError when there were too many."""
        if await self._limiter.hit(self._limit, principal.name):
            return
        reset_at_s, _ = await self._limiter.get_window_stats(self._limit, principal.name)
        wait_s = max(1, math.ceil(reset_at_s - self._now_ms() / 1000))
        msg = f"More than {self._limit.amount} requests in a minute: wait {wait_s} s."
        raise TooManyRequestsError(msg, wait_s)
