"""From how many inputs on what an engine says no longer depends on where the data began.

One run of each engine has all records; others begin later in the same data and are compared with it
after every input. All of them move together, so memory does not depend on the length of the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from schemas.market import Candle, NewsArticle
from schemas.scores import InputPosition
from schemas.topics import CANDLES, NEWS_SCORES, TRENDING, evidence_topic
from schemas.validation import TIMEFRAME_MS
from streams.engines.base import Engine, EngineReading
from streams.headlines.probabilities import NO_TEXTS
from streams.headlines.scoring import VoicesConfig, score_article
from streams.lookahead.records import MarketRecord, Source

TOLERANCE = 1e-6
COARSE = 0.01
"""What moves a score by less is not even told between ticks."""
BEGINNINGS = (0.125, 0.25, 0.5)
"""Where the later runs begin, in shares of an asset's records."""
_CANDLES_MOST, _OTHERS_MOST = 5_000, 500_000
"""Inputs after which a later run has been watched for long enough."""
_QUIET_SHARE = 0.1
"""Share of what a later run saw over which it must have been equal, to count as settled."""
_COMPARE_STATES_EVERY = 200
_TELL_EVERY = 1000
_VOICES = VoicesConfig()


class Figure(msgspec.Struct, frozen=True):
    """The first input from which on two runs were equal; None: not among the `watched` ones.

    `after_ms`: time from the first input to the last one at which they differed.
    """

    inputs: int | None
    after_ms: int
    watched: int


class WarmUp(msgspec.Struct, frozen=True):
    """One line of the table.

    coarse, close, exact   score and confidence equal within COARSE, within TOLERANCE, to the bit
    slowest                the feature that is the last to be within TOLERANCE (of itself, above 1)
    records                records of the engine's own topic; with none there is nothing to measure
    runs                   later runs that were compared, over all assets
    """

    engine: str
    inputs: str
    coarse: Figure
    close: Figure
    exact: Figure
    slowest: str
    slowest_close: Figure
    records: int
    runs: int


class _Row(NamedTuple):
    engine: Engine[Any, Any]
    label: str
    topics: tuple[str, ...]
    timeframe: str | None
    most: int

    def takes(self, topic: str, event: Any) -> bool:
        if topic not in self.topics:
            return False
        if self.timeframe is None:
            return True
        return type(event) is Candle and event.closed and event.timeframe == self.timeframe

    def moment_ms(self, event: Any) -> int:
        """Return when an input was; a candle by its close, for a back-fill is observed at once."""
        return int(event.observed_at if self.timeframe is None else event.close_time)


def _rows(engines: Sequence[Engine[Any, Any]]) -> Iterator[_Row]:
    """Yield an engine's inputs; candles by timeframe, for these are engines within the engine."""
    for engine in engines:
        if engine.topic == CANDLES.name:
            for timeframe in TIMEFRAME_MS:
                label = f"candles {timeframe}"
                yield _Row(engine, label, (engine.topic,), timeframe, _CANDLES_MOST)
        else:
            topics = (engine.topic, TRENDING.name)
            label = f"{evidence_topic(engine.topic).removeprefix('market.')}, ticks"
            yield _Row(engine, label, topics, None, _OTHERS_MOST)


class _Last:
    """The last input at which two runs differed, 0 before one; how many inputs, at what age."""

    __slots__ = ("age_ms", "inputs")

    def __init__(self) -> None:
        self.inputs = self.age_ms = 0

    def mark(self, inputs: int, age_ms: int) -> None:
        self.inputs, self.age_ms = inputs, age_ms

    def figure(self, later: _Later) -> Figure:
        watched = later.inputs
        settled = later.same or self.inputs <= watched * (1.0 - _QUIET_SHARE)
        return Figure(self.inputs + 1 if settled else None, self.age_ms, watched)


class _Later:
    """A run that begins later, beside the one that has everything."""

    def __init__(self, row: _Row, began_ms: int) -> None:
        self._row, self._engine = row, row.engine
        self._state = row.engine.initial(row.engine.config)
        self._began_ms = began_ms
        self.inputs = 0
        self.same = False
        self.coarse, self.close, self.exact = _Last(), _Last(), _Last()
        self.features: dict[str, _Last] = {}

    @property
    def ended(self) -> bool:
        return self.same or self.inputs >= self._row.most

    def take(self, event: Any, offset: int, now: int, whole: EngineReading, state: Any) -> None:
        """Take the next input; `whole` and `state` are what the run with everything has then."""
        engine = self._engine
        self._state = engine.update(engine.config, self._state, event, offset)
        self.inputs += 1
        age_ms = self._row.moment_ms(event) - self._began_ms
        self._compare(engine.read(engine.config, self._state, now), whole, age_ms)
        if self.inputs % _COMPARE_STATES_EVERY == 0:
            self.same = self._state == state  # and so they will always be

    def _compare(self, own: EngineReading, whole: EngineReading, age_ms: int) -> None:
        apart = max(abs(own.score - whole.score), abs(own.confidence - whole.confidence))
        for last, tolerance in ((self.exact, 0.0), (self.close, TOLERANCE), (self.coarse, COARSE)):
            if not apart <= tolerance:
                last.mark(self.inputs, age_ms)
        if own.features == whole.features:
            return
        for name in dict.fromkeys((*whole.features, *own.features)):
            if not _near(own.features.get(name), whole.features.get(name)):
                self.features.setdefault(name, _Last()).mark(self.inputs, age_ms)


def _near(own: float | None, whole: float | None) -> bool:
    if own is None or whole is None:
        return own is whole
    return abs(own - whole) <= TOLERANCE * max(1.0, abs(whole))


class _Lane:
    """One row and asset: the run with everything, and those that begin later."""

    def __init__(self, row: _Row, total: int) -> None:
        self._row = row
        self._begins = Counter(int(share * total) for share in BEGINNINGS)
        self._state = row.engine.initial(row.engine.config)
        self._seen = self._clock_ms = 0
        self._running: list[_Later] = []
        self.later: list[_Later] = []

    def take(self, event: Any, offset: int) -> None:
        engine = self._row.engine
        if self._seen and self._seen in self._begins:
            begun = _Later(self._row, self._row.moment_ms(event))
            self._running.append(begun)
            self.later.append(begun)
        self._seen += 1
        self._clock_ms = max(self._clock_ms, event.observed_at)
        self._state = engine.update(engine.config, self._state, event, offset)
        if not self._running:
            return
        whole = engine.read(engine.config, self._state, self._clock_ms)
        for one in self._running:
            one.take(event, offset, self._clock_ms, whole, self._state)
        self._running = [one for one in self._running if not one.ended]


def _with_scores(source: Source) -> Iterator[MarketRecord]:
    """Yield the records of a source, behind each headline its score by the lexicon."""
    for record in source.read():
        yield record
        topic, partition, offset, event = record
        if type(event) is NewsArticle:
            place = InputPosition(topic, partition, offset)
            score = score_article(_VOICES, event, place, NO_TEXTS, None)
            yield MarketRecord(NEWS_SCORES.name, partition, offset, score)


def measure(
    source: Source,
    engines: Sequence[Engine[Any, Any]],
    on_progress: Callable[[str, int, int | None], None] | None = None,
) -> list[WarmUp]:
    """Return the table for the engines over a source."""
    rows = list(_rows(engines))
    totals: Counter[tuple[int, str]] = Counter()
    own: Counter[int] = Counter()
    records = 0
    for topic, _, _, event in _with_scores(source):
        records += 1
        for place, row in enumerate(rows):
            if row.takes(topic, event):
                totals[place, event.asset] += 1
                own[place] += topic == row.engine.topic
    lanes = {key: _Lane(rows[key[0]], total) for key, total in totals.items() if own[key[0]]}
    for number, (topic, _, offset, event) in enumerate(_with_scores(source)):
        for place, row in enumerate(rows):
            if own[place] and row.takes(topic, event):
                lanes[place, event.asset].take(event, offset)
        if on_progress is not None and number % _TELL_EVERY == 0:
            on_progress("measuring warm-up", number, records)
    return [
        _summed(
            row,
            [one for (of, _), lane in lanes.items() if of == place for one in lane.later],
            own[place],
        )
        for place, row in enumerate(rows)
    ]


def _summed(row: _Row, later: list[_Later], records: int) -> WarmUp:
    names = dict.fromkeys(name for one in later for name in one.features)
    never = _Last()
    features = {
        name: _worst([one.features.get(name, never).figure(one) for one in later]) for name in names
    }
    slowest = max(features, key=lambda name: _slowness(features[name]), default="")
    return WarmUp(
        row.engine.name,
        row.label,
        _worst([one.coarse.figure(one) for one in later]),
        _worst([one.close.figure(one) for one in later]),
        _worst([one.exact.figure(one) for one in later]),
        slowest,
        features.get(slowest, Figure(1, 0, 0)),
        records,
        len(later),
    )


def _slowness(figure: Figure) -> tuple[bool, int, int]:
    return figure.inputs is None, figure.inputs or 0, figure.after_ms


def _worst(figures: list[Figure]) -> Figure:
    """Return the slowest run's figure.

    A run that did not settle counts only where it was watched for longer than any other took: it
    may just have begun too late in the data.
    """
    settled = [one for one in figures if one.inputs is not None]
    longest = max((one.inputs or 0 for one in settled), default=0)
    open_ended = [one for one in figures if one.inputs is None and one.watched > longest]
    if open_ended or not settled:
        watched = max((one.watched for one in open_ended), default=0)
        return Figure(None, max((one.after_ms for one in open_ended), default=0), watched)
    return Figure(longest, max(one.after_ms for one in settled), max(o.watched for o in settled))
