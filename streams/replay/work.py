"""What the sealed processes of a replay do: one shard of it, reported through `send`."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from marketdata.recorded.files import ReadReport
from schemas.codec import local_codec
from schemas.topics import DECISIONS, MARKET_TOPICS, NEWS, SCORES
from streams.archive.reader import Archive
from streams.headlines.probabilities import ModelTexts
from streams.outcomes.outcomes_stage import OutcomesStage
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.confidence_check import ConfidenceCheck
from streams.replay.exact import ExactReplay
from streams.replay.headline_scores import ON_THE_FLY, are_recorded, load_texts, note
from streams.replay.logs import Logs
from streams.replay.market import MarketReplay
from streams.replay.outcomes_check import OutcomesCheck
from streams.replay.output import Output
from streams.replay.parity import Comparison, Parity
from streams.replay.recorded_decisions import RecordedDecisions
from streams.replay.sources import ArchiveSource, Source, arrivals, initial_strategies
from streams.runner import Produced, Refused, StageRunner
from streams.topology import stage

Send = Callable[[tuple[str, Any]], None]
PROGRESS, DECISION_BATCH, OUTCOME_BATCH = "progress", "decisions", "outcomes"
DONE = "done"
_EVERY = 3000
_BATCH = 200


class ReplayTask(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A shard of a replay: some partitions of a source; `out` is the folder of the outputs.

    `decides`: its decisions are wanted; else those that were recorded are taken.
    `is_brief`: only what the portfolios need is wanted, not why it came about (`Tables`).
    `with_indicators`: strategies name some that a library computes (`child` looks for these bytes).
    `with_outcomes`: what the price did after each score is wanted.
    """

    source: Source
    partitions: tuple[int, ...]
    count: int
    changes: Changes = NO_CHANGES
    out: str | None = None
    from_ms: int = 0
    decides: bool = True
    is_brief: bool = False
    with_indicators: bool = False
    with_outcomes: bool = False


class VerifyTask(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A shard of a parity check: asset partitions, and partitions of signals.decisions."""

    address: str
    partitions: tuple[int, ...]
    decisions: tuple[int, ...]
    with_indicators: bool = False


class ScoresTask(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A shard of what `streams.replay.score_tape` records into the folder `out`."""

    source: Source
    partitions: tuple[int, ...]
    count: int
    changes: Changes
    out: str
    with_indicators: bool = False


Task = ReplayTask | VerifyTask | ScoresTask


class Done(msgspec.Struct, kw_only=True):
    """What a shard of a replay came to. Counts of outputs are of those from `from_ms` on.

    notes  what a person should know of a directory's files; every shard reads all of them
    """

    market: Counter[str] = msgspec.field(default_factory=Counter)
    produced: Counter[str] = msgspec.field(default_factory=Counter)
    refused: int = 0
    shown: list[Refused] = []
    peak_kib: int = 0
    notes: list[str] = []


def run(payload: bytes, send: Send) -> None:
    """Do an encoded task; the last message is DONE with its result."""
    task = msgspec.msgpack.decode(payload, type=Task)
    if isinstance(task, VerifyTask):
        send((DONE, _verify(task, send)))
        return
    if isinstance(task, ScoresTask):
        from streams.replay.score_tape import record_shard

        done = record_shard(task, send)
    elif isinstance(task.source, ArchiveSource) and task.source.as_recorded:
        done = _as_recorded(task, task.source, send)
    else:
        done = _free(task, send)
    done.peak_kib = _peak_kib()
    send((DONE, done))


def _peak_kib() -> int:
    """Return the most memory that this process has had; getrusage also counts its parent's."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


class ReplayCounts:
    """Counts outputs and passes them on to a file."""

    def __init__(self, done: Done, output: Output | None, from_ms: int) -> None:
        self._done, self._output, self._from_ms = done, output, from_ms

    def __call__(self, produced: Produced) -> None:
        """Take one output."""
        if produced.timestamp_ms < self._from_ms:
            return
        self._done.produced[produced.topic] += 1
        if self._output is not None:
            self._output.add(produced)


class Sender:
    """Sends decisions, and outcomes of scores, to the process where the confidence agent runs.

    In batches; the outcomes first, so that where a decision is seen no earlier outcome is missing.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._decisions: list[tuple[int, int, Any]] = []
        self._outcomes: list[tuple[int, int, Any]] = []

    def decision(self, clock_ms: int, timestamp_ms: int, decision: Any) -> None:
        """Take one decision."""
        self._decisions.append((clock_ms, timestamp_ms, decision))
        if len(self._decisions) >= _BATCH:
            self.flush()

    def outcome(self, clock_ms: int, timestamp_ms: int, outcome: Any) -> None:
        """Take one outcome."""
        self._outcomes.append((clock_ms, timestamp_ms, outcome))
        if len(self._outcomes) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        if self._outcomes:
            self._send((OUTCOME_BATCH, msgspec.msgpack.encode(self._outcomes)))
            self._outcomes = []
        if self._decisions:
            self._send((DECISION_BATCH, msgspec.msgpack.encode(self._decisions)))
            self._decisions = []


def _free(task: ReplayTask, send: Send) -> Done:
    done = Done()
    output = Output(Path(task.out)) if task.out else None
    sender = Sender(send)
    tally = ReplayCounts(done, output, task.from_ms)
    texts = texts_of(task.source)
    strategies = initial_strategies(task.source)
    flow = MarketReplay(
        *(task.count, strategies, tally, sender.decision, task.changes, texts),
        is_brief=task.is_brief,
        emit_outcome=sender.outcome if task.with_outcomes else None,
    )
    apply = flow.apply
    report = ReadReport()
    stream = arrivals(task.source, task.partitions, report)
    # In parts: reading and applying by turns, record by record, takes a sixth longer.
    while part := list(islice(stream, _EVERY)):
        for arrival in part:
            apply(arrival)
        sender.flush()  # the merge waits for the slowest shard
        send((PROGRESS, (len(part), flow.clock_ms)))
    sender.flush()
    if output is not None:
        output.close()
    done.market = _of_market(flow.arrived)
    done.refused, done.shown = flow.refused, flow.first_refused
    done.notes = report.sentences()
    if texts is not None and flow.arrived[NEWS.name]:
        done.notes.append(note(texts))
    return done


def texts_of(source: Source) -> ModelTexts | None:
    """Return what a model said of a source's headlines; None where their scores are recorded."""
    if isinstance(source, ArchiveSource):
        return None if are_recorded(Archive(source.address)) else ON_THE_FLY
    return load_texts(Path(source.path)) or ON_THE_FLY


class _ScoreOutcomes:
    """What the price did after the scores of a recorded run."""

    def __init__(self, count: int, sender: Sender) -> None:
        self._runner = StageRunner(stage(OutcomesStage.name), count)
        self._sender = sender

    def take(self, produced: Produced, clock_ms: int) -> None:
        """Take an output; all but scores are left."""
        topic, partition, offset, key, timestamp_ms, score = produced
        if topic == SCORES.name:
            for one in self._runner.apply(topic, partition, offset, key.encode(), score):
                self._sender.outcome(clock_ms, timestamp_ms, one.event)


def _as_recorded(task: ReplayTask, source: ArchiveSource, send: Send) -> Done:
    done = Done()
    output = Output(Path(task.out)) if task.out else None
    tally = ReplayCounts(done, output, task.from_ms)
    sender = Sender(send)
    logs = Logs(Archive(source.address), source.until_ms)
    assets = frozenset(source.assets)
    tell = _ScoreOutcomes(task.count, sender).take if task.with_outcomes else _ignore
    clock_ms = 0

    def emit(produced: Produced) -> None:
        if assets and produced.event.asset not in assets:
            return
        if produced.topic != DECISIONS.name:
            tally(produced)
            tell(produced, clock_ms)
        elif task.decides:
            sender.decision(clock_ms, produced.timestamp_ms, produced.event)

    recorded = RecordedDecisions(logs)
    runs = [
        ExactReplay(logs, recorded, number, emit, None, task.changes) for number in task.partitions
    ]
    # A run yields the clock of a record before it applies it, so all go by one clock.
    for number, at_ms in enumerate(heapq.merge(*(one.steps() for one in runs)), start=1):
        clock_ms = at_ms
        if not number % _EVERY:
            sender.flush()
            send((PROGRESS, (_EVERY, clock_ms)))
    sender.flush()
    if output is not None:
        output.close()
    for one in runs:
        done.market += _of_market(one.arrived)
    if not are_recorded(logs.archive) and logs.archive.partitions.get(NEWS.name):
        done.notes.append(note(ON_THE_FLY))
    return done


def _verify(task: VerifyTask, send: Send) -> Parity:
    archive = Archive(task.address)
    logs = Logs(archive)
    comparison = Comparison(local_codec())

    def on_progress(records: int) -> None:
        send((PROGRESS, (records, 0)))

    decisions = RecordedDecisions(logs)
    for partition in task.partitions:
        replayed = ExactReplay(
            logs, decisions, partition, _ignore, comparison, on_progress=on_progress
        )
        replayed.run()
        comparison.result.market += _of_market(replayed.arrived)
        OutcomesCheck(logs, partition, comparison).run(on_progress)
    ConfidenceCheck(logs, task.decisions, comparison).run(on_progress)
    return comparison.result


def _of_market(arrived: Mapping[str, int]) -> Counter[str]:
    return Counter(
        {topic.name: arrived[topic.name] for topic in MARKET_TOPICS if arrived.get(topic.name)}
    )


def _ignore(_: Produced, __: int = 0) -> None:
    pass
