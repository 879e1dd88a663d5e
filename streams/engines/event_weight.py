"""What a scheduled event weighs for event risk: the constants, an event as it is kept, its push."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from math import exp2
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from schemas.market import CATEGORIES
from schemas.times import DAY_MS, HOUR_MS
from streams.constants import Count, Positive, Share


class Category(NamedTuple):
    """The effect of a category's events on the price.

    direction  strength and sign of an event of impact 1, fully sure and due now, inside the tanh
    vague      sureness at certainty 0
    sure       sureness at certainty 1; below `vague` where the danger is in what is not known
    """

    direction: Annotated[float, Meta(ge=-10.0, le=10.0)]
    vague: Share
    sure: Share


def _categories() -> dict[str, Category]:
    return {
        # The market goes away. A rumour of it does half the harm.
        "delisting": Category(-2.0, 0.5, 1.0),
        # New supply; dates are known long before, so half of it is priced in.
        "unlock": Category(-1.0, 0.5, 1.0),
        # The danger of a fork is that nobody knows how it ends: the less certain, the worse.
        "hard_fork": Category(-1.2, 1.0, 0.5),
        # Catalysts count as far as they are certain.
        "listing": Category(1.0, 0.0, 1.0),
        "partnership": Category(0.8, 0.0, 1.0),
        "upgrade": Category(0.6, 0.0, 1.0),
        "burn": Category(0.6, 0.0, 1.0),
        "airdrop": Category(0.4, 0.0, 1.0),
        "conference": Category(0.2, 0.0, 1.0),
        # Nobody knows which way: it only takes the calm away.
        "other": Category(0.0, 0.0, 0.0),
    }


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the event risk engine."""

    horizon_ms: Positive = 30 * DAY_MS
    """Events further ahead do not count yet (SPEC)."""
    half_life_ms: Positive = 7 * DAY_MS
    """Time ahead at which an event counts half of one due now, before the taper."""
    calm_score: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.10
    """Score of a live calendar with nothing ahead (SPEC)."""
    categories: dict[str, Category] = field(default_factory=_categories)
    """What each category does: direction, sureness at certainty 0, sureness at certainty 1."""
    fresh_ms: Positive = 3 * HOUR_MS
    """Full freshness up to this age: the calendar is fetched hourly, two may be missed."""
    stale_ms: Positive = 48 * HOUR_MS
    """The calendar is no longer live from this age on."""
    base_confidence: Share = 0.5
    """Confidence of a calendar with nothing ahead: it may just not know of it."""
    stale_factor: Share = 0.5
    """Factor on the confidence of known dates once the calendar is no longer live."""
    events_most: Count = 200
    """Events kept, the nearest; bounds the state. Later ones come back with the next fetch."""
    evidence_most: Count = 10
    """Events named as evidence."""

    def __post_init__(self) -> None:
        if unknown := set(self.categories) - CATEGORIES:
            msg = f"categories: {min(unknown)!r} is none of {', '.join(sorted(CATEGORIES))}"
            raise ValueError(msg)


class Event(msgspec.Struct, frozen=True, gc=False):
    """A calendar record that may still count; `key` is a digest of source and source_id.

    A cancelled one stays until its date has passed, so that an older record of it that comes late
    does not bring it back.
    """

    starts_at: int
    key: bytes
    observed_at: int
    offset: int
    category: str
    impact: float
    certainty: float
    cancelled: bool = False
    source: str = ""


class Weighed(NamedTuple):
    """An event ahead: its weight impact * proximity in [0, 1], and what it adds in the tanh."""

    event: Event
    weight: float
    push: float


def weigh(config: Config, events: Iterable[Event], now: int) -> list[Weighed]:
    """Weigh the events within the horizon, nearest first; each once, whoever else says it.

    Of one category and UTC day, the n-th strongest event of one source is that of the others.
    """
    weighed = []
    for event in events:
        ahead_ms = event.starts_at - now
        if event.cancelled or event.impact <= 0.0 or not 0 < ahead_ms < config.horizon_ms:
            continue
        taper = 1.0 - ahead_ms / config.horizon_ms
        weight = event.impact * exp2(-ahead_ms / config.half_life_ms) * taper
        category = config.categories[event.category]
        sureness = category.vague + (category.sure - category.vague) * event.certainty
        weighed.append(Weighed(event, weight, category.direction * sureness * weight))
    return _each_once(weighed)


def _each_once(weighed: list[Weighed]) -> list[Weighed]:
    """Join what several sources say of one event: the strongest push, the largest weight."""
    days: dict[tuple[str, int], dict[str, list[Weighed]]] = {}
    for one in weighed:
        day = one.event.category, one.event.starts_at // DAY_MS
        days.setdefault(day, {}).setdefault(one.event.source, []).append(one)
    if all(len(sources) == 1 for sources in days.values()):
        return weighed
    found: list[Weighed] = []
    for sources in days.values():
        ranked = [sorted(told, key=_strength, reverse=True) for told in sources.values()]
        for same in zip_longest(*ranked):
            said = [one for one in same if one is not None]
            weight = max(one.weight for one in said)
            found.append(max(said, key=_strength)._replace(weight=weight))
    return sorted(found, key=lambda one: (one.event.starts_at, one.event.key))


def _strength(one: Weighed) -> tuple[float, float, bytes]:
    return abs(one.push), one.weight, one.event.key
