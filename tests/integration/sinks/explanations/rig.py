"""Signals to explain, a model that counts what it served, and looks at what became of them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition

from producers.http_client.upstream import Limits
from quantiva.wiring.sinks import EXPLANATIONS as ENTRY
from quantiva.wiring.sinks import explanations_sink, sink_runner
from schemas.codec import local_codec
from schemas.explanations import Explanation
from schemas.registry_client import Registry
from schemas.signals import RankedSignal, Signal, TopSignals
from schemas.topics import EXPLANATIONS, TOP, physical
from simulator.chat import Chat
from simulator.faults import Fault, Faults
from simulator.keys import KEYS
from simulator.middleware import CLOSING, FaultMiddleware
from simulator.request_log import RequestLog
from sinks.explanations.settings import ExplanationSettings
from sinks.postgres import PostgresSink
from sinks.runner import SinkRunner
from tests.contract.sink_samples import T0, record, signal
from tests.integration.sinks.bench import Bench, Rows, until
from transport.clock import WallClock
from transport.log_reader import LogReader
from transport.settings import Settings

CYCLE_MS = 600_000
PER_TOP = 10
GOOD = "The engines agree on the direction."
BAD = "It will rise by 99.9 % for sure."
_PLENTY = Limits(per_minute=1_000_000, per_day=10_000_000)
_asset_numbers = itertools.count(1)

Says = Callable[[str, int], str]
"""What the model says about an asset when it is asked for the n-th time, from 1."""


def tops(count: int, places: int = PER_TOP) -> tuple[list[Signal], list[TopSignals]]:
    """Return `count` rankings of signals with assets never used before."""
    signals, rankings = [], []
    for number in range(count):
        cycle = T0 + CYCLE_MS * number
        strategy_id = f"strategy-{number % 4}"
        ranked = []
        for rank in range(1, places + 1):
            serial = next(_asset_numbers)
            one = signal(
                serial, asset=f"AS{serial}", strategy_id=strategy_id, as_of=cycle, cycle=cycle
            )
            signals.append(one)
            place = (one.asset, one.action, one.final_score, one.confidence)
            ranked.append(RankedSignal(rank, one.signal_id, *place))
        rankings.append(TopSignals(strategy_id, cycle, True, places, places, tuple(ranked)))
    return signals, rankings


def in_next_cycle(signals: Iterable[Signal]) -> tuple[list[Signal], TopSignals]:
    """Return the same signals once more, a cycle later."""
    again = [
        msgspec.structs.replace(
            one,
            signal_id=f"{next(_asset_numbers):032x}",
            as_of=one.as_of + CYCLE_MS,
            cycle=(one.cycle or 0) + CYCLE_MS,
        )
        for one in signals
    ]
    ranked = tuple(
        RankedSignal(rank, one.signal_id, one.asset, one.action, one.final_score, one.confidence)
        for rank, one in enumerate(again, start=1)
    )
    first, count = again[0], len(again)
    return again, TopSignals(first.strategy_id, first.cycle or 0, True, count, count, ranked)


def says_well(asset: str, time: int) -> str:
    return GOOD


class Model(Chat):
    """The chat stand-in, which counts what it served and what that costs.

    `requests` counts all, `served` answers by asset, also those that a fault then damaged;
    `billed_usd` is their cost at gpt-4o-mini's prices.
    """

    def __init__(self, says: Says = says_well, delay_s: float = 0.0) -> None:
        clock = WallClock()
        super().__init__(clock, self._answer_to)
        ledger = RequestLog(clock, {"chat": _PLENTY})
        self.faults = Faults(clock, ledger)
        self.requests = 0
        self.served: Counter[str] = Counter()
        self.billed_usd = Decimal(0)
        self.says = says
        self.delay_s = delay_s
        self.url = ""

    @property
    def struck(self) -> int:
        """How often faults have struck."""
        return sum(count for _, count in self.faults.script().values())

    def fault(self, kind: str, **fields: Any) -> None:
        self.faults.add(Fault(upstream="chat", kind=kind, **fields))  # type: ignore[arg-type]

    async def completions(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        response = await super().completions(request)
        await asyncio.sleep(self.delay_s)
        if isinstance(response, web.Response) and response.status == 200:
            usage = json.loads(response.body)["usage"]  # type: ignore[arg-type]
            sent, made = usage["prompt_tokens"], usage["completion_tokens"]
            self.billed_usd += (sent * Decimal("0.15") + made * Decimal("0.60")) / 1_000_000
        return response

    def _answer_to(self, body: Any) -> str:
        asset = json.loads(body["messages"][1]["content"])["asset"]
        self.served[asset] += 1
        return json.dumps({"text": self.says(asset, self.served[asset])})


class _NoWorld:
    async def ready(self, now_ms: int) -> None:
        """Chats are about nothing."""


@asynccontextmanager
async def serving(model: Model) -> AsyncIterator[Model]:
    """Serve a model; its base URL is `model.url`."""
    gate = FaultMiddleware(_NoWorld(), WallClock(), model.faults)  # type: ignore[arg-type]
    app = web.Application(middlewares=[gate.middleware])
    app[CLOSING] = asyncio.Event()
    app.add_subapp("/chat", model.app())
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/chat/v1"
    try:
        yield model
    finally:
        app[CLOSING].set()
        await runner.cleanup()


def settings_of(bench: Bench, group: str = "explains") -> Settings:
    return Settings(
        bootstrap=bench.bootstrap,
        database_url=bench.dsn,  # type: ignore[arg-type]
        registry_url="http://127.0.0.1:9",  # nobody asks: all ids are known
        prefix=bench.prefix,
        group=group,
        partitions=2,
        session_timeout_s=1.0,
    )


def chosen(model: Model | None, **changes: Any) -> ExplanationSettings:
    """Return the sink's settings for tests: quick, and with nothing from the environment."""
    fields: dict[str, Any] = {
        "api_key": None if model is None else KEYS["chat"],
        "base_url": None if model is None else model.url,
        "request_limit_s": 5.0,
        "patience_s": 20.0,
    }
    return ExplanationSettings(**{**fields, **changes})


class Stage:
    """One deployment for a test: topics, tables, and the sinks that work on them."""

    def __init__(self, bench: Bench, rows: Rows) -> None:
        self.bench = bench
        self.rows = rows

    def explaining(self, chosen: ExplanationSettings, group: str = "explains") -> SinkRunner:
        settings = settings_of(self.bench, group)
        registry = Registry(settings.require_registry())
        entry = replace(ENTRY, make=partial(explanations_sink, chosen=chosen))
        return sink_runner(entry, settings, local_codec(), registry)

    @asynccontextmanager
    async def running(self, *explaining: SinkRunner) -> AsyncIterator[None]:
        """Run sinks, and stop them in order."""
        tasks = [asyncio.create_task(one.run()) for one in explaining]
        try:
            yield
        finally:
            await asyncio.gather(*(one.stop() for one in explaining))
            for task in tasks:
                task.result()

    async def keep(self, signals: Iterable[Signal]) -> None:
        """Store signals as the PostgreSQL sink does."""
        sink = PostgresSink(self.bench.dsn, run_migrations=False)
        sink.add([record(one) for one in signals])
        await sink.flush()
        await sink.close()

    async def publish(self, count: int, places: int = PER_TOP) -> list[Signal]:
        """Store signals and publish their rankings."""
        signals, rankings = tops(count, places)
        await self.keep(signals)
        await self.bench.send(*rankings)
        return signals

    async def statuses(self) -> dict[str, int]:
        found = await self.rows.query(
            "SELECT status, count(*) FROM signal_explanations GROUP BY status"
        )
        return dict(found)  # type: ignore[arg-type]

    async def until_published(self, count: int) -> None:
        async def reached() -> bool:
            found = await self.rows.query(
                "SELECT count(*) FROM signal_explanations WHERE published_at IS NOT NULL"
            )
            return bool(found[0][0] >= count)

        await until(reached, f"{count} are published")

    async def outcomes(self) -> dict[str, tuple[Any, ...]]:
        """Return (status, model, text, reason) by signal."""
        found = await self.rows.query(
            "SELECT signal_id, status, model, text, error FROM signal_explanations"
        )
        return {row[0]: row[1:] for row in found}

    async def money(self) -> tuple[Decimal, Decimal, Decimal]:
        """Return spent, reserved, and the sum over the rows."""
        found = await self.rows.query(
            "SELECT coalesce(sum(spent_usd), 0), coalesce(sum(reserved_usd), 0),"
            " (SELECT coalesce(sum(cost_usd), 0) FROM signal_explanations) FROM explanation_budget"
        )
        return found[0]  # type: ignore[return-value]

    async def committed(self, group: str = "explains") -> int:
        """Return how many rankings a group has committed."""
        name = settings_of(self.bench, group).group_id("sink.explanations")
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bench.bootstrap, group_id=name)
        await consumer.start()
        try:
            topic = physical(TOP.name, self.bench.prefix)
            found = [await consumer.committed(TopicPartition(topic, n)) for n in range(2)]
        finally:
            await consumer.stop()
        return sum(offset or 0 for offset in found)

    async def published(self) -> list[Explanation]:
        """Return what is on signals.explanations now, in the order of reading."""
        topic = physical(EXPLANATIONS.name, self.bench.prefix)
        found: list[Explanation] = []
        async with LogReader(settings_of(self.bench)) as log:
            places = (await log.partitions())[EXPLANATIONS.name]
            begins, ends = await log.begins(places), await log.ends(places)
            ranges = {place: (begins[place], ends[place]) for place in places}
            async for records in log.scan(ranges):
                for one in records:
                    event = self.bench.codec.decode(one.value)
                    assert (one.topic, one.key) == (topic, event.asset.encode())
                    assert one.timestamp == event.explained_at
                    found.append(event)
        return found

    async def check_whole(self, signals: Iterable[Signal]) -> list[Explanation]:
        """Check what always holds at the end: one row and one record a signal, money settled."""
        published = await self.published()
        wanted = {one.signal_id: one for one in signals}
        assert sorted(one.signal_id for one in published) == sorted(wanted)
        outcomes = await self.outcomes()
        assert len(outcomes) == len(wanted)
        for one in published:
            assert one.asset == wanted[one.signal_id].asset
            stored = (one.status, one.model, one.text, one.reason or None)
            assert outcomes[one.signal_id] == stored
        spent, reserved, costs = await self.money()
        assert (spent, reserved) == (costs, 0)
        assert msgspec.json.encode(published)
        return published
