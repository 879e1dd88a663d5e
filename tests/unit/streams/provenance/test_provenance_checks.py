"""A signal that does not follow from its parts is found out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.control import Strategy
from schemas.signals import Signal
from streams.provenance.checks import check_action, check_records, check_sum, checks
from streams.provenance.tree import Cited, Found, Tree
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_missing,
    make_strategy,
)
from tests.unit.streams.provenance.world import World, tree_of

replace = msgspec.structs.replace


def cite(event: Any, topic: str, offset: int) -> Cited:
    return Cited(
        topic=topic,
        partition=0,
        offset=offset,
        origin="kafka",
        timestamp_ms=0,
        age_ms=0,
        event=event,
        missing=None,
    )


def tree(signal: Signal, strategy: Strategy | None) -> Tree:
    """A tree without scores."""
    cited = None if strategy is None else cite(strategy, "control.strategies", strategy.version)
    return Tree(signal=signal, found=Found("a test"), strategy=cited, request=None, parts=())


def made(strategy: Strategy, rsi: float | None = None, **scores: float) -> Signal:
    """The signal that fusion makes of scores."""
    known = {} if rsi is None else {"RSI14@1h": rsi}
    return Feed(strategy).signal(*answers(scores, features=known))


STRATEGY = make_strategy()
RULED = make_strategy(entry_rule="RSI14@1h < 30", exit_rule="RSI14@1h > 80")
BUY = made(STRATEGY, sentiment=0.9, technical=0.8)

TRUE = [
    pytest.param(STRATEGY, BUY, id="buy"),
    pytest.param(STRATEGY, made(STRATEGY, sentiment=-0.9, technical=-0.9), id="sell"),
    pytest.param(STRATEGY, made(STRATEGY, sentiment=0.1), id="hold"),
    pytest.param(STRATEGY, made(STRATEGY, sentiment=1.0, event_risk=-0.9), id="vetoed"),
    pytest.param(RULED, made(RULED, 90.0, sentiment=0.9, technical=0.9), id="exit rule"),
    pytest.param(RULED, made(RULED, 20.0), id="entry rule"),
    pytest.param(RULED, made(RULED, 20.0, event_risk=-0.9), id="veto over entry rule"),
]


@pytest.mark.parametrize(("strategy", "signal"), TRUE)
def test_what_fusion_makes_adds_up_and_follows(strategy: Strategy, signal: Signal) -> None:
    assert check_sum(signal).ok is True
    found = check_action(tree(signal, strategy))
    assert (found.ok, signal.action in found.said) == (True, True)


def with_part(signal: Signal, **fields: Any) -> Signal:
    """The signal with other fields in its first contribution."""
    first, *others = signal.contributions
    return replace(signal, contributions=(replace(first, **fields), *others))


SUMS = [
    pytest.param(replace(BUY, final_score=0.9), "add up to +0.515, not to +0.9", id="final score"),
    pytest.param(with_part(BUY, contribution=0.1), "sentiment is ok with 0.35 x", id="product"),
    pytest.param(with_part(BUY, status="stale"), "sentiment is stale", id="a stale one counts"),
]


@pytest.mark.parametrize(("signal", "words"), SUMS)
def test_a_sum_that_is_wrong_is_said(signal: Signal, words: str) -> None:
    found = check_sum(signal)
    assert found.ok is False
    assert words in found.said


ACTIONS = [
    pytest.param(replace(BUY, action="SELL"), STRATEGY, "makes BUY", id="action"),
    pytest.param(replace(BUY, fused_action="HOLD"), STRATEGY, "(HOLD of the", id="fused action"),
    pytest.param(
        replace(BUY, action="HOLD", override="event_risk"), STRATEGY, "event_risk over", id="veto"
    ),
    pytest.param(
        replace(BUY, action="SELL", override="exit_rule"), STRATEGY, "makes BUY", id="no such rule"
    ),
    pytest.param(BUY, make_strategy(buy_threshold=0.8), "makes HOLD", id="threshold"),
    pytest.param(BUY, make_strategy(weights={"sentiment": 0.5}), "the weights are", id="weights"),
]


@pytest.mark.parametrize(("signal", "strategy", "words"), ACTIONS)
def test_an_action_that_does_not_follow_is_said(
    signal: Signal, strategy: Strategy, words: str
) -> None:
    found = check_action(tree(signal, strategy))
    assert found.ok is False
    assert words in found.said


def test_without_the_strategy_the_action_cannot_be_checked() -> None:
    gone = replace(cite(None, "control.strategies", 3), missing="no longer in the topic")
    lost = replace(tree(BUY, None), strategy=gone)
    assert [one.ok for one in (check_action(lost), check_records(lost))] == [None, None]
    assert "no longer in the topic" in check_action(lost).said


def test_a_signal_of_other_engines_is_not_judged() -> None:
    fewer = replace(BUY, contributions=BUY.contributions[:2])
    assert check_action(tree(fewer, STRATEGY)).ok is None


CHANGES = [
    pytest.param({"confidence": 0.123}, "confidence 0.123, again", id="confidence"),
    pytest.param({"position_size": 1e9}, "position_size", id="size"),
    pytest.param({"features": {}}, "features", id="features"),
    pytest.param({"entry_price_usd": None}, "entry_price_usd None, again", id="price"),
    pytest.param({"detail": {"made": "up"}}, "detail", id="detail"),
]


@pytest.mark.parametrize(("fields", "words"), CHANGES)
async def test_every_field_is_made_again_from_the_records(
    world: World, fields: dict[str, Any], words: str
) -> None:
    signal = world.signals()[0]
    right = await tree_of(signal, world)
    assert check_records(right).ok is True
    found = check_records(replace(right, signal=replace(signal, **fields)))
    assert found.ok is False
    assert words in found.said


async def test_a_record_that_was_changed_is_noticed(world: World) -> None:
    right = await tree_of(world.signals()[0], world)
    first, *others = right.parts
    assert first.score is not None
    other = replace(first.score, event=replace(first.score.event, score=0.999))
    wrong = replace(right, parts=(replace(first, score=other), *others))
    assert [one.ok for one in checks(wrong)] == [True, True, False]


async def test_a_score_that_is_lost_leaves_the_sum_to_check(world: World) -> None:
    right = await tree_of(world.signals()[0], world)
    first, *others = right.parts
    assert first.score is not None
    lost = replace(first, score=replace(first.score, event=None, missing="gone"))
    found = checks(replace(right, parts=(lost, *others)))
    assert [one.ok for one in found] == [True, True, None]
    assert f"1 of {2 + len(right.parts)} records are not there" in found[2].said


@pytest.mark.parametrize("later_ms", [600_000, 3_600_000], ids=["written off", "after an hour"])
async def test_a_veto_of_a_last_known_risk_follows_from_its_score(later_ms: int) -> None:
    world = World([STRATEGY])
    good = {"sentiment": 1.0, "technical": 1.0}
    scores = answers(good | {"event_risk": -0.8}, features={"risk_ends_hours": 24.0})
    later = answers(good, T0 + later_ms)
    later[3] = make_missing("event_risk", T0 + later_ms)
    for score in (*scores, *later):
        world.publish("BTC", score)
    signal = world.signals()[-1]
    assert (signal.action, signal.override) == ("HOLD", "event_risk")
    tree = await tree_of(signal, world)
    assert tree.known_risk is not None
    assert tree.known_risk.event.score == -0.8
    assert [one.ok for one in checks(tree)] == [True, True, True]


CAREFUL = make_strategy(
    exit_rule="PROFIT_PCT > 15",
    entry_rule="SENTIMENT > 0.95",
    stop_loss_pct=5.0,
    take_profit_pct=30.0,
    trailing_stop_pct=8.0,
    max_age_hours=6.0,
    band=0.1,
    confirmation_minutes=15.0,
    minimum_hold_minutes=40.0,
)


async def test_a_position_from_entry_to_exit_follows_at_every_step() -> None:
    """Fusion remembers what was before; a decision says as much of it as its checks need."""
    world = World([CAREFUL])
    walk = [
        *[(0.9, 50_000.0, 0.1), (0.4, 50_000.0, 0.1), (0.4, 47_400.0, 0.1)],
        *[(0.97, 50_000.0, 0.1)] * 6,
        *[(0.9, 53_000.0, 0.1), (0.2, 52_000.0, 0.1), (0.0, 52_000.0, 0.1)],
        *[(0.9, 48_000.0, 0.1), (1.0, 47_000.0, 0.1), (1.0, 47_000.0, -0.9)],
        *[(-1.0, 47_000.0, 0.1)] * 3,
        *[(0.97, 46_000.0, 0.1)] * 6,
        *[(0.9, 54_000.0, 0.1), (0.2, 54_000.0, 0.1)],
        *[(0.97, 50_000.0, 0.1)] * 45,
    ]
    for number, (mood, price_usd, risk) in enumerate(walk):
        cycle = T0 + number * CYCLE_MS
        scores = {"sentiment": mood, "technical": mood, "event_risk": risk}
        for score in answers(scores, cycle, price_usd=price_usd):
            world.publish("BTC", score)
    overrides = set()
    for signal in world.signals():
        tree = await tree_of(signal, world)
        overrides.add(signal.override)
        assert [one.ok for one in checks(tree)] == [True, True, True], (signal, checks(tree))
    assert overrides == {
        *(None, "stop_loss", "trailing_stop", "max_age", "exit_rule", "entry_rule", "event_risk"),
        *("band", "confirmation", "minimum_hold"),
    }


async def test_a_stop_that_no_price_has_reached_is_noticed() -> None:
    world = World([CAREFUL])
    for score in answers({"sentiment": 0.9, "technical": 0.9}, price_usd=50_000.0):
        world.publish("BTC", score)
    right = await tree_of(world.signals()[0], world)
    decision = right.decision
    assert decision is not None
    shown = replace(decision.event.position, entered_at=T0 - 1)
    false = {"action": "SELL", "override": "stop_loss"}
    wrong = replace(
        right,
        signal=replace(right.signal, **false),
        decision=replace(decision, event=replace(decision.event, position=shown, **false)),
    )
    assert [one.ok for one in checks(wrong)] == [True, False, False]
