"""A position's levels, when it is left and for what, and how that reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.signals import OpenPosition
from schemas.times import HOUR_MS
from streams.fusion.position import (
    Holding,
    at_price,
    enter,
    left_for,
    open_position,
    profit_pct,
    trace,
    trailing_stop_usd,
)
from tests.unit.streams.fusion.fusion_factories import T0, make_strategy


def entered(price_usd: float = 100.0, atr_usd: float | None = 2.0, **fields: Any) -> Holding:
    holding, _ = enter(make_strategy(**fields), price_usd, T0, atr_usd)
    return holding


@pytest.mark.parametrize(
    ("fields", "levels"),
    [
        pytest.param({}, (None, None, None), id="none is wanted"),
        pytest.param({"stop_loss_pct": 5.0}, (95.0, None, None), id="stop in percent"),
        pytest.param({"stop_loss_atr": 3.0}, (94.0, None, None), id="stop in ATR"),
        pytest.param({"take_profit_pct": 10.0}, (None, 110.0, None), id="target in percent"),
        pytest.param({"take_profit_atr": 4.0}, (None, 108.0, None), id="target in ATR"),
        pytest.param({"trailing_stop_pct": 8.0}, (None, None, 92.0), id="trailing in percent"),
        pytest.param({"trailing_stop_atr": 2.0}, (None, None, 96.0), id="trailing in ATR"),
        pytest.param(
            {"stop_loss_pct": 5.0, "stop_loss_atr": 3.0}, (95.0, None, None), id="percent rules"
        ),
        pytest.param({"stop_loss_pct": 100.0}, (None, None, None), id="no stop at 0"),
        pytest.param({"stop_loss_atr": 60.0}, (None, None, None), id="nor below it"),
    ],
)
def test_levels_at_the_entry(fields: dict[str, float], levels: tuple[float | None, ...]) -> None:
    assert open_position(entered(**fields)) == OpenPosition(100.0, T0, *levels)


def test_what_hangs_on_an_unknown_atr_is_left_out_and_said() -> None:
    strategy = make_strategy(
        timeframe="4h", stop_loss_atr=2.0, take_profit_atr=4.0, trailing_stop_atr=3.0
    )
    holding, lacking = enter(strategy, 100.0, T0, None)
    assert open_position(holding) == OpenPosition(100.0, T0)
    assert lacking == {
        "stop_loss": "ATR14@4h is not known, so there is no stop",
        "take_profit": "ATR14@4h is not known, so there is no target",
        "trailing_stop": "ATR14@4h is not known, so there is no trailing stop",
    }
    _, lacking = enter(make_strategy(stop_loss_pct=2.0, stop_loss_atr=2.0), 100.0, T0, None)
    assert lacking == {}, "percent rules, so ATR is not missed"


ALL = {
    "stop_loss_pct": 5.0,
    "take_profit_pct": 20.0,
    "trailing_stop_pct": 10.0,
    "max_age_hours": 24.0,
}


@pytest.mark.parametrize(
    ("prices", "hours", "reason"),
    [
        pytest.param([100.0], 1, None, id="kept"),
        pytest.param([95.01], 1, None, id="just above the stop"),
        pytest.param([95.0], 1, "stop_loss", id="at the stop"),
        pytest.param([40.0], 1, "stop_loss", id="a gap through stop and trailing stop"),
        pytest.param([110.0, 99.1], 1, None, id="just above the trailing stop"),
        pytest.param([110.0, 99.0], 1, "trailing_stop", id="at it"),
        pytest.param([119.99], 1, None, id="just below the target"),
        pytest.param([120.0], 1, "take_profit", id="at the target"),
        pytest.param([300.0], 1, "take_profit", id="a gap over it"),
        pytest.param([100.0], 23.999, None, id="not yet old"),
        pytest.param([100.0], 24, "max_age", id="old"),
        pytest.param([95.0], 24, "stop_loss", id="old and at the stop"),
        pytest.param([], 1, None, id="no price"),
        pytest.param([], 24, "max_age", id="age needs no price"),
    ],
)
def test_when_it_is_left(prices: list[float], hours: float, reason: str | None) -> None:
    strategy, holding = make_strategy(**ALL), entered(**ALL)
    for price_usd in prices:
        holding = at_price(holding, price_usd)
    last = prices[-1] if prices else None
    assert left_for(strategy, holding, last, T0 + round(hours * HOUR_MS)) == reason


def test_levels_stay_as_at_the_entry_when_the_strategy_changes() -> None:
    holding = entered(**ALL)
    changed = make_strategy(stop_loss_pct=1.0, take_profit_pct=1.0, trailing_stop_pct=1.0)
    assert left_for(changed, holding, 98.0, T0) is None
    assert left_for(changed, holding, 102.0, T0) is None


def test_the_trace_says_what_was_asked_and_ends_at_what_fired() -> None:
    strategy, holding = make_strategy(**ALL), at_price(entered(**ALL), 110.0)
    kept = trace(strategy, holding, 105.0, T0 + HOUR_MS)
    assert [(one.rule, one.part, one.truth, one.values) for one in kept] == [
        ("stop_loss", "PRICE <= 95", "false", "PRICE 105"),
        ("trailing_stop", "PRICE <= 99", "false", "PRICE 105"),
        ("take_profit", "PRICE >= 120", "false", "PRICE 105"),
        ("max_age", "AGE >= 24", "false", "AGE 1"),
    ]
    left = trace(strategy, holding, 98.0, T0 + 48 * HOUR_MS)
    assert [(one.rule, one.truth) for one in left] == [
        ("stop_loss", "false"),
        ("trailing_stop", "true"),
    ]
    blind = trace(strategy, holding, None, T0 + 24 * HOUR_MS)
    assert [(one.rule, one.truth, one.values) for one in blind] == [
        ("stop_loss", "unknown", "PRICE missing"),
        ("trailing_stop", "unknown", "PRICE missing"),
        ("take_profit", "unknown", "PRICE missing"),
        ("max_age", "true", "AGE 24"),
    ]


positive = st.floats(1e-9, 1e9)
percent = st.none() | st.floats(0.01, 150.0)
multiple = st.none() | st.floats(0.1, 50.0)


@given(
    positive,
    st.none() | positive,
    st.lists(positive, max_size=20),
    st.fixed_dictionaries(
        {
            "stop_loss_pct": percent,
            "stop_loss_atr": multiple,
            "take_profit_pct": percent,
            "take_profit_atr": multiple,
            "trailing_stop_pct": percent,
            "trailing_stop_atr": multiple,
            "max_age_hours": st.none() | st.floats(0.01, 1000.0),
        }
    ),
)
def test_levels_lie_where_they_belong_and_the_trailing_one_never_falls(
    price_usd: float, atr_usd: float | None, prices: list[float], fields: dict[str, Any]
) -> None:
    strategy = make_strategy(**fields)
    holding, _ = enter(strategy, price_usd, T0, atr_usd)
    first = open_position(holding)
    assert first.stop_loss_usd is None or 0.0 < first.stop_loss_usd <= price_usd
    assert first.take_profit_usd is None or first.take_profit_usd >= price_usd
    trailing = trailing_stop_usd(holding) or 0.0
    for seen in prices:
        holding = at_price(holding, seen)
        level = trailing_stop_usd(holding) or 0.0
        assert level >= trailing
        trailing = level
        reason = left_for(strategy, holding, seen, T0)
        parts = trace(strategy, holding, seen, T0)
        fired = [one.rule for one in parts if one.truth == "true"]
        assert fired == ([] if reason is None else [reason]), "the trace agrees"
        if reason == "trailing_stop":
            assert seen <= holding.highest_usd
    now = open_position(holding)
    assert (now.stop_loss_usd, now.take_profit_usd) == (first.stop_loss_usd, first.take_profit_usd)


@given(positive, positive)
def test_profit_is_in_percent_of_the_entry(entry_usd: float, price_usd: float) -> None:
    holding = entered(entry_usd)
    assert profit_pct(holding, price_usd) == pytest.approx(
        100 * (price_usd - entry_usd) / entry_usd
    )
