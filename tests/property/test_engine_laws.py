"""What holds of every scoring engine, whatever its topic brings; also of one that is new.

The rules are those of `streams/engines/base.py`; the streams are in `engine_streams.py`.
"""

from __future__ import annotations

import random
import time
from itertools import pairwise
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.market import TrendingAsset
from schemas.topics import TRENDING
from schemas.validation import problem
from streams.engines.base import Engine, EngineReading
from streams.engines.scoring_stage import ScoringStage
from streams.stage import advance
from streams.topology import scoring_engines
from tests.factories import DAY_MS
from tests.property.engine_streams import STREAMS
from tests.unit.streams.engines._records import fed, readings

AnyEngine = Engine[Any, Any]
LONG_MS = 400 * DAY_MS
"""Longer than any engine's data stays fresh."""
of_every_engine = pytest.mark.parametrize("engine", scoring_engines(), ids=lambda one: one.name)
some = settings(max_examples=40)


def stream_of(data: st.DataObject, engine: AnyEngine) -> list[Any]:
    """Draw a stream of the engine's topic."""
    return data.draw(STREAMS[engine.topic])  # type: ignore[no-any-return]


def encoded(given_readings: list[EngineReading]) -> list[bytes]:
    return [msgspec.msgpack.encode(reading) for reading in given_readings]


@of_every_engine
@some
@given(st.data())
def test_a_reading_is_in_its_ranges(engine: AnyEngine, data: st.DataObject) -> None:
    for reading in readings(engine, stream_of(data, engine)):
        assert -1.0 <= reading.score <= 1.0
        assert 0.0 <= reading.confidence <= 1.0
        assert 0.0 <= reading.freshness <= 1.0
        assert all(isfinite(value) for value in reading.features.values())
        assert list(reading.evidence) == sorted(set(reading.evidence))


@of_every_engine
@some
@given(st.data(), st.floats(0.0, 1.0))
def test_what_comes_later_changes_no_earlier_reading(
    engine: AnyEngine, data: st.DataObject, share: float
) -> None:
    """Encoded before the rest is seen. It is also the same stream twice: nothing is left of it."""
    events = stream_of(data, engine)
    cut = round(share * len(events))
    earlier = encoded(readings(engine, events[:cut]))
    assert encoded(readings(engine, events))[:cut] == earlier


@of_every_engine
@some
@given(st.data(), st.floats(0.0, 1.0))
def test_a_state_out_of_the_table_goes_on_as_the_one_in_memory(
    engine: AnyEngine, data: st.DataObject, share: float
) -> None:
    events = stream_of(data, engine)
    cut = round(share * len(events))
    state = fed(engine, *events[:cut])
    restored = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=engine.state_type)
    assert restored == state
    for offset, event in enumerate(events[cut:], cut):
        state = engine.update(engine.config, state, event, offset)
        restored = engine.update(engine.config, restored, event, offset)
        now_ms = event.observed_at
        expected = engine.read(engine.config, state, now_ms)
        assert engine.read(engine.config, restored, now_ms) == expected
    assert restored == state


@of_every_engine
@some
@given(st.data())
def test_a_repeated_record_gives_the_very_same_state(
    engine: AnyEngine, data: st.DataObject
) -> None:
    state = engine.initial(engine.config)
    for offset, event in enumerate(stream_of(data, engine)):
        state = engine.update(engine.config, state, event, offset)
        assert engine.update(engine.config, state, event, offset + 1) is state


@of_every_engine
@some
@given(st.data())
def test_an_update_leaves_the_state_before_as_it_was(
    engine: AnyEngine, data: st.DataObject
) -> None:
    state = engine.initial(engine.config)
    for offset, event in enumerate(stream_of(data, engine)[:200]):
        before = msgspec.msgpack.encode(state)
        after = engine.update(engine.config, state, event, offset)
        engine.read(engine.config, after, event.observed_at)
        assert msgspec.msgpack.encode(state) == before
        state = after


@of_every_engine
@some
@given(st.data(), st.tuples(st.integers(0, 10 * DAY_MS), st.integers(0, 10 * DAY_MS)))
def test_what_is_not_renewed_is_never_fresher_later(
    engine: AnyEngine, data: st.DataObject, later_ms: tuple[int, int]
) -> None:
    events = stream_of(data, engine)
    state = fed(engine, *events)
    newest_ms = max((event.observed_at for event in events), default=0)
    readings = [
        engine.read(engine.config, state, newest_ms + after_ms)
        for after_ms in (*sorted(later_ms), LONG_MS)
    ]
    for sooner, later in pairwise(readings):
        # What is forgotten leaves what is fresher behind, with less confidence.
        assert sooner.freshness >= later.freshness or sooner.evidence != later.evidence
    assert readings[-1].freshness == 0.0


@of_every_engine
@some
@given(data=st.data())
def test_neither_clock_nor_chance_is_asked(engine: AnyEngine, data: st.DataObject) -> None:
    events = stream_of(data, engine)

    def asked(*_: Any) -> Any:
        pytest.fail("an engine asked for the time or for a random number")

    with pytest.MonkeyPatch.context() as patch:
        for module, names in (
            (time, ("time", "time_ns", "monotonic", "perf_counter")),
            (random, ("random", "randrange", "choice")),
        ):
            for name in names:
                patch.setattr(module, name, asked)
        readings(engine, events)


@of_every_engine
@some
@given(st.data())
def test_every_tick_is_answered_and_every_score_is_valid(
    engine: AnyEngine, data: st.DataObject
) -> None:
    stage, entry = ScoringStage(engine), None
    for offset, event in enumerate(stream_of(data, engine)):
        is_tick = type(event) is TrendingAsset
        topic = TRENDING.name if is_tick else engine.topic
        moved = advance(stage, entry, event, topic, 0, offset)
        assert moved is not None
        entry, outputs = moved
        assert len(outputs) == 1 or not is_tick
        assert [text for one in outputs if (text := problem(one.event))] == []
