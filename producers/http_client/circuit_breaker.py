"""A circuit breaker: who fails too often is left alone for a while, then tried once.

Our own, since purgatory reads `time.time()` itself (no scaled clock) and lets any number of
requests through while half open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """After `failures` in a row a pause of `first_pause_s`, doubled each time it still fails."""

    failures: int = 5
    first_pause_s: float = 60.0
    longest_pause_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """The state of one circuit.

    failures       in a row
    openings       in a row, without a success between them
    open_until_ms  None while it is closed
    trying         the one request that may be made when the pause is over is under way
    """

    failures: int = 0
    openings: int = 0
    open_until_ms: int | None = None
    trying: bool = False


CLOSED = Circuit()


def state(circuit: Circuit, now_ms: int) -> str:
    """Return closed, open or half_open."""
    if circuit.open_until_ms is None:
        return "closed"
    return "half_open" if circuit.trying or now_ms >= circuit.open_until_ms else "open"


def admitted(circuit: Circuit, now_ms: int) -> Circuit | None:
    """Return the circuit with one more request under way, or None if it may not be made."""
    if circuit.open_until_ms is None:
        return circuit
    if circuit.trying or now_ms < circuit.open_until_ms:
        return None
    return replace(circuit, trying=True)


def succeeded(circuit: Circuit, *, trial: bool) -> Circuit:
    """Return the circuit after a good answer; one that was asked for before it opened is late."""
    return CLOSED if trial or circuit.open_until_ms is None else circuit


def failed(circuit: Circuit, now_ms: int, rules: BreakerSettings, *, trial: bool) -> Circuit:
    """Return the circuit after a failure at `now_ms`; of the trial, if `trial`."""
    if circuit.open_until_ms is not None and not trial:
        return circuit
    failures = circuit.failures + 1
    if not trial and failures < rules.failures:
        return replace(circuit, failures=failures)
    pause_s = min(rules.first_pause_s * 2.0 ** min(circuit.openings, 30), rules.longest_pause_s)
    return Circuit(failures, circuit.openings + 1, now_ms + int(pause_s * 1000))


def abandoned(circuit: Circuit, *, trial: bool) -> Circuit:
    """Return the circuit after a request that ended without telling anything."""
    return replace(circuit, trying=False) if trial else circuit
