"""What a rule sees of an asset: the newest scores of a running platform, or of recorded data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from operator import mul
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from schemas.control import Strategy
from schemas.engines import ENGINES
from schemas.rule_language import wanted
from schemas.scores import EngineScore
from schemas.times import DAY_MS
from schemas.topics import CANDLES, MARKET_TOPICS, SCORES
from streams.archive.layout import MANIFEST
from streams.archive.reader import Archive
from streams.fusion.facts import Facts as FusionFacts
from streams.fusion.state import ENGINE_INDEX, FusionState, pin
from streams.fusion.view import view
from streams.lookahead.records import MarketRecord, usable
from streams.lookahead.sources import archive as records_of_archive
from streams.lookahead.sources import span
from streams.provenance.explain import opened
from streams.provenance.sources.looking import Reader
from streams.replay.run import scratch
from streams.replay.sources import DirectorySource, directory_arrivals
from streams.rules import CompiledRule, Facts
from streams.runner import Produced, TopologyRunner
from streams.settings_tree import current
from streams.stage import EMPTY_TABLES, Position, StrategyAt
from streams.topology import stage
from transport.settings import Settings

_RECENT, _MOST_SCORES, _MOST_CANDLES = 2_000, 50_000, 200_000
"""So many of the newest records of all assets are looked through."""
_TICKS_MS = 2 * DAY_MS
"""Of recorded files ticks are made of the last two days; of candles the last 450 are read."""
_WARM_UP = 450


class NoDataError(LookupError):
    """There is nothing to ask a rule of; the text says why."""


class Asked(NamedTuple):
    """What a rule may be asked of.

    facts    values by name, as of `now_ms`; nothing is held
    changes  (time in ms, truth) where the rule's truth became another in the last 24 hours, the
             truth before them first; empty where only the present is known
    absent   engines of which there is no score at all
    """

    facts: Facts
    now_ms: int
    absent: tuple[str, ...]
    changes: tuple[tuple[int, bool | None], ...] = ()


class _Fused:
    """The scores of one asset as fusion holds them for a strategy that holds nothing."""

    def __init__(self, strategy: Strategy) -> None:
        self._fusion, self._pinned = stage("fusion"), pin(StrategyAt(strategy, 0), "")
        self.state: FusionState = self._fusion.initial()

    def take(self, score: EngineScore, partition: int, offset: int) -> None:
        at = Position(SCORES.name, partition, offset, {SCORES.name: offset})
        self.state, _ = self._fusion.step(self.state, score, at, EMPTY_TABLES)

    def absent(self) -> tuple[str, ...]:
        return tuple(
            name for name, one in zip(ENGINES, self.state.held, strict=True) if one is None
        )

    def facts(self) -> Facts:
        """Return the values of now by name; those of a position are unknown."""
        state, stale_after_ms = self.state, current()["fusion"].stale_after_ms
        seen = view(state.held, state.clock_ms, stale_after_ms, state.last_risk)
        final_score = sum(map(mul, self._pinned.weights, seen.values), 0.0)
        return FusionFacts(self._pinned, seen, final_score, current()["sizing"]).__getitem__


async def of_platform(settings: Settings, strategy: Strategy, asset: str) -> Asked:
    """Return what the running platform knows of an asset now.

    Indicators that only this strategy's rule names are computed from the candles in the log.
    Raises NoDataError where there are no scores of the asset, SourceError and BrokerError where
    the platform cannot be read.
    """
    async with opened(settings, None) as readers:
        (reader,) = readers
        scores = await _newest(reader, SCORES.name, asset, _RECENT, len(ENGINES))
        if len({one.engine for _, _, one in scores}) < len(ENGINES):
            scores = await _newest(reader, SCORES.name, asset, _MOST_SCORES, len(ENGINES))
        if not scores:
            msg = f"{reader.log.where} has no score of {asset}: is it in the universe?"
            raise NoDataError(msg)
        fused = _Fused(strategy)
        lacking = {one.feature for one in wanted(strategy)}
        candles = []
        if lacking:
            candles = await _newest(reader, CANDLES.name, asset, _MOST_CANDLES)
    for partition, offset, score in scores:
        fused.take(score, partition, offset)
    _complete(fused, await asyncio.to_thread(_computed, strategy, candles, lacking))
    return Asked(fused.facts(), fused.state.clock_ms, fused.absent())


async def _newest(
    reader: Reader, topic: str, asset: str, most: int, enough: int | None = None
) -> list[tuple[int, int, Any]]:
    """Return (partition, offset, event) of an asset among the newest of a topic, in order."""
    key = asset.encode()
    searched = await reader.log.search(
        topic, lambda record: record.key == key, most=most, first_only=False
    )
    await reader.learn(record.value for _, record in searched.records)
    found = []
    for place, record in sorted(searched.records, key=lambda one: one[0].offset):
        event, _ = await reader.event(record.value)
        if event is not None:
            found.append((place.partition, place.offset, event))
    return found


def _computed(
    strategy: Strategy, candles: Iterable[tuple[int, int, Any]], lacking: set[str]
) -> dict[str, float]:
    """Return what the technical engine makes of candles for the rules of a strategy."""
    found: dict[str, float] = {}

    def emit(one: Produced) -> None:
        if one.topic == SCORES.name:
            found.clear()
            found.update({n: v for n, v in one.event.features.items() if n in lacking})

    runner = _runner(("technical",), strategy, emit)
    for _, _, candle in candles:
        runner.publish(candle)
    return found


def _complete(fused: _Fused, more: dict[str, float]) -> None:
    """Give the technical score the features that only this rule names."""
    index = ENGINE_INDEX["technical"]
    held = list(fused.state.held)
    one = held[index]
    if one is not None and more:
        held[index] = replace(one, features=more | one.features)
        fused.state = replace(fused.state, held=tuple(held))


def _runner(
    names: Iterable[str], strategy: Strategy, emit: Callable[[Produced], None]
) -> TopologyRunner:
    return TopologyRunner(
        [stage(name) for name in names], 1, [strategy], emit, refused=lambda _: None
    )


def of_data(
    address: str, until_ms: int | None, strategy: Strategy, rule: CompiledRule, asset: str
) -> Asked:
    """Return what the engines make of recorded data up to a time (None: its end).

    `address`: an archive, or a directory of market data. Raises NoDataError, ArchiveError,
    RecordedDataError, OSError, ValueError.
    """
    fused = _Fused(strategy)
    changes: list[tuple[int, bool | None]] = []

    def emit(one: Produced) -> None:
        if one.topic == SCORES.name:
            fused.take(one.event, one.partition, one.offset)
            if one.event.as_of >= begin_ms:
                truth = rule.truth(fused.facts())
                if not changes or changes[-1][1] is not truth:
                    changes.append((one.event.as_of, truth))

    runner = _runner(("headlines", *ENGINES), strategy, emit)
    with _records(address, until_ms, asset) as (end_ms, records):
        begin_ms = end_ms - DAY_MS
        for topic, _, offset, event in records:
            runner.feed(topic, 0, offset, event.observed_at, asset.encode(), event)
    if all(one is None for one in fused.state.held):
        msg = f"{address} has nothing of {asset} that could be scored"
        raise NoDataError(msg)
    return Asked(fused.facts(), fused.state.clock_ms, fused.absent(), tuple(changes))


@contextmanager
def _records(
    address: str, until_ms: int | None, asset: str
) -> Iterator[tuple[int, Iterable[MarketRecord]]]:
    """Yield the end of the records, and the records of an asset."""
    if "://" in address or (Path(address) / MANIFEST).exists():
        with scratch() as folder:
            found = Archive(address).local(Path(folder) / "archive")
            source = records_of_archive(found, None, until_ms, (asset,))
            yield until_ms or _end_ms(found), source.read()
        return
    end_ms = until_ms or span(Path(address))[1]
    recorded = DirectorySource(
        path=address,
        start_ms=end_ms - _TICKS_MS,
        until_ms=end_ms,
        warmup=_WARM_UP,
        partitions=1,
        assets=(asset,),
    )
    yield end_ms, usable(directory_arrivals(recorded, range(1)))


def _end_ms(archive: Archive) -> int:
    segments = (
        one
        for topic in MARKET_TOPICS
        for partition in range(archive.partitions.get(topic.name, 0))
        for one in archive.segments(topic.name, partition)
    )
    return max((one.max_ms for one in segments), default=0)
