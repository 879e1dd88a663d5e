"""Named parameters in the rules of strategy files."""

from __future__ import annotations

import pytest

from schemas.strategy_files import StrategyFileError, strategies_of, to_yaml

FILE = """\
strategy_id: dip
name: Dip
params: {rsi: 30, fast: 12, frame: 4h}
entry_rule: RSI < $rsi AND EMA($fast) > EMA(26) AND RSI@$frame > 20
exit_rule: RSI > $rsi + 40
"""


def test_a_rule_has_the_file_s_own_values() -> None:
    (found,) = strategies_of(FILE, "dip.yaml")
    assert found.entry_rule == "RSI < 30 AND EMA(12) > EMA(26) AND RSI@4h > 20"
    assert found.exit_rule == "RSI > 30 + 40"


def test_other_values_stand_in_place_of_the_file_s() -> None:
    (found,) = strategies_of(FILE, "dip.yaml", {"rsi": "25", "frame": "1d"})
    assert found.entry_rule == "RSI < 25 AND EMA(12) > EMA(26) AND RSI@1d > 20"


def test_a_strategy_that_was_read_is_written_without_parameters() -> None:
    (found,) = strategies_of(FILE, "dip.yaml")
    assert "$" not in to_yaml(found)
    assert strategies_of(to_yaml(found), "again.yaml") == [found]


@pytest.mark.parametrize(
    ("params", "rule", "said"),
    [
        pytest.param("{rsi: 30}", "RSI < $rso", "x:4: entry_rule: $rso is no", id="unknown"),
        pytest.param("", "RSI < $rsi", "the file has no params", id="none"),
        pytest.param("{rsi: 30, b: 1}", "RSI < $rsi", "x:1: params: no rule names $b", id="unused"),
        pytest.param("{rsi: 30 OR 1}", "RSI < $rsi", "neither a number nor one word", id="rule"),
        pytest.param("{rsi: [3]}", "RSI < $rsi", "neither a number nor one word", id="list"),
        pytest.param("{r-i: 3}", "RSI < 3", "is no name of a parameter", id="name"),
        pytest.param("[30]", "RSI < 30", "x:3: params has a value for each name", id="no map"),
        pytest.param("{rsi: 30}", "RSI < $rsi AND $", "$ stands before the name", id="alone"),
        pytest.param("{rsi: RSIX}", "RSI < $rsi", "x:4: entry_rule", id="no value of a rule"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(params: str, rule: str, said: str) -> None:
    text = f"strategy_id: a\nname: A\nparams: {params}\nentry_rule: {rule}\n"
    with pytest.raises(StrategyFileError) as caught:
        strategies_of(text, "x")
    assert said in str(caught.value)
