"""The tree of a signal: its decision, the scores behind it, and behind each its evidence. Pure.

    roots(signal)              places that the signal names: decision, scores, strategy, request;
                               with a trade also the decision whose price filled it
    twigs(signal, known)       places that those scores name: ticks and evidence
    grow(signal, found, known) the tree

`known` returns what stands at a place of the log. Ages are in ms, at the moment of the decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.control import SignalRequest, Strategy
from schemas.scores import EngineScore, InputPosition
from schemas.signals import Contribution, Decision, PortfolioTrade, Signal
from schemas.topics import DECISIONS, REQUESTS, SCORES, STRATEGIES, TRADES, TRENDING, evidence_topic


class Looked(NamedTuple):
    """The content of a place in the log: an event, or a sentence about why there is none.

    `origin` is where it was read: kafka, archive, or None when it was found nowhere.
    """

    event: Any = None
    missing: str | None = None
    origin: str | None = None
    timestamp_ms: int | None = None


class Cited(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A record that a signal or a score names. `missing` is why there is no event, or None."""

    topic: str
    partition: int
    offset: int
    origin: str | None
    timestamp_ms: int | None
    age_ms: int | None
    event: Any
    missing: str | None


class EngineBranch(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One engine: its part of the signal, its score, and the records behind the score.

    `score` is None where the engine never had one, `tick` where the score names none.
    """

    engine: str
    contribution: Contribution
    score: Cited | None
    tick: Cited | None
    evidence: tuple[Cited, ...]


class Found(msgspec.Struct, frozen=True, gc=False):
    """Where a signal was found: in words, and its position where that is known."""

    where: str
    place: InputPosition | None = None


class Tree(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """All that led to a signal.

    `strategy` is the version that it was made with, a dry run's cited at its request.
    `decision` is what fusion decided; None: an earlier version made the signal, without one.
    `known_risk` is the last score of event risk, where that engine was missing and its risk stood.
    `trade` is the fill of the signal that was asked about, `filled` the later decision of the asset
    whose price filled it; None where the signal's own did.
    """

    signal: Signal
    found: Found
    strategy: Cited | None
    request: Cited | None
    parts: tuple[EngineBranch, ...]
    known_risk: Cited | None = None
    decision: Cited | None = None
    trade: Cited | None = None
    filled: Cited | None = None

    def cited(self) -> list[Cited]:
        """Return every record of the tree, from the top down; a shared tick comes once."""
        several = [
            self.trade,
            self.filled,
            self.decision,
            self.strategy,
            self.request,
            self.known_risk,
        ]
        for part in self.parts:
            several += [part.score, part.tick, *part.evidence]
        by_place = {(one.topic, one.partition, one.offset): one for one in several if one}
        return list(by_place.values())


Known = Mapping[InputPosition, Looked]


def roots(signal: Signal, trade: PortfolioTrade | None = None) -> tuple[InputPosition, ...]:
    """Return the places that a signal and its trade name: decisions, scores, strategy, request."""
    return tuple(dict.fromkeys((*signal.inputs, *(() if trade is None else trade.inputs))))


def twigs(signal: Signal, known: Known) -> tuple[InputPosition, ...]:
    """Return the places that the signal's scores name, as far as the scores are known."""
    places: dict[InputPosition, None] = {}
    for contribution in signal.contributions:
        place = _score_place(signal, contribution)
        event = None if place is None else _cite(signal, place, known, contribution.engine).event
        if event is not None:
            places |= dict.fromkeys((*_tick_places(event), *_evidence_places(event)))
    return tuple(places)


def grow(
    signal: Signal,
    found: Found,
    known: Known,
    traded: tuple[PortfolioTrade, Found] | None = None,
) -> Tree:
    """Return the tree of a signal; a place that is not in `known` is one not looked up.

    `traded` is a trade of it, and where that was found.
    """
    trade, filled = (None, None) if traded is None else _trade(signal, *traded, known)
    request = _input(signal, REQUESTS.name, known)
    return Tree(
        signal=signal,
        found=found,
        strategy=_input(signal, STRATEGIES.name, known) or _brought(request),
        request=request,
        parts=tuple(_part(signal, one, known) for one in signal.contributions),
        known_risk=_known_risk(signal, known),
        decision=_input(signal, DECISIONS.name, known),
        trade=trade,
        filled=filled,
    )


def _trade(
    signal: Signal, trade: PortfolioTrade, found: Found, known: Known
) -> tuple[Cited, Cited | None]:
    """Return a trade as a record of the tree, and the later decision that filled it.

    The offset is -1 where the place of the trade is not known.
    """
    at = found.place or InputPosition(TRADES.name, 0, -1)
    cited = Cited(
        topic=at.topic,
        partition=at.partition,
        offset=at.offset,
        origin=None,
        timestamp_ms=trade.filled_at,
        age_ms=None,
        event=trade,
        missing=None,
    )
    later = [place for place in trade.inputs if place not in signal.inputs]
    return cited, _cite(signal, later[-1], known, later=True) if later else None


def _brought(request: Cited | None) -> Cited | None:
    """Return the strategy of a dry run as cited where it stands: in its request."""
    if request is None or request.event is None or request.event.strategy is None:
        return None
    return msgspec.structs.replace(request, event=request.event.own_strategy())


def _known_risk(signal: Signal, known: Known) -> Cited | None:
    """Return the score that is an input and no contribution's own."""
    own = {one.offset for one in signal.contributions}
    for place in signal.inputs:
        if place.topic == SCORES.name and place.offset not in own:
            return _cite(signal, place, known, "event_risk")
    return None


def _input(signal: Signal, topic: str, known: Known) -> Cited | None:
    for place in signal.inputs:
        if place.topic == topic:
            return _cite(signal, place, known)
    return None


def _part(signal: Signal, contribution: Contribution, known: Known) -> EngineBranch:
    place = _score_place(signal, contribution)
    score = None if place is None else _cite(signal, place, known, contribution.engine)
    event = None if score is None else score.event
    ticks = () if event is None else _tick_places(event)
    evidence = () if event is None else _evidence_places(event)
    return EngineBranch(
        engine=contribution.engine,
        contribution=contribution,
        score=score,
        tick=_cite(signal, ticks[0], known) if ticks else None,
        evidence=tuple(_cite(signal, one, known) for one in evidence),
    )


def _score_place(signal: Signal, contribution: Contribution) -> InputPosition | None:
    """Return where a contribution's score stands: one partition holds all of an asset's."""
    if contribution.offset is None:
        return None
    for place in signal.inputs:
        if place.topic == SCORES.name and place.offset == contribution.offset:
            return place
    return None


def _tick_places(score: EngineScore) -> tuple[InputPosition, ...]:
    return tuple(place for place in score.inputs if place.topic == TRENDING.name)


def _evidence_places(score: EngineScore) -> tuple[InputPosition, ...]:
    """Return the evidence: it stands in the market topic of the engine, which its inputs name."""
    if not score.evidence or not score.inputs:
        return ()
    others = (TRENDING.name, STRATEGIES.name)
    source = next((one for one in score.inputs if one.topic not in others), score.inputs[0])
    topic = evidence_topic(source.topic)
    return tuple(InputPosition(topic, source.partition, offset) for offset in score.evidence)


def _cite(
    signal: Signal,
    place: InputPosition,
    known: Known,
    engine: str | None = None,
    *,
    later: bool = False,
) -> Cited:
    looked = known.get(place, Looked(missing="not looked up"))
    if looked.event is not None and not _meant(signal, looked.event, engine, later=later):
        other = f"another record stands there now ({_name(looked.event)}): was the topic made anew?"
        looked = Looked(missing=other, origin=looked.origin, timestamp_ms=looked.timestamp_ms)
    time_ms = _time_ms(looked.event)
    return Cited(
        topic=place.topic,
        partition=place.partition,
        offset=place.offset,
        origin=looked.origin,
        timestamp_ms=looked.timestamp_ms,
        age_ms=None if time_ms is None else signal.as_of - time_ms,
        event=looked.event,
        missing=looked.missing,
    )


def _meant(signal: Signal, event: Any, engine: str | None, *, later: bool) -> bool:
    """Return whether an event can be the one that was cited: of this asset, engine, strategy.

    `later`: another decision of the strategy on the asset.
    """
    if isinstance(event, Strategy):
        return event.strategy_id == signal.strategy_id
    if isinstance(event, SignalRequest):
        return event.request_id == signal.request_id
    if isinstance(event, Decision) and later:
        return (event.strategy_id, event.asset) == (signal.strategy_id, signal.asset)
    if isinstance(event, Decision):
        return event.decision_id == signal.signal_id
    if engine is not None and getattr(event, "engine", None) != engine:
        return False
    return getattr(event, "asset", None) == signal.asset


def _name(event: Any) -> str:
    words = [getattr(event, field, None) for field in ("asset", "engine", "strategy_id")]
    return " ".join([type(event).__name__, *(word for word in words if word)])


def _time_ms(event: Any) -> int | None:
    """Return an event's own time in ms, None where it has none."""
    if isinstance(event, Strategy):
        return event.updated_at or None
    if isinstance(event, SignalRequest):
        return event.requested_at
    decided = isinstance(event, EngineScore | Decision)
    time_ms = event.as_of if decided else getattr(event, "observed_at", None)
    return time_ms if isinstance(time_ms, int) else None
