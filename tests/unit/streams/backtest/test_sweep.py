"""Which choices a sweep tries, as which strategies, under which keys."""

from __future__ import annotations

from itertools import islice

import pytest

from schemas.control import effective_weights
from schemas.strategy_files import StrategyFileError
from streams.backtest.sweep import (
    Axis,
    StrategyFile,
    SweepError,
    choice_at,
    every,
    key_of,
    parse_axes,
    random_choices,
    size_of,
    strategy_of,
    with_all_rules,
)

FILE = StrategyFile(
    """\
strategy_id: dip
name: Dip
params: {rsi: 30, fast: 12}
weights: {technical: 0.6, sentiment: 0.3}
entry_rule: RSI < $rsi AND EMA($fast) > MA50
active: false
""",
    "dip.yaml",
)


@pytest.mark.parametrize(
    ("item", "values"),
    [
        pytest.param("a=0.2:0.5:0.1", ("0.2", "0.3", "0.4", "0.5"), id="no drift of tenths"),
        pytest.param("a=10:30:10", ("10", "20", "30"), id="whole"),
        pytest.param("a=-0.3:0:0.2", ("-0.3", "-0.1"), id="the end between two"),
        pytest.param("a=1:1:5", ("1",), id="one"),
        pytest.param("a = 25, 30,25", ("25", "30"), id="a list, each once"),
        pytest.param("a=1h,4h", ("1h", "4h"), id="words"),
    ],
)
def test_values_of_an_axis(item: str, values: tuple[str, ...]) -> None:
    assert parse_axes([item]) == (Axis("a", values),)


@pytest.mark.parametrize(
    ("items", "said"),
    [
        pytest.param([], "nothing to try", id="none"),
        pytest.param(["rsi"], "write NAME=FROM:TO:STEP", id="no values"),
        pytest.param(["a=1", "a=2"], "a is given twice", id="twice"),
        pytest.param(["a=1,,2"], "an empty value", id="empty"),
        pytest.param(["a=1:2"], "a range is FROM:TO:STEP", id="no step"),
        pytest.param(["a=2:1:0.1"], "three numbers that rise", id="falls"),
        pytest.param(["a=1:2:0"], "three numbers that rise", id="stands"),
        pytest.param(["a=1:nan:1"], "three numbers that rise", id="no number"),
        pytest.param(["a=0:1:0.00001"], "100,001 values are more than 10,000", id="too many"),
    ],
)
def test_axes_that_make_no_sense(items: list[str], said: str) -> None:
    with pytest.raises(SweepError, match=said):
        parse_axes(items)


def test_every_choice_comes_once_and_can_be_named_by_its_place() -> None:
    axes = parse_axes(["rsi=25,30", "band=0:0.2:0.1"])
    found = list(every(axes))
    assert len(found) == size_of(axes) == 6
    assert found == [choice_at(axes, place) for place in range(6)]
    assert found[1] == {"rsi": "25", "band": "0.1"}


def test_random_choices_follow_their_seed_and_never_repeat() -> None:
    axes = parse_axes(["a=0:99:1", "b=0:99:1"])
    first = list(islice(random_choices(axes, 7), 50))
    assert first == list(islice(random_choices(axes, 7), 50))
    assert first != list(islice(random_choices(axes, 8), 50))
    assert len({tuple(one.values()) for one in first}) == 50
    few = parse_axes(["a=1,2,3"])
    assert sorted(one["a"] for one in random_choices(few, 1)) == ["1", "2", "3"]


def test_a_choice_sets_parameters_weights_and_fields() -> None:
    made = strategy_of(FILE, {"rsi": "25", "weights.sentiment": "0.5", "stop_loss_pct": "3"})
    assert made.entry_rule == "RSI < 25 AND EMA(12) > MA50"
    assert made.stop_loss_pct == 3.0
    assert made.active  # who tries a strategy wants to see it at work
    weights = effective_weights(made)
    assert weights["sentiment"] == 0.5
    assert weights["technical"] == pytest.approx(0.4)  # what is left of the file's 0.9
    assert sum(weights.values()) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("choice", "error", "said"),
    [
        pytest.param({"rso": "3"}, SweepError, "no such field.*params are rsi, fast", id="unknown"),
        pytest.param({"assets": "BTC"}, SweepError, "use --assets", id="assets"),
        pytest.param({"entry_rule": "RSI < 3"}, SweepError, "name its numbers", id="a rule"),
        pytest.param({"weights.news": "1"}, SweepError, "is none of sentiment", id="no engine"),
        pytest.param({"weights.sentiment": "x"}, SweepError, "'x' is no number", id="no weight"),
        pytest.param({"band": "x"}, SweepError, "is not a number", id="no value"),
        pytest.param({"rsi": "a b"}, SweepError, "neither a number nor", id="two words"),
        pytest.param({"weights.sentiment": "0.95"}, StrategyFileError, "sum to", id="weights"),
        pytest.param({"fast": "0"}, StrategyFileError, "dip.yaml:5", id="no such indicator"),
        pytest.param({"buy_threshold": "-0.9"}, StrategyFileError, "buy_threshold", id="crossed"),
    ],
)
def test_choices_that_make_no_strategy(
    choice: dict[str, str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        strategy_of(FILE, choice)


def test_a_file_of_several_strategies_is_none_for_a_sweep() -> None:
    two = StrategyFile("strategy_id: a\nname: A\n---\nstrategy_id: b\nname: B\n", "two.yaml")
    with pytest.raises(SweepError, match=r"two.yaml: 2 strategies are in it"):
        strategy_of(two, {"band": "0.1"})


def test_a_key_is_of_what_decides_and_of_the_data() -> None:
    same = StrategyFile(FILE.text.replace("name: Dip", "name: Other # why"), "other.yaml")
    one = strategy_of(FILE, {"rsi": "25"})
    assert key_of(one, "d") == key_of(strategy_of(same, {"rsi": "25"}), "d")
    assert key_of(one, "d") == key_of(strategy_of(FILE, {"rsi": "25", "band": "0.4"}), "d")
    assert key_of(one, "d") != key_of(one, "e")
    assert key_of(one, "d") != key_of(strategy_of(FILE, {"rsi": "26"}), "d")


def test_every_form_of_the_rules_is_there_once_for_its_indicators() -> None:
    axes = parse_axes(["rsi=20:40:1", "fast=5,6,7", "band=0:0.4:0.1"])
    found = with_all_rules(FILE, axes)
    assert [one.entry_rule for one in found] == [
        f"RSI < 20 AND EMA({fast}) > MA50" for fast in (5, 6, 7)
    ]
    with pytest.raises(SweepError, match="3,000 different rules, more than 2,000"):
        with_all_rules(FILE, parse_axes(["rsi=1:100:1", "fast=1:30:1"]))
