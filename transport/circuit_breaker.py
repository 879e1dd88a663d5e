"""A circuit breaker: what fails too often is left alone for a while, then tried once. Pure.

* Failures in a row open it for a pause; then one request alone may try. Each trial that fails
  doubles the pause.
* A refusal of the account (`denied`) opens it at once, and until it is over nobody need wait.
* Retry-After (`failed`) opens it at once and is never shortened.

Our own, since purgatory reads `time.time()` itself (no scaled clock) and lets any number of
requests through while half open. Times are milliseconds of one clock, whichever it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_WHILE_TRYING_S = 1.0


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """After `failures` in a row a pause of `first_pause_s`, doubled up to `longest_pause_s`."""

    failures: int = 5
    first_pause_s: float = 60.0
    longest_pause_s: float = 900.0


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """The state of one circuit.

    failures       in a row
    pauses         in a row, without a success between them
    open_until_ms  None while it is closed
    trying         the one request that may be made when the pause is over is under way
    denied         why the account was refused, None if it was not
    """

    failures: int = 0
    pauses: int = 0
    open_until_ms: int | None = None
    trying: bool = False
    denied: str | None = None


CLOSED = CircuitBreaker()


@dataclass(frozen=True, slots=True)
class Permit:
    """Whether a request may be made: `wait_s` is None if so, else the seconds until it may.

    trial   it is the one request after a pause
    denied  why waiting is of no use: the account is refused
    """

    wait_s: float | None = None
    trial: bool = False
    denied: str | None = None


def state(breaker: CircuitBreaker, now_ms: int) -> str:
    """Return "closed", "open" or "half_open"."""
    if breaker.open_until_ms is None:
        return "closed"
    return "half_open" if breaker.trying or now_ms >= breaker.open_until_ms else "open"


def enter(breaker: CircuitBreaker, now_ms: int) -> tuple[CircuitBreaker, Permit]:
    """Return the breaker with one more request under way if it may be made, and the permit.

    Each trial has to end with `succeeded`, `failed`, `denied` or `abandoned`.
    """
    if breaker.open_until_ms is None:
        return breaker, Permit()
    if breaker.trying or now_ms < breaker.open_until_ms:
        wait_s = max((breaker.open_until_ms - now_ms) / 1000, _WHILE_TRYING_S)
        return breaker, Permit(wait_s=wait_s, denied=breaker.denied)
    return replace(breaker, trying=True), Permit(trial=True)


def succeeded(breaker: CircuitBreaker, *, trial: bool) -> CircuitBreaker:
    """Return the breaker after a success; of a request from before it opened: unchanged."""
    return CLOSED if trial or breaker.open_until_ms is None else breaker


def failed(
    breaker: CircuitBreaker,
    now_ms: int,
    settings: BreakerSettings,
    *,
    trial: bool,
    retry_after_s: float | None = None,
) -> CircuitBreaker:
    """Return the breaker after a failure; that of an earlier request does not count while open."""
    if trial or breaker.open_until_ms is None:
        breaker = replace(breaker, failures=breaker.failures + 1)
        if trial or breaker.failures >= settings.failures:
            breaker = _opened(breaker, now_ms, settings)
    if retry_after_s is None:
        return breaker
    until_ms = now_ms + math.ceil(retry_after_s * 1000)
    return replace(breaker, open_until_ms=max(breaker.open_until_ms or 0, until_ms))


def denied(
    breaker: CircuitBreaker, now_ms: int, settings: BreakerSettings, reason: str, *, trial: bool
) -> CircuitBreaker:
    """Return the breaker after the account was refused, whatever came before."""
    if trial or breaker.open_until_ms is None:
        breaker = _opened(breaker, now_ms, settings)
    return replace(breaker, denied=reason)


def abandoned(breaker: CircuitBreaker, *, trial: bool) -> CircuitBreaker:
    """Return the breaker after a request that was not made, or was cut off."""
    return replace(breaker, trying=False) if trial else breaker


def _opened(breaker: CircuitBreaker, now_ms: int, settings: BreakerSettings) -> CircuitBreaker:
    factor = 2.0 ** min(breaker.pauses, 30)
    pause_s = min(settings.first_pause_s * factor, settings.longest_pause_s)
    until_ms = max(breaker.open_until_ms or 0, now_ms + int(pause_s * 1000))
    return CircuitBreaker(breaker.failures, breaker.pauses + 1, until_ms)
