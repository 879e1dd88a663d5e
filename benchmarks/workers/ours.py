"""Our side: a scoring stage in `StageWorker`, as `streams.agents.process` runs it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.job import ENGINE, Ema, Stopwatch, deviation, features, moved
from benchmarks.workers import Order, order, report
from schemas.registry_client import Registry
from schemas.topics import subjects
from streams.agents.stage_worker import StageWorker
from streams.engines.base import Engine, EngineReading
from streams.engines.scoring_stage import ScoringStage
from streams.stage import EMPTY_TABLES
from transport.settings import Settings


class Last(Ema, frozen=True, gc=False):
    """An engine's state keeps what `read` needs beside the EMA."""

    close: float = 0.0
    at: int = 0


def engine(watch: Stopwatch) -> Engine[None, Last]:
    """Return an engine that speaks on every candle."""

    def update(config: None, state: Last, event: Any, offset: int) -> Last:
        watch.first()
        count, ema = moved(state.count, state.ema, event.close)
        return Last(count, ema, event.close, event.observed_at)

    def read(config: None, state: Last, now: int) -> EngineReading:
        return EngineReading(
            score=deviation(state.ema, state.close),
            confidence=1.0,
            freshness=1.0,
            data_time=state.at,
            price_usd=state.close,
            features=features(state.count, state.ema),
        )

    return Engine(
        ENGINE, "market.candles", None, Last, lambda config: Last(), update, read, min_change=0.0
    )


async def run(todo: Order) -> None:
    """Process the whole input and report."""
    settings = Settings(
        KAFKA_BOOTSTRAP_SERVERS=todo.bootstrap,
        SCHEMA_REGISTRY_URL=todo.registry_url,
        group=todo.group,
        partitions=todo.partitions,
        session_timeout_s=todo.session_timeout_s,
        state_dir=Path(todo.state_dir),
    )
    registry = Registry(todo.registry_url)
    codec = await registry.codec(subjects())
    watch = Stopwatch()
    hosted = StageWorker(
        ScoringStage(engine(watch)), settings, codec, registry, lambda: EMPTY_TABLES
    )
    await hosted.start()
    while hosted.loop.events < todo.events:
        if trouble := hosted.trouble():
            raise RuntimeError(trouble)
        await asyncio.sleep(0.005)
    await hosted.loop.drain()
    while hosted._lag()[1] < todo.events:
        await hosted.app.consumer.commit()
        await asyncio.sleep(0.001)
    report(watch.read())


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(run(order()))
