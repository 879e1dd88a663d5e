"""The scores of a source on file, and strategies tried on them: the engines run once, not for each.

Fusion and the confidence agent read nothing of the market but the engines' scores (prices, books
and returns are in them), so a strategy makes the same trades of recorded scores as of the source.

The file is an archive of `engine.scores` alone, as `replay --out` writes it, but that a record's
timestamp is its place in the merge of all partitions. Strategies and requests that the source has
play no part: what is tried is one's own, from the beginning to the end.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from marketdata.recorded.files import ReadReport
from schemas.codec import BadEventError
from schemas.control import Strategy
from schemas.rule_language import wanted
from schemas.topics import MARKET_TOPICS, NEWS, NEWS_SCORES, SCORES
from streams.archive.reader import Archive
from streams.fusion.fusion_stage import FusionStage
from streams.replay.changes import Changes
from streams.replay.confidence_run import ConfidenceRun, Decided
from streams.replay.headline_scores import note
from streams.replay.logs import Logs
from streams.replay.market import MarketReplay
from streams.replay.output import Output, make_output
from streams.replay.run import shares, sum_of
from streams.replay.shards import OnProgress, Shards, spread
from streams.replay.sources import Source, arrivals
from streams.replay.work import PROGRESS, Done, ScoresTask, Send, texts_of
from streams.runner import Produced, StageRunner, Validators
from streams.stage import Tables, UnusableEventError
from streams.topology import stage

_EVERY = 3000
_MARKET = tuple(topic.name for topic in MARKET_TOPICS)
_APPLIED = frozenset((*_MARKET, NEWS_SCORES.name))


def record_scores(
    source: Source,
    strategies: Sequence[Strategy],
    out: Path,
    *,
    jobs: int,
    without: tuple[str, ...] = (),
    on_progress: OnProgress | None = None,
) -> Done:
    """Run the engines over a source and write their scores into a new archive.

    Indicators that the rules of any of the strategies name are computed, all in this one pass.
    `without` names engines that are left out. Raises as `streams.replay.run.replay`.
    """
    count, weights = shares(source)
    changes = Changes(without=without, own=wanting(strategies))
    make_output(out, count, [SCORES.name])
    tasks = [
        ScoresTask(
            source=source,
            partitions=partitions,
            count=count,
            changes=changes,
            out=str(out),
            with_indicators=any(
                one.is_parameterised for strategy in changes.own for one in wanted(strategy)
            ),
        )
        for partitions in spread(weights, jobs)
    ]
    with Shards(tasks, on_progress) as shards:
        return sum_of(shards.finish())


def wanting(strategies: Iterable[Strategy]) -> tuple[Strategy, ...]:
    """Return one strategy for each set of indicators that some want, under ids of their own."""
    found = {(one.assets, wanted(one)): one for one in strategies if wanted(one)}
    return tuple(
        Strategy(
            strategy_id=f"wants-{number}",
            owner="admin",
            name="wants",
            assets=one.assets,
            timeframe=one.timeframe,
            entry_rule=one.entry_rule,
            exit_rule=one.exit_rule,
        )
        for number, one in enumerate(found.values(), start=1)
    )


def record_shard(task: ScoresTask, send: Send) -> Done:
    """Write the scores of a shard's partitions."""
    done = Done()
    output = Output(Path(task.out))

    def emit(produced: Produced) -> None:
        if produced.topic == SCORES.name:
            done.produced[SCORES.name] += 1
            output.add(produced._replace(timestamp_ms=flow.clock_ms))

    texts = texts_of(task.source)
    flow = MarketReplay(
        *(task.count, {}, emit, _no_decision, task.changes, texts), is_brief=True, decides=False
    )
    report = ReadReport()
    stream = arrivals(task.source, task.partitions, report)
    while part := list(islice(stream, _EVERY)):
        for arrival in part:
            if arrival.topic in _APPLIED:
                flow.apply(arrival)
        send((PROGRESS, (len(part), flow.clock_ms)))
    output.close()
    done.market = Counter({name: flow.arrived[name] for name in _MARKET if flow.arrived[name]})
    done.refused, done.shown = flow.refused, flow.first_refused
    done.notes = report.sentences()
    if texts is not None and flow.arrived[NEWS.name]:
        done.notes.append(note(texts))
    return done


def _no_decision(clock_ms: int, timestamp_ms: int, decision: Any) -> None:
    """Fusion is left out, so none comes."""


class TapeRecord(NamedTuple):
    """A score where it stands; compares by the merge's clock, then by its place."""

    clock_ms: int
    partition: int
    offset: int
    key: bytes | None
    event: Any


def tape(archive: Archive) -> Iterator[TapeRecord]:
    """Yield recorded scores in the order of the merge, one block of a file in memory at a time."""
    logs = Logs(archive)

    def one(partition: int) -> Iterator[TapeRecord]:
        for offset, clock_ms, key, event in logs.rows(SCORES.name, partition):
            yield TapeRecord(clock_ms, partition, offset, key, event)

    return heapq.merge(*map(one, range(archive.partitions.get(SCORES.name, 0))))


class StrategyOnTape:
    """Fusion and the confidence agent of one strategy; `emit` gets all that comes out.

    `validators` may be shared with others: a record that several take is then checked once.
    """

    def __init__(
        self,
        strategy: Strategy,
        partitions: int,
        validators: Validators,
        emit: Callable[[Produced], None],
    ) -> None:
        table = Changes(own=(strategy,), only=(strategy.strategy_id,)).table({})
        self._tables = Tables(table, is_brief=True)
        self._fusion = StageRunner(stage(FusionStage.name), partitions, validators=validators)
        self._agent = ConfidenceRun(partitions, emit)
        self._moment: list[Decided] = []
        self._number = 0

    def take(self, record: TapeRecord) -> None:
        """Take the next score."""
        clock_ms, partition, offset, key, event = record
        if self._moment and clock_ms != self._moment[0].clock_ms:
            self._pass_on()
        try:
            outputs = self._fusion.apply(SCORES.name, partition, offset, key, event, self._tables)
        except (BadEventError, UnusableEventError):
            return
        for output in outputs:
            one: Any = output.event
            self._number += 1
            self._moment.append(
                Decided(clock_ms, one.strategy_id, one.asset, self._number, clock_ms, one)
            )

    def end(self) -> None:
        """End the cycles that are still open."""
        self._pass_on()
        self._agent.end()

    def _pass_on(self) -> None:
        """Hand on the decisions of a moment by asset, so that partitions do not matter."""
        for decided in sorted(self._moment):
            self._agent.take(decided)
        self._moment.clear()


def play(
    folder: Path, strategies: Sequence[Strategy], emit: Callable[[int, Produced], None]
) -> None:
    """Try strategies on recorded scores, in one pass over the file.

    `emit` gets the place of a strategy among them, and a decision, signal, ranking, trade or
    equity. None knows of another: each is as it would be alone, also where ids are the same.
    """
    archive = Archive(str(folder))
    partitions = archive.partitions[SCORES.name]
    validators: Validators = {}

    def emit_of(number: int) -> Callable[[Produced], None]:
        return lambda produced: emit(number, produced)

    tried = [
        StrategyOnTape(one, partitions, validators, emit_of(number))
        for number, one in enumerate(strategies)
    ]
    for record in tape(archive):
        for one in tried:
            one.take(record)
    for one in tried:
        one.end()
