"""Whoever is cut off while a client of Kafka connects leaves nothing unclosed behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

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
