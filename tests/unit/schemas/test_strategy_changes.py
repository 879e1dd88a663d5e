"""What a change of a strategy makes of it, and what one user may have."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.control import Strategy
from schemas.strategy_changes import Limits, beyond, is_same, successor
from tests.factories import strategy

MINE = strategy("mine", owner="user", user_id="alice", version=4, updated_at=1_000, author="alice")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({"version": 9, "updated_at": 5, "author": "bob"}, True, id="who and when"),
        pytest.param({"active": False}, False, id="switched off"),
        pytest.param({"description": "why"}, False, id="a word"),
        pytest.param({"user_id": "bob"}, False, id="another owner"),
    ],
)
def test_is_same(changes: dict[str, Any], same: bool) -> None:
    assert is_same(MINE, replace(MINE, **changes)) is same


@pytest.mark.parametrize(
    ("before", "now_ms", "expected"),
    [
        pytest.param(None, 7, (1, 7, "user", "bob"), id="new"),
        pytest.param(MINE, 5_000, (5, 5_000, "user", "bob"), id="next"),
        pytest.param(MINE, 10, (5, 1_001, "user", "bob"), id="a clock that is behind"),
    ],
)
def test_successor(before: Strategy | None, now_ms: int, expected: tuple[Any, ...]) -> None:
    wanted = replace(MINE, user_id="bob", version=1)
    made = successor(wanted, before, "carol", now_ms)
    assert (made.version, made.updated_at, made.owner, made.user_id) == expected
    assert made.author == "carol"


def test_a_file_without_a_user_leaves_the_strategy_with_its_owner() -> None:
    made = successor(strategy("mine", owner="admin"), MINE, "op", 5_000)
    assert (made.owner, made.user_id) == ("user", "alice")


def _of(name: str, user: str = "alice", **changes: Any) -> Strategy:
    return strategy(name, owner="user", user_id=user, **changes)


STORED = {one.strategy_id: one for one in (_of("a"), _of("b"), _of("c", "bob"), strategy("d"))}
ADMINS = strategy("x", owner="admin", assets=tuple("ABCDE"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(_of("a"), None, id="one more version"),
        pytest.param(_of("e", "bob"), None, id="one more of another"),
        pytest.param(_of("e"), "strategy_id e would be one more than the 2", id="one more"),
        pytest.param(_of("a", assets=tuple("ABC")), None, id="as many assets"),
        pytest.param(_of("a", assets=tuple("ABCD")), "assets has 4 assets, more than the 3"),
        pytest.param(ADMINS, None, id="an admin's"),
    ],
)
def test_beyond(wanted: Strategy, expected: str | None) -> None:
    found = beyond(wanted, STORED, Limits(strategies=2, assets=3))
    assert found is None if expected is None else (found or "").startswith(expected)


COSTLY = "ADX(14) > 20 AND BBANDS(20, 2).UPPER > CLOSE"


@pytest.mark.parametrize(
    ("most", "refused"), [pytest.param(1, True, id="too much"), pytest.param(60, False, id="fits")]
)
def test_the_rules_of_a_user_cost_so_much_together(most: int, refused: bool) -> None:
    wanted = _of("a", entry_rule="RSI < 30", exit_rule=COSTLY)
    found = beyond(wanted, STORED, Limits(rule_cost=most))
    assert (found is not None) is refused
    assert refused is (found or "").startswith("entry_rule names indicators that cost ")
    stored = {"a": wanted}
    assert beyond(replace(wanted, active=False), stored, Limits(rule_cost=most)) is None
    assert beyond(strategy("x", exit_rule=COSTLY), STORED, Limits(rule_cost=most)) is None


def test_what_somebody_has_already_may_be_changed() -> None:
    wide = {"w": _of("w", assets=tuple("ABCDE"))}
    switched_off = replace(wide["w"], active=False)
    assert beyond(switched_off, wide, Limits(strategies=0, assets=3)) is None
