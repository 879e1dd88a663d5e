"""`quantiva why` of a trade: its signal is found, and it follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from producers.strategies import PREBUILT
from schemas.codec import local_codec
from schemas.signals import Decision, PortfolioTrade
from schemas.topics import TRADES
from streams.provenance.checks import checks
from streams.provenance.explain import explained
from streams.provenance.sources.finding import FindError
from streams.provenance.sources.looking import Reader
from streams.provenance.trade import trade_lines
from streams.provenance.tree import Found, Tree, grow
from tests.unit.streams.provenance.test_provenance_screen import printed
from tests.unit.streams.provenance.world import World


@pytest.fixture(scope="module")
def traded() -> World:
    """A market in which the shipped strategies, made eager, buy and sell; then a reset."""
    steady = {"band": 0.0, "confirmation_minutes": 0.0, "minimum_hold_minutes": 0.0}
    near = {"stop_loss_pct": 0.05, "take_profit_pct": 0.05, "entry_rule": None, "exit_rule": None}
    eager = [
        replace(one, buy_threshold=0.05, sell_threshold=0.049, **steady, **near) for one in PREBUILT
    ]
    made = World(eager)
    made.play(assets=4, cycles=12, seed=3)
    newest = max(signal.as_of for signal in made.signals())
    for one in PREBUILT:
        event = Decision(
            decision_id=f"reset-{one.strategy_id}",
            strategy_id=one.strategy_id,
            kind="reset",
            as_of=newest + 1,
        )
        made.publish(one.strategy_id, event)
    return made


def trades(world: World) -> list[PortfolioTrade]:
    decode = local_codec().decode
    logs = [log for (topic, _), log in sorted(world.logs.items()) if topic == TRADES.name]
    return [decode(record.value) for log in logs for record in log]


async def tree_of(trade: PortfolioTrade, world: World, digits: int = 32) -> Tree:
    tree = await explained(trade.trade_id[:digits], None, [Reader(world)], 10**6)
    assert isinstance(tree, Tree)
    return tree


async def test_every_trade_leads_to_its_signal_and_follows_from_it(traded: World) -> None:
    found = [one for one in trades(traded) if one.reason != "reset"]
    assert {one.side for one in found} == {"buy", "sell"}
    for one in found:
        tree = await tree_of(one, traded)
        assert tree.signal.signal_id == one.signal_id
        assert tree.trade is not None
        assert tree.trade.event == one
        checked = {check.name: check for check in checks(tree)}
        assert checked["trade"].ok is True, checked["trade"].said
        assert all(check.ok for check in checked.values()), checked


async def test_it_is_shown_with_its_costs_and_its_place(traded: World) -> None:
    one = next(trade for trade in trades(traded) if trade.profit_usd and trade.reason != "reset")
    text = printed(await tree_of(one, traded, digits=12))
    words = " ".join(text.split())
    assert f"Trade portfolio.trades:{_place(traded, one)}" in words
    assert f"trade {one.trade_id}" in words
    assert "after both fees" in words
    assert "What was asked" in text
    assert max(map(len, text.splitlines())) <= 100
    tree = await tree_of(one, traded)
    placeless = grow(tree.signal, tree.found, {}, (one, Found("PostgreSQL")))
    assert "\nTrade\n" in printed(placeless)


def _place(world: World, wanted: PortfolioTrade) -> str:
    decode = local_codec().decode
    (place,) = [
        f"{partition}:{record.offset}"
        for (topic, partition), log in world.logs.items()
        if topic == TRADES.name
        for record in log
        if decode(record.value) == wanted
    ]
    return place


async def test_what_a_reset_sold_has_no_signal(traded: World) -> None:
    one = next(trade for trade in trades(traded) if trade.reason == "reset")
    assert await explained(one.trade_id, None, [Reader(traded)], 10**6) == one
    assert trade_lines(one)[0].endswith(": reset")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"asset": "XRP"}, "it says XRP", id="asset"),
        pytest.param({"side": "none"}, "it says none", id="side"),
        pytest.param({"seen_price_usd": 1.0}, "it saw 1.0", id="price that was seen"),
        pytest.param({"fill_price_usd": 1.0}, "its price is 1.0", id="fill price"),
        pytest.param({"value_usd": 1.0}, "its value is 1.0", id="value"),
        pytest.param({"profit_usd": 1e6}, "its return is", id="profit"),
    ],
)
async def test_a_trade_that_does_not_follow(
    traded: World, changes: dict[str, Any], said: str
) -> None:
    one = next(trade for trade in trades(traded) if trade.profit_usd and trade.reason != "reset")
    tree = await tree_of(one, traded)
    assert tree.trade is not None
    wrong = replace(tree, trade=replace(tree.trade, event=replace(one, **changes)))
    check = checks(wrong)[-1]
    assert check.ok is False
    assert said in check.said


async def test_an_id_of_nothing_is_said(traded: World) -> None:
    with pytest.raises(FindError, match="no signal begins with 'abcdef"):
        await explained("abcdef0123456", None, [Reader(traded)], 10**6)
