"""Builders of headlines, ticks, fundamentals and calendar records; all pass the validation.

A headline that is fed to an engine comes as its score, as if it stood at that offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.market import CalendarEvent, Fundamentals, NewsArticle, TrendingAsset
from schemas.scores import InputPosition, NewsScore
from schemas.topics import NEWS
from schemas.validation import problem
from streams.engines.base import Engine, EngineReading
from streams.headlines.probabilities import ModelTexts, Probabilities
from streams.headlines.scoring import VoicesConfig, score_article
from tests import factories

T0 = 1_700_000_400_000  # the start of a cycle


def make_news(headline: str, at: int = T0, **fields: Any) -> NewsArticle:
    """Build a headline without url or label."""
    return factories.news(headline, at_ms=at, **{"source_id": str(at), **fields})


def make_tick(at: int = T0, **fields: Any) -> TrendingAsset:
    """Build a tick without social metrics or market cap."""
    return factories.tick(at_ms=at, **{"source_id": str(at), **fields})


def make_fundamentals(at: int = T0, **fields: Any) -> Fundamentals:
    """Build a record with the given fields only."""
    return factories.fundamentals(at_ms=at, **{"source_id": str(at), **fields})


def make_event(category: str, ahead_ms: float, at: int = T0, **fields: Any) -> CalendarEvent:
    """Build a sure event of impact 1 that starts `ahead_ms` after `at`."""
    return factories.calendar_event(category, ahead_ms, at_ms=at, **fields)


def make_heartbeat(at: int = T0) -> CalendarEvent:
    """Build what a producer publishes for an asset without events."""
    return make_event("other", 0, at, source_id=f"heartbeat-{at}", impact=0.0, certainty=0.0)


MODEL = ModelTexts("small", "0123456789ab", "")
NO_MODEL = ModelTexts(reason="not loaded")


def scored(news: NewsArticle, offset: int = 0, said: Probabilities | None = None) -> NewsScore:
    """Return the score of a headline at a place of market.news, by a model if it said something."""
    place = InputPosition(NEWS.name, 0, offset)
    model = NO_MODEL if said is None else MODEL
    score = score_article(VoicesConfig(), news, place, model, said)
    assert problem(score) is None, problem(score)
    return score


def _as_read(event: Any, offset: int) -> Any:
    return scored(event, offset) if isinstance(event, NewsArticle) else event


def fed(engine: Engine[Any, Any], *events: Any, first_offset: int = 0) -> Any:
    """Return the engine's state after the events, at offsets from `first_offset` on."""
    state = engine.initial(engine.config)
    for offset, event in enumerate(events, first_offset):
        state = engine.update(engine.config, state, _as_read(event, offset), offset)
    return state


def said(engine: Engine[Any, Any], *events: Any, now: int | None = None) -> EngineReading:
    """Return what the engine says after the events, at `now` or at the last one."""
    state = fed(engine, *events)
    at = max((event.observed_at for event in events), default=T0) if now is None else now
    return engine.read(engine.config, state, at)


def readings(engine: Engine[Any, Any], events: Iterable[Any]) -> list[EngineReading]:
    """Return what the engine says after each event, at that event's time."""
    state = engine.initial(engine.config)
    told = []
    for offset, event in enumerate(events):
        state = engine.update(engine.config, state, _as_read(event, offset), offset)
        told.append(engine.read(engine.config, state, event.observed_at))
    return told
