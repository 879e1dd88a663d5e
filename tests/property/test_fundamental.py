"""Laws of the fundamental engine over random records and ticks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.market import MEASURES
from streams.engines.fundamental import ENGINE, PARTS
from tests.factories import HOUR_MS
from tests.property.engine_streams import STREAMS
from tests.unit.streams.engines._records import T0, make_fundamentals, readings, said

RISING = [
    name
    for name in MEASURES
    if name not in {"market_cap_rank", "market_cap_usd", "volume_30d_avg_usd"}
    and "supply" not in name
]


@given(STREAMS[ENGINE.topic])
def test_parts_are_in_their_ranges(given_events: list[Any]) -> None:
    for reading in readings(ENGINE, given_events):
        assert reading.score >= 0.0
        assert set(reading.features) <= set(PARTS)
        assert all(0.0 <= value <= 1.0 for value in reading.features.values())
        assert reading.confidence == pytest.approx(len(reading.features) / 9)


base = st.fixed_dictionaries({name: st.floats(1.0, 1e9) for name in MEASURES}).map(
    lambda drawn: (
        drawn
        | {
            "market_cap_rank": 50,
            "github_issues_closed_pct": drawn["github_issues_closed_pct"] / 1e7,
        }
    )
)


@given(base, st.sampled_from(RISING), st.floats(1.0, 1e3))
def test_more_is_never_worse(fields_now: dict[str, Any], name: str, factor: float) -> None:
    """One field larger, against the same past: no part falls."""
    past = make_fundamentals(T0, **fields_now)
    low = make_fundamentals(T0 + HOUR_MS, **fields_now)
    high = make_fundamentals(T0 + HOUR_MS, **(fields_now | {name: fields_now[name] * factor}))
    less, more = said(ENGINE, past, low), said(ENGINE, past, high)
    assert set(less.features) == set(more.features) == set(PARTS)
    for part in PARTS:
        assert more.features[part] >= less.features[part] - 1e-12
    assert more.score >= less.score - 1e-12


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_better_rank_is_never_worse(one: int, other: int) -> None:
    first, last = sorted((one, other))
    better = said(ENGINE, make_fundamentals(market_cap_rank=first)).score
    assert better >= said(ENGINE, make_fundamentals(market_cap_rank=last)).score
