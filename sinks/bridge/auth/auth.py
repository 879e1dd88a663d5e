"""Authentication and rate limits of the REST interface and of the websocket."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from sinks.bridge.auth.errors import TooManyRequestsError, UnauthorizedError
from sinks.bridge.auth.roles import Principal
from sinks.bridge.auth.ticket_table import TicketTable
from sinks.bridge.auth.tickets import Scope, Ticket, Tickets
from sinks.bridge.auth.tokens import Tokens
from sinks.bridge.settings import BridgeSettings
from transport.clock import wall_ms

if TYPE_CHECKING:
    import asyncpg
    from aiohttp import web


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


_REFUSALS = RateLimitItemPerMinute(10)
_NO_TOKEN = "Send a token: Authorization: Bearer <token>."  # noqa: S105 - a sentence
_WRONG_TOKEN = "The bridge does not know this token."  # noqa: S105 - a sentence


class Auth:
    """Tokens, tickets and rates of one bridge.

    `slow_s` is how long an address waits for its answer that sends one wrong token after another.
    `database`: a pool shared by nobody or everybody, None for tickets in memory. ValueError, a
    sentence without a secret, when the tokens of the settings cannot be read.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        database: asyncpg.Pool[Any] | None = None,
        now_ms: Callable[[], int] = wall_ms,
        slow_s: float = 1.0,
    ) -> None:
        self._slow_s = slow_s
        self._tokens = Tokens.of(settings)
        key = settings.ticket_key
        self._tickets = Tickets(
            key.get_secret_value().encode() if key else self._tokens.key(),
            settings.ticket_s,
            TicketTable(database, settings.database_wait_s) if database is not None else None,
            now_ms,
        )
        self._refused = MovingWindowRateLimiter(MemoryStorage())
        self._rate = Rate(settings.requests_minute, now_ms)

    @property
    def ticket_scope(self) -> Scope:
        """Say which bridges take the tickets of this one."""
        return self._tickets.scope

    def authenticate(self, request: web.Request) -> Principal:
        """Return who asks, by the header Authorization; UnauthorizedError otherwise."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise UnauthorizedError(_NO_TOKEN)
        principal = self._tokens.find(token.strip())
        if principal is None:
            raise UnauthorizedError(_WRONG_TOKEN)
        return principal

    async def slow_down(self, address: str) -> None:
        """Wait when an address was refused more than ten times in this minute."""
        if not await self._refused.hit(_REFUSALS, address):
            await asyncio.sleep(self._slow_s)

    async def count(self, principal: Principal) -> None:
        """Count a request; TooManyRequestsError when there were too many."""
        await self._rate.take(principal)

    async def issue_ticket(self, principal: Principal) -> Ticket:
        """Return a ticket for one websocket of somebody."""
        return await self._tickets.issue(principal)

    async def use_ticket(self, ticket: str) -> Principal:
        """Return whose ticket it is and use it up; raises a ProblemError."""
        return await self._tickets.use(ticket)
