"""What holds of the technical engine for any market."""

from __future__ import annotations

from math import isfinite
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.market import Candle
from streams.engines.base import EngineReading
from streams.engines.technical import ENGINE, TIMEFRAMES, State
from tests.unit.streams.engines._market import (
    DAY_MS,
    START_MS,
    make_candle,
    make_tick,
    random_walk,
)

CONFIG = ENGINE.config
TICKS_FROM = START_MS + 300 * DAY_MS

common = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def markets(draw: st.DrawFn) -> list[Any]:
    """Draw candles of all timeframes, mixed, with holes, open ones, repetitions and ticks.

    Enough of them to be warm in most timeframes; the odds shrink towards a plain market.
    """
    seed = draw(st.integers(0, 2**32))
    volatility = draw(st.sampled_from([0.01, 0.0, 0.001, 0.3]))
    odds = {kind: draw(st.sampled_from([0.0, 0.02, 0.2])) for kind in ("hole", "repeat", "tick")}
    random = Random(seed)
    queues = {}
    for timeframe in TIMEFRAMES:
        count = draw(st.sampled_from([220, 0, 40, 199, 320]))
        walk = random_walk(random.randrange(2**32), count, volatility)
        queues[timeframe] = [
            make_candle(place, ohlc, timeframe) for place, ohlc in enumerate(walk)
        ][::-1]
    events: list[Any] = []
    while any(queues.values()):
        queue = queues[random.choice([name for name in TIMEFRAMES if queues[name]])]
        candle = queue.pop()
        if random.random() < odds["tick"]:
            events.append(make_tick(candle.observed_at, candle.open))
            events.append(msgspec.structs.replace(candle, closed=False))
        if random.random() >= odds["hole"]:
            events.append(candle)
        if events and random.random() < odds["repeat"]:
            events.append(random.choice(events))
    return events


def run(
    events: list[Any], state: State | None = None, start: int = 0
) -> tuple[State, list[EngineReading]]:
    state = ENGINE.initial(CONFIG) if state is None else state
    readings = []
    for offset, event in enumerate(events[start:], start=start):
        state = ENGINE.update(CONFIG, state, event, offset)
        readings.append(ENGINE.read(CONFIG, state, event.observed_at))
    return state, readings


@common
@given(markets())
def test_ranges(events: list[Any]) -> None:
    _, readings = run(events)
    for reading in readings:
        assert -1.0 <= reading.score <= 1.0
        assert 0.0 <= reading.confidence <= 1.0
        assert 0.0 <= reading.freshness <= 1.0
        assert all(isfinite(value) for value in reading.features.values())
        assert list(reading.evidence) == sorted(reading.evidence)
        if reading.confidence == 0.0:
            assert reading.detail
    for name, value in (readings[-1].features if readings else {}).items():
        if name.startswith("RSI"):
            assert 0.0 <= value <= 100.0
        elif name.startswith("TREND"):
            assert -1.0 <= value <= 1.0
        elif not name.startswith("MACD"):
            assert value >= 0.0


@common
@given(markets(), st.floats(0.0, 1.0))
def test_what_comes_later_changes_no_earlier_reading(events: list[Any], share: float) -> None:
    """Encoded before the rest is seen: nothing in a reading may be changed by a later one."""
    split = round(share * len(events))
    _, prefix = run(events[:split])
    frozen = [msgspec.msgpack.encode(reading) for reading in prefix]
    _, whole = run(events)
    assert [msgspec.msgpack.encode(reading) for reading in whole[:split]] == frozen


@common
@given(markets(), st.floats(0.0, 1.0))
def test_state_survives_msgpack_in_mid_stream(events: list[Any], share: float) -> None:
    split = round(share * len(events))
    state, _ = run(events[:split])
    restored = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State)
    assert restored == state
    assert run(events, restored, split) == run(events, state, split)


@common
@given(markets())
def test_repetitions_and_open_candles_change_nothing(events: list[Any]) -> None:
    state = ENGINE.initial(CONFIG)
    for offset, event in enumerate(events):
        state = ENGINE.update(CONFIG, state, event, offset)
        assert ENGINE.update(CONFIG, state, event, offset) is state
        if type(event) is Candle:
            opened = msgspec.structs.replace(event, closed=False, open_time=event.open_time + 1)
            assert ENGINE.update(CONFIG, state, opened, offset + 1) is state


def times(event: Any, factor: float) -> Any:
    if type(event) is not Candle:
        return msgspec.structs.replace(event, price_usd=event.price_usd * factor)
    prices = {name: getattr(event, name) * factor for name in ("open", "high", "low", "close")}
    return msgspec.structs.replace(event, **prices)


@common
@given(markets(), st.sampled_from([2.0**-20, 0.5, 2.0, 2.0**20]))
def test_the_price_scale_does_not_matter(events: list[Any], factor: float) -> None:
    """Powers of two are exact, so the scores are the very same numbers."""
    _, plain = run(events)
    _, scaled = run([times(event, factor) for event in events])
    assert [reading.score for reading in scaled] == [reading.score for reading in plain]


@pytest.mark.parametrize("seed", range(5))
def test_a_hole_never_raises_the_confidence(seed: int) -> None:
    candles = [make_candle(place, ohlc) for place, ohlc in enumerate(random_walk(seed, 300))]
    hole = Random(seed).randrange(201, 299)
    _, whole = run(candles)
    _, holed = run(candles[:hole] + candles[hole + 1 :])
    assert holed[hole].confidence < whole[hole].confidence
    assert all(a.confidence <= b.confidence for a, b in zip(holed, whole, strict=False))
