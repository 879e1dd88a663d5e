"""Fusion over time: when signals go out, with which strategies, and what repetitions do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.validation import problem
from streams.stage import StrategyAt, Tables
from tests.factories import CYCLE_MS, MINUTE_MS
from tests.unit.streams.fusion.fusion_factories import (
    T0,
    Feed,
    answers,
    make_missing,
    make_request,
    make_score,
    make_strategy,
    make_tables,
)


def test_nothing_goes_out_before_the_last_answer() -> None:
    feed = Feed(make_strategy())
    *first, last = answers()
    assert feed.put(*first) == []
    assert [one.topic for one in feed.put(last)] == ["signals.decisions"]


def test_one_decision_per_strategy_by_id() -> None:
    feed = Feed(make_strategy("b"), make_strategy("a"))
    outputs = feed.put(*answers())
    assert [(one.topic, one.key) for one in outputs] == [
        ("signals.decisions", "a"),
        ("signals.decisions", "b"),
    ]
    first = outputs[0].event
    assert (first.kind, first.cycle, first.asset) == ("decision", T0, "BTC")
    assert problem(first) is None


@pytest.mark.parametrize(
    ("fields", "signals"),
    [
        pytest.param({}, 1, id="trending"),
        pytest.param({"assets": ("BTC", "ETH")}, 1, id="listed"),
        pytest.param({"assets": ("ETH",)}, 0, id="not listed"),
        pytest.param({"active": False}, 0, id="not active"),
    ],
)
def test_which_strategies_get_a_signal(fields: dict[str, Any], signals: int) -> None:
    assert len(Feed(make_strategy(**fields)).signals(*answers())) == signals


@pytest.mark.parametrize(
    ("assets", "expected"),
    [
        pytest.param((), 50, id="trending: all of the cycle"),
        pytest.param(("BTC", "ETH", "SOL"), 3, id="a list: as many as it lists"),
        pytest.param(("BTC", "BTC"), 1, id="listed twice"),
        pytest.param(("BTC", *(f"A{n}" for n in range(60))), 50, id="never more than the cycle"),
    ],
)
def test_cycle_size_of_a_strategy(assets: tuple[str, ...], expected: int) -> None:
    feed = Feed(make_strategy(assets=assets))
    (decision,) = feed.decisions(*answers(cycle_size=50))
    assert decision.cycle_size == expected


def test_the_size_of_the_cycle_is_the_largest_that_an_answer_gives() -> None:
    feed = Feed(make_strategy())
    *answered, last = answers(cycle_size=50)
    (decision,) = feed.decisions(*answered, make_missing(last.engine, T0, cycle_size=0))
    assert decision.cycle_size == 50


def test_a_change_goes_out_at_once_and_only_once() -> None:
    feed = Feed(make_strategy())
    assert feed.signal(*answers()).action == "BUY"
    later = T0 + MINUTE_MS
    assert feed.put(make_score("sentiment", 0.60, as_of=later)) == [], "still BUY"
    changed = feed.signal(make_score("sentiment", -0.60, as_of=later + 1))
    assert (changed.action, changed.trigger, changed.cycle) == ("HOLD", "change", None)
    assert changed.as_of == later + 1
    assert feed.put(make_score("sentiment", -0.61, as_of=later + 2)) == [], "HOLD was said"
    assert feed.signal(make_score("sentiment", 0.9, as_of=later + 3)).action == "BUY"


def test_a_change_concerns_only_the_strategies_whose_action_changes() -> None:
    feed = Feed(make_strategy("eager", buy_threshold=0.1), make_strategy("normal"))
    feed.put(*answers())
    (signal,) = feed.signals(make_score("sentiment", -0.3, as_of=T0 + 1))
    assert (signal.strategy_id, signal.action) == ("normal", "HOLD")


def test_nothing_goes_out_between_cycles_before_the_first_cycle() -> None:
    feed = Feed(make_strategy())
    scores = [make_score(one.engine, one.score) for one in answers()]
    assert feed.put(*scores) == []


def test_time_alone_makes_a_change_when_the_next_score_comes() -> None:
    """The engines that fell silent are stale by then, and their BUY with them."""
    feed = Feed(make_strategy())
    feed.put(*answers())
    late = T0 + 21 * MINUTE_MS
    assert feed.signal(make_score("liquidity", 0.8, as_of=late)).action == "HOLD"


def test_a_repeated_score_changes_nothing() -> None:
    feed = Feed(make_strategy())
    scores = answers()
    feed.put(*scores, make_score("sentiment", -0.6, as_of=T0 + 1, sequence=T0 + 1))
    before = feed.entry
    assert before is not None
    assert feed.put(*scores) == []
    assert feed.put(make_score("sentiment", 1.0, as_of=T0 + 5, sequence=T0 + 1)) == []
    assert feed.entry is not None
    assert feed.entry.state == before.state


def test_a_score_repeated_after_its_engine_was_missing_changes_nothing() -> None:
    feed = Feed(make_strategy())
    old = make_score("sentiment", 0.9, as_of=T0 - 1)
    feed.put(old, *answers()[1:], make_missing("sentiment", T0))
    assert feed.put(old) == []
    assert feed.entry is not None
    assert feed.entry.state.held[0].missing


def test_a_late_answer_counts_as_a_score_between_cycles() -> None:
    feed = Feed(make_strategy())
    scores = answers()
    first = feed.signal(*scores[1:], make_missing("sentiment", T0))
    assert first.action == "BUY"
    late = make_score("sentiment", -0.9, cycle=T0, as_of=T0)
    changed = feed.signal(late)
    assert (changed.trigger, changed.action, changed.cycle) == ("change", "HOLD", None)
    assert changed.as_of == T0 + 1, "the same event time again: 1 ms later, so that ids differ"
    assert changed.signal_id != first.signal_id


def test_a_late_answer_before_the_cycle_is_out_replaces_the_missing_record() -> None:
    feed = Feed(make_strategy())
    scores = answers()
    signal = feed.signal(make_missing("sentiment", T0), *scores)
    assert round(signal.final_score, 12) == 0.582


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("before", id="the engine has answered"),
        pytest.param("after", id="the cycle is out"),
    ],
)
def test_a_missing_record_that_comes_too_late_changes_nothing(order: str) -> None:
    feed = Feed(make_strategy())
    *first, last = answers()
    if order == "before":
        assert feed.put(first[0], make_missing("sentiment", T0)) == []
        signal = feed.signal(*first[1:], last)
        assert round(signal.final_score, 12) == 0.582
    else:
        feed.put(*first, last)
        before = feed.entry
        assert feed.put(make_missing("sentiment", T0)) == []
        assert before is not None
        assert feed.entry is not None
        assert feed.entry.state == before.state


def test_a_missing_record_of_an_answered_cycle_changes_nothing_after_answers_out_of_order() -> None:
    feed = Feed(make_strategy())
    newer = make_score("sentiment", 0.7, cycle=T0 + CYCLE_MS, sequence=1)
    older = make_score("sentiment", 0.6, cycle=T0, sequence=2)
    feed.put(newer, older, make_missing("sentiment", T0 + CYCLE_MS))
    assert feed.entry is not None
    assert not feed.entry.state.held[0].missing


def test_all_missing_is_a_hold_without_a_price() -> None:
    feed = Feed(make_strategy())
    signal = feed.signal(*(make_missing(one.engine, T0) for one in answers()))
    assert (signal.action, signal.final_score, signal.entry_price_usd) == ("HOLD", 0.0, None)
    assert signal.confidence == 0.1, "only the diversification is left"


def test_an_incomplete_cycle_waits_for_its_missing_record() -> None:
    feed = Feed(make_strategy())
    *first, last = answers()
    next_cycle = answers(cycle=T0 + CYCLE_MS)
    assert feed.put(*first, *next_cycle[:-1]) == []
    late = feed.signal(make_missing(last.engine, T0))
    assert late.cycle == T0
    assert feed.signal(next_cycle[-1]).cycle == T0 + CYCLE_MS


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([], id="the answer came last"),
        pytest.param(
            [make_score("sentiment", 0.7, as_of=T0 + CYCLE_MS + 1)], id="and one after it"
        ),
    ],
)
def test_a_missing_record_of_an_older_cycle_leaves_a_newer_answer_alone(between: list[Any]) -> None:
    feed = Feed(make_strategy())
    feed.put(*answers()[1:], answers(cycle=T0 + CYCLE_MS)[0], *between)
    signal = feed.signal(make_missing("sentiment", T0))
    assert signal.cycle == T0
    assert signal.contributions[0].status == "ok"


def test_a_newer_complete_cycle_overtakes_an_older_one() -> None:
    feed = Feed(make_strategy())
    *first, last = answers()
    newer = feed.signals(*first, *answers(cycle=T0 + CYCLE_MS))
    assert [one.cycle for one in newer] == [T0 + CYCLE_MS]
    assert feed.put(make_missing(last.engine, T0)) == [], "that cycle is over"
    assert feed.entry is not None
    assert feed.entry.state.pending == ()


def test_only_a_few_cycles_wait() -> None:
    feed = Feed(make_strategy())
    for number in range(10):
        feed.put(*answers(cycle=T0 + number * CYCLE_MS)[:-1])
    assert feed.entry is not None
    waiting = [one.cycle for one in feed.entry.state.pending]
    assert waiting == [T0 + number * CYCLE_MS for number in (7, 8, 9)]


def test_a_version_rules_from_the_next_score_on_and_a_new_strategy_from_the_next_cycle() -> None:
    feed = Feed(make_strategy(version=1))
    feed.put(*answers())
    feed.tables = make_tables(make_strategy(version=2, buy_threshold=0.9), make_strategy("new"))
    (first,) = feed.decisions(make_score("sentiment", 0.7, as_of=T0 + 1))
    assert (first.strategy_id, first.strategy_version) == ("balanced", 2)
    assert (first.action, first.trigger, first.cycle) == ("HOLD", "change", None)
    assert InputPosition("control.strategies", 0, 2) in first.inputs
    assert feed.put(make_score("sentiment", 0.71, as_of=T0 + 2)) == []
    at_cycle = feed.signals(*answers(cycle=T0 + CYCLE_MS))
    assert [(one.strategy_id, one.action) for one in at_cycle] == [
        ("balanced", "HOLD"),
        ("new", "BUY"),
    ]


def test_the_first_decision_of_a_version_goes_out_though_it_says_the_same() -> None:
    feed = Feed(make_strategy(version=1))
    feed.put(*answers())
    feed.tables = make_tables(make_strategy(version=2, name="Another"))
    early, *others = answers(cycle=T0 + CYCLE_MS)
    assert feed.put(early) == [], "amid the answers to a cycle nothing changes"
    (first,) = feed.decisions(make_score("technical", 0.6, as_of=T0 + 1))
    assert (first.action, first.strategy_version) == ("BUY", 2)
    (again,) = feed.decisions(*others)
    assert (again.cycle, again.strategy_version) == (T0 + CYCLE_MS, 2)


def test_a_version_that_is_saved_again_as_it_was_is_no_new_one() -> None:
    strategy = make_strategy()
    feed = Feed(strategy)
    feed.put(*answers())
    feed.tables = Tables({strategy.strategy_id: StrategyAt(strategy, 9)})
    assert feed.put(make_score("sentiment", 0.7, as_of=T0 + 1)) == []


def test_a_table_that_is_older_takes_nothing_back() -> None:
    feed = Feed(make_strategy(version=5))
    feed.put(*answers())
    feed.tables = make_tables(make_strategy(version=4, buy_threshold=0.9))
    assert feed.put(make_score("sentiment", 0.7, as_of=T0 + 1)) == []


@pytest.mark.parametrize("between", [True, False], ids=["between cycles", "at a cycle"])
def test_who_watches_the_asset_no_more_says_so_once(between: bool) -> None:
    feed = Feed(make_strategy())
    feed.put(*answers(price_usd=None))  # a BUY without a price enters nothing
    feed.tables = make_tables(make_strategy(version=2, active=False))
    news = [make_score("sentiment", 0.7, as_of=T0 + 1)] if between else []
    (left,) = feed.decisions(*(news or answers(cycle=T0 + CYCLE_MS)))
    assert (left.action, left.override, left.trigger) == ("HOLD", "unwatched", "change")
    assert (left.position, left.cycle) == (None, None)
    assert feed.put(make_score("sentiment", -1.0, as_of=T0 + CYCLE_MS + 1)) == []
    assert feed.put(*answers(cycle=T0 + 2 * CYCLE_MS)) == []


def test_a_strategy_switched_off_leaves_its_position_and_falls_silent() -> None:
    feed = Feed(make_strategy())
    feed.put(*answers())
    feed.tables = make_tables(make_strategy(active=False))
    (left,) = feed.decisions(*answers(cycle=T0 + CYCLE_MS))
    assert (left.action, left.override, left.trigger) == ("SELL", "unwatched", "change")
    assert feed.put(make_score("sentiment", -1.0, as_of=T0 + CYCLE_MS + 1)) == []
    assert feed.put(*answers(cycle=T0 + 2 * CYCLE_MS)) == []


def test_the_state_does_not_grow_with_time() -> None:
    """It is written to the changelog with every batch that touches the asset.

    Only the offsets get longer: one for each engine, from one byte to three.
    """
    feed = Feed(make_strategy())
    sizes = []
    for number in range(50):
        feed.put(*answers(cycle=T0 + number * CYCLE_MS), make_request())
        assert feed.entry is not None
        sizes.append(len(msgspec.msgpack.encode(feed.entry.state)))
    assert sizes[-1] <= sizes[1] + len(ENGINES) * 2
