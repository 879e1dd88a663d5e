"""Strategies and scores of every kind for the property tests of fusion."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.engines import ENGINES
from streams.fusion.position import enter
from streams.fusion.state import latest_score, pin
from streams.stage import StrategyAt
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0, make_score, make_strategy

ACTIONS = ("BUY", "SELL", "HOLD")
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
        entry_rule=draw(st.sampled_from([None, None, "FINAL_SCORE > 0"])),
        exit_rule=draw(st.sampled_from([None, None, "FINAL_SCORE < 0"])),
        entry_over_event_risk=draw(st.booleans()),
        band=draw(st.sampled_from([0.0, 0.2])),
        confirmation_minutes=draw(st.sampled_from([0.0, 10.0])),
        minimum_hold_minutes=draw(st.sampled_from([0.0, 30.0])),
        stop_loss_pct=5.0,
        take_profit_pct=10.0,
        max_age_hours=draw(st.sampled_from([None, 0.5])),
    )
    action = draw(st.sampled_from(ACTIONS))
    one = pin(StrategyAt(strategy, 0), action)
    waiting = draw(st.sampled_from(["", *(one for one in ACTIONS if one != action)]))
    entry_usd = draw(st.sampled_from([None, 40_000.0, 50_000.0, 60_000.0]))
    holding = None
    if entry_usd is not None and action != "SELL":
        holding, _ = enter(strategy, entry_usd, T0 - draw(st.integers(0, 5)) * CYCLE_MS, None)
    return msgspec.structs.replace(
        one,
        since_ms=T0 - draw(st.integers(0, 5)) * CYCLE_MS,
        waiting=waiting,
        waiting_ms=T0 - CYCLE_MS if waiting else 0,
        holding=holding,
    )


@st.composite
def held(draw: st.DrawFn, engine: str) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return None
    as_of = T0 - draw(st.integers(0, 3)) * CYCLE_MS
    score = make_score(engine, draw(FEW), as_of=as_of, freshness=draw(st.sampled_from([0, 1.0])))
    return latest_score(score, 0, None)
