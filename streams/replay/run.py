"""A whole replay or parity check: shards in sealed processes, and the confidence agent here."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from schemas.topics import SIGNALS
from streams.archive.reader import Archive
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.confidence_run import ConfidenceRun, in_order, numbered
from streams.replay.logs import Logs
from streams.replay.outcomes_run import OutcomesRun
from streams.replay.output import Output, make_output
from streams.replay.parity import Parity
from streams.replay.performance import Performance, StrategyResult
from streams.replay.shards import OnProgress, Shards, spread
from streams.replay.sources import (
    ArchiveSource,
    DirectorySource,
    Source,
    SourceError,
    describe_archive,
    names_indicators,
)
from streams.replay.work import Done, ReplayTask, VerifyTask
from streams.runner import Produced, Refused


class Summary(msgspec.Struct, kw_only=True):
    """What a replay came to.

    market    market records applied, by topic
    produced  outputs by topic; `actions` are the signals by action
    results   what became of each strategy, by its id
    refused   records that a stage could not use, the first of them in `shown`
    notes     sentences about a directory's files: what is not there, and rows that were skipped
    peak_kib  the most memory of one of the processes
    """

    market: Counter[str]
    produced: Counter[str]
    actions: Counter[str]
    results: tuple[StrategyResult, ...]
    refused: int
    shown: list[Refused]
    notes: list[str]
    peak_kib: int
    jobs: int
    wall_s: float

    @property
    def events_per_s(self) -> float:
        """Market records a second of wall time."""
        return self.market.total() / self.wall_s if self.wall_s > 0 else 0.0


def default_jobs() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def total_of(source: Source) -> int | None:
    """Return how many records a replay will read, None when that is not known beforehand."""
    if isinstance(source, ArchiveSource):
        return describe_archive(source)[1].total()
    return None


def replay(
    source: Source,
    *,
    jobs: int,
    changes: Changes = NO_CHANGES,
    out: Path | None = None,
    from_ms: int = 0,
    on_progress: OnProgress | None = None,
    on_output: Callable[[Produced], None] | None = None,
    by_clock: bool = False,
    is_brief: bool = False,
    with_outcomes: bool | None = None,
) -> Summary:
    """Replay a source and return what came of it.

    `out` becomes an archive of the outputs whose record timestamp is `from_ms` or later; earlier
    ones are warm-up. `on_output` gets decisions, ends of cycles, signals and rankings as they come.

    The agent takes the decisions of a recorded run where the log has them; with changes other than
    a choice of strategies, or `by_clock`, by event time, as what the changed ones are compared with
    must be.
    `is_brief` leaves out why signals of raw data came about (`streams.stage.Tables`): the same
    trades and equity in less time. `with_outcomes`: what the price did after every score and signal
    is told too; None: unless `is_brief`.
    Raises SourceError, OutputError, ArchiveError or ReplayError.
    """
    count, weights = shares(source)
    is_recorded = isinstance(source, ArchiveSource) and source.as_recorded
    follows = is_recorded and changes.only_chooses() and not by_clock
    started_s = time.monotonic()
    with_indicators = names_indicators(source, changes)
    with_outcomes = not is_brief if with_outcomes is None else with_outcomes
    if out is not None:
        make_output(out, count)
    tasks = [
        ReplayTask(
            source=source,
            partitions=partitions,
            count=count,
            changes=changes,
            out=None if out is None else str(out),
            from_ms=from_ms,
            decides=not follows,
            is_brief=is_brief,
            with_indicators=with_indicators,
            with_outcomes=with_outcomes,
        )
        for partitions in spread(weights, jobs)
    ]
    made: Counter[str] = Counter()
    actions: Counter[str] = Counter()
    performance = Performance()
    output = None if out is None else Output(out)

    def emit(produced: Produced) -> None:
        if produced.timestamp_ms < from_ms:
            return
        made[produced.topic] += 1
        if produced.topic == SIGNALS.name:
            actions[produced.event.action] += 1
        performance.take(produced)
        if output is not None:
            output.add(produced)
        if on_output is not None:
            on_output(produced)

    with Shards(tasks, on_progress) as shards:
        followed = source if follows and isinstance(source, ArchiveSource) else None
        refused = _decide(shards, followed, changes, count, emit, with_outcomes=with_outcomes)
        total = sum_of(shards.finish())
    if output is not None:
        output.close()
    return Summary(
        market=total.market,
        produced=total.produced + made,
        actions=actions,
        results=performance.results(),
        refused=total.refused + refused,
        shown=total.shown,
        notes=total.notes,
        peak_kib=total.peak_kib,
        jobs=len(tasks),
        wall_s=time.monotonic() - started_s,
    )


def _decide(
    shards: Shards,
    followed: ArchiveSource | None,
    changes: Changes,
    count: int,
    emit: Callable[[Produced], None],
    *,
    with_outcomes: bool,
) -> int:
    """Run the confidence agent, on what was recorded in `followed` or on the shards' decisions.

    Returns how many decisions it could not use.
    """
    outcomes = OutcomesRun(count, shards.outcomes_before, emit) if with_outcomes else None

    def take(produced: Produced) -> None:
        emit(produced)
        if outcomes is not None and produced.topic == SIGNALS.name:
            outcomes.signal(produced, agent.clock_ms)

    agent = ConfidenceRun(count, take)
    if followed is not None:
        logs = Logs(Archive(followed.address), followed.until_ms)
        agent.follow(logs, frozenset(followed.assets), changes)
    else:
        agent.run(in_order(map(numbered, shards.decisions())))
    if outcomes is not None:
        outcomes.close()
    return agent.refused


def shares(source: Source) -> tuple[int, Counter[int]]:
    """Return how many partitions a source has, and how much work each is."""
    if isinstance(source, DirectorySource):
        return source.partitions, Counter(dict.fromkeys(range(source.partitions), 1))
    count, weights = describe_archive(source)
    if not weights.total():
        msg = f"there is nothing to replay in {source}"
        raise SourceError(msg)
    weights.update(dict.fromkeys(range(count), 0))
    return count, weights


def verify(address: str, *, jobs: int, on_progress: OnProgress | None = None) -> Parity:
    """Replay a recorded live run and compare all that its stages wrote with what comes out.

    Raises SourceError, ArchiveError or ReplayError.
    """
    source = ArchiveSource(address=address, as_recorded=True)
    count, weights = describe_archive(source)
    with_indicators = names_indicators(source)
    if not weights.total():
        msg = f"{address} holds no scores: there is no live run to compare with"
        raise SourceError(msg)
    weights.update(dict.fromkeys(range(count), 0))
    shards_of = spread(weights, jobs)
    tasks = [
        VerifyTask(
            address=address,
            partitions=partitions,
            decisions=tuple(range(number, count, len(shards_of))),
            with_indicators=with_indicators,
        )
        for number, partitions in enumerate(shards_of)
    ]
    total = Parity()
    with Shards(tasks, on_progress) as shards:
        for part in shards.finish():
            total.add(part)
    return total


def sum_of(parts: list[Done]) -> Done:
    """Return what all shards of a replay came to."""
    total = Done()
    for part in parts:
        total.market += part.market
        total.produced += part.produced
        total.refused += part.refused
        total.notes = total.notes or part.notes
        total.peak_kib = max(total.peak_kib, part.peak_kib)
        total.shown = sorted([*total.shown, *part.shown], key=lambda one: one.timestamp_ms)[:20]
    return total


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that goes with its context."""
    return tempfile.TemporaryDirectory(prefix="quantiva-replay-")
