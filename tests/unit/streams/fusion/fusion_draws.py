"""Strategies and scores of every kind for the property tests of fusion."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schemas.engines import ENGINES
from streams.fusion.state import latest_score, pin
from streams.stage import StrategyAt
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0, make_score, make_strategy

FEW = st.sampled_from([-0.4, -0.2, 0.0, 0.2, 0.4])
"""Few enough that scores and limits are often the same."""


@st.composite
def pinned(draw: st.DrawFn) -> Any:
    sell, buy = sorted(draw(st.lists(FEW, min_size=2, max_size=2, unique=True)))
    weights = draw(st.dictionaries(st.sampled_from(ENGINES), st.sampled_from([0.0, 0.1, 0.2])))
    strategy = make_strategy(
        weights=weights,
        buy_threshold=buy,
        sell_threshold=sell,
        event_risk_floor=draw(FEW),
        entry_rule=draw(st.sampled_from([None, None, "RSI < 30"])),
        exit_rule=draw(st.sampled_from([None, None, "RSI < 30"])),
        entry_over_event_risk=draw(st.booleans()),
    )
    return pin(StrategyAt(strategy, 0), draw(st.sampled_from(["BUY", "SELL", "HOLD"])))


@st.composite
def held(draw: st.DrawFn, engine: str) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return None
    as_of = T0 - draw(st.integers(0, 3)) * CYCLE_MS
    score = make_score(engine, draw(FEW), as_of=as_of, freshness=draw(st.sampled_from([0, 1.0])))
    return latest_score(score, 0, None)
