"""The confidence agent: signals of decisions, rankings, repetitions, and the size of its state."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from schemas.scores import InputPosition
from schemas.signals import (
    Contribution,
    Decision,
    OpenPosition,
    PortfolioEquity,
    Signal,
    TopSignals,
    TracePart,
)
from schemas.times import DAY_MS
from schemas.validation import problem
from streams.confidence.confidence_stage import ConfidenceStage
from tests.factories import CYCLE_MS, MINUTE_MS
from tests.unit.streams.fusion.fusion_factories import T0, Feed

DECISION = Decision(
    decision_id="f0" * 16,
    strategy_id="s",
    user_id="u1",
    strategy_version=7,
    asset="BTC",
    as_of=T0,
    cycle=T0,
    cycle_size=2,
    trigger="cycle",
    final_score=0.5,
    action="BUY",
    fused_action="BUY",
    override=None,
    trace=(TracePart("thresholds", "final > 0.3", "true", "final 0.5"),),
    contributions=(Contribution("sentiment", "ok", 1.0, 0.9, 0.5, 0.5, 1_000, 3),),
    price_usd=50_000.0,
    price_at=T0,
    spread_bps=1.5,
    position=OpenPosition(50_000.0, T0, 47_500.0, 55_000.0, 48_000.0),
    sentiment_confidence=0.85,
    trend_strength=0.58,
    data_freshness=1.0,
    portfolio_value_usd=50_000.0,
    features={"RSI14@1h": 61.0, "slippage_10k_bps": 2.0},
    detail={"sentiment.model": "no weights"},
    settings="fusion",
    inputs=(InputPosition("control.strategies", 0, 7), InputPosition("engine.scores", 1, 3)),
)


def decided(asset: str = "BTC", **fields: Any) -> Decision:
    named = f"{asset}-{fields.get('as_of', T0)}"
    return replace(DECISION, **{"asset": asset, "decision_id": named, **fields})


def end(cycle: int = T0) -> Decision:
    return Decision(
        decision_id="e", strategy_id="s", kind="cycle_end", as_of=cycle + 1, cycle=cycle
    )


def make_feed() -> Feed:
    return Feed(stage=ConfidenceStage(settings="agent"))


def test_a_signal_is_its_decision_with_a_size() -> None:
    output, traded = make_feed().put(DECISION)
    signal = output.event
    assert (traded.topic, traded.key) == ("portfolio.trades", "s")
    assert (output.topic, output.key) == ("signals", "BTC")
    assert isinstance(signal, Signal)
    assert problem(signal) is None
    assert signal.signal_id == DECISION.decision_id
    taken = {
        "signal_id": "decision_id",
        "entry_price_usd": "price_usd",
        "settings": "",
        "inputs": "",
    }
    for name in Signal.__struct_fields__:
        ours = taken.get(name, name)
        if ours and ours in Decision.__struct_fields__:
            assert getattr(signal, name) == getattr(DECISION, ours), name
    assert signal.settings == "agent", "the constants that sized it"
    assert signal.inputs == (*DECISION.inputs, InputPosition("signals.decisions", 0, 0))
    assert (signal.confidence, signal.position_value_usd) == (0.814, 814.0)
    assert signal.position_size == 0.01628
    assert (signal.stop_loss_usd, signal.take_profit_usd) == (47_500.0, 55_000.0)
    assert (signal.trailing_stop_usd, signal.entered_at) == (48_000.0, T0)


def test_the_last_decision_of_a_cycle_brings_its_ranking() -> None:
    feed = make_feed()
    assert [one.topic for one in feed.put(decided("BTC"))] == ["signals", "portfolio.trades"]
    signal, _, ranked, worth = feed.put(decided("ETH", final_score=-0.9))
    assert (worth.topic, worth.key) == ("portfolio.equity", "s")
    assert isinstance(worth.event, PortfolioEquity)
    assert problem(worth.event) is None
    assert (worth.event.kind, worth.event.cycle, worth.event.as_of) == ("cycle", T0, T0)
    assert [one.asset for one in worth.event.positions] == ["BTC", "ETH"], "at its end"
    assert worth.event.inputs == (InputPosition("signals.decisions", 0, 1),)
    assert (ranked.topic, ranked.key) == ("signals.top", "s")
    top = ranked.event
    assert isinstance(top, TopSignals)
    assert [one.asset for one in top.ranked] == ["ETH", "BTC"]
    assert isinstance(signal.event, Signal)
    assert top.ranked[0].signal_id == signal.event.signal_id
    assert top.ranked[0].confidence == signal.event.confidence


def test_the_end_of_a_cycle_closes_it() -> None:
    feed = make_feed()
    feed.put(decided("BTC"))
    output, worth = feed.put(end())
    assert isinstance(output.event, TopSignals)
    assert isinstance(worth.event, PortfolioEquity)
    assert (worth.event.cycle, worth.event.as_of) == (T0, T0 + 1)
    assert (output.event.complete, output.event.received, output.event.expected) == (False, 1, 2)
    assert feed.put(end()) == []


def test_a_late_decision_has_a_signal_and_no_place_in_the_ranking() -> None:
    feed = make_feed()
    feed.put(decided("BTC"), end())
    assert [one.topic for one in feed.put(decided("ETH"))] == ["signals", "portfolio.trades"]


def test_a_cycle_that_grew_after_it_was_closed() -> None:
    """An asset that ticks late in a cycle raises its size: its decision is traded all the same.

    The ranking is out and stays; the equity shows the trade at the end of the next cycle.
    """
    feed = make_feed()
    feed.put(decided("BTC"), decided("ETH", final_score=-0.9))
    late = decided("SOL", as_of=T0 + MINUTE_MS, cycle_size=3)
    signal, trade = feed.put(late)
    assert (signal.topic, trade.topic) == ("signals", "portfolio.trades")
    assert isinstance(signal.event, Signal)
    assert (signal.event.cycle, signal.event.position_size > 0.0) == (T0, True)
    assert feed.put(late) == [], "once"
    assert feed.put(end()) == [], "the watchdog's end finds it closed"
    later = T0 + CYCLE_MS
    names = ("BTC", "ETH", "SOL")
    outputs = feed.put(
        *(decided(name, as_of=later, cycle=later, cycle_size=3, action="HOLD") for name in names)
    )
    worth = outputs[-1].event
    assert isinstance(worth, PortfolioEquity)
    assert [one.asset for one in worth.positions] == ["BTC", "ETH", "SOL"]


def test_a_cycle_that_grows_while_it_is_open_waits_for_all() -> None:
    feed = make_feed()
    feed.put(decided("BTC", cycle_size=2))
    assert [one.topic for one in feed.put(decided("SOL", cycle_size=3))] == [
        "signals",
        "portfolio.trades",
    ]
    *_, ranked, worth = feed.put(decided("ETH", cycle_size=2))
    assert isinstance(ranked.event, TopSignals)
    assert isinstance(worth.event, PortfolioEquity)
    assert (ranked.event.complete, ranked.event.received, ranked.event.expected) == (True, 3, 3)


def test_a_change_between_cycles_is_not_ranked() -> None:
    feed = make_feed()
    change = decided("BTC", as_of=T0 + 1, cycle=None, cycle_size=0, trigger="change", action="HOLD")
    assert [one.topic for one in feed.put(change)] == ["signals"]
    assert feed.entry is not None
    assert feed.entry.state.ranking.open == ()


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(decided("BTC", as_of=T0 + 5), id="the last one"),
        pytest.param(decided("BTC"), id="an earlier one"),
        pytest.param(decided("BTC", final_score=0.9), id="another one of the same moment"),
    ],
)
def test_a_decision_that_is_not_newer_changes_nothing(again: Decision) -> None:
    feed = make_feed()
    feed.put(decided("BTC"), decided("BTC", as_of=T0 + 5, cycle=None, trigger="change"))
    before = feed.entry
    assert feed.put(again) == []
    assert before is not None
    assert feed.entry is not None
    assert feed.entry.state == before.state
    assert feed.put(decided("ETH", as_of=T0 - 9)) != [], "another asset goes by its own time"


def test_an_answer_to_a_request_changes_nothing() -> None:
    feed = make_feed()
    feed.put(decided("BTC"))
    before = feed.entry
    asked = decided("BTC", as_of=T0 + 9, cycle=None, trigger="request", request_id="r")
    (first,) = feed.put(asked)
    assert isinstance(first.event, Signal)
    assert first.event.request_id == "r"
    assert feed.put(asked) == [], "it is out, and its size would be another now"
    assert before is not None
    assert feed.entry is not None
    kept = replace(before.state.portfolio, asked=(asked.decision_id,))
    assert feed.entry.state == replace(before.state, portfolio=kept)
    assert feed.put(decided("BTC", as_of=T0 + 5, cycle=None, trigger="change")) != []


def test_without_a_price_there_is_a_signal_without_a_size_that_says_so() -> None:
    (output,) = make_feed().put(replace(DECISION, price_usd=None, position=None))
    signal = output.event
    assert isinstance(signal, Signal)
    assert (signal.position_size, signal.position_value_usd) == (0.0, 0.0)
    assert list(signal.detail) == ["price", "sentiment.model"]


def test_the_state_does_not_grow_with_time() -> None:
    feed = make_feed()
    sizes = []
    for number in range(300):
        at_ms = T0 + number * CYCLE_MS
        for place in range(2):  # which ones trend goes on changing
            asset = f"A{(number * 2 + place) % 997:03d}"
            feed.put(decided(asset, as_of=at_ms, cycle=at_ms, action="HOLD"))
        assert feed.entry is not None
        sizes.append(len(msgspec.msgpack.encode(feed.entry.state)))
    day = DAY_MS // CYCLE_MS
    assert sizes[-1] <= sizes[day + 2]


def test_the_state_of_five_hundred_assets_is_far_below_a_record() -> None:
    feed = make_feed()
    for number in range(3):
        for cycle in range(4):  # as many cycles as may be open, each without its last decision
            for asset in range(499):
                at_ms = T0 + cycle * CYCLE_MS + number * MINUTE_MS
                one = decided(f"ASSET{asset}", as_of=at_ms, cycle=T0 + cycle * CYCLE_MS)
                feed.put(replace(one, cycle_size=500, decision_id="f" * 32, action="HOLD"))
    assert feed.entry is not None
    assert len(msgspec.msgpack.encode(feed.entry.state)) < 100_000, "of 1,000,000"


def test_capital_events_change_the_portfolio_once() -> None:
    feed = make_feed()
    feed.put(DECISION)
    told = Decision(
        decision_id="d", strategy_id="s", kind="deposit", as_of=T0 + 1, amount_usd=1_000.0
    )
    (worth,) = feed.put(told)
    assert (worth.topic, worth.key) == ("portfolio.equity", "s")
    assert isinstance(worth.event, PortfolioEquity)
    assert worth.event.invested_usd == 51_000.0
    assert feed.put(told) == []
    sold, worth = feed.put(replace(told, decision_id="r", kind="reset", amount_usd=None))
    assert isinstance(worth.event, PortfolioEquity)
    assert (sold.topic, worth.event.equity_usd) == ("portfolio.trades", 50_000.0)


def test_a_dry_run_has_a_signal_and_nothing_else() -> None:
    feed = make_feed()
    feed.put(DECISION)
    before = feed.entry
    asked = decided("BTC", as_of=T0 + 9, cycle=None, trigger="dry_run", request_id="r")
    (output,) = feed.put(asked)
    assert isinstance(output.event, Signal)
    assert output.event.position_size == 0.01628
    assert before is not None
    assert feed.entry is not None
    assert feed.entry.state == before.state
