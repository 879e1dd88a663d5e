"""A position in fusion: entered, watched at every price, left; and what outlives what."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.signals import Decision, OpenPosition
from streams.fusion.fusion_stage import FusionStage
from streams.fusion.state import FusionState, Holding
from streams.stage import Entry
from tests.factories import CYCLE_MS, HOUR_MS, MINUTE_MS, WORKED_EXAMPLE
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_request,
    make_score,
    make_strategy,
    make_tables,
)

ENTRY_USD = 50_000.0
LEVELS: dict[str, Any] = {
    "stop_loss_pct": 5.0,
    "take_profit_pct": 20.0,
    "trailing_stop_pct": 8.0,
    "max_age_hours": 24.0,
}
BULLISH = WORKED_EXAMPLE


def price(usd: float | None, minute: float = 1.0) -> Any:
    """Return a book's score with a price, so many minutes after the entry; the rest as it was."""
    at_ms = T0 + round(minute * MINUTE_MS)
    score = WORKED_EXAMPLE["liquidity"]
    return make_score("liquidity", score, as_of=at_ms, sequence=at_ms, price_usd=usd)


def entered(**fields: Any) -> tuple[Feed, Decision]:
    """Return a feed that bought at ENTRY_USD at T0, and that decision."""
    feed = Feed(make_strategy(**(LEVELS | fields)))
    (decision,) = feed.decisions(*answers(BULLISH, price_usd=ENTRY_USD))
    assert decision.action == "BUY"
    return feed, decision


def said(decision: Decision) -> tuple[str, str | None, str]:
    return decision.action, decision.override, decision.trigger


def test_a_buy_enters_at_the_price_seen() -> None:
    _, decision = entered()
    assert decision.position == OpenPosition(ENTRY_USD, T0, 47_500.0, 60_000.0, 46_000.0)


def test_levels_in_atr_are_those_of_the_entry() -> None:
    strategy = make_strategy(stop_loss_atr=2.0, take_profit_atr=4.0, trailing_stop_atr=3.0)
    feed = Feed(strategy)
    scores = answers(BULLISH, price_usd=ENTRY_USD)
    scores[1] = msgspec.structs.replace(scores[1], features={"ATR14@1h": 500.0})
    (decision,) = feed.decisions(*scores)
    levels = OpenPosition(ENTRY_USD, T0, 49_000.0, 52_000.0, 48_500.0)
    assert decision.position == levels
    wilder = make_score("technical", 0.58, as_of=T0 + 1, features={"ATR14@1h": 5_000.0})
    assert feed.decisions(wilder, price(49_500.0)) == []
    (left,) = feed.decisions(price(48_900.0, 2.0))
    assert (left.override, left.position) == ("stop_loss", levels)


def test_a_position_without_atr_has_no_such_stop_and_says_so() -> None:
    feed = Feed(make_strategy(stop_loss_atr=2.0, take_profit_pct=20.0))
    (decision,) = feed.decisions(*answers(BULLISH, price_usd=ENTRY_USD))
    assert decision.position == OpenPosition(ENTRY_USD, T0, None, 60_000.0)
    assert decision.detail["stop_loss"] == "ATR14@1h is not known, so there is no stop"


@pytest.mark.parametrize(
    ("prices", "override", "seen_usd"),
    [
        pytest.param([50_100.0, 47_501.0, 47_500.0], "stop_loss", 47_500.0, id="stop"),
        pytest.param([20_000.0], "stop_loss", 20_000.0, id="a gap: at the price that was seen"),
        pytest.param([54_000.0, 49_700.0, 49_680.0], "trailing_stop", 49_680.0, id="trailing"),
        pytest.param([60_000.0], "take_profit", 60_000.0, id="target"),
    ],
)
def test_a_price_between_cycles_leaves_at_once(
    prices: list[float], override: str, seen_usd: float
) -> None:
    feed, _ = entered()
    *before, last = [price(usd, minute) for minute, usd in enumerate(prices, 1)]
    assert feed.decisions(*before) == []
    (left,) = feed.decisions(last)
    assert said(left) == ("SELL", override, "change")
    assert (left.price_usd, left.price_at) == (seen_usd, last.as_of)
    assert left.fused_action == "BUY", "the scores are as good as ever"
    assert left.position is not None
    assert left.position.entry_price_usd == ENTRY_USD


def test_a_price_amid_a_cycles_answers_leaves_at_once() -> None:
    feed, _ = entered()
    first, *others = answers(BULLISH, cycle=T0 + CYCLE_MS, price_usd=47_000.0)
    (left,) = feed.decisions(first)
    assert said(left) == ("SELL", "stop_loss", "change")
    *_, after = feed.decisions(*others)
    assert after.cycle == T0 + CYCLE_MS


def test_amid_a_cycles_answers_nothing_else_is_decided() -> None:
    """The scores of two cycles are mixed there."""
    feed, _ = entered()
    low = dict.fromkeys(BULLISH, -1.0)
    *before, last = answers(low, cycle=T0 + CYCLE_MS, price_usd=52_000.0)
    assert feed.decisions(*before) == []
    (decision,) = feed.decisions(last)
    assert decision.trigger == "cycle"
    assert decision.position is not None
    assert decision.position.trailing_stop_usd == 52_000.0 * 0.92, "but the price counts"


def test_the_age_counts_in_event_time_and_needs_no_price() -> None:
    feed, _ = entered()
    old = [
        make_score(engine, score, as_of=T0 + 24 * HOUR_MS - 1, price_usd=None)
        for engine, score in BULLISH.items()
    ]
    assert [one.action for one in feed.decisions(*old)] == ["HOLD", "BUY"], "stale, then fresh"
    (left,) = feed.decisions(price(None, 24 * 60))
    assert said(left) == ("SELL", "max_age", "change")


@pytest.mark.parametrize(
    ("fields", "usd", "minutes", "override"),
    [
        pytest.param({}, 40_000.0, 24 * 60, "stop_loss", id="stop before all"),
        pytest.param({"stop_loss_pct": None}, 40_000.0, 24 * 60, "trailing_stop", id="trailing"),
        pytest.param({}, 70_000.0, 24 * 60, "take_profit", id="target before age"),
        pytest.param({}, 51_000.0, 24 * 60, "max_age", id="age before the exit rule"),
        pytest.param({}, 51_000.0, 1, "exit_rule", id="the exit rule"),
        pytest.param({"exit_rule": "PRICE > 99999"}, 51_000.0, 1, None, id="none"),
    ],
)
def test_order_of_reasons(
    fields: dict[str, Any], usd: float, minutes: int, override: str | None
) -> None:
    feed, _ = entered(**{"exit_rule": "PROFIT_PCT > 0.5", **fields})
    at_ms = T0 + minutes * MINUTE_MS
    others = [
        make_score(engine, score, as_of=at_ms, price_usd=None, sequence=at_ms)
        for engine, score in BULLISH.items()
    ]
    found = feed.decisions(price(usd, minutes), *others)
    assert [one.override for one in found][:1] == ([override] if override else [])


def test_event_risk_holds_and_keeps_the_position() -> None:
    feed, _ = entered()
    (held,) = feed.decisions(make_score("event_risk", -0.9, as_of=T0 + 1))
    assert said(held) == ("HOLD", "event_risk", "change")
    assert held.position is not None
    (left,) = feed.decisions(price(47_000.0))
    assert said(left) == ("SELL", "stop_loss", "change"), "an exit lifts it"
    (again,) = feed.decisions(price(47_000.0, 2.0))
    assert said(again) == ("HOLD", "event_risk", "change")
    assert again.position is None


def test_after_a_stop_it_enters_again_only_after_confirmation_and_minimum_hold() -> None:
    feed, _ = entered(confirmation_minutes=20.0, minimum_hold_minutes=60.0)
    (left,) = feed.decisions(price(47_000.0))
    assert left.action == "SELL"
    assert feed.decisions(*(price(47_000.0, minute) for minute in (2, 15, 17))) == []
    (kept,) = feed.decisions(*cycle(3, price_usd=47_000.0))
    assert said(kept) == ("SELL", "minimum_hold", "cycle"), "confirmed, but sold 29 minutes ago"
    assert kept.position is None
    (again,) = feed.decisions(*cycle(7, price_usd=47_100.0))
    assert said(again) == ("BUY", None, "cycle")
    assert again.position is not None
    assert again.position.entry_price_usd == 47_100.0


def cycle(number: int, **fields: Any) -> list[Any]:
    return answers(BULLISH, cycle=T0 + number * CYCLE_MS, **fields)


def test_an_entry_rule_waits_for_nothing_but_the_minimum_hold_after_a_sell() -> None:
    feed = Feed(
        make_strategy(
            entry_rule="SENTIMENT > 0.5",
            buy_threshold=0.9,
            stop_loss_pct=5.0,
            confirmation_minutes=20.0,
            minimum_hold_minutes=60.0,
        )
    )
    calm = {**BULLISH, "sentiment": 0.0}
    (first,) = feed.decisions(*answers(calm, price_usd=ENTRY_USD))
    assert first.action == "HOLD"
    (bought,) = feed.decisions(make_score("sentiment", 0.72, as_of=T0 + 1, price_usd=None))
    assert said(bought) == ("BUY", "entry_rule", "change"), "at once"
    (sold,) = feed.decisions(price(40_000.0))
    assert sold.override == "stop_loss"
    assert feed.decisions(price(40_000.0, 2.0)) == [], "not again at once"
    (kept,) = feed.decisions(*cycle(1, price_usd=40_000.0))
    assert said(kept) == ("SELL", "minimum_hold", "cycle")
    assert kept.trace[-1].values == "for 9 minutes"
    (again,) = feed.decisions(*cycle(7, price_usd=40_000.0))
    assert said(again) == ("BUY", "entry_rule", "cycle")


def test_a_sell_without_a_position_has_none_to_close() -> None:
    feed = Feed(make_strategy(exit_rule="FINAL_SCORE > 0"))
    (decision,) = feed.decisions(*answers(BULLISH))
    assert said(decision) == ("SELL", "exit_rule", "cycle")
    assert decision.position is None


def test_a_buy_without_a_price_enters_with_the_next_cycle_that_has_one() -> None:
    feed = Feed(make_strategy(**LEVELS))
    (blind,) = feed.decisions(*answers(BULLISH, price_usd=None))
    assert (blind.action, blind.position) == ("BUY", None)
    assert feed.decisions(price(50_000.0)) == [], "nobody would learn of the entry"
    (decision,) = feed.decisions(*cycle(1, price_usd=51_000.0))
    assert decision.position is not None
    assert decision.position.entry_price_usd == 51_000.0


def test_a_position_outlives_cycles_and_versions_of_the_strategy() -> None:
    feed, first = entered()
    feed.tables = make_tables(make_strategy(**(LEVELS | {"version": 2, "stop_loss_pct": 1.0})))
    (decision,) = feed.decisions(*cycle(1, price_usd=49_000.0))
    assert decision.strategy_version == 2
    assert decision.position == first.position, "its levels are those of the entry"
    (left,) = feed.decisions(price(47_500.0, 11.0))
    assert (left.override, left.strategy_version) == ("stop_loss", 2)


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(make_tables(), id="deleted"),
        pytest.param(make_tables(make_strategy(active=False)), id="switched off"),
        pytest.param(make_tables(make_strategy(assets=("ETH",))), id="watches others"),
    ],
)
def test_a_strategy_that_does_not_watch_the_asset_leaves_its_position(tables: Any) -> None:
    feed, first = entered()
    watching, feed.tables = feed.tables, tables
    (left,) = feed.decisions(*cycle(1, price_usd=51_000.0))
    assert said(left) == ("SELL", "unwatched", "change")
    assert (left.position, left.price_usd, left.cycle) == (
        OpenPosition(ENTRY_USD, T0, 47_500.0, 60_000.0, 51_000.0 * 0.92),
        51_000.0,
        None,
    )
    assert left.trace[-1].rule == "unwatched"
    assert feed.decisions(*cycle(2, price_usd=40_000.0)) == []
    feed.tables = watching
    (again,) = feed.decisions(*cycle(3, price_usd=52_000.0))
    assert again.position is not None
    assert again.position.entry_price_usd == 52_000.0, "it begins anew"
    assert first.position != again.position


def test_a_request_shows_the_position_and_changes_none() -> None:
    feed, first = entered()
    (asked,) = feed.decisions(make_request(requested_at=T0 + MINUTE_MS))
    assert (asked.action, asked.position) == ("BUY", first.position)
    assert feed.entry is not None
    before = feed.entry.state.pinned
    feed.tables = make_tables(make_strategy(version=2, exit_rule="PRICE > 1"))
    (asked,) = feed.decisions(make_request(requested_at=T0 + MINUTE_MS))
    assert (asked.action, asked.override, asked.position) == ("SELL", "exit_rule", first.position)
    assert feed.entry.state.pinned == before
    empty = Feed(make_strategy(**LEVELS))
    empty.tables = make_tables()
    empty.put(*answers(BULLISH, price_usd=ENTRY_USD))
    empty.tables = make_tables(make_strategy(**LEVELS))
    (asked,) = empty.decisions(make_request(requested_at=T0 + MINUTE_MS))
    assert asked.position is not None, "as it would stand"
    assert empty.entry is not None
    assert empty.entry.state.pinned == ()


def test_the_trace_reads_in_order() -> None:
    feed, first = entered(exit_rule="PROFIT_PCT > 30", entry_rule="SENTIMENT > 0.9")
    assert [(one.rule, one.part, one.truth) for one in first.trace] == [
        ("thresholds", "FINAL_SCORE > 0.3", "true"),
        ("thresholds", "FINAL_SCORE < -0.3", "false"),
        ("exit_rule", "PROFIT_PCT > 30", "unknown"),
        ("event_risk", "EVENT_RISK < -0.5", "false"),
        ("entry_rule", "SENTIMENT > 0.9", "false"),
    ]
    (left,) = feed.decisions(price(47_000.0))
    assert [(one.rule, one.part, one.truth, one.values) for one in left.trace] == [
        ("thresholds", "FINAL_SCORE > 0.3", "true", "FINAL_SCORE 0.582"),
        ("thresholds", "FINAL_SCORE < -0.3", "false", "FINAL_SCORE 0.582"),
        ("stop_loss", "PRICE <= 47500", "true", "PRICE 47000"),
    ]


def test_a_state_from_before_positions_goes_on_as_it_stood() -> None:
    """It had no times and no positions: its BUY enters with the next cycle, without a change."""
    feed, _ = entered(confirmation_minutes=20.0)
    assert feed.entry is not None
    stored = msgspec.to_builtins(feed.entry.state)
    for one in stored["pinned"]:
        for name in ("since_ms", "waiting", "waiting_ms", "holding"):
            del one[name]
    state = msgspec.convert(stored, FusionState)
    feed.entry = Entry(state, feed.entry.applied)
    assert feed.decisions(price(40_000.0)) == []
    (decision,) = feed.decisions(*cycle(1, price_usd=51_000.0))
    assert decision.action == "BUY"
    assert decision.position is not None
    assert decision.position.entry_price_usd == 51_000.0


def test_the_state_of_500_strategies_stays_bounded() -> None:
    strategies = [make_strategy(f"s{number}", **LEVELS) for number in range(500)]
    feed = Feed(*strategies)
    feed.put(*answers(BULLISH, price_usd=ENTRY_USD))
    assert feed.entry is not None
    state: FusionState = feed.entry.state
    assert sum(one.holding is not None for one in state.pinned) == 500
    bare = msgspec.structs.replace(
        state, pinned=tuple(msgspec.structs.replace(one, holding=None) for one in state.pinned)
    )
    grown = len(msgspec.msgpack.encode(state)) - len(msgspec.msgpack.encode(bare))
    assert grown < 500 * 200, "bytes"
    sizes = []
    for number in range(1, 4):
        feed.put(*cycle(number, price_usd=ENTRY_USD + number), price(50_100.0, 10 * number + 1))
        sizes.append(len(msgspec.msgpack.encode(feed.entry.state)))
    assert len(set(sizes)) == 1
    assert type(state.pinned[0].holding) is Holding
    assert FusionStage.state_type is FusionState
