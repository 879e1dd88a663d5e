"""The circuit breaker: opens, half opens, closes; keeps Retry-After and refused accounts."""

from __future__ import annotations

import pytest

from transport import circuit_breaker
from transport.circuit_breaker import CLOSED, BreakerSettings, CircuitBreaker, Permit

SETTINGS = BreakerSettings(failures=3, first_pause_s=10.0, longest_pause_s=35.0)


def failed(breaker: CircuitBreaker, now_ms: int = 0, **more: float) -> CircuitBreaker:
    """Let one request through, a trial if it must be, and fail it."""
    breaker, permit = circuit_breaker.enter(breaker, now_ms)
    return circuit_breaker.failed(breaker, now_ms, SETTINGS, trial=permit.trial, **more)


def opened() -> CircuitBreaker:
    return failed(failed(failed(CLOSED)))


def trying(breaker: CircuitBreaker, now_ms: int) -> CircuitBreaker:
    breaker, permit = circuit_breaker.enter(breaker, now_ms)
    assert permit == Permit(trial=True)
    return breaker


def wait_s(breaker: CircuitBreaker, now_ms: int) -> float | None:
    return circuit_breaker.enter(breaker, now_ms)[1].wait_s


def test_it_opens_after_failures_in_a_row() -> None:
    two = failed(failed(CLOSED))
    assert circuit_breaker.state(two, 0) == "closed"
    assert circuit_breaker.succeeded(two, trial=False) == CLOSED
    assert circuit_breaker.state(failed(two), 0) == "open"


@pytest.mark.parametrize(
    ("now_ms", "state", "wait"),
    [(0, "open", 10.0), (9_999, "open", 1.0), (10_000, "half_open", None)],
)
def test_it_is_left_alone_and_then_tried(now_ms: int, state: str, wait: float | None) -> None:
    assert circuit_breaker.state(opened(), now_ms) == state
    assert wait_s(opened(), now_ms) == wait


def test_it_is_tried_by_one_at_a_time() -> None:
    trial = trying(opened(), 10_000)
    assert circuit_breaker.state(trial, 10_000) == "half_open"
    assert wait_s(trial, 99_000) == 1.0  # the others wait for it
    trying(circuit_breaker.abandoned(trial, trial=True), 99_000)


def test_a_good_trial_closes_it() -> None:
    assert circuit_breaker.succeeded(trying(opened(), 10_000), trial=True) == CLOSED


def test_bad_trials_make_the_pause_longer_up_to_a_bound() -> None:
    breaker, pauses, now_ms = opened(), [], 0
    for _ in range(4):
        assert breaker.open_until_ms is not None
        pauses.append(breaker.open_until_ms - now_ms)
        now_ms = breaker.open_until_ms
        breaker = failed(breaker, now_ms)
    assert pauses == [10_000, 20_000, 35_000, 35_000]


def test_what_was_sent_before_it_opened_changes_nothing() -> None:
    breaker = opened()
    assert circuit_breaker.failed(breaker, 5_000, SETTINGS, trial=False) == breaker
    assert circuit_breaker.succeeded(breaker, trial=False) == breaker
    assert circuit_breaker.abandoned(breaker, trial=False) == breaker


def test_retry_after_opens_it_at_once_and_is_never_shortened() -> None:
    breaker = failed(CLOSED, retry_after_s=60.0)
    assert wait_s(breaker, 0) == 60.0
    later = circuit_breaker.failed(breaker, 1_000, SETTINGS, trial=False, retry_after_s=5.0)
    assert wait_s(later, 1_000) == 59.0
    assert circuit_breaker.succeeded(breaker, trial=False) == breaker
    assert wait_s(breaker, 59_900) is not None
    trying(breaker, 60_000)


def test_a_refused_account_opens_it_with_a_reason() -> None:
    breaker = circuit_breaker.denied(CLOSED, 0, SETTINGS, "no quota", trial=False)
    assert circuit_breaker.enter(breaker, 0)[1] == Permit(wait_s=10.0, denied="no quota")
    assert circuit_breaker.succeeded(trying(breaker, 10_000), trial=True) == CLOSED
