"""Strategies as YAML files: what is read, what is refused with its line, what is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.control import DRY_RUN, Strategy
from schemas.strategy_files import StrategyFileError, read_strategies, strategies_of, to_yaml

FILE = """\
# Buys strength.
strategy_id: mine
name: My own
assets: [BTC, NO, "ON", 1INCH]   # names, not booleans
weights: {technical: 0.7, sentiment: 0.3}
buy_threshold: 0.35
stop_loss_pct: 5        # percent
max_age_hours: 36
portfolio_value_usd: 25_000
kelly: no
entry_over_event_risk: Yes
description: |
  It buys strength.

  And sells weakness.
---
# only a comment
---
strategy_id: other
name: "007"
user_id: alice
"""


def test_documents_are_strategies_and_values_are_read_by_their_field() -> None:
    mine, other = strategies_of(FILE, "my.yaml")
    assert mine == Strategy(
        strategy_id="mine",
        owner="admin",
        name="My own",
        assets=("BTC", "NO", "ON", "1INCH"),
        weights={"technical": 0.7, "sentiment": 0.3},
        buy_threshold=0.35,
        stop_loss_pct=5.0,
        max_age_hours=36.0,
        portfolio_value_usd=25_000.0,
        entry_over_event_risk=True,
        description="It buys strength.\n\nAnd sells weakness.",
    )
    assert other == Strategy(strategy_id="other", owner="user", user_id="alice", name="007")


WRONG = [
    pytest.param(
        "stop_los_pct: 5",
        ":3: stop_los_pct is no field of a strategy; did you mean stop_loss_pct?",
        id="unknown",
    ),
    pytest.param("zzz: 5", ":3: zzz is no field of a strategy", id="nothing near"),
    pytest.param("name: Again", ":3: name is given twice", id="twice"),
    pytest.param("version: 3", ":3: version cannot be set in a file: it is counted", id="version"),
    pytest.param(
        "stop_loss_pct: 5%",
        ":3: stop_loss_pct '5%' is not a number; it is in percent, written without a sign",
        id="percent sign",
    ),
    pytest.param("max_age_hours: 36h", ":3: max_age_hours '36h' is not a number; it is in hours"),
    pytest.param("minimum_hold_minutes: 1:30", "'1:30' is not a number; it is in min", id="1:30"),
    pytest.param("portfolio_value_usd: $50", "'$50' is not a number; it is in US dollars", id="$"),
    pytest.param("buy_threshold: .nan", "buy_threshold '.nan' is not a number", id="nan"),
    pytest.param("buy_threshold: [1]", "buy_threshold is a number, not a list or a map", id="list"),
    pytest.param("assets: BTC", ":3: assets is a list: write assets: [BTC, ETH]", id="no list"),
    pytest.param("assets: [[BTC]]", "assets is a text, not a list or a map", id="list of lists"),
    pytest.param("assets: [btc]", ":3: assets: 'btc' is not a symbol in capitals", id="small"),
    pytest.param("kelly: maybe", ":3: kelly is true or false, not 'maybe'", id="maybe"),
    pytest.param("weights: 1", "weights has a number for each name", id="no map"),
    pytest.param("weights: {technical: 1, technical: 0}", "weights has technical twice", id="key"),
    pytest.param("weights: {technical: x}", "technical of weights 'x' is not a number", id="x"),
    pytest.param("weights: {astrology: 1}", ":3: weight for unknown engine", id="engine"),
    pytest.param("weights: {technical: 0.7, sentiment: 0.7}", ":3: weights sum to 1.4", id="sum"),
    pytest.param("sell_threshold: 0.9", ":3: sell_threshold 0.9 is not below buy 0.3", id="order"),
    pytest.param("entry_rule: RSI <", ":3: entry_rule", id="rule"),
    pytest.param(
        "exit_rule: RIS > 70",
        ":3: exit_rule, line 1, column 1: RIS is not known; did you mean",
        id="name in a rule",
    ),
    pytest.param("? [a]\n: 1", "is no field of a strategy", id="a list as key"),
    pytest.param("assets: [BTC", "it is not YAML", id="open"),
    pytest.param("\tname: x", "it is not YAML", id="tab"),
    pytest.param("name2: \0", "it is not YAML", id="NUL"),
    pytest.param("assets: " + "[" * 5_000, "", id="deep"),
    pytest.param("assets: !!python/object:os.system [BTC, eth]", "'eth' is not", id="a tag"),
]


@pytest.mark.parametrize(("line", "expected"), WRONG)
def test_what_is_wrong_is_said_with_its_line(line: str, expected: str) -> None:
    with pytest.raises(StrategyFileError) as caught:
        strategies_of(f"strategy_id: mine\nname: Mine\n{line}\n", "my.yaml")
    assert str(caught.value).startswith("my.yaml")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("- a\n- b", "my.yaml:1: a strategy is written as", id="a list"),
        pytest.param("just text", "my.yaml:1: a strategy is written as", id="a text"),
        pytest.param("name: Mine", "strategy_id is not given", id="no id"),
        pytest.param("strategy_id: x\nname:", "name is empty", id="empty"),
        pytest.param(f"strategy_id: {DRY_RUN}\nname: x", ":1: strategy_id dry-run is kept for"),
    ],
)
def test_a_document_that_is_no_strategy(text: str, expected: str) -> None:
    with pytest.raises(StrategyFileError, match=r"^my\.yaml") as caught:
        strategies_of(text, "my.yaml")
    assert expected in str(caught.value)


def test_every_fault_is_said_at_once() -> None:
    with pytest.raises(StrategyFileError) as caught:
        strategies_of("strategy_id: a\nnam: x\n---\nstrategy_id: b\nname: B\nbad: 1\n", "f.yaml")
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["2", "1", "6"]


def test_a_folder_is_read_whole_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "b" / "two.yml").write_text("strategy_id: two\nname: Two\n")
    (tmp_path / "a.yaml").write_text("strategy_id: one\nname: One\n")
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    (tmp_path / "notes.txt").write_text("not: ours\n")
    (tmp_path / ".git" / "x.yaml").write_text("not: ours\n")
    assert [one.strategy_id for one in read_strategies(tmp_path)] == ["one", "two"]
    (tmp_path / "c.yaml").write_text("strategy_id: one\nname: Again\n")
    with pytest.raises(StrategyFileError, match=r"c.yaml:1: strategy_id one is also at .*a.yaml:1"):
        read_strategies(tmp_path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"# nothing\n", "there is no strategy in it", id="empty"),
        pytest.param(b"name: \xff", "it is not UTF-8 at byte 6", id="no UTF-8"),
        pytest.param(b"#" * (1 << 20) + b"\n", "more than 1,048,576", id="large"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    with pytest.raises(StrategyFileError, match=expected):
        read_strategies(path)


def test_a_folder_without_files_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StrategyFileError, match="no file that ends in"):
        read_strategies(tmp_path)
    with pytest.raises(OSError, match=r"my\.yaml"):
        read_strategies(tmp_path / "my.yaml")


def test_what_is_written_reads_as_the_same() -> None:
    for one in strategies_of(FILE, "my.yaml"):
        assert strategies_of(to_yaml(one), "again") == [one]
        saved = replace(one, version=3, author="bob", updated_at=5)
        assert strategies_of(to_yaml(saved), "again") == [one]


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for sent in (text, f"strategy_id: a\nname: {text}", f"strategy_id: a\n{text}: 1"):
        try:
            found = strategies_of(sent, "f")
        except StrategyFileError:
            continue
        for one in found:
            assert strategies_of(to_yaml(one), "again") == [one]


def test_the_writer_quotes_what_yaml_would_take_for_something_else() -> None:
    one = Strategy(strategy_id="a", owner="admin", name="on", assets=("NO", "1E3", "ON"))
    assert yaml.safe_load(to_yaml(one))["assets"] == ["NO", "1E3", "ON"]
    assert strategies_of(to_yaml(one), "f") == [one]
