"""When the model may be asked: a circuit breaker that also keeps Retry-After. Pure.

* Failures in a row: a pause, doubled each time it still fails; then one request alone.
* 429 with Retry-After: nobody asks before.
* The account is refused (no quota, wrong key, no such model): a pause at once, and until it is over
  nothing is worth waiting for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """After `failures` in a row a pause of `first_pause_s`, doubled up to `longest_pause_s`."""

    failures: int = 5
    first_pause_s: float = 30.0
    longest_pause_s: float = 900.0


@dataclass(frozen=True, slots=True)
class ModelBreaker:
    """The gate's state; times are seconds of one monotonic clock.

    failures   in a row
    pauses     in a row, without a good answer between them
    closed_s   until when nobody asks; None while it is open
    denied     why the account is refused, or None
    trying     the one request after a pause is under way
    """

    failures: int = 0
    pauses: int = 0
    closed_s: float | None = None
    denied: str | None = None
    trying: bool = False


OPEN = ModelBreaker()
_WHILE_TRYING_S = 1.0


@dataclass(frozen=True, slots=True)
class Permit:
    """What the gate says: ask (`wait_s` is None), wait so long, or, `denied`, do not wait."""

    wait_s: float | None = None
    denied: str | None = None
    trial: bool = False


def enter(gate: ModelBreaker, now_s: float) -> tuple[ModelBreaker, Permit]:
    """Return the gate with one more on the way in, and what it says."""
    if gate.closed_s is None:
        return gate, Permit()
    if now_s < gate.closed_s or gate.trying:
        wait_s = max(gate.closed_s - now_s, _WHILE_TRYING_S)
        return gate, Permit(wait_s=wait_s, denied=gate.denied)
    return replace(gate, trying=True), Permit(trial=True)


def leave(gate: ModelBreaker, one: Permit) -> ModelBreaker:
    """Return the gate after a pass that told nothing: no request was made, or it was cut off."""
    return replace(gate, trying=False) if one.trial else gate


def answered(gate: ModelBreaker, one: Permit) -> ModelBreaker:
    """Return the gate after a good answer; one asked for before it closed is late."""
    return OPEN if one.trial or gate.closed_s is None else gate


def failed(
    gate: ModelBreaker,
    now_s: float,
    rules: BreakerSettings,
    one: Permit,
    retry_after_s: float | None = None,
) -> ModelBreaker:
    """Return the gate after a failure; `retry_after_s` is what the API has asked for."""
    count = gate.failures + 1
    if one.trial or (gate.closed_s is None and count >= rules.failures):
        gate = _closed(replace(gate, failures=count), now_s, rules)
    elif gate.closed_s is None:
        gate = replace(gate, failures=count)
    if retry_after_s is None:
        return gate
    return replace(gate, closed_s=max(gate.closed_s or 0.0, now_s + retry_after_s))


def denied(
    gate: ModelBreaker, now_s: float, rules: BreakerSettings, one: Permit, reason: str
) -> ModelBreaker:
    """Return the gate after the account was refused."""
    if gate.closed_s is not None and not one.trial:
        return replace(gate, denied=reason)
    return replace(_closed(gate, now_s, rules), denied=reason)


def _closed(gate: ModelBreaker, now_s: float, rules: BreakerSettings) -> ModelBreaker:
    pause_s = min(rules.first_pause_s * 2.0 ** min(gate.pauses, 30), rules.longest_pause_s)
    until_s = max(gate.closed_s or 0.0, now_s + pause_s)
    return ModelBreaker(gate.failures, gate.pauses + 1, until_s)
