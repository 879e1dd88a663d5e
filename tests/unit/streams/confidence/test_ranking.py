"""Ranking: who is in the top ten, when a cycle closes, and what comes too late."""

from __future__ import annotations

import msgspec
import pytest

from schemas.signals import RankedSignal, TopSignals
from streams.confidence.ranking import Config, Ranking, add, end, top
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0


class Ranked:
    """The ranking of the strategy `s`, fed by hand. Each step returns the tops that went out."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.state = Ranking()

    def signal(
        self,
        asset: str,
        final: float = 0.5,
        confidence: float = 0.5,
        cycle: int = T0,
        size: int = 3,
    ) -> list[TopSignals]:
        one = RankedSignal(0, f"id-{asset}", asset, "BUY", final, confidence)
        self.state, closing = add(self.config, self.state, cycle, size, one)
        return [top("s", cycle) for cycle in closing]

    def signals(self, assets: str, cycle: int = T0, size: int = 3) -> list[TopSignals]:
        return [sent for one in assets for sent in self.signal(one, cycle=cycle, size=size)]

    def end(self, cycle: int = T0) -> list[TopSignals]:
        self.state, closing = end(self.config, self.state, cycle)
        return [top("s", cycle) for cycle in closing]


def assets(top: TopSignals) -> list[str]:
    return [one.asset for one in top.ranked]


def test_a_complete_cycle_is_ranked_by_strength_times_confidence() -> None:
    ranking = Ranked()
    assert ranking.signal("A", final=0.9, confidence=0.1) == []
    assert ranking.signal("B", final=-0.5, confidence=0.8) == []
    (ranked,) = ranking.signal("C", final=0.6, confidence=0.5)
    assert assets(ranked) == ["B", "C", "A"], "0.40, 0.30, 0.09: a strong SELL counts as well"
    assert [one.rank for one in ranked.ranked] == [1, 2, 3]
    assert (ranked.strategy_id, ranked.cycle) == ("s", T0)
    assert (ranked.complete, ranked.received, ranked.expected) == (True, 3, 3)
    assert ranked.ranked[0].signal_id == "id-B"
    assert (ranked.ranked[0].final_score, ranked.ranked[0].confidence) == (-0.5, 0.8)


@pytest.mark.parametrize(
    "order",
    [pytest.param("ABC", id="in order"), pytest.param("CBA", id="backwards")],
)
def test_ties_break_by_asset_name(order: str) -> None:
    (ranked,) = Ranked().signals(order)
    assert assets(ranked) == ["A", "B", "C"]


def test_only_ten_are_ranked() -> None:
    names = [f"A{number:02d}" for number in range(25)]
    ranking = Ranked()
    sent = [ranking.signal(name, final=n / 100, size=25) for n, name in enumerate(names)]
    (ranked,) = sent[-1]
    assert not any(sent[:-1])
    assert assets(ranked) == names[:-11:-1]
    assert (ranked.received, ranked.expected) == (25, 25)


def test_the_end_closes_what_has_come() -> None:
    ranking = Ranked()
    assert ranking.signals("AB") == []
    (ranked,) = ranking.end()
    assert assets(ranked) == ["A", "B"]
    assert (ranked.complete, ranked.received, ranked.expected) == (False, 2, 3)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param("C", id="a signal of a closed cycle"),
        pytest.param("", id="the end again"),
        pytest.param("A", id="a repeated signal"),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_what_comes_after_the_close_is_ignored(late: str, complete: bool) -> None:
    ranking = Ranked()
    size = 2 if complete else 3
    assert len(ranking.signals("AB", size=size) + ([] if complete else ranking.end())) == 1
    assert (ranking.signal(late) if late else ranking.end()) == []
    assert ranking.end(T0 + CYCLE_MS) == []


def test_the_largest_size_counts() -> None:
    """A strategy whose list was cut in mid-cycle waits for the end, not for too few."""
    ranking = Ranked()
    assert ranking.signal("A", size=3) == []
    assert ranking.signal("B", size=2) == []
    (ranked,) = ranking.end()
    assert (ranked.complete, ranked.received, ranked.expected) == (False, 2, 3)


def test_a_repeated_signal_does_not_fill_the_cycle() -> None:
    ranking = Ranked()
    assert ranking.signals("AAA") == []
    (ranked,) = ranking.end()
    assert ranked.received == 1


def test_the_end_of_a_newer_cycle_closes_the_older_ones_too() -> None:
    ranking = Ranked()
    ranking.signal("A")
    assert [one.cycle for one in ranking.end(T0 + CYCLE_MS)] == [T0]


def test_the_end_of_an_older_cycle_leaves_a_newer_one_open() -> None:
    ranking = Ranked()
    assert ranking.signals("AB", cycle=T0 + CYCLE_MS) == []
    assert ranking.end() == []
    (ranked,) = ranking.signal("C", cycle=T0 + CYCLE_MS)
    assert ranked.complete


def test_a_cycle_that_is_all_late_is_still_ranked() -> None:
    """Fusion was down over the end: the ranking comes when the signals do."""
    ranking = Ranked()
    assert ranking.end() == []
    (ranked,) = ranking.signals("ABC")
    assert ranked.complete


def test_cycles_do_not_mix() -> None:
    ranking = Ranked()
    cycles = (T0, T0 + CYCLE_MS)
    drawn = [ranking.signal(asset, cycle=one) for asset in "ABC" for one in cycles]
    closed = [one for sent in drawn for one in sent]
    assert [(one.cycle, one.complete) for one in closed] == [(one, True) for one in cycles]


def test_too_many_open_cycles_close_the_oldest_as_it_stands() -> None:
    ranking = Ranked(Config(max_open=2))
    closed = [sent for n in range(4) for sent in ranking.signal("A", cycle=T0 + n * CYCLE_MS)]
    assert [(one.cycle, one.complete) for one in closed] == [(T0, False), (T0 + CYCLE_MS, False)]


def test_what_is_older_than_the_closed_cycles_remembered_is_late() -> None:
    ranking = Ranked(Config(max_closed=2))
    for number in range(4):
        ranking.signal("A", cycle=T0 + number * CYCLE_MS, size=1)
    assert ranking.signal("B", size=1) == [], "forgotten, but known to be closed"


def test_a_signal_of_the_day_before_yesterday_is_ignored() -> None:
    ranking = Ranked()
    ranking.signal("A", size=1)
    assert ranking.signal("A", cycle=T0 - 2 * 86_400_000, size=1) == []


def test_the_state_does_not_grow_with_time() -> None:
    ranking = Ranked()
    sizes = []
    for number in range(100):
        cycle = T0 + number * CYCLE_MS
        ranking.signals("AB", cycle=cycle)
        ranking.end(cycle)
        sizes.append(len(msgspec.msgpack.encode(ranking.state)))
    assert sizes[-1] == sizes[20]
