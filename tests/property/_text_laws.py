"""Laws of sentiment, fundamental and event risk, and what their records may look like."""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.topics import TRENDING
from schemas.validation import MOST_AMOUNT, problem
from streams.engines.base import Engine, EngineReading
from streams.engines.scoring_stage import ScoringStage
from streams.stage import advance
from tests.unit.streams.engines._records import (
    DAY_MS,
    T0,
    make_tick,
    readings,
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no counterexample."""
times = st.integers(T0, T0 + 3 * DAY_MS)
"""Out of order, often the same: what late and repeated records are made of."""
amounts = st.floats(0.0, MOST_AMOUNT, exclude_max=True) | st.sampled_from(
    [0.0, 1.0, 1e-300, 1e6, 1e12]
)
percents = st.floats(0.0, 100.0)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ticks = st.builds(
    make_tick,
    times,
    price_usd=st.floats(1e-9, 1e9),
    volume_24h_usd=amounts,
    market_cap_usd=maybe(amounts),
    galaxy_score=maybe(percents),
    sentiment_pct=maybe(percents),
    twitter_volume=maybe(amounts),
    twitter_sentiment_pct=maybe(percents),
    reddit_volume=maybe(amounts),
    social_volume=maybe(amounts),
    interactions=maybe(amounts),
)


def check_bounds(reading: EngineReading, lowest: float) -> None:
    """Score, confidence and freshness in range, features finite, evidence short and in order."""
    assert lowest <= reading.score <= 1.0
    assert 0.0 <= reading.confidence <= 1.0
    assert 0.0 <= reading.freshness <= 1.0
    assert all(isfinite(value) for value in reading.features.values())
    assert len(reading.evidence) <= 10
    assert list(reading.evidence) == sorted(set(reading.evidence))


def check_prefix(engine: Engine[Any, Any], events: list[Any], cut: int) -> None:
    """What comes after cannot matter, and nothing is shared between runs."""
    assert readings(engine, events[:cut]) == readings(engine, events)[:cut]


def check_storage(engine: Engine[Any, Any], events: list[Any], cut: int) -> None:
    """A worker that comes back from its table in mid-stream says the same."""
    state = engine.initial(engine.config)
    for offset, event in enumerate(events[:cut]):
        state = engine.update(engine.config, state, event, offset)
    stored = msgspec.msgpack.encode(state)
    back = msgspec.msgpack.decode(stored, type=engine.state_type)
    assert back == state
    for offset, event in enumerate(events[cut:], cut):
        state = engine.update(engine.config, state, event, offset)
        back = engine.update(engine.config, back, event, offset)
        assert back == state
        now = event.observed_at
        assert engine.read(engine.config, back, now) == engine.read(engine.config, state, now)


def check_repetition(engine: Engine[Any, Any], events: list[Any]) -> None:
    """Every record twice in a row: the second time gives the very same object."""
    state = engine.initial(engine.config)
    for offset, event in enumerate(events):
        state = engine.update(engine.config, state, event, offset)
        assert engine.update(engine.config, state, event, offset + 1) is state


def check_frozen(engine: Engine[Any, Any], events: list[Any]) -> None:
    """An update leaves the state that it came from as it was."""
    state = engine.initial(engine.config)
    for offset, event in enumerate(events):
        before = msgspec.msgpack.encode(state)
        new = engine.update(engine.config, state, event, offset)
        assert msgspec.msgpack.encode(state) == before
        state = new


def check_scores(engine: Engine[Any, Any], events: list[Any]) -> None:
    """Through the stage: every score passes the validation, every tick is answered."""
    stage, entry = ScoringStage(engine), None
    for offset, event in enumerate(events):
        is_tick = type(event) is type(make_tick())
        topic = TRENDING.name if is_tick else engine.topic
        moved = advance(stage, entry, event, topic, 0, offset)
        assert moved is not None
        entry, outputs = moved
        assert len(outputs) == 1 or not is_tick
        assert all(problem(output.event) is None for output in outputs)
