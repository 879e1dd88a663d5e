"""What holds of the technical engine for any market."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.market import Candle
from streams.engines.technical import ENGINE
from tests.property.engine_streams import candle_streams
from tests.unit.streams.engines._market import make_candle, random_walk
from tests.unit.streams.engines._records import readings

common = settings(max_examples=40)


@common
@given(candle_streams())
def test_indicators_are_in_their_ranges(events: list[Any]) -> None:
    said = readings(ENGINE, events)
    assert all(reading.detail for reading in said if reading.confidence == 0.0)
    for name, value in (said[-1].features if said else {}).items():
        if name.startswith("RSI"):
            assert 0.0 <= value <= 100.0
        elif name.startswith("TREND"):
            assert -1.0 <= value <= 1.0
        elif not name.startswith("MACD"):
            assert value >= 0.0


@common
@given(candle_streams())
def test_open_candles_change_nothing(events: list[Any]) -> None:
    state = ENGINE.initial(ENGINE.config)
    for offset, event in enumerate(events):
        state = ENGINE.update(ENGINE.config, state, event, offset)
        if type(event) is Candle:
            opened = msgspec.structs.replace(event, closed=False, open_time=event.open_time + 1)
            assert ENGINE.update(ENGINE.config, state, opened, offset + 1) is state


def times(event: Any, factor: float) -> Any:
    if type(event) is not Candle:
        return msgspec.structs.replace(event, price_usd=event.price_usd * factor)
    prices = {name: getattr(event, name) * factor for name in ("open", "high", "low", "close")}
    return msgspec.structs.replace(event, **prices)


@common
@given(candle_streams(), st.sampled_from([2.0**-20, 0.5, 2.0, 2.0**20]))
def test_the_price_scale_does_not_matter(events: list[Any], factor: float) -> None:
    """Powers of two are exact, so the scores are the very same numbers."""
    plain = readings(ENGINE, events)
    scaled = readings(ENGINE, [times(event, factor) for event in events])
    assert [reading.score for reading in scaled] == [reading.score for reading in plain]


@pytest.mark.parametrize("seed", range(5))
def test_a_hole_never_raises_the_confidence(seed: int) -> None:
    candles = [make_candle(place, ohlc) for place, ohlc in enumerate(random_walk(seed, 300))]
    hole = Random(seed).randrange(201, 299)
    whole = readings(ENGINE, candles)
    holed = readings(ENGINE, candles[:hole] + candles[hole + 1 :])
    assert holed[hole].confidence < whole[hole].confidence
    assert all(a.confidence <= b.confidence for a, b in zip(holed, whole, strict=False))
