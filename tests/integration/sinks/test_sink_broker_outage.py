"""The broker is away: at the start (embedded), and in the midst of it (a real Apache Kafka)."""

from __future__ import annotations

import asyncio

import pytest

from embedded.broker import Broker
from embedded.kafka import ApacheKafka, find_kafka
from sinks.status import SinkState
from tests.conftest import skip_or_fail
from tests.contract.sink_samples import signal
from tests.integration.sinks.bench import Bench, Rows, create_topics, running, until
from transport.supervision.ports import free_port

COUNT = 600


@pytest.mark.embedded
async def test_a_broker_that_comes_later_than_the_sink(
    rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(port=free_port())
    bench = Bench(f"127.0.0.1:{broker.port}", "late.", rows.dsn)
    runner = bench.runner()
    async with running(runner):
        await until(lambda: runner.status.waiting_for == "the broker", "the loss is noticed")
        seen = runner.status.last_error_at_ms
        await until(lambda: runner.status.last_error_at_ms != seen, "it tried again")
        try:
            await broker.start()
            await create_topics(bench.bootstrap, bench.prefix)
            await bench.start()
            await bench.send(signal())
            await rows.until("strategy_signals", 1)
            await bench.stop()
            await runner.stop()
        finally:
            await broker.stop()
    said = [line.message for line in caplog.records if "waits for the broker" in line.message]
    assert len(said) == 1


@pytest.mark.long
@pytest.mark.kafka
@pytest.mark.slow
async def test_a_broker_that_dies_in_between(rows: Rows) -> None:
    if find_kafka() is None:
        skip_or_fail("no Apache Kafka", "QUANTIVA_REQUIRE_KAFKA")
    kafka = ApacheKafka()
    try:
        bench = Bench(await kafka.start(), "outage.", rows.dsn, session_timeout_s=6.0)
        await create_topics(bench.bootstrap, bench.prefix)
        await bench.start()
        await bench.send(*(signal(n) for n in range(COUNT)))
        await bench.stop()
        flushed = asyncio.Event()
        runner = bench.runner(hooks={"on_flush": lambda _: flushed.set()}, max_records=50)
        async with running(runner):
            await flushed.wait()
            await kafka.kill()
            await kafka.start()
            await rows.until("strategy_signals", COUNT)
            await until(lambda: runner.status.lag_total == 0, "the last commit is through")
        assert runner.status.state is SinkState.STOPPED
        assert await bench.committed() == COUNT
    finally:
        await kafka.stop()
