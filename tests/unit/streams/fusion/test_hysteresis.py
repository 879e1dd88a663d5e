"""Band, confirmation and minimum hold, each alone and together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import Strategy
from schemas.times import MINUTE_MS
from streams.fusion.hysteresis import steadied, trace
from streams.fusion.state import Pinned, pin
from streams.stage import StrategyAt
from tests.unit.streams.fusion.fusion_factories import T0, make_strategy


def pinned(action: str, **fields: Any) -> Pinned:
    return pin(StrategyAt(make_strategy(**fields), 0), action)


def fused(final: float) -> str:
    return "BUY" if final > 0.3 else "SELL" if final < -0.3 else "HOLD"


class Walk:
    """Scores put through hysteresis one after the other; keeps what fusion keeps."""

    def __init__(self, **fields: Any) -> None:
        self.at = pinned("", **fields)
        self.said: list[tuple[str, str | None]] = []

    def put(self, minute: float, final: float) -> tuple[str, str | None]:
        now_ms = T0 + round(minute * MINUTE_MS)
        found = steadied(self.at, final, fused(final), now_ms)
        since_ms = self.at.since_ms if found.action == self.at.action else now_ms
        strategy, offset, weights = self.at.strategy, self.at.offset, self.at.weights
        self.at = Pinned(
            strategy, offset, weights, found.action, since_ms, found.waiting, found.waiting_ms
        )
        self.said.append((found.action, found.override))
        return self.said[-1]


@pytest.mark.parametrize(
    ("fields", "scores", "said"),
    [
        pytest.param(
            {},
            [(0, 0.31), (1, 0.3), (2, -0.31), (3, 0.31)],
            [("BUY", None), ("HOLD", None), ("SELL", None), ("BUY", None)],
            id="without any of it the thresholds decide",
        ),
        pytest.param(
            {"band": 0.1, "confirmation_minutes": 30.0, "minimum_hold_minutes": 60.0},
            [(0, 0.582)],
            [("BUY", None)],
            id="the first is taken at once",
        ),
        pytest.param(
            {"band": 0.1},
            [(0, 0.4), (1, 0.25), (2, 0.201), (3, 0.2), (4, 0.25), (5, 0.301)],
            [
                *[("BUY", None), ("BUY", "band"), ("BUY", "band")],
                *[("HOLD", None), ("HOLD", None), ("BUY", None)],
            ],
            id="enter above, leave below",
        ),
        pytest.param(
            {"band": 0.1},
            [(0, -0.4), (1, -0.201), (2, -0.2)],
            [("SELL", None), ("SELL", "band"), ("HOLD", None)],
            id="the same for a SELL",
        ),
        pytest.param(
            {"band": 0.1},
            [(0, 0.4), (1, -0.5)],
            [("BUY", None), ("SELL", None)],
            id="a fall through all of it",
        ),
        pytest.param(
            {"band": 2.0},
            [(0, 0.4), (1, -0.3), (2, -0.301), (3, 0.3), (4, 0.301)],
            [("BUY", None), ("BUY", "band"), ("SELL", None), ("SELL", "band"), ("BUY", None)],
            id="no band reaches beyond the other threshold",
        ),
        pytest.param(
            {"confirmation_minutes": 20.0},
            [(0, 0.0), (10, 0.4), (29.9, 0.4), (30, 0.4)],
            [("HOLD", None), *[("HOLD", "confirmation")] * 2, ("BUY", None)],
            id="confirmed after 20 minutes",
        ),
        pytest.param(
            {"confirmation_minutes": 20.0},
            [(0, 0.0), (10, 0.4), (20, 0.2), (30, 0.4), (49, 0.4), (50, 0.4)],
            [
                *[("HOLD", None), ("HOLD", "confirmation"), ("HOLD", None)],
                *[*[("HOLD", "confirmation")] * 2, ("BUY", None)],
            ],
            id="a break begins it again",
        ),
        pytest.param(
            {"confirmation_minutes": 20.0},
            [(0, 0.4), (10, 0.0), (20, -0.4), (39, -0.4), (40, -0.4)],
            [("BUY", None), *[("BUY", "confirmation")] * 3, ("SELL", None)],
            id="each action is confirmed for itself",
        ),
        pytest.param(
            {"minimum_hold_minutes": 60.0},
            [(0, 0.4), (10, 0.0), (59, -0.4), (60, 0.0), (70, 0.4), (120, 0.4)],
            [
                *[("BUY", None), ("BUY", "minimum_hold"), ("BUY", "minimum_hold")],
                *[("HOLD", None), ("HOLD", "minimum_hold"), ("BUY", None)],
            ],
            id="held for an hour",
        ),
        pytest.param(
            {"band": 0.1, "confirmation_minutes": 20.0, "minimum_hold_minutes": 60.0},
            [(0, 0.4), (10, 0.25), (20, 0.1), (39, 0.1), (40, 0.1), (60, 0.1)],
            [
                *[("BUY", None), ("BUY", "band"), ("BUY", "confirmation")],
                *[("BUY", "confirmation"), ("BUY", "minimum_hold"), ("HOLD", None)],
            ],
            id="band, confirmation, minimum hold, in this order",
        ),
        pytest.param(
            {"band": 0.1, "confirmation_minutes": 20.0},
            [(0, 0.4), (10, 0.1), (20, 0.25), (30, 0.1), (49, 0.1), (50, 0.1)],
            [
                *[("BUY", None), ("BUY", "confirmation"), ("BUY", "band")],
                *[*[("BUY", "confirmation")] * 2, ("HOLD", None)],
            ],
            id="back in the band is a break",
        ),
    ],
)
def test_actions_over_time(
    fields: dict[str, float],
    scores: list[tuple[float, float]],
    said: list[tuple[str, str | None]],
) -> None:
    walk = Walk(**fields)
    assert [walk.put(*one) for one in scores] == said


def test_the_trace_says_what_was_asked() -> None:
    strategy = {"band": 0.1, "confirmation_minutes": 20.0, "minimum_hold_minutes": 60.0}
    walk = Walk(**strategy)
    walk.put(0, 0.4)
    walk.put(10, 0.1)

    def read(minute: float, final: float) -> list[tuple[str, str, str, str]]:
        found = trace(walk.at, final, fused(final), T0 + round(minute * MINUTE_MS))
        return [(one.rule, one.part, one.truth, one.values) for one in found]

    band = ("band", "BUY ends at FINAL_SCORE <= 0.2")
    assert read(20, 0.25) == [(*band, "false", "FINAL_SCORE 0.25")]
    assert read(20, 0.1) == [
        (*band, "true", "FINAL_SCORE 0.1"),
        ("confirmation", "HOLD for 20 minutes", "false", "for 10 minutes"),
    ]
    assert read(30, 0.1) == [
        (*band, "true", "FINAL_SCORE 0.1"),
        ("confirmation", "HOLD for 20 minutes", "true", "for 20 minutes"),
        ("minimum_hold", "BUY for 60 minutes", "false", "for 30 minutes"),
    ]
    assert read(60, 0.1)[-1] == ("minimum_hold", "BUY for 60 minutes", "true", "for 60 minutes")
    assert read(60, 0.4) == []


@pytest.mark.parametrize(
    ("action", "band", "end"),
    [
        ("BUY", 0.4, "BUY ends at FINAL_SCORE <= -0.1"),
        ("SELL", 0.4, "SELL ends at FINAL_SCORE >= 0.1"),
        ("BUY", 0.7, "BUY ends at FINAL_SCORE < -0.3"),
        ("SELL", 0.7, "SELL ends at FINAL_SCORE > 0.3"),
    ],
)
def test_the_trace_says_where_an_action_ends(action: str, band: float, end: str) -> None:
    found = trace(pinned(action, band=band), 0.0, "HOLD", T0)
    assert [(one.part, one.truth) for one in found] == [(end, "false")]


def test_a_strategy_that_says_nothing_has_the_measured_defaults() -> None:
    plain = Strategy(strategy_id="mine", owner="user", name="Mine")
    assert (plain.band, plain.confirmation_minutes, plain.minimum_hold_minutes) == (0.4, 0.0, 0.0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-6, 6)), max_size=30),
    st.sampled_from([0.0, 0.05, 0.3, 2.0]),
    st.sampled_from([0.0, 1.0, 20.0]),
    st.sampled_from([0.0, 10.0, 60.0]),
)
def test_laws(
    steps: list[tuple[int, int]], band: float, confirmation: float, minimum: float
) -> None:
    walk = Walk(band=band, confirmation_minutes=confirmation, minimum_hold_minutes=minimum)
    raw: list[tuple[int, str]] = []
    changes: list[int] = []
    minute, before = 0, ""
    for pause, tenths in steps:
        minute += pause
        final = tenths / 10
        parts = trace(walk.at, final, fused(final), T0 + minute * MINUTE_MS)
        action, override = walk.put(minute, final)
        raw.append((minute, fused(final)))
        assert (override is None) == (action == fused(final))
        kept = [one.rule for one in parts if one.truth == "false"]
        assert kept == ([] if override is None else [override]), "the trace agrees"
        if before and action != before:
            assert not changes or minute - changes[-1] >= minimum
            assert all(one == action for at, one in raw if minute - at < confirmation)
        if action != before:
            changes.append(minute)
        before = action
    assert walk.at.waiting == "" or walk.at.waiting_ms > 0
