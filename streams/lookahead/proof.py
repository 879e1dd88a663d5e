"""The proof over a source: every prefix in one pass.

1. All records go through the stages in this process: whatever hoards has the whole future now.
2. The stages begin anew here and in a sealed twin, record by record. The twin gets a record only
   after it has told what it said of the one before; what both say must be the same. At every n-th
   record, extreme ones from the future are planted in a branch that is then thrown away.
3. Where they differ, a second twin says whether runs without the future agree among themselves.

Time is linear in the number of records, memory does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from schemas.control import Strategy
from streams.engines.scoring_stage import ScoringStage
from streams.lookahead.dates import DateCheck
from streams.lookahead.findings import FirstFindings, Leak, Proof
from streams.lookahead.guard import REFUSAL
from streams.lookahead.output_digest import differences, digest, output_digest
from streams.lookahead.planted import disturbed, last_of_each
from streams.lookahead.records import MarketRecord, Source, pack, unpack
from streams.lookahead.steps import Step, WatchedTopology, load_stage, with_headlines
from streams.lookahead.twin import Twin, TwinError
from streams.stage import Stage, StrategyAt, Tables

OnProgress = Callable[[str, int, int | None], None]
"""Is told the part at hand, records done, and records in all (None: not known yet)."""
_TELL_EVERY = 1000
_PLANT_MOST = 50_000


class SourceChangedError(RuntimeError):
    """A source gave other records when it was read again."""


def prove(
    source: Source,
    stages: Sequence[str],
    strategies: Sequence[Strategy] = (),
    *,
    every: int | None = None,
    on_progress: OnProgress | None = None,
) -> Proof:
    """Prove that no stage looks ahead, or report which does.

    `stages` are names as `steps.load_stage` takes them.
    Records are planted at one record in `every`; None: at all of a small source, at some 50,000 of
    a large one. Raises ValueError for a source without records and an `every` below 1,
    SourceChangedError, and TwinError when the sealed process ends.
    """
    if every is not None and every < 1:
        msg = f"every {every} is below 1"
        raise ValueError(msg)
    table = {one.strategy_id: StrategyAt(one, place) for place, one in enumerate(strategies)}
    return _Proving(source, stages, table, every, on_progress or _silent).run()


def _silent(part: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def _is_chosen(number: int, every: int) -> bool:
    """Choose one number in `every`, evenly but in no step with the order of assets and topics."""
    return number * 0x9E3779B1 % 2**32 * every < 2**32


class _Proving:
    def __init__(
        self,
        source: Source,
        names: Sequence[str],
        strategies: Mapping[str, StrategyAt],
        every: int | None,
        on_progress: OnProgress,
    ) -> None:
        self._source, self._names = source, with_headlines(names)
        self._strategies, self._every = strategies, every or 0
        self._tell = on_progress
        self._stages: dict[str, Stage] = {name: load_stage(name) for name in self._names}
        of_engines = [isinstance(one, ScoringStage) for one in self._stages.values()]
        called = [one.name for one in self._stages.values()]
        self._engines = tuple(
            n for n, is_engine in zip(called, of_engines, strict=True) if is_engine
        )
        self._joined = tuple(n for n in called if n not in self._engines)
        self._ledger = FirstFindings(self._engines)
        self._dates = DateCheck()
        self._records = self._planted = 0
        self._content = b""

    def run(self) -> Proof:
        self._read()
        with self._twin() as twin:
            self._compare(twin)
        leaks = self._ledger.leaks()
        self._judge([leak for leak in leaks if leak.check == "future"])
        return Proof(
            self._engines,
            self._joined,
            self._records,
            self._every,
            self._planted,
            leaks,
            self._dates.found(),
        )

    def _line(self) -> WatchedTopology:
        return WatchedTopology(
            [self._stages[name] for name in self._names],
            self._strategies,
            partitions=self._source.partitions,
        )

    def _read(self) -> None:
        """Let the stages of this process see everything once."""
        line, content = self._line(), blake2b()
        for record in self._source.read():
            frame = pack(record)
            content.update(frame)
            self._dates.see(record)
            line.steps(unpack(frame))
            self._records += 1
            if self._records % _TELL_EVERY == 0:
                self._tell("reading everything once", self._records, None)
        if not self._records:
            msg = "the source has no market records to check"
            raise ValueError(msg)
        self._content = content.digest()
        self._every = self._every or max(1, self._records // _PLANT_MOST)

    def _twin(self) -> Twin:
        """Return a twin of the stages; one that the seal does not let load is a leak, and left."""
        while True:
            twin = Twin(self._names, self._strategies, self._source.partitions)
            try:
                twin.start()
            except TwinError as error:
                if not error.stage or not str(error).startswith(REFUSAL):
                    raise
                self._ledger.refused_at_import(self._stages[error.stage].name, str(error))
                self._names.remove(error.stage)
            else:
                return twin

    def _compare(self, twin: Twin) -> None:
        line, content = self._line(), blake2b()
        tables = Tables(self._strategies)
        for number, record in enumerate(self._source.read()):
            frame = pack(record)
            content.update(frame)
            twin.give(frame)  # it works while we do
            steps = line.steps(unpack(frame))
            said = output_digest(steps)
            if _is_chosen(number, self._every):
                self._plant(steps, record, number, tables)
            if twin.answer() != digest(said):
                for difference in differences(said, twin.said()):
                    self._ledger.add("future", difference, record, number)
            if number % _TELL_EVERY == 0:
                self._tell("with and without the future", number, self._records)
        if content.digest() != self._content:
            msg = "the source gave other records the second time: check one that does not change"
            raise SourceChangedError(msg)

    def _plant(self, steps: list[Step], record: MarketRecord, number: int, tables: Tables) -> None:
        event: Any = record.event
        self._planted += 1
        for step in last_of_each(steps):
            difference = disturbed(step, event.observed_at, tables)
            if difference is not None:
                self._ledger.add("planted", difference, record, number)

    def _judge(self, leaks: list[Leak]) -> None:
        """Let two more twins run up to each leak: where they differ there is more than a leak."""
        by_number: dict[int, list[Leak]] = {}
        for leak in leaks:
            by_number.setdefault(leak.number, []).append(leak)
        if not by_number:
            return
        last = max(by_number)
        unlike: set[str] = set()
        with self._twin() as one, self._twin() as other:
            for number, record in enumerate(self._source.read()):
                frame = pack(record)
                one.give(frame)
                other.give(frame)
                if one.answer() != other.answer():
                    unlike |= {found.stage for found in differences(one.said(), other.said())}
                for leak in by_number.get(number, ()):
                    leak.repeatable = leak.stage not in unlike
                if number % _TELL_EVERY == 0:
                    self._tell("a second opinion on what differs", number, last)
                if number >= last:
                    return
