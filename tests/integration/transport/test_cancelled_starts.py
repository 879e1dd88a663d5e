"""Clients of Kafka that are cut off at a bad moment leave nothing unclosed and nobody waiting."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher

from schemas.codec import local_codec
from streams.topology import stages
from tests.integration.conftest import Log
from transport.barrier import PipelineBarrier
from transport.groups import ConsumerGroups
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.settings import Settings

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("tansu"),
]
Open = Callable[[Settings], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def started(one: Any) -> AsyncIterator[Any]:
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


CLIENTS: list[Any] = [
    pytest.param(LogReader, id="log reader"),
    pytest.param(ConsumerGroups, id="groups"),
    pytest.param(lambda settings: Publisher(settings, local_codec()), id="publisher"),
    pytest.param(lambda s: started(PipelineBarrier(s, stages())), id="barrier"),
]


async def cut_off(open_: Open, settings: Settings, after: int) -> list[str]:
    """Cancel a start after some turns of the loop; return what is said to be unclosed."""
    said: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(context["message"]))

    async def use() -> None:
        async with open_(settings):
            await asyncio.sleep(60)

    try:
        task = asyncio.create_task(use())
        for _ in range(after):
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait({task}, timeout=30)
        assert task.done()
        del task
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
            await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)
    return said


@pytest.mark.parametrize("open_", CLIENTS)
async def test_a_start_that_is_cancelled_is_stopped(open_: Open, log: Log) -> None:
    await log.create("cut.")
    found = [await cut_off(open_, log.settings("cut."), after) for after in (0, 1, 2, 4, 8, 16)]
    assert found == [[]] * 6


@pytest.mark.parametrize("open_", CLIENTS)
async def test_a_start_at_a_broker_that_is_silent_is_stopped(open_: Open) -> None:
    server = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    settings = Settings(bootstrap=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    found = [await cut_off(open_, settings, after) for after in (1, 20)]
    server.close()
    assert found == [[]] * 2


@pytest.mark.parametrize("turns", range(4))
async def test_a_reader_that_changes_its_partitions_as_it_stops_does_stop(
    log: Log, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(*_: object) -> bool:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            for _ in range(5):  # a busy loop: it is not over at once
                await asyncio.sleep(0)
        return False

    monkeypatch.setattr(fetcher.Fetcher, "_proc_fetch_request", fetch)
    await log.create("cut.")
    async with LogReader(log.settings("cut.")) as reader:
        reader._consumer.assign([TopicPartition("cut.signals", 0)])
        await asyncio.sleep(0.2)  # now a fetch is on its way
        reader._consumer.assign([TopicPartition("cut.market.news", 0)])
        for _ in range(turns):
            await asyncio.sleep(0)
        stopping = asyncio.create_task(reader._consumer.stop())
        _, waits = await asyncio.wait({stopping}, timeout=5)
        assert not waits
