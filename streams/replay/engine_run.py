"""One scoring engine of a recorded run, moved as far as each of its scores says it had read."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import tee

from schemas.codec import BadEventError
from schemas.scores import EngineScore
from schemas.topics import SCORES, STRATEGIES, TRENDING
from streams.replay.changes import Changes
from streams.replay.headline_scores import engine_log
from streams.replay.letters import Letters
from streams.replay.logs import Logs, asset_of
from streams.replay.parity import Comparison
from streams.replay.per_key_reader import Keyed, PerKeyReader, remember
from streams.runner import Produced, StageRunner
from streams.stage import Stage, Tables, UnusableEventError
from streams.topology import stage


class RecordedTables:
    """The tables of strategies that the engines had, by how far control.strategies was read."""

    def __init__(self, logs: Logs, changes: Changes) -> None:
        self._versions, self._changes = logs.strategies(), changes
        self._tables: dict[int, Tables] = {}

    def at(self, offset: int) -> Tables:
        """Return the table of who has read up to an offset; -1: a score that names none."""
        if offset < 0 and self._changes:  # what it wants now may be more than it wanted then
            offset = self._versions.last
        found = self._tables.get(offset)
        if found is None:
            strategies = self._changes.table(self._versions.at(offset))
            found = self._tables[offset] = Tables(strategies, read_to=offset)
        return found


class EngineRun:
    """One scoring engine over the assets of a partition, moved as far as a score says."""

    def __init__(
        self,
        scoring: Stage,
        logs: Mapping[str, Iterator[Keyed]],
        letters: Letters,
        ends: Mapping[str, int],
        partitions: int,
        partition: int,
        former: Mapping[str, str],
        tables: RecordedTables,
    ) -> None:
        """`former`: names that its topics had when the scores were made; see `former_names`."""
        self._tables = tables
        self._tables_of: dict[str, Tables] = {}
        self._stage = scoring
        self._former = former
        self._letters = letters
        self._ends = ends
        self._partition = partition
        self._runner = StageRunner(
            scoring, partitions, given_up=letters.given_up_check(scoring.name)
        )
        self._logs = {name: PerKeyReader(source, asset_of) for name, source in logs.items()}
        self.read: Counter[str] = Counter()
        self._said: defaultdict[str, OrderedDict[int, EngineScore]] = defaultdict(OrderedDict)

    def say(
        self, one: Keyed, score: EngineScore, comparison: Comparison | None
    ) -> EngineScore | None:
        """Move the engine to where it made a recorded score; return what it says there."""
        said = self._said[score.asset]
        before = said.get(score.sequence)
        if before is not None:
            if comparison is not None:
                self._repeat(one, before, comparison)
            return before
        if any(offset > self._ends.get(topic, offset) for topic, offset in self._read_by(score)):
            if comparison is not None:
                comparison.result.ahead[SCORES.name] += 1
            return score
        outputs = self._move(score)
        if not outputs:
            if comparison is not None:
                comparison.recorded_only(SCORES.name, self._partition, one.record, score)
            return None
        last = outputs.pop()
        if comparison is not None:
            for surplus in outputs:
                comparison.replayed_only(surplus)
            comparison.pair(one.record, score, last, self._partition)
        result: EngineScore = last.event
        remember(said, score.sequence, result)
        return result

    def _repeat(self, one: Keyed, before: EngineScore, comparison: Comparison) -> None:
        """Compare a repetition with the first time."""
        at_ms = one.record.timestamp_ms
        said = Produced(SCORES.name, self._partition, -1, before.asset, at_ms, before)
        comparison.pair(one.record, one.event, said, self._partition, again=True)

    def _read_by(self, score: EngineScore) -> list[tuple[str, int]]:
        """Return the topics that an engine had read when it made a score, and how far."""
        former = self._former
        return [(former.get(place.topic, place.topic), place.offset) for place in score.inputs]

    def _move(self, score: EngineScore) -> list[Produced]:
        """Apply what the engine had read when it made a score, the score's own record last."""
        positions = dict(self._read_by(score))
        trigger = TRENDING.name if score.cycle is not None else self._stage.inputs[-1]
        # What came before it made no score, so it was read with strategies that want the same.
        before = self._tables_of.get(score.asset, self._tables.at(-1))
        now = self._tables_of[score.asset] = self._tables.at(positions.get(STRATEGIES.name, -1))
        outputs = []
        for topic in sorted(positions, key=lambda name: name == trigger):
            log = self._logs.get(topic)
            if log is not None:
                for record in log.up_to(score.asset, positions[topic]):
                    is_own = topic == trigger and record.record.offset == positions[topic]
                    outputs += self._apply(topic, record, now if is_own else before)
        return outputs

    def rest(self) -> Iterator[Produced]:
        """Apply everything that is left, earliest first; yield what comes of it."""
        left = [(topic, one) for topic, log in self._logs.items() for one in log.rest()]
        left.sort(key=lambda pair: (pair[1].record.timestamp_ms, pair[0] != TRENDING.name))
        for topic, one in left:
            tables = self._tables_of.get(asset_of(one) or "", self._tables.at(-1))
            yield from self._apply(topic, one, tables)

    def _apply(self, topic: str, one: Keyed, tables: Tables) -> list[Produced]:
        record, event = one
        self.read[topic] += 1
        try:
            outputs = self._runner.apply(
                topic, self._partition, record.offset, record.key, event, tables
            )
        except BadEventError as error:
            self._letters.refuse(self._stage.name, topic, record, error)
            return []
        except UnusableEventError:
            return []
        return [
            Produced(
                SCORES.name, self._partition, -1, output.key, record.timestamp_ms, output.event
            )
            for output in outputs
        ]


def tick_sources(
    logs: Logs, partition: int, engines: Iterable[str]
) -> Iterator[tuple[str, dict[str, Iterator[Keyed]]]]:
    """Yield each engine with its logs; the ticks are read and decoded once for all of them."""
    names = tuple(engines)
    ticks = tee(logs.read(TRENDING.name, partition), len(names))
    for name, ticked in zip(names, ticks, strict=True):
        topic = stage(name).inputs[-1]
        yield name, {TRENDING.name: ticked, topic: engine_log(logs, topic, partition)}
