"""The workers of one process: they take rows, ask the model, store; the stream knows nothing of it.

A worker never sleeps with a row in hand: what has to wait goes back to the queue with a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar, cast

import asyncpg

from schemas.redact import conceal, shown
from sinks.base import SinkError, SinkUnavailableError
from sinks.explanations import claims, prompt
from sinks.explanations.claims import Claim
from sinks.explanations.facts import Facts
from sinks.explanations.judging import ExplanationPolicy, Outcome, Waiting, fallback
from sinks.explanations.outcomes import Kind, ModelError, Written
from sinks.explanations.settings import ExplanationSettings
from sinks.postgres.errors import translate
from sinks.postgres.table import Connection
from transport import circuit_breaker
from transport.circuit_breaker import BreakerSettings, CircuitBreaker, Permit

if TYPE_CHECKING:
    from sinks.explanations.writer import Writer

_log = logging.getLogger(__name__)
T = TypeVar("T")

_POLL_S = 1.0
"""How often a row that nobody told of is looked for: its signal came later, or it was to wait."""
_AWAY_S = 1.0
_BACKOFF_S, _LONGEST_BACKOFF_S = 1.0, 60.0


class Workers:
    """`concurrency` tasks on one pool, and one that gives up what dead processes have left.

    What a step meets is logged, and the task goes on: a defect costs its row at most.

    `tally` counts what became of rows; `stored` is called when there is something to publish.
    """

    def __init__(
        self,
        settings: ExplanationSettings,
        pool: asyncpg.Pool[Any],
        dsn: str,
        stored: Callable[[], None],
        breaker_settings: BreakerSettings,
        tally: Counter[str],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._dsn = dsn
        self._stored = stored
        self._breaker_settings = breaker_settings
        self._tally = tally
        self._breaker = circuit_breaker.CLOSED
        self._writer = _writer(settings) if settings.enabled and settings.has_model else None
        self._rules = ExplanationPolicy(
            enabled=settings.enabled,
            model=settings.model if settings.has_model else None,
            top=settings.top,
            patience_s=settings.patience_s,
            budget_usd=settings.budget_usd_per_day,
            most_usd=self._most_usd,
        )
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._first = asyncio.Lock()
        self._has_asked = self._writer is None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the tasks."""
        work = [self._forever(self._step) for _ in range(self._settings.concurrency)]
        self._tasks = [asyncio.create_task(one) for one in (*work, self._forever(self._sweep))]

    def wake(self) -> None:
        """Note that there may be new rows, and return at once."""
        self._wake.set()

    async def stop(self, within_s: float) -> None:
        """End after the requests under way; cut those off that take longer than `within_s`."""
        self._stopping.set()
        self._wake.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            await self._writer.close()

    async def _forever(self, step: Callable[[], Awaitable[bool]]) -> None:
        """Repeat a step; wait where it found nothing to do, or the database is away."""
        while not self._stopping.is_set():
            try:
                if await step():
                    continue
                await self._idle()
            except SinkUnavailableError as error:
                _log.warning("explanations wait: %s", error)
                await asyncio.sleep(_AWAY_S)
            except Exception:  # a task that ends would explain nothing more, and nobody would see
                _log.exception("an explanation has met a defect")
                await asyncio.sleep(_AWAY_S)

    async def _idle(self) -> None:
        self._wake.clear()
        if self._stopping.is_set():
            return
        try:
            async with asyncio.timeout(_POLL_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _step(self) -> bool:
        """Take one row and see it through; False when there is none.

        The first request is made alone: what its server refuses is learnt once, not by each task.
        """
        async with self._first:
            if not self._has_asked and not self._stopping.is_set():
                return await self._next()
        return not self._stopping.is_set() and await self._next()

    async def _next(self) -> bool:
        self._breaker, permit = circuit_breaker.enter(self._breaker, _now_ms())
        try:
            taken = await self.within(lambda one: claims.take(one, self._rules, permit))
            if isinstance(taken, Claim):
                await self._ask(taken, permit)
        finally:
            self._breaker = circuit_breaker.abandoned(self._breaker, trial=permit.trial)
        if isinstance(taken, str):
            self._count(taken)
        return taken is not None

    async def _sweep(self) -> bool:
        found = await self.within(lambda one: claims.give_up(one, self._settings.lease_s))
        if found:
            self._count("failed")
        return found

    async def _ask(self, claim: Claim, permit: Permit) -> None:
        """Ask for a claim and store what became of it."""
        assert self._writer is not None  # noqa: S101 - without one there are no claims

        async def extend(most_usd: Decimal) -> bool:
            budget_usd = self._rules.budget_usd
            return await self.within(lambda one: claims.extend(one, claim, most_usd, budget_usd))

        written = await self._writer.write(claim.facts, claim.reserved_usd, extend)
        self._has_asked = True
        self._breaker = self._breaker_after(written.failure, trial=permit.trial)
        failure = written.failure
        if failure is not None and failure.kind is Kind.REFUSED and not written.served:
            waiting = Waiting(_wait_s(claim.attempt, failure), str(failure))
            patience_s = self._settings.patience_s
            await self._lasting(lambda one: claims.release(one, claim, waiting, patience_s))
            self._tally["refused"] += 1
            return
        outcome = _outcome(written, claim.facts, self._settings.model)
        if await self._lasting(lambda one: claims.store(one, claim, outcome, written.cost_usd)):
            self._count(outcome.status)

    def _breaker_after(self, failure: ModelError | None, *, trial: bool) -> CircuitBreaker:
        breaker, settings, now_ms = self._breaker, self._breaker_settings, _now_ms()
        if failure is None or failure.kind is Kind.REJECTED:
            return circuit_breaker.succeeded(breaker, trial=trial)
        if failure.kind is Kind.DENIED:
            return circuit_breaker.denied(breaker, now_ms, settings, str(failure), trial=trial)
        wait_s = failure.retry_after_s
        return circuit_breaker.failed(breaker, now_ms, settings, trial=trial, retry_after_s=wait_s)

    def _count(self, status: str) -> None:
        if status != "pending":
            self._tally[status] += 1
            self._stored()

    def _most_usd(self, facts: Facts) -> Decimal:
        assert self._writer is not None  # noqa: S101 - judged before
        return self._writer.most_usd(prompt.messages(facts))

    async def within(self, action: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something with a connection; SinkUnavailableError when the database is away."""
        try:
            async with self._pool.acquire() as connection:
                return await action(cast("Connection", connection))  # it proxies one
        except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            # The pool was made, so the address is right: this is a connection that broke.
            said = conceal(str(error), self._dsn)
            msg = f"PostgreSQL at {shown(self._dsn)} cannot be used now: {said}."
            raise SinkUnavailableError(msg) from error
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise translate(error, None, self._dsn) from error

    async def _lasting(self, action: Callable[[Connection], Awaitable[T]]) -> T | None:
        """Run the action until the database is back; None when we stop before, or it took too long.

        After the lease the row belongs to another process.
        """
        until_s = time.monotonic() + self._settings.lease_s
        while True:
            try:
                return await self.within(action)
            except SinkError as error:
                for_good = not isinstance(error, SinkUnavailableError)
                if for_good or self._stopping.is_set() or time.monotonic() > until_s:
                    _log.warning("an explanation is dropped: %s", error)
                    return None
                await asyncio.sleep(_AWAY_S)


def _writer(settings: ExplanationSettings) -> Writer:
    """Return a writer; the client is needed only where there is a model."""
    try:
        from sinks.explanations.writer import Writer
    except ImportError as error:
        msg = f"No model can be asked ({error}): pip install 'quantiva-streams[explanations]'."
        raise SinkError(msg) from error
    return Writer(settings)


def _outcome(written: Written, facts: Facts, model: str) -> Outcome:
    tokens = (written.prompt_tokens, written.completion_tokens)
    if written.text is not None:
        return Outcome("done", written.text, model, written.reason, *tokens)
    return fallback("failed", facts, written.reason)._replace(
        prompt_tokens=tokens[0], completion_tokens=tokens[1]
    )


def _wait_s(attempt: int, failure: ModelError) -> float:
    """Return how long a refused row waits: what the API asks for, at least the backoff."""
    backoff_s = min(_BACKOFF_S * 2.0 ** min(attempt - 1, 10), _LONGEST_BACKOFF_S)
    return max(backoff_s, failure.retry_after_s or 0.0)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
