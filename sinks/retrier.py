"""Waiting for what is away, with backoff; logged once when it goes and once when it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from sinks.status import SinkState, Status
from transport.clock import wall_ms

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Retrier:
    """Repeats what fails because something is away, until it works or waiting makes no sense.

    `stopping` ends every wait at once. Waits grow from `first_s` to `longest_s` seconds.
    """

    def __init__(
        self, status: Status, stopping: asyncio.Event, *, first_s: float = 0.1, longest_s: float = 5
    ) -> None:
        self._status = status
        self._stopping = stopping
        self._wait = wait_exponential_jitter(initial=first_s, max=longest_s, jitter=first_s)

    async def repeat(
        self,
        action: Callable[[], Awaitable[T]],
        away: tuple[type[Exception], ...],
        what: str,
        give_up: Callable[[], bool] = lambda: False,
    ) -> T:
        """Return the action's result; it is called again after each error of the `away` types.

        `what` names what is waited for. When stopping, or when `give_up` returns true, the last
        error is raised. Other errors are raised at once.
        """

        def waiting(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            self.unavailable(what, error)

        async def attempt() -> T:  # tenacity awaits only what is declared with async def
            return await action()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(away),
            wait=self._wait,
            stop=lambda _: self._stopping.is_set() or give_up(),
            sleep=self.sleep,
            before_sleep=waiting,
            reraise=True,
        )
        result: T = await retrying(attempt)
        self.recovered(what)
        return result

    def unavailable(self, what: str, error: BaseException | None) -> None:
        """Note that something is away; log it if that is news."""
        note(self._status, error)
        if self._status.waiting_for != what:
            self._status.state, self._status.waiting_for = SinkState.WAITING, what
            _log.warning("sink %s waits for %s: %s", self._status.name, what, error)

    def recovered(self, what: str) -> None:
        """Note that something works; log it if it was away."""
        if self._status.waiting_for == what:
            self._status.state, self._status.waiting_for = SinkState.RUNNING, None
            _log.info("sink %s goes on: %s is back", self._status.name, what)

    async def sleep(self, seconds: float = 1.0) -> None:
        """Wait, or return at once when we are to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


def note(status: Status, error: BaseException | None) -> None:
    """Remember an error for the status page."""
    if error is not None:
        status.last_error = f"{type(error).__name__}: {error}"
        status.last_error_at_ms = wall_ms()
