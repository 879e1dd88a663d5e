"""The client of every upstream: in its turn, again when it may help, never when it must not."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt
from yarl import URL

from producers.http_client.errors import UpstreamError
from producers.http_client.host_breaker import HostBreaker, overall
from producers.http_client.quota import Quota
from producers.http_client.transport import Fetched, Request, Response, Transport
from producers.http_client.upstream import Auth, Upstream
from transport.circuit_breaker import BreakerSettings
from transport.clock import Clock

__all__ = ["Backoff", "Client", "Fetched"]

TRIES = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between tries, seconds: doubled from the first, the later half of each by chance.

    longest_wait_s  how long a pause that the upstream asks for is waited out; beyond it the request
                    fails and the upstream is not asked until then
    """

    first_s: float = 1.0
    longest_s: float = 30.0
    longest_wait_s: float = 60.0

    def pause_s(self, attempt: int, requested_pause_s: float | None, rng: random.Random) -> float:
        """Return the pause after the given attempt (from 1); never less than was asked for."""
        if requested_pause_s is not None:
            return requested_pause_s + rng.uniform(0.0, self.first_s)
        full_s = min(self.first_s * 2.0 ** (attempt - 1), self.longest_s)
        return full_s * rng.uniform(0.5, 1.0)


class Client:
    """Asks one upstream. All pauses go by `clock`; only network timeouts are wall time.

    base_url  instead of the upstream's own
    secret    its key; `auth` says where it goes (default: where the upstream wants it)
    rng       the chance in the pauses
    """

    def __init__(
        self,
        upstream: Upstream,
        session: aiohttp.ClientSession,
        quota: Quota,
        clock: Clock,
        *,
        base_url: str | None = None,
        secret: SecretStr | str | None = None,
        auth: Auth | None = None,
        rng: random.Random | None = None,
        rules: BreakerSettings | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.upstream = upstream
        self.quota = quota
        self._clock = clock
        self._base_url = (base_url or upstream.base_url).rstrip("/")
        auth = auth or upstream.auth_at(self._base_url)
        self._transport = Transport(upstream, session, quota, clock, secret, auth)
        self._rng = rng or random.Random()
        self._settings = rules or BreakerSettings()
        self._backoff = backoff or Backoff()
        self._breakers: dict[str, HostBreaker] = {}

    @property
    def circuit(self) -> str:
        """closed, open or half_open; of several hosts (feeds), closed if one of them is."""
        return overall(self._breakers.values())

    async def get_json(
        self, path: str, params: Mapping[str, Any] | None = None, *, cost: int = 1
    ) -> Any:
        """Return the decoded JSON at a path (with its slash) under the base URL.

        Parameters that are None are left out. Raises UpstreamError.
        """
        query = {name: _parameter(value) for name, value in (params or {}).items()}
        sent = {name: text for name, text in query.items() if text is not None}
        url = self._address(self._base_url + path).update_query(sent)
        request = Request(url, path or "/", {"Accept": "application/json"}, cost, json=True)
        return await self._fetch(request)

    async def get_text(
        self, url: str, headers: Mapping[str, str] | None = None, *, cost: int = 1
    ) -> Fetched:
        """Return the text at a whole URL; redirects are followed, the key is never sent.

        With If-None-Match or If-Modified-Since among the headers it may be "not modified".
        Raises UpstreamError.
        """
        address = self._address(url)
        where = f"{address.host}{address.path}"
        fetched: Fetched = await self._fetch(
            Request(address, where, headers or {}, cost, json=False)
        )
        return fetched

    def _address(self, text: str) -> URL:
        try:
            url = URL(text)
        except ValueError:
            url = URL()
        if url.scheme not in ("http", "https") or not url.host:
            problem = f"{text!r} is not an http address; check the settings"
            raise self._transport.error(problem, "bad_request")
        return url

    async def _fetch(self, request: Request) -> Any:
        breaker = self._breaker(request.url)

        def worth_another(state: RetryCallState) -> bool:
            error = _outcome(state)
            return isinstance(error, UpstreamError) and self._worth_another(error, breaker)

        retrying = AsyncRetrying(
            retry=worth_another,
            stop=stop_after_attempt(TRIES),
            wait=self._pause_s,
            sleep=self._clock.sleep,
            before_sleep=_log_retry,
            retry_error_callback=_outcome,
        )
        outcome: Any = await retrying(self._attempt, request, breaker)
        if isinstance(outcome, UpstreamError):
            raise outcome
        return outcome.value

    def _worth_another(self, error: UpstreamError, breaker: HostBreaker) -> bool:
        requested_pause_s = error.retry_after_s or 0.0
        return (
            error.retryable and breaker.closed and requested_pause_s <= self._backoff.longest_wait_s
        )

    def _pause_s(self, state: RetryCallState) -> float:
        requested_pause_s: float | None = getattr(_outcome(state), "retry_after_s", None)
        return self._backoff.pause_s(state.attempt_number, requested_pause_s, self._rng)

    async def _attempt(self, request: Request, breaker: HostBreaker) -> Response | UpstreamError:
        """Return what came of one request, in its turn.

        Raises UpstreamError when it may not be made: that one is not tried again.
        """
        while True:
            breaker.refuse_if_open()
            await self._wait_out(breaker)
            async with self.quota.reserve(request.cost) as reservation:
                if breaker.held_s() == 0.0:
                    try:
                        trial = breaker.enter()
                    except UpstreamError:
                        reservation.cancel()
                        raise
                    return await self._send(request, breaker, trial=trial)
                reservation.cancel()  # while it waited, another's answer asked for a pause

    async def _wait_out(self, breaker: HostBreaker) -> None:
        """Wait until the host may be asked. UpstreamError if that is too long."""
        while (seconds := breaker.held_s()) > 0.0:
            breaker.refuse_if_held(self._backoff.longest_wait_s)
            await self._clock.sleep(seconds)

    async def _send(
        self, request: Request, breaker: HostBreaker, *, trial: bool
    ) -> Response | UpstreamError:
        outcome: Response | UpstreamError | None = None
        try:
            outcome = await self._transport.send(request)
        finally:
            breaker.leave(outcome, trial=trial)
        if isinstance(outcome, UpstreamError) and outcome.retry_after_s is not None:
            breaker.hold(outcome.retry_after_s)
        return outcome

    def _breaker(self, url: URL) -> HostBreaker:
        origin = str(url.origin())
        if origin not in self._breakers:
            self._breakers[origin] = HostBreaker(self.upstream.name, self._clock, self._settings)
        return self._breakers[origin]


def _parameter(value: object) -> str | None:
    """Return a query parameter's text; None for None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return None if value is None else str(value)


def _outcome(state: RetryCallState) -> Any:
    """Return what the attempt returned; None if it raised."""
    if state.outcome is None or state.outcome.failed:
        return None
    return state.outcome.result()


def _log_retry(state: RetryCallState) -> None:
    pause_s = state.next_action.sleep if state.next_action is not None else 0.0
    _log.info("%s (try %d; again in %.1f s)", _outcome(state), state.attempt_number, pause_s)
