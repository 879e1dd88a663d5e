"""The pre-built strategies: valid, different, with reasons; what an upgrade makes of old ones."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from producers.strategies import PREBUILT, SHIPPED_BY, to_publish
from schemas.codec import local_codec
from schemas.control import Strategy
from schemas.strategy_files import strategies_of, to_yaml
from schemas.validation import problem
from tests.factories import strategy

NAMES = ["trend-following", "mean-reversion", "sentiment-momentum", "defensive"]
STORED = {one.strategy_id: one for one in PREBUILT}


@pytest.mark.parametrize("one", PREBUILT, ids=NAMES)
def test_a_prebuilt_strategy_is_valid_and_says_why(one: Strategy) -> None:
    codec = local_codec()
    assert problem(one) is None
    assert codec.decode(codec.encode(one)) == one
    assert (one.owner, one.user_id, one.active, one.author) == ("admin", None, True, SHIPPED_BY)
    assert one.portfolio_value_usd == 50_000.0
    assert one.entry_rule
    assert one.exit_rule
    assert one.stop_loss_pct or one.stop_loss_atr
    assert one.trailing_stop_pct or one.trailing_stop_atr
    assert len(one.description) > 200
    plain = replace(one, author=None, updated_at=0)
    assert strategies_of(to_yaml(one), "again") == [plain]


def test_the_four_differ() -> None:
    assert [one.strategy_id for one in PREBUILT] == NAMES
    assert len({tuple(one.weights.values()) for one in PREBUILT}) == 4
    assert len({one.timeframe for one in PREBUILT}) == 3
    assert all(sum(one.weights.values()) == pytest.approx(1.0) for one in PREBUILT)


def test_all_are_published_once_and_deleted_ones_not() -> None:
    assert to_publish({}) == list(PREBUILT)
    assert to_publish(STORED) == []
    assert [one.strategy_id for one in to_publish({}, gone={"defensive"})] == NAMES[:3]


def test_what_somebody_changed_stays_and_what_nobody_changed_is_replaced() -> None:
    older = replace(PREBUILT[0], buy_threshold=0.1, version=3)
    (made,) = to_publish({**STORED, older.strategy_id: older})
    assert made == replace(PREBUILT[0], version=4, updated_at=made.updated_at)
    assert made.updated_at > older.updated_at
    theirs = replace(older, author="alice")
    assert to_publish({**STORED, theirs.strategy_id: theirs}) == []


@pytest.mark.parametrize(
    ("changes", "switched_off"),
    [
        pytest.param({}, True, id="nobody changed it"),
        pytest.param({"version": 2, "updated_at": 1_790_000_000_000}, False, id="changed"),
        pytest.param({"active": False, "version": 2}, False, id="switched off already"),
    ],
)
def test_one_that_shipped_before_is_switched_off(changes: dict[str, object], switched_off: bool):
    """The four of before these have no rules; somebody may still want one, so none is deleted."""
    old = strategy("momentum", version=1, updated_at=1_767_225_600_000, author=None)
    old = replace(old, **changes)
    made = to_publish({**STORED, "momentum": old})
    assert [(one.strategy_id, one.active, one.version) for one in made] == (
        [("momentum", False, 2)] if switched_off else []
    )
    if made:
        assert to_publish({**STORED, "momentum": made[0]}) == []
