"""A defect in an engine ends the process; after three times at one record, the record goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quantiva.status.dead_letters import Selection, find
from schemas.registry_client import Registry
from streams.agents.stage_worker import StageWorker
from streams.engines.base import Engine, EngineReading
from streams.engines.scoring_stage import ScoringStage
from streams.stage import EMPTY_TABLES
from tests import factories
from transport import admin
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings


class Count(msgspec.Struct, frozen=True):
    """How many candles came."""

    candles: int = 0


def _update(config: None, state: Count, event: Any, offset: int) -> Count:
    if event.close == 101.0:
        msg = "divided by the moon"
        raise ZeroDivisionError(msg)
    return Count(state.candles + 1)


def _read(config: None, state: Count, now: int) -> EngineReading:
    return EngineReading(state.candles / 100.0, 1.0, 1.0)


BROKEN = Engine("technical", "market.candles", None, Count, lambda _: Count(), _update, _read, 0.0)


@pytest.mark.embedded
async def test_after_three_crashes_the_record_is_a_dead_letter(
    embedded_parts: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**embedded_parts, "QUANTIVA_STATE_DIR": str(folder)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QUANTIVA_SESSION_TIMEOUT_S", "1")
    settings = Settings()
    await asyncio.to_thread(admin.create, settings)
    codec, registry = await codec_of(settings)
    closes = (100.0, 101.0, 102.0)
    async with Publisher(settings, codec) as publisher:
        await publisher.publish_many(
            factories.candle(price=close, source_id=str(close)) for close in closes
        )
    for _ in range(3):
        assert "divided by the moon" in await _run_until(settings, codec, registry, 3)
    assert await _run_until(settings, codec, registry, 3) == ""
    async with LogReader(settings) as reader:
        found = await find(settings, reader, Selection(topic="market.candles"))
    (group,) = found.groups
    assert group.newest.kind == "given_up"
    assert "ZeroDivisionError: divided by the moon" in group.newest.reason


async def _run_until(settings: Settings, codec: Any, registry: Registry, events: int) -> str:
    """Host the broken engine until it has taken all events, or is in trouble: say which."""
    host = StageWorker(ScoringStage(BROKEN), settings, codec, registry, lambda: EMPTY_TABLES)
    await host.start()
    try:
        async with asyncio.timeout(120):
            while host.loop.events < events:
                trouble = host.trouble()
                if trouble:
                    return trouble
                await asyncio.sleep(0.05)
        await host.loop.drain()
        return ""
    finally:
        await host.stop()
