"""Laws of the fundamental engine over random records and ticks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.market import MEASURES
from streams.engines.fundamental import ENGINE, PARTS
from tests.property import _text_laws as laws
from tests.unit.streams.engines._records import (
    HOUR_MS,
    T0,
    make_fundamentals,
    readings,
    said,
)

RISING = [
    name
    for name in MEASURES
    if name not in {"market_cap_rank", "market_cap_usd", "volume_30d_avg_usd"}
    and "supply" not in name
]
fields = st.dictionaries(st.sampled_from(MEASURES), laws.amounts).map(
    lambda drawn: {
        name: min(int(value), 10_000) if name == "market_cap_rank" else value
        for name, value in drawn.items()
    }
)
records = st.builds(
    lambda at, source, drawn: make_fundamentals(at, source=source, **drawn),
    laws.times,
    st.sampled_from(["coingecko", "lunarcrush"]),
    fields,
)
events = st.lists(records | laws.ticks, max_size=15)
cuts = st.integers(0, 15)


@laws.unhurried
@given(events)
def test_bounds(given_events: list[Any]) -> None:
    for reading in readings(ENGINE, given_events):
        laws.check_bounds(reading, 0.0)
        assert set(reading.features) <= set(PARTS)
        assert all(0.0 <= value <= 1.0 for value in reading.features.values())
        assert reading.confidence == pytest.approx(len(reading.features) / 9)


@laws.unhurried
@given(events, cuts)
def test_what_comes_after_cannot_matter(given_events: list[Any], cut: int) -> None:
    laws.check_prefix(ENGINE, given_events, cut)


@laws.unhurried
@given(events, cuts)
def test_storage_in_mid_stream(given_events: list[Any], cut: int) -> None:
    laws.check_storage(ENGINE, given_events, cut)


@laws.unhurried
@given(events)
def test_repetition(given_events: list[Any]) -> None:
    laws.check_repetition(ENGINE, given_events)


@laws.unhurried
@given(events)
def test_old_states_stay(given_events: list[Any]) -> None:
    laws.check_frozen(ENGINE, given_events)


@laws.unhurried
@given(events)
def test_scores_are_valid(given_events: list[Any]) -> None:
    laws.check_scores(ENGINE, given_events)


base = st.fixed_dictionaries({name: st.floats(1.0, 1e9) for name in MEASURES}).map(
    lambda drawn: (
        drawn
        | {
            "market_cap_rank": 50,
            "github_issues_closed_pct": drawn["github_issues_closed_pct"] / 1e7,
        }
    )
)


@laws.unhurried
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


@laws.unhurried
@given(st.integers(1, 5000), st.integers(1, 5000))
def test_a_better_rank_is_never_worse(one: int, other: int) -> None:
    first, last = sorted((one, other))
    better = said(ENGINE, make_fundamentals(market_cap_rank=first)).score
    assert better >= said(ENGINE, make_fundamentals(market_cap_rank=last)).score
