"""What the log holds: the simulated market, and what the real engines make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.events import TOPIC_OF, MarketEvent
from schemas.explanations import Explanation
from schemas.partitioning import partition_of
from schemas.signals import Decision, Signal, TopSignals
from schemas.sources import SourceStatus
from schemas.topics import DECISIONS, EXPLANATIONS, SOURCES, STRATEGIES
from sinks.explanations import template
from sinks.explanations.facts import facts_of, input_hash
from streams.replay.market import MarketReplay, Produced
from streams.replay.replay_record import RANK, ReplayRecord
from streams.runner import StageRunner
from streams.stage import StrategyAt
from streams.topology import stage
from tests.browser.stand.log import PARTITIONS

CYCLE_MS = 600_000
_FEEDS = {
    "binance": ("candles", "books"),
    "calendar": ("calendar",),
    "coingecko": ("fundamentals",),
    "lunarcrush": ("trending", "news"),
    "stocknews": ("news",),
}


class World:
    """Cycles one after the other; what comes out is in the order of a log.

    `begin()` gives the back-fill, `cycle()` the next ten minutes. Deterministic: seed, number of
    assets and start say everything.
    """

    def __init__(self, start_ms: int, assets: tuple[Asset, ...] = ASSETS, seed: int = 7) -> None:
        self._start_ms, self._assets, self._seed = start_ms, assets, seed
        self._out: list[Produced] = []
        strategies = {one.strategy_id: StrategyAt(one, at) for at, one in enumerate(PREBUILT)}
        self._run = MarketReplay(PARTITIONS, strategies, self._emit, self._decide)
        self._agent = StageRunner(stage("confidence"), PARTITIONS)
        self._offsets: Counter[tuple[str, int]] = Counter()
        self._signals: dict[str, Signal] = {}

    def begin(self) -> list[Produced]:
        """Return strategies, and the market as a producer that starts finds it."""
        self._state, events = backfill(self._seed, self._start_ms, self._assets)
        for one in PREBUILT:
            self._add(STRATEGIES.name, one.strategy_id, one.updated_at, one, partition=0)
        return self._taken(events)

    def cycle(self) -> list[Produced]:
        """Return the next cycle: market, scores, signals, rankings, explanations, upstreams."""
        self._state, events = cycle(self._state, self._state.now_ms)
        return self._taken(events)

    def _taken(self, events: list[MarketEvent]) -> list[Produced]:
        for event in events:
            self._apply(event)
        last_ms = max(event.observed_at for event in events)
        for source in _sources(last_ms, self._state.now_ms):
            self._add(SOURCES.name, source.source, last_ms, source, partition=0)
        found, self._out = self._out, []
        return found

    def _apply(self, event: MarketEvent) -> None:
        topic = TOPIC_OF[type(event)].name
        partition = partition_of(event.asset.encode(), PARTITIONS)
        offset = self._add(topic, event.asset, event.observed_at, event)
        key = event.asset.encode()
        at = event.observed_at
        self._run.apply(ReplayRecord(at, RANK[topic], topic, partition, offset, at, key, event))

    def _add(
        self, topic: str, key: str, at_ms: int, event: Any, partition: int | None = None
    ) -> int:
        if partition is None:
            partition = partition_of(key.encode(), PARTITIONS)
        offset = self._offsets[topic, partition]
        self._offsets[topic, partition] += 1
        self._out.append(Produced(topic, partition, offset, key, at_ms, event))
        return offset

    def _emit(self, produced: Produced) -> None:
        self._out.append(produced)

    def _decide(self, clock_ms: int, at_ms: int, decision: Decision) -> None:
        name = decision.strategy_id
        partition = partition_of(name.encode(), PARTITIONS)
        offset = self._add(DECISIONS.name, name, at_ms, decision)
        outputs = self._agent.apply(DECISIONS.name, partition, offset, name.encode(), decision)
        for output in outputs:
            self._add(output.topic, output.key, at_ms, output.event)
            if isinstance(output.event, Signal):
                self._signals[output.event.signal_id] = output.event
            if isinstance(output.event, TopSignals):
                self._explain(output.event, at_ms)

    def _explain(self, top: TopSignals, at_ms: int) -> None:
        for place in top.ranked:
            facts = facts_of(self._signals[place.signal_id])
            explanation = Explanation(
                signal_id=place.signal_id,
                asset=place.asset,
                strategy_id=top.strategy_id,
                cycle=top.cycle,
                explained_at=at_ms,
                status="done",
                text=template.write(facts),
                model=template.MODEL,
                input_hash=input_hash(facts, template.MODEL),
                reason="",
                prompt_tokens=0,
                completion_tokens=0,
                cost_usd=0.0,
            )
            self._add(EXPLANATIONS.name, place.asset, at_ms, explanation)


def _sources(at_ms: int, cycle_ms: int) -> Iterator[SourceStatus]:
    """Yield how five upstreams do: one is short of quota, as a free plan is."""
    for number, (name, feeds) in enumerate(_FEEDS.items()):
        is_short = name == "stocknews"
        yield SourceStatus(
            source=name,
            observed_at=at_ms,
            state="degraded" if is_short else "ok",
            feeds=feeds,
            events=1_000 * (number + 1) + cycle_ms // CYCLE_MS % 1_000,
            last_success_at=at_ms - 1_700 * (number + 1) ** 2,
            last_error_at=at_ms - 240_000 if is_short else None,
            last_error="HTTP 429: too many requests, again in 60 s" if is_short else None,
            circuit="half_open" if is_short else "closed",
            requests_minute=4 + 3 * number,
            limit_minute=60 if number else 1_200,
            requests_day=900 + 41 * number,
            limit_day=None if number == 0 else 2_000,
            refresh_s=1_500.0 if is_short else None,
            detail="quota is short: each asset every 25 minutes" if is_short else "",
        )
