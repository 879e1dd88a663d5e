"""How a source does, from what succeeded and failed, and when."""

from __future__ import annotations

import pytest

from producers.http_client.errors import Kind, UpstreamError
from producers.http_client.health import SourceCounters, SourceHealth, state_of
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from schemas.sources import CIRCUITS, SOURCE_STATES, SourceStatus
from tests.unit.producers.http_client.harness import T0, StepClock

CADENCE_S = 600
MIN = 60_000


def record(success: int | None = None, kind: str | None = None, **more: object) -> SourceCounters:
    """Build a record; times in minutes after the start."""
    success_ms = None if success is None else success * MIN
    error = None if kind is None else "it answers 500"
    return SourceCounters(
        0, success_ms, error=error, error_kind=kind, erring=kind is not None, **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "now_min", "circuit", "state", "why"),
    [
        pytest.param(record(), 1, "closed", "ok", "not asked yet", id="just started"),
        pytest.param(record(), 25, "closed", "degraded", "late: no good", id="never, late"),
        pytest.param(record(), 50, "closed", "failing", "no answer yet for 50 min", id="never"),
        pytest.param(record(None, "server"), 1, "closed", "failing", "500", id="never but errors"),
        pytest.param(record(60), 65, "closed", "ok", "", id="well"),
        pytest.param(record(60), 85, "closed", "degraded", "late: no good", id="late"),
        pytest.param(record(60), 101, "closed", "failing", "for 41 min", id="gone"),
        pytest.param(record(60, "server"), 65, "closed", "degraded", "500", id="failed once"),
        pytest.param(record(60, "auth"), 65, "closed", "failing", "500", id="key refused"),
        pytest.param(record(60, "server"), 61, "open", "failing", "for 60 s: it ", id="open"),
        pytest.param(record(60), 61, "half_open", "degraded", "tried once", id="half open"),
        pytest.param(record(60, off="no key"), 99, "open", "off", "no key", id="off"),
    ],
)
def test_states(what: SourceCounters, now_min: int, circuit: str, state: str, why: str) -> None:
    got, detail = state_of(what, now_min * MIN, CADENCE_S, circuit)
    assert got == state
    assert why in detail
    assert (detail == "") == (why == "")


def test_all_states_and_circuits_are_of_the_contract() -> None:
    kinds = (None, "server", "auth")
    seen = {
        state_of(record(success, kind, off=off), now * MIN, CADENCE_S, circuit)[0]
        for success in (None, 60)
        for kind in kinds
        for off in (None, "no key")
        for now in (61, 85, 200)
        for circuit in CIRCUITS
    }
    assert seen == set(SOURCE_STATES)


async def test_a_status_from_a_quota_and_what_happened(clock: StepClock) -> None:
    quota = Quota(Limits(per_minute=4, per_month=3_100), clock)
    await quota.take(2)
    health = SourceHealth(
        "coingecko", ("trending", "fundamentals"), quota, clock, cadence_s=CADENCE_S
    )
    health.refresh_s = 1800.0
    health.note("without a key the limit is shared")
    health.success()
    health.published(50)
    clock.at_ms += 1000
    health.success()
    health.published(7)
    assert health.status() == SourceStatus(
        source="coingecko",
        observed_at=T0 + 1000,
        state="ok",
        feeds=("trending", "fundamentals"),
        events=57,
        last_success_at=T0 + 1000,
        circuit="closed",
        requests_minute=2,
        limit_minute=4,
        requests_day=2,
        limit_day=100,
        refresh_s=1800.0,
        detail="without a key the limit is shared",
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(UpstreamError("x", "server", "is away"), "x: is away", id="ours"),
        pytest.param(
            ValueError("GET /o?apiKey=k1&signature=ff\n failed"),
            "ValueError: GET /o?apiKey=***&signature=*** failed",
            id="of others, without secrets",
        ),
        pytest.param(KeyError("k" * 999), "KeyError: '" + "k" * 389, id="cut"),
    ],
)
def test_errors_are_told_in_a_line(clock: StepClock, error: Exception, text: str) -> None:
    health = SourceHealth("x", ("news",), None, clock)
    health.failure(error)
    status = health.status()
    assert (status.last_error, status.last_error_at, status.state) == (text, T0, "failing")
    assert (status.requests_minute, status.limit_minute, status.limit_day) == (0, None, None)


@pytest.mark.parametrize("kind", ["quota", "server", "auth"])
def test_a_success_ends_it_all(clock: StepClock, kind: Kind) -> None:
    health = SourceHealth("x", ("news",), None, clock)
    health.off("no key")
    assert health.status().state == "off"
    health.failure(UpstreamError("x", kind, "is away"))
    health.success()  # in the same millisecond
    status = health.status()
    assert (status.state, status.detail, status.last_error) == ("ok", "", "x: is away")
