"""A live run that is recorded whole: workers, a market, requests, garbage, a change of strategy."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from embedded.kafka import ApacheKafka
from embedded.stack import Stack
from producers.strategies import PREBUILT
from schemas.control import DRY_RUN, SignalRequest, Strategy
from schemas.signals import Decision
from schemas.topics import CANDLES, TOPICS, physical
from streams.archive.copying import copy_topics
from tests.integration.streams.agents.rig import Rig, rig

EAGER = Strategy(
    strategy_id="eager",
    owner="admin",
    name="Eager",
    timeframe="1h",
    entry_rule="ADX(14) > 0 AND FINAL_SCORE > 0",
    buy_threshold=0.05,
    sell_threshold=0.02,
    stop_loss_pct=0.5,
    trailing_stop_pct=0.5,
    take_profit_pct=1.0,
    max_age_hours=6.0,
    band=0.01,
    confirmation_minutes=0.0,
    minimum_hold_minutes=0.0,
    kelly=True,
)
"""Buys and sells all the time, so that there are positions, trades and portfolios to compare."""
CAPITAL = (("deposit", 5_000.0), ("withdrawal", 80_000.0), ("reset", None))
GARBAGE = (b"", b"not avro", b"\0\0\0\0\x63body", b"\0\0\0\0\x01cut")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One live run.

    broker      tansu or kafka
    partitions  of every topic of the topology
    hash_seed   PYTHONHASHSEED of the workers and of the replay
    workers     that share the partitions
    kills       how often the first of them is killed (SIGKILL), spread over the run
    part_size   events published before waiting until they are worked off; their order in between
                is what chance makes of it
    """

    broker: str = "tansu"
    partitions: int = 4
    hash_seed: str = "0"
    workers: int = 1
    kills: int = 0
    part_size: int = 150

    def __str__(self) -> str:
        killed = f", one killed {self.kills} times" if self.kills else ""
        return (
            f"{self.broker}, {self.partitions} partitions, hash seed {self.hash_seed}, "
            f"{self.workers} worker{'s' if self.workers > 1 else ''}{killed}"
        )


OnProgress = Callable[[int], None]


async def record(
    scenario: Scenario,
    events: Sequence[Any],
    folder: Path,
    address: str,
    on_progress: OnProgress | None = None,
) -> int:
    """Run a scenario live and archive every topic; return how many market events there were."""
    kafka = ApacheKafka() if scenario.broker == "kafka" else None
    if kafka is not None:
        await kafka.start()
    try:
        given = kafka.address if kafka is not None else None
        async with Stack(bootstrap=given, fast=True) as stack:
            with _environment(scenario):
                environment = {
                    **stack.env(),
                    "QUANTIVA_PARTITIONS": str(scenario.partitions),
                    "QUANTIVA_SESSION_TIMEOUT_S": "6" if kafka else "3",
                    "PYTHONHASHSEED": scenario.hash_seed,
                }
                async with rig(
                    environment,
                    folder,
                    name="live",
                    worker_count=scenario.workers,
                    with_sink=False,
                ) as running:
                    await _live(scenario, running, events, on_progress)
                    names = [topic.name for topic in TOPICS]
                    await copy_topics(running.settings, address, topics=names)
    finally:
        if kafka is not None:
            await kafka.stop()
    return len(events)


async def _live(
    scenario: Scenario, running: Rig, events: Sequence[Any], on_progress: OnProgress | None
) -> None:
    """Publish in parts, with something unusual now and then; return when all is worked off."""
    await running.publisher.publish(EAGER)
    await running.publisher.flush()
    parts = list(_parts(events, scenario.part_size))
    every = len(parts) // (scenario.kills + 1) or 1
    for number, part in enumerate(parts, start=1):
        await running.publisher.publish_many(part)
        if scenario.kills and not number % every and number // every <= scenario.kills:
            running.kill_worker()
        if not number % max(len(parts) // 5, 1):
            await _unusual(running, part, number)
        await running.publisher.flush()
        await running.barrier(running.publisher.positions())
        if on_progress is not None:
            on_progress(len(part))


async def _unusual(running: Rig, part: Sequence[Any], number: int) -> None:
    """Publish requests, garbage, capital, and other versions of strategies."""
    asset, now_ms = part[-1].asset, part[-1].observed_at
    for strategy in PREBUILT[:2]:
        name = f"request-{number}-{strategy.strategy_id}"
        request = SignalRequest(name, asset, strategy.strategy_id, now_ms)
        await running.publisher.publish(request)
    own = replace(PREBUILT[0], strategy_id="mine", buy_threshold=0.1, sell_threshold=-0.1)
    document = msgspec.json.encode(own).decode()
    dry_run = SignalRequest(f"request-{number}-dry", asset, DRY_RUN, now_ms, document)
    await running.publisher.publish(dry_run)
    unknown = SignalRequest(f"request-{number}-unknown", asset, "nobody's", now_ms)
    await running.publisher.publish(unknown)
    changed = replace(
        PREBUILT[1],
        version=number,
        buy_threshold=0.2 + 0.01 * (number % 7),
        entry_rule=f"WILLR({3 + number}) CROSSES_ABOVE -80 AND RSI({4 + number})@4h < 60",
    )
    await running.publisher.publish(changed)
    # Every other version watches one asset only: what is held of the others is sold.
    assets = (asset,) if number % 2 else ()
    await running.publisher.publish(replace(EAGER, version=number + 1, assets=assets))
    for place, (kind, amount_usd) in enumerate(CAPITAL):
        owner = EAGER if (number + place) % 2 else PREBUILT[2]
        told = Decision(
            decision_id=f"{kind}-{number}",
            strategy_id=owner.strategy_id,
            kind=kind,
            as_of=now_ms,
            amount_usd=amount_usd,
        )
        await running.publisher.publish(told)
    settings = running.settings
    async with AIOKafkaProducer(bootstrap_servers=settings.require_bootstrap()) as producer:
        for value in GARBAGE:
            topic = physical(CANDLES.name, settings.prefix)
            await producer.send_and_wait(topic, value, key=b"BTC", timestamp_ms=now_ms)


def _parts(events: Sequence[Any], size: int) -> Any:
    stream = iter(events)
    while part := list(islice(stream, size)):
        yield part


@contextlib.contextmanager
def _environment(scenario: Scenario) -> Iterator[None]:
    """Have the broker's kind and the hash seed in this process's environment, for its children."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", scenario.hash_seed)
        patch.delenv("QUANTIVA_BROKER", raising=False)
        if scenario.broker == "tansu":
            patch.setenv("QUANTIVA_BROKER", "tansu")
        yield


async def verified(
    address: str, hash_seed: str, folder: Path, *, complete: bool = True
) -> dict[str, Any]:
    """Run `quantiva verify` as its user would; return its result with the exit status."""
    result = folder / "parity.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "quantiva.cli",
        "verify",
        address,
        *(["--complete"] if complete else []),
        "--json",
        str(result),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    said, _ = await process.communicate()
    if not result.exists():
        raise RuntimeError(said.decode())
    found: dict[str, Any] = json.loads(result.read_bytes())
    return {**found, "exit_status": process.returncode, "said": said.decode()}
