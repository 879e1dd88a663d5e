"""Event risk, -1 to 1, negative is risk, from the calendar of the next 30 days.

    proximity p = 2^(-days / 7) * (1 - days / 30)          1 now, 0 at the horizon
    event     e = direction * sureness * impact * p        direction and sureness by category
    calm        = 1 - sum of impact * p of all that are no catalysts, at least 0
    score       = tanh(sum of e + atanh(0.10) * calm)      0.10 with nothing ahead

What several sources say of one category on one UTC day is one event: the strongest counts, so that
an exchange and a calendar that name the same delisting do not make two of it.

So a risk never does less harm by coming nearer, and a date that enters the horizon enters at 0.

How the engine knows that a calendar is alive for an asset without events: any calendar record says
so, for 48 hours. A producer whose source covers an asset and has nothing of it publishes a
heartbeat: category "other", impact 0. Known dates go on counting when the calendar falls silent, at
half the confidence; its calm does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from math import atanh, tanh
from typing import Any

import msgspec

from schemas.market import CalendarEvent, TrendingAsset
from schemas.times import HOUR_MS
from schemas.topics import CALENDAR
from streams.engines.base import Engine, EngineReading, freshness
from streams.engines.event_weight import Config, Event, Weighed, weigh

RISK_ENDS_HOURS = "risk_ends_hours"
"""Feature: hours until the last date ahead that pushes down has passed. Fusion's veto asks."""


class State(msgspec.Struct, frozen=True, gc=False):
    """The events ahead by date; `clock` is the newest observed_at of any record, 0 before one.

    calendar_at and calendar_offset: the newest calendar record, offset -1 before one.
    """

    clock: int = 0
    price_usd: float | None = None
    price_at: int = 0
    calendar_at: int = 0
    calendar_offset: int = -1
    events: tuple[Event, ...] = ()


def initial(config: Config) -> State:
    """Return the state of an asset never seen."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a calendar record or a tick."""
    if isinstance(event, TrendingAsset):
        return _apply_tick(state, event)
    if isinstance(event, CalendarEvent):
        return _apply_calendar(config, state, event, offset)
    return state


def _apply_tick(state: State, tick: TrendingAsset) -> State:
    if tick.observed_at <= state.price_at:
        return state
    clock = max(state.clock, tick.observed_at)
    return msgspec.structs.replace(
        state,
        clock=clock,
        price_usd=tick.price_usd,
        price_at=tick.observed_at,
        events=_ahead(state.events, clock),
    )


def _apply_calendar(config: Config, state: State, record: CalendarEvent, offset: int) -> State:
    """Put a record in the place of an older one of the same source and id."""
    key = _key(record)
    known = next((event for event in state.events if event.key == key), None)
    if known is not None and record.observed_at < known.observed_at:
        return state
    clock = max(state.clock, record.observed_at)
    new = _event(record, key, offset, known, clock)
    if known is not None and record.observed_at == known.observed_at and _risk(known) <= _risk(new):
        return state
    if known is not None and msgspec.structs.replace(new, offset=known.offset) == known:
        return state
    others = [event for event in state.events if event is not known]
    nearest = sorted((*others, new), key=lambda event: (event.starts_at, event.key))
    events = _ahead(nearest, clock)[: config.events_most]
    is_newest = record.observed_at > state.calendar_at
    if not is_newest and events == state.events:
        return state
    return msgspec.structs.replace(
        state,
        clock=clock,
        calendar_at=max(state.calendar_at, record.observed_at),
        calendar_offset=offset if is_newest else state.calendar_offset,
        events=events,
    )


def _risk(event: Event) -> tuple[bool, int, float, float, str]:
    """Return the order of records of one event and moment: those ahead, the nearest, first."""
    return event.cancelled, event.starts_at, -event.impact, -event.certainty, event.category


def _event(
    record: CalendarEvent, key: bytes, offset: int, known: Event | None, clock: int
) -> Event:
    """Return what to keep of a record; one moved into the past is kept as cancelled."""
    gone = known is not None and record.starts_at <= clock
    return Event(
        starts_at=known.starts_at if known is not None and gone else record.starts_at,
        key=key,
        observed_at=record.observed_at,
        offset=offset,
        category=record.category,
        impact=record.impact,
        certainty=record.certainty,
        cancelled=record.cancelled or gone,
        source=record.source,
    )


def _key(record: CalendarEvent) -> bytes:
    text = f"{record.source}\x00{record.source_id}"
    return blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def _ahead(events: Iterable[Event], clock: int) -> tuple[Event, ...]:
    return tuple(event for event in events if event.starts_at > clock)


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the reading at `now` (ms), or at the newest record seen if that is later."""
    now = max(now, state.clock)
    age_ms = now - state.calendar_at if state.calendar_offset >= 0 else None
    is_live = age_ms is not None and age_ms < config.stale_ms
    weighed = weigh(config, state.events, now)
    features = {"events_ahead": float(len(weighed))}
    if weighed:
        features["nearest_event_hours"] = (weighed[0].event.starts_at - now) / HOUR_MS
    risky = [one.event.starts_at for one in weighed if one.push < 0.0]
    if risky:
        features[RISK_ENDS_HOURS] = (max(risky) - now) / HOUR_MS
    return EngineReading(
        score=_score(config, weighed, is_live),
        confidence=_confidence(config, weighed, is_live),
        freshness=freshness(age_ms, config.fresh_ms, config.stale_ms),
        data_time=state.calendar_at if age_ms is not None else None,
        price_usd=state.price_usd,
        price_at=state.price_at or None,
        features=features,
        evidence=_evidence(config, state, weighed),
        detail=_detail(age_ms, is_live),
    )


def _score(config: Config, weighed: list[Weighed], is_live: bool) -> float:
    unrest = sum(
        one.weight for one in weighed if config.categories[one.event.category].direction <= 0.0
    )
    calm = max(0.0, 1.0 - unrest) if is_live else 0.0
    if not weighed:
        return config.calm_score * calm
    return tanh(sum(one.push for one in weighed) + atanh(config.calm_score) * calm)


def _confidence(config: Config, weighed: list[Weighed], is_live: bool) -> float:
    """Return the base confidence, raised by the certainty of what is ahead."""
    if not weighed and not is_live:
        return 0.0
    weight = sum(one.weight for one in weighed)
    certain = sum(one.weight * one.event.certainty for one in weighed) / max(1.0, weight)
    confidence = config.base_confidence + (1.0 - config.base_confidence) * certain
    return confidence if is_live else confidence * config.stale_factor


def _evidence(config: Config, state: State, weighed: list[Weighed]) -> tuple[int, ...]:
    """Return the offsets of the events that weigh most; with none, of the newest record."""
    if not weighed:
        return (state.calendar_offset,) if state.calendar_offset >= 0 else ()
    heaviest = sorted(weighed, key=lambda one: (-abs(one.push), one.event.starts_at))
    return tuple(sorted(one.event.offset for one in heaviest[: config.evidence_most]))


def _detail(age_ms: int | None, is_live: bool) -> dict[str, str]:
    if age_ms is None:
        return {"calendar": "no record yet"}
    if not is_live:
        return {"calendar": f"no record for {age_ms // HOUR_MS} h: known dates only"}
    return {}


ENGINE = Engine(
    name="event_risk",
    topic=CALENDAR.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.01,
)
