"""The circuit breaker: opens, half opens, closes."""

from __future__ import annotations

import pytest

from producers.http_client import circuit_breaker
from producers.http_client.circuit_breaker import CLOSED, BreakerSettings, Circuit

RULES = BreakerSettings(failures=3, first_pause_s=10.0, longest_pause_s=35.0)


def opened(now_ms: int = 0) -> Circuit:
    state = CLOSED
    for _ in range(RULES.failures):
        state = circuit_breaker.failed(state, now_ms, RULES, trial=False)
    return state


def trying(state: Circuit, now_ms: int) -> Circuit:
    admitted = circuit_breaker.admitted(state, now_ms)
    assert admitted is not None
    return admitted


def test_it_opens_after_failures_in_a_row() -> None:
    two = circuit_breaker.failed(
        circuit_breaker.failed(CLOSED, 0, RULES, trial=False), 0, RULES, trial=False
    )
    assert circuit_breaker.state(two, 0) == "closed"
    assert circuit_breaker.succeeded(two, trial=False) == CLOSED
    assert circuit_breaker.state(opened(), 0) == "open"


@pytest.mark.parametrize(
    ("now_ms", "state", "admits"),
    [(0, "open", False), (9_999, "open", False), (10_000, "half_open", True)],
)
def test_it_is_left_alone_and_then_tried(now_ms: int, state: str, admits: bool) -> None:
    assert circuit_breaker.state(opened(), now_ms) == state
    assert (circuit_breaker.admitted(opened(), now_ms) is not None) == admits


def test_it_is_tried_by_one_at_a_time() -> None:
    trial = trying(opened(), 10_000)
    assert circuit_breaker.state(trial, 10_000) == "half_open"
    assert circuit_breaker.admitted(trial, 99_000) is None
    assert (
        circuit_breaker.admitted(circuit_breaker.abandoned(trial, trial=True), 99_000) is not None
    )


def test_a_good_trial_closes_it() -> None:
    assert circuit_breaker.succeeded(trying(opened(), 10_000), trial=True) == CLOSED


def test_bad_trials_make_the_pause_longer_up_to_a_bound() -> None:
    state, pauses, now_ms = opened(), [], 0
    for _ in range(4):
        assert state.open_until_ms is not None
        pauses.append(state.open_until_ms - now_ms)
        now_ms = state.open_until_ms
        state = circuit_breaker.failed(trying(state, now_ms), now_ms, RULES, trial=True)
    assert pauses == [10_000, 20_000, 35_000, 35_000]


def test_what_was_asked_before_it_opened_changes_nothing() -> None:
    state = opened()
    assert circuit_breaker.failed(state, 5_000, RULES, trial=False) == state
    assert circuit_breaker.succeeded(state, trial=False) == state
    assert circuit_breaker.abandoned(state, trial=False) == state
