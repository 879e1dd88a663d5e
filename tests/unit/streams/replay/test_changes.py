"""What-ifs: which strategies are replayed, what is changed, and with what it is compared."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from schemas.strategy_files import StrategyFileError, field_value
from streams.replay.changes import NO_CHANGES, ChangeError, Changes, parse_changes
from streams.stage import StrategyAt
from tests.factories import strategy

OLD, OTHER, MINE = strategy("balanced"), strategy("other"), strategy("mine", buy_threshold=0.1)
STORED = [OLD, OTHER]
MINE_TOO = strategy("balanced", buy_threshold=0.1)
"""Of one's own, with the id of a stored one."""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, NO_CHANGES, id="nothing"),
        pytest.param({"without": "news"}, Changes(without=("sentiment",)), id="a topic"),
        pytest.param(
            {"without": "technical, news,sentiment"},
            Changes(without=("sentiment", "technical")),
            id="once each",
        ),
        pytest.param(
            {"weights": "sentiment=0.2,technical=0.4"},
            Changes(weights={"sentiment": 0.2, "technical": 0.4}),
            id="weights",
        ),
        pytest.param(
            {"thresholds": "buy=0.2,sell=-0.1"},
            Changes(buy_threshold=0.2, sell_threshold=-0.1),
            id="thresholds",
        ),
    ],
)
def test_changes(options: dict[str, str], expected: Changes) -> None:
    assert parse_changes(**options) == expected
    assert bool(expected) == bool(options)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"without": "moon"}, id="no engine"),
        pytest.param({"weights": "moon=0.1"}, id="no weight"),
        pytest.param({"weights": "technical=nan"}, id="not a number"),
        pytest.param({"weights": "technical=-0.1"}, id="negative"),
        pytest.param({"weights": "technical=0.9,sentiment=0.2"}, id="together above 1"),
        pytest.param({"thresholds": "buy"}, id="no value"),
    ],
)
def test_changes_that_make_no_sense(options: dict[str, str]) -> None:
    with pytest.raises(ChangeError):
        parse_changes(**options)


def test_a_changed_strategy_keeps_all_else() -> None:
    changed = Changes(weights={"technical": 0.9}, sell_threshold=-0.9).strategy(OLD)
    assert changed.weights == {"technical": 0.9}, "a whole set"
    assert (changed.buy_threshold, changed.sell_threshold) == (OLD.buy_threshold, -0.9)
    assert changed.strategy_id == OLD.strategy_id


def test_strategies_of_ones_own(tmp_path: Path) -> None:
    """Files, folders and ids; what is switched off in a file is tried all the same."""
    one, folder = tmp_path / "one.yaml", tmp_path / "folder"
    folder.mkdir()
    one.write_text("strategy_id: mine\nname: Mine\nactive: no\nband: 0.2\n", "utf-8")
    (folder / "two.yml").write_text("strategy_id: two\nname: Two\nband: 0.1\n", "utf-8")
    found = parse_changes(strategies=[str(one), "balanced", str(folder)])
    assert [(at.strategy_id, at.active, at.band) for at in found.own] == [
        ("mine", True, 0.2),
        ("two", True, 0.1),
    ]
    assert found.only == ("mine", "balanced", "two")
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Changes)
    assert again == found, "it goes to other processes"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param("strategy_id: a\nnme: b\n", "one.yaml:2: nme is no field", id="a typo"),
        pytest.param("strategy_id: a\nname: b\nentry_rule: RSI <\n", "one.yaml:3", id="a rule"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "one.yaml"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(ChangeError, match=said):
        parse_changes(strategies=[str(path)])


def test_a_strategy_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("strategy_id: a\nname: b\n", "utf-8")
    with pytest.raises(ChangeError, match="a is in an earlier file too"):
        parse_changes(strategies=[str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")])


@pytest.mark.parametrize(
    ("item", "name", "value"),
    [
        pytest.param("band=0.1", "band", 0.1, id="a number"),
        pytest.param("entry_rule=RSI < 30", "entry_rule", "RSI < 30", id="a rule"),
        pytest.param("entry_rule= A = B", "entry_rule", "A = B", id="with an equals sign"),
        pytest.param("exit_rule=", "exit_rule", None, id="none"),
        pytest.param("kelly=yes", "kelly", True, id="a boolean"),
    ],
)
def test_fields(item: str, name: str, value: object) -> None:
    changed = parse_changes(fields=[item]).strategy(OLD)
    assert getattr(changed, name) == value


@pytest.mark.parametrize(
    ("item", "said"),
    [
        pytest.param("band", "write FIELD=VALUE", id="no value"),
        pytest.param("bnd=1", "did you mean band", id="no field"),
        pytest.param("band=x", "band 'x' is not a number", id="no number"),
        pytest.param("band=", "band '' is not a number", id="an empty number"),
        pytest.param("buy_threshold=0.1", "use --thresholds", id="another option"),
        pytest.param("assets=BTC", "use --assets", id="assets"),
        pytest.param("version=3", "counted when the strategy is saved", id="a version"),
    ],
)
def test_fields_that_make_no_sense(item: str, said: str) -> None:
    with pytest.raises(ChangeError, match=said):
        parse_changes(fields=[item])


def test_a_field_of_a_list_is_not_a_text() -> None:
    with pytest.raises(StrategyFileError, match="is a list"):
        field_value("assets", "BTC")


def test_the_table() -> None:
    """One's own stand in place of the stored ones of their ids; all others are left out."""
    stored = {one.strategy_id: StrategyAt(one, at) for at, one in enumerate(STORED, start=5)}
    own = Changes(own=(MINE, MINE_TOO), only=("mine", "balanced"))
    assert own.table(stored) == {
        "balanced": StrategyAt(MINE_TOO, 5),
        "mine": StrategyAt(MINE, 0),
    }
    assert list(Changes(only=("other",)).table(stored)) == ["other"]
    assert list(Changes(fields={"band": 0.1}).table(stored)) == ["balanced", "other"]


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        pytest.param(Changes(without=("sentiment",)), NO_CHANGES, id="all as they are"),
        pytest.param(Changes(only=("other",)), None, id="a stored one alone"),
        pytest.param(
            Changes(only=("other",), fields={"band": 0.1}),
            Changes(only=("other",)),
            id="a stored one changed",
        ),
        pytest.param(Changes(own=(MINE,), only=("mine",)), None, id="one of one's own"),
        pytest.param(
            Changes(own=(MINE,), only=("mine",), fields={"band": 0.1}),
            Changes(own=(MINE,), only=("mine",)),
            id="one of one's own changed",
        ),
        pytest.param(
            Changes(own=(MINE_TOO,), only=("balanced",)),
            Changes(only=("balanced",)),
            id="in place of a stored one",
        ),
    ],
)
def test_what_it_is_compared_with(changes: Changes, base: Changes | None) -> None:
    assert changes.base(STORED) == base


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(Changes(only=("balancd",)), "did you mean balanced", id="a typo"),
        pytest.param(Changes(only=("x",)), "there are balanced, other", id="unknown"),
        pytest.param(
            Changes(fields={"entry_rule": "RSI <"}), "entry_rule, line 1, column 6", id="a rule"
        ),
        pytest.param(Changes(buy_threshold=-0.9), "balanced cannot be changed so", id="thresholds"),
    ],
)
def test_strategies_that_cannot_be(changes: Changes, said: str) -> None:
    with pytest.raises(ChangeError, match=said):
        changes.check(STORED)


def test_strategies_that_can_be() -> None:
    Changes(only=("other",), fields={"entry_rule": "RSI < 30"}).check(STORED)
    Changes(own=(MINE,), only=("mine",), sell_threshold=-0.2).check([])
