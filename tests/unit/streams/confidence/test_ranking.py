"""Ranking: who is in the top ten, when a cycle closes, and what comes too late."""

from __future__ import annotations

import msgspec
import pytest

from schemas.signals import RankEntry, TopSignals
from streams.confidence.ranking import Config, RankingStage
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0, Feed


def make_entry(
    asset: str,
    final: float = 0.5,
    confidence: float = 0.5,
    cycle: int = T0,
    size: int = 3,
    strategy_id: str = "s",
) -> RankEntry:
    """Build a signal's entry."""
    return RankEntry(
        strategy_id, "signal", cycle, size, asset, f"id-{asset}", "BUY", final, confidence
    )


def make_grace(cycle: int = T0) -> RankEntry:
    """Build the record that ends the wait for a cycle."""
    return RankEntry("*", "grace", cycle, 0, "", "", "", 0.0, 0.0)


def make_feed(config: Config | None = None) -> Feed:
    return Feed(stage=RankingStage(config))


def tops(feed: Feed, *entries: RankEntry) -> list[TopSignals]:
    outputs = feed.put(*entries)
    assert all(one.topic == "signals.top" for one in outputs)
    assert [one.key for one in outputs] == [one.event.strategy_id for one in outputs]
    return [one.event for one in outputs]


def assets(top: TopSignals) -> list[str]:
    return [one.asset for one in top.ranked]


def test_a_complete_cycle_is_ranked_by_strength_times_confidence() -> None:
    feed = make_feed()
    (top,) = tops(
        feed,
        make_entry("A", final=0.9, confidence=0.1),
        make_entry("B", final=-0.5, confidence=0.8),
        make_entry("C", final=0.6, confidence=0.5),
    )
    assert assets(top) == ["B", "C", "A"], "0.40, 0.30, 0.09: a strong SELL counts as well"
    assert [one.rank for one in top.ranked] == [1, 2, 3]
    assert (top.strategy_id, top.cycle) == ("s", T0)
    assert (top.complete, top.received, top.expected) == (True, 3, 3)
    assert top.ranked[0].signal_id == "id-B"
    assert (top.ranked[0].final_score, top.ranked[0].confidence) == (-0.5, 0.8)


@pytest.mark.parametrize(
    "order",
    [pytest.param("ABC", id="in order"), pytest.param("CBA", id="backwards")],
)
def test_ties_break_by_asset_name(order: str) -> None:
    (top,) = tops(make_feed(), *(make_entry(asset) for asset in order))
    assert assets(top) == ["A", "B", "C"]


def test_only_ten_are_ranked() -> None:
    names = [f"A{number:02d}" for number in range(25)]
    entries = [make_entry(name, final=n / 100, size=25) for n, name in enumerate(names)]
    (top,) = tops(make_feed(), *entries)
    assert assets(top) == names[:-11:-1]
    assert (top.received, top.expected) == (25, 25)


def test_nothing_goes_out_before_the_last_signal() -> None:
    feed = make_feed()
    assert tops(feed, make_entry("A"), make_entry("B")) == []


def test_the_grace_record_closes_what_has_come() -> None:
    feed = make_feed()
    (top,) = tops(feed, make_entry("A"), make_entry("B"), make_grace())
    assert assets(top) == ["A", "B"]
    assert (top.complete, top.received, top.expected) == (False, 2, 3)


def test_the_grace_record_closes_all_strategies_of_the_partition_by_id() -> None:
    feed = make_feed()
    closed = tops(
        feed, make_entry("A", strategy_id="b"), make_entry("A", strategy_id="a"), make_grace()
    )
    assert [one.strategy_id for one in closed] == ["a", "b"]
    assert feed.stage.single_key == "*", "one state holds them all"


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(make_entry("C"), id="a signal of a closed cycle"),
        pytest.param(make_grace(), id="the grace record again"),
        pytest.param(make_entry("A"), id="a repeated signal"),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_what_comes_after_the_close_is_ignored(late: RankEntry, complete: bool) -> None:
    feed = make_feed()
    size = 2 if complete else 3
    end = [] if complete else [make_grace()]
    assert len(tops(feed, make_entry("A", size=size), make_entry("B", size=size), *end)) == 1
    assert tops(feed, late, make_grace(T0 + CYCLE_MS)) == []


def test_the_largest_size_counts() -> None:
    """A strategy whose list was cut in mid-cycle waits for the grace record, not for too few."""
    feed = make_feed()
    assert tops(feed, make_entry("A", size=3), make_entry("B", size=2)) == []
    (top,) = tops(feed, make_grace())
    assert (top.complete, top.received, top.expected) == (False, 2, 3)


def test_a_repeated_signal_does_not_fill_the_cycle() -> None:
    feed = make_feed()
    assert tops(feed, make_entry("A"), make_entry("A"), make_entry("A")) == []
    (top,) = tops(feed, make_grace())
    assert top.received == 1


def test_grace_of_a_newer_cycle_closes_the_older_ones_too() -> None:
    feed = make_feed()
    closed = tops(feed, make_entry("A"), make_grace(T0 + CYCLE_MS))
    assert [one.cycle for one in closed] == [T0]


def test_grace_of_an_older_cycle_leaves_a_newer_one_open() -> None:
    feed = make_feed()
    newer = [make_entry(one, cycle=T0 + CYCLE_MS) for one in "ABC"]
    assert tops(feed, *newer[:2], make_grace()) == []
    (top,) = tops(feed, newer[2])
    assert top.complete


def test_a_strategy_that_is_all_late_is_still_ranked() -> None:
    """Fusion was down over the grace record: the ranking comes when the signals do."""
    feed = make_feed()
    (top,) = tops(feed, make_grace(), make_entry("A"), make_entry("B"), make_entry("C"))
    assert top.complete


def test_cycles_and_strategies_do_not_mix() -> None:
    feed = make_feed()
    entries = [
        make_entry(asset, cycle=cycle, strategy_id=strategy)
        for asset in "ABC"
        for cycle in (T0, T0 + CYCLE_MS)
        for strategy in ("x", "y")
    ]
    closed = tops(feed, *entries)
    assert {(one.strategy_id, one.cycle) for one in closed} == {
        (strategy, cycle) for strategy in ("x", "y") for cycle in (T0, T0 + CYCLE_MS)
    }
    assert all(one.complete for one in closed)


def test_too_many_open_cycles_close_the_oldest_as_it_stands() -> None:
    feed = make_feed(Config(max_open=2))
    closed = tops(feed, *(make_entry("A", cycle=T0 + n * CYCLE_MS) for n in range(4)))
    assert [(one.cycle, one.complete) for one in closed] == [(T0, False), (T0 + CYCLE_MS, False)]


def test_what_is_older_than_the_closed_cycles_remembered_is_late() -> None:
    feed = make_feed(Config(max_closed=2))
    tops(feed, *(make_entry("A", cycle=T0 + n * CYCLE_MS, size=1) for n in range(4)))
    assert tops(feed, make_entry("B", size=1)) == [], "forgotten, but known to be closed"


def test_a_signal_of_the_day_before_yesterday_is_ignored() -> None:
    feed = make_feed()
    tops(feed, make_entry("A", size=1))
    assert tops(feed, make_entry("A", cycle=T0 - 2 * 86_400_000, size=1)) == []


def test_silent_strategies_are_forgotten() -> None:
    feed = make_feed()
    tops(feed, make_entry("A", strategy_id="gone", size=1), make_entry("A", size=1))
    days = [T0 + n * 86_400_000 for n in range(1, 4)]
    for day in days:
        tops(feed, make_entry("A", cycle=day, size=1), make_grace(day))
    assert feed.entry is not None
    assert list(feed.entry.state.strategies) == ["s"]


def test_the_state_does_not_grow_with_time() -> None:
    feed = make_feed()
    sizes = []
    for number in range(100):
        cycle = T0 + number * CYCLE_MS
        tops(feed, make_entry("A", cycle=cycle), make_entry("B", cycle=cycle), make_grace(cycle))
        assert feed.entry is not None
        sizes.append(len(msgspec.msgpack.encode(feed.entry.state)))
    assert sizes[-1] == sizes[20]
