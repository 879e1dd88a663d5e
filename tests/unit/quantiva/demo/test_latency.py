"""The latency that a demo's summary names is that of live events, not of the back-fill."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from quantiva.demo.summary import Summary, percentiles, render
from quantiva.demo.tally import LatencyTally
from sinks.base import SinkRecord
from tests.contract.sink_samples import signal


def stored(number: int, sent_ms: int | None) -> SinkRecord:
    event = signal(number)
    return SinkRecord(
        topic="signals",
        partition=0,
        offset=number,
        key=event.asset.encode(),
        timestamp_ms=event.as_of,
        event=event,
        sent_ms=sent_ms,
    )


def shown(tally: LatencyTally) -> str:
    summary = Summary(
        events={},
        signals={},
        triggers={},
        stored={},
        ranked=0,
        dead_letters=0,
        latency_ms=percentiles(list(tally.latencies_ms)),
        behind_backfill=tally.behind_backfill,
        restarts=0,
        seconds=1.0,
    )
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(summary))
    return capture.get()


def test_the_first_cycle_queues_behind_the_back_fill_and_is_named_not_counted() -> None:
    clock: dict[str, float] = {"ms": 10_000.0}
    rankings: list[Any] = []
    tally = LatencyTally(rankings.append, lambda: clock["ms"])

    tally([stored(number, sent_ms=5_000) for number in range(200)])
    assert "not measured: no event came after the back-fill was applied" in shown(tally)

    tally.live()
    clock["ms"] = 11_000.0
    tally([stored(200, sent_ms=9_999), *(stored(n, sent_ms=10_800) for n in range(201, 401))])
    tally([stored(401, sent_ms=None)])
    assert list(tally.latencies_ms) == [200.0] * 200
    text = shown(tally)
    assert "p50 200 ms   p95 200 ms   p99 200 ms" in text
    assert "without 201 signals that queued behind the back-fill" in text


def test_a_run_whose_source_waits_for_its_back_fill_leaves_nothing_out() -> None:
    tally = LatencyTally(lambda top: None, lambda: 1_000.0)
    tally.live()
    tally([stored(0, sent_ms=1_000)])
    assert tally.behind_backfill == 0
    assert "back-fill" not in shown(tally).replace("after the back-fill", "")
