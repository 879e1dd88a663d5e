"""When the model may be asked, and what its errors mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import openai
import pytest

from sinks.explanations import breaker
from sinks.explanations.breaker import (
    OPEN,
    BreakerSettings,
    ModelBreaker,
    Permit,
)
from sinks.explanations.failures import model_error, retry_after_s
from sinks.explanations.outcomes import Kind

RULES = BreakerSettings(failures=3, first_pause_s=10.0, longest_pause_s=35.0)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = httpx2.Request("POST", "http://127.0.0.1/chat/completions")


def fail(state: ModelBreaker, now_s: float, **more: float) -> ModelBreaker:
    state, said = breaker.enter(state, now_s)
    return breaker.leave(breaker.failed(state, now_s, RULES, said, **more), said)


def says(state: ModelBreaker, now_s: float) -> Permit:
    return breaker.enter(state, now_s)[1]


def test_it_closes_after_failures_in_a_row_only() -> None:
    state = fail(fail(OPEN, 0.0), 0.0)
    state = breaker.answered(state, says(state, 0.0))
    state = fail(fail(state, 1.0), 1.0)
    assert says(state, 1.0).wait_s is None
    assert says(fail(state, 1.0), 1.0) == Permit(wait_s=10.0)


def test_after_the_pause_one_tries_and_the_pauses_double() -> None:
    state = fail(fail(fail(OPEN, 0.0), 0.0), 0.0)
    now_s, pauses = 0.0, []
    for _ in range(4):
        assert state.closed_s is not None
        pauses.append(state.closed_s - now_s)
        now_s = state.closed_s
        trying, said = breaker.enter(state, now_s)
        assert said.trial
        assert says(trying, now_s).wait_s == 1.0  # the others wait for it
        state = breaker.leave(breaker.failed(trying, now_s, RULES, said), said)
    assert pauses == [10.0, 20.0, 35.0, 35.0]


def test_a_good_trial_opens_and_an_unused_one_may_be_taken_again() -> None:
    state = fail(fail(fail(OPEN, 0.0), 0.0), 0.0)
    trying, said = breaker.enter(state, 10.0)
    assert breaker.leave(breaker.answered(trying, said), said) == OPEN
    assert says(breaker.leave(trying, said), 10.0).trial


def test_retry_after_closes_at_once_and_is_never_shortened() -> None:
    state = fail(OPEN, 0.0, retry_after_s=60.0)
    assert says(state, 0.0).wait_s == 60.0
    late = breaker.failed(state, 1.0, RULES, Permit(), retry_after_s=5.0)
    assert says(late, 1.0).wait_s == 59.0
    assert breaker.answered(state, Permit()) == state  # an answer asked for before
    assert says(state, 59.9).wait_s is not None
    assert says(state, 60.0).trial


def test_a_refused_account_is_said_and_not_waited_for() -> None:
    state = breaker.denied(OPEN, 0.0, RULES, Permit(), "no quota")
    assert says(state, 0.0) == Permit(wait_s=10.0, denied="no quota")
    assert says(state, 10.0).trial
    trying, said = breaker.enter(state, 10.0)
    assert breaker.leave(breaker.answered(trying, said), said) == OPEN


def status(code: int, body: object = None, **headers: str) -> openai.APIStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(code, request=REQUEST, headers=named)
    kind = openai.RateLimitError if code == 429 else openai.APIStatusError
    return kind("said sk-secret", response=response, body=body)


def connection(cause: Exception | None) -> openai.APIConnectionError:
    error = openai.APIConnectionError(request=REQUEST)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(status(429), Kind.REFUSED, id="429"),
        pytest.param(status(429, {"code": "insufficient_quota"}), Kind.DENIED, id="quota"),
        pytest.param(status(429, {"type": "insufficient_quota"}), Kind.DENIED, id="quota by type"),
        pytest.param(status(401), Kind.DENIED, id="key"),
        pytest.param(status(404, {"code": "model_not_found"}), Kind.DENIED, id="model"),
        pytest.param(status(400), Kind.REJECTED, id="400"),
        pytest.param(status(422), Kind.REJECTED, id="422"),
        pytest.param(status(500), Kind.REFUSED, id="500"),
        pytest.param(status(502), Kind.REFUSED, id="502"),
        pytest.param(status(504), Kind.LOST, id="504: perhaps served behind the proxy"),
        pytest.param(connection(httpx2.ConnectError("no")), Kind.REFUSED, id="no connection"),
        pytest.param(connection(httpx2.ReadError("no")), Kind.LOST, id="reset"),
        pytest.param(openai.APITimeoutError(request=REQUEST), Kind.LOST, id="silence"),
        pytest.param(TimeoutError(), Kind.LOST, id="our limit"),
        pytest.param(json.JSONDecodeError("", "", 0), Kind.LOST, id="broken json"),
    ],
)
def test_what_an_error_means(error: Exception, kind: Kind) -> None:
    meant = model_error(error, NOW)
    assert meant.kind is kind
    assert str(meant).endswith(".")
    assert "sk-secret" not in str(meant)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"retry-after": "60"}, 60.0, id="seconds"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "9"}, 1.5, id="milliseconds first"),
        pytest.param({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30.0, id="date"),
        pytest.param({"retry-after": "Wed, 31 Dec 2025 00:00:30 GMT"}, None, id="date gone by"),
        pytest.param({"retry-after": "soon"}, None, id="a word"),
        pytest.param({"retry-after": "nan"}, None, id="not a number"),
        pytest.param({"retry-after": "inf"}, None, id="for ever"),
        pytest.param({"retry-after": "-5"}, None, id="negative"),
        pytest.param({}, None, id="none"),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds
