"""The bounds of the validation are narrow enough: nothing that passes makes an engine overflow."""

from __future__ import annotations

from math import isfinite, nextafter
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.market import MEASURES, TrendingAsset
from schemas.topics import TRENDING
from schemas.validation import LEAST_PRICE, MOST_AMOUNT, MOST_PRICE, TIMEFRAME_MS, problem
from streams.engines.base import Engine
from streams.engines.scoring_stage import ScoringStage
from streams.stage import advance
from streams.topology import scoring_engines
from tests.factories import HOUR_MS
from tests.unit.streams.engines._market import START_MS, make_book, make_candle
from tests.unit.streams.engines._records import make_fundamentals, make_tick

PRICES = (LEAST_PRICE, nextafter(MOST_PRICE, 0.0), 1.0)
AMOUNTS = (0.0, 5e-324, nextafter(MOST_AMOUNT, 0.0), 1.0)
COUNTS = [name for name in MEASURES if name != "market_cap_rank"]
TICK_COUNTS = (
    "volume_24h_usd",
    "market_cap_usd",
    "social_volume",
    "interactions",
    "twitter_volume",
    "reddit_volume",
    "volume_30d_avg_usd",
)


def extremes(seed: int) -> list[Any]:
    """Return events from the bounds of what is valid: 250 candles a timeframe, the rest hourly."""
    rng = Random(seed)
    events: list[Any] = []
    for timeframe in TIMEFRAME_MS:
        for place in range(250):
            first, last = rng.choice(PRICES), rng.choice(PRICES)
            ohlc = (first, max(first, last), min(first, last), last)
            candle = make_candle(place, ohlc, timeframe)
            events.append(msgspec.structs.replace(candle, volume=rng.choice(AMOUNTS)))
    for hour in range(40 * 24, 41 * 24):
        at = START_MS + hour * HOUR_MS
        bid, ask = rng.choice([PRICES[:2], (LEAST_PRICE, 1.0), (1.0, PRICES[1])])
        book = [(bid, rng.choice(AMOUNTS))], [(ask, rng.choice(AMOUNTS))]
        events.append(make_book(*book, at))
        counts = {name: rng.choice(AMOUNTS) for name in COUNTS}
        events.append(make_fundamentals(at + 1, **counts))
        events.append(_tick(rng, at + 2))
    return sorted(events, key=lambda event: int(event.observed_at))


def _tick(rng: Random, at: int) -> TrendingAsset:
    counts = {name: rng.choice(AMOUNTS) for name in TICK_COUNTS}
    change = rng.choice([-1.0, 1.0]) * rng.choice(AMOUNTS)
    percents = {name: rng.choice([0.0, 100.0]) for name in ("sentiment_pct", "galaxy_score")}
    price_usd = rng.choice(PRICES)
    return make_tick(at, price_usd=price_usd, change_24h_pct=change, **percents, **counts)


@pytest.mark.parametrize("engine", scoring_engines(), ids=lambda engine: str(engine.name))
@settings(max_examples=3)
@given(seed=st.integers(0, 2**32))
@example(seed=0)
def test_valid_extremes_never_overflow(engine: Engine[Any, Any], seed: int) -> None:
    stage, entry = ScoringStage(engine), None
    scores = 0
    for offset, event in enumerate(extremes(seed)):
        topic = TRENDING.name if type(event) is TrendingAsset else engine.topic
        moved = advance(stage, entry, event, topic, 0, offset)
        assert moved is not None
        entry, outputs = moved
        for output in outputs:
            scores += 1
            assert problem(output.event) is None
            assert all(isfinite(value) for value in output.event.features.values())
    assert scores >= 24
