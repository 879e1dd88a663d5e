"""Whether one host may be sent requests now: its circuit, and the pause that it asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from producers.http_client.errors import UpstreamError
from transport import circuit_breaker
from transport.circuit_breaker import CLOSED, BreakerSettings, CircuitBreaker
from transport.clock import Clock

_FAILURES = frozenset(("server", "timeout", "connection", "not_json", "auth"))
"""What the circuit counts. "auth" too: who refuses us again and again is not asked all day."""


class HostBreaker:
    """One host's circuit and pause, on the producers' clock."""

    def __init__(self, upstream: str, clock: Clock, settings: BreakerSettings) -> None:
        self._upstream = upstream
        self._clock = clock
        self._settings = settings
        self._circuit: CircuitBreaker = CLOSED
        self._held_until_ms = 0
        self._last_failure = ""

    @property
    def state(self) -> str:
        """closed, open (also during a pause) or half_open."""
        now_ms = self._clock.now_ms()
        return (
            "open" if now_ms < self._held_until_ms else circuit_breaker.state(self._circuit, now_ms)
        )

    @property
    def closed(self) -> bool:
        """Whether the circuit is closed, whatever the pause."""
        return self._circuit.open_until_ms is None

    def hold(self, seconds: float) -> None:
        """Send no request for some seconds; a longer pause asked for before stays."""
        until_ms = self._clock.now_ms() + int(seconds * 1000)
        self._held_until_ms = max(self._held_until_ms, until_ms)

    def held_s(self) -> float:
        """Return the seconds that are left of the pause; 0.0 without one."""
        return max(self._held_until_ms - self._clock.now_ms(), 0) / 1000

    def refuse_if_held(self, longest_s: float) -> None:
        """Raise UpstreamError, kind "limit", if the pause goes on for more than `longest_s`."""
        seconds = self.held_s()
        if seconds > longest_s:
            moment = datetime.fromtimestamp(self._held_until_ms / 1000, UTC)
            text = f"it wants to be left alone until {moment:%Y-%m-%d %H:%M:%S} UTC"
            raise UpstreamError(self._upstream, "limit", text, retry_after_s=seconds)

    def refuse_if_open(self) -> None:
        """Raise UpstreamError, kind "open_circuit", if no request may be made."""
        now_ms = self._clock.now_ms()
        if circuit_breaker.enter(self._circuit, now_ms)[1].wait_s is not None:
            wait_s = max((self._circuit.open_until_ms or 0) - now_ms, 0) / 1000
            what = f"it is left alone for {wait_s:.0f} s" if wait_s else "it is tried once just now"
            why = self._last_failure.removeprefix(f"{self._upstream}: ")
            text = f"{what} after {self._circuit.failures} failures in a row, lastly: {why}"
            raise UpstreamError(self._upstream, "open_circuit", text, retry_after_s=wait_s)

    def enter(self) -> bool:
        """Begin a request; return whether it is the trial of a half-open circuit.

        Raises like `refuse_if_open`. Each `enter` needs its `leave`.
        """
        self.refuse_if_open()
        self._circuit, permit = circuit_breaker.enter(self._circuit, self._clock.now_ms())
        return permit.trial

    def leave(self, outcome: object, *, trial: bool) -> None:
        """End a request: with an answer, an UpstreamError, or None when it was cancelled."""
        if outcome is None:
            self._circuit = circuit_breaker.abandoned(self._circuit, trial=trial)
        elif isinstance(outcome, UpstreamError) and outcome.kind in _FAILURES:
            self._last_failure = str(outcome)
            now_ms = self._clock.now_ms()
            self._circuit = circuit_breaker.failed(
                self._circuit, now_ms, self._settings, trial=trial
            )
        else:  # it answers: that it does not know something is no fault of it
            self._circuit = circuit_breaker.succeeded(self._circuit, trial=trial)


def overall(breakers: Iterable[HostBreaker]) -> str:
    """Return the state of several hosts: closed if one of them is, or no request was made yet."""
    states = [breaker.state for breaker in breakers]
    best = (state for state in ("closed", "half_open") if state in states)
    return next(best, "open" if states else "closed")
