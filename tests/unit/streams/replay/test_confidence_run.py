"""The confidence agent of a replay: in which order it takes decisions, and when cycles end."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.codec import local_codec
from schemas.signals import Decision, TopSignals
from streams.replay.confidence_run import GRACE_MS, ConfidenceRun, in_order, numbered
from streams.runner import Produced
from tests.factories import CYCLE_MS, START_MS, decision

Given = tuple[int, int, Decision]
CODEC = local_codec()


def given(asset: str, strategy_id: str, clock_ms: int, **fields: Any) -> Given:
    made = decision(strategy_id, asset, **{"as_of": clock_ms, "cycle_size": 4, **fields})
    return clock_ms, clock_ms, made


def cycles(assets: str = "ABCD", count: int = 3) -> list[Given]:
    """Return some cycles, of which every second one lacks the last asset, and a change after it."""
    made = []
    for number in range(count):
        start_ms = START_MS + number * CYCLE_MS
        for asset in assets:
            for strategy_id in ("x", "y"):
                if number % 2 and asset == assets[-1]:
                    continue
                made.append(given(asset, strategy_id, start_ms, cycle=start_ms))
        late_ms = start_ms + CYCLE_MS // 2
        change = {"cycle": None, "cycle_size": 0, "trigger": "change"}
        made.append(given(assets[0], "x", late_ms, **change))
    return made


def run(*shards: list[Given], partitions: int = 4) -> list[Produced]:
    produced: list[Produced] = []
    streams = [numbered(iter(shard)) for shard in shards]
    ConfidenceRun(partitions, produced.append).run(in_order(streams))
    return produced


def written(produced: list[Produced]) -> list[tuple[Any, ...]]:
    return [(*one[:5], CODEC.encode(one.event)) for one in produced]


@pytest.mark.parametrize("shards", [1, 2, 3, 4])
def test_what_comes_out_does_not_depend_on_the_shards(shards: int) -> None:
    """An asset lives in one shard; within one moment its shard takes the assets in any order."""
    all_of_them = cycles()
    expected = written(run(all_of_them))
    random = Random(shards)
    parts: list[list[Given]] = [[] for _ in range(shards)]
    for one in all_of_them:
        parts[ord(one[2].asset) % shards].append(one)
    for part in parts:
        random.shuffle(part)
        part.sort(key=lambda one: one[0])
    assert written(run(*parts)) == expected


def test_a_cycle_ends_after_its_silence_for_the_strategies_that_wait() -> None:
    first, *_ = cycles(count=1)
    quiet_ms = START_MS + GRACE_MS
    just_before = given("B", "y", quiet_ms - 1, cycle=None, trigger="change")
    after = given("B", "y", quiet_ms, cycle=None, trigger="change")
    events = [one.event for one in run([first, just_before, after])]
    kinds = [one.kind for one in events if isinstance(one, Decision)]
    assert kinds == ["decision", "decision", "cycle_end", "decision"]
    end = next(one for one in events if isinstance(one, Decision) and one.kind == "cycle_end")
    assert (end.strategy_id, end.cycle, end.as_of) == ("x", START_MS, START_MS)
    (top,) = [one for one in events if isinstance(one, TopSignals)]
    assert (top.complete, top.received, top.expected) == (False, 1, 4)


def test_a_complete_cycle_needs_no_end() -> None:
    events = [one.event for one in run(cycles(count=1))]
    assert not [one for one in events if isinstance(one, Decision) and one.kind != "decision"]
    assert [one.strategy_id for one in events if isinstance(one, TopSignals)] == ["x", "y"]


def test_the_last_cycle_ends_too() -> None:
    events = [one.event for one in run(cycles(count=2))]
    tops = [one for one in events if isinstance(one, TopSignals)]
    assert [one.complete for one in tops] == [True, True, False, False]


def test_offsets_count_from_zero_and_signals_name_their_decision() -> None:
    produced = run(cycles())
    offsets: dict[tuple[str, int], list[int]] = {}
    for one in produced:
        offsets.setdefault((one.topic, one.partition), []).append(one.offset)
    assert all(found == list(range(len(found))) for found in offsets.values())
    places = {
        one.event.decision_id: (one.topic, one.partition, one.offset)
        for one in produced
        if isinstance(one.event, Decision) and one.event.kind == "decision"
    }
    signals = [one.event for one in produced if one.topic == "signals"]
    assert len(signals) == len(places) > 0
    for signal in signals:
        place = signal.inputs[-1]
        assert (place.topic, place.partition, place.offset) == places[signal.signal_id]


def test_a_decision_that_is_not_valid_is_counted_and_the_rest_goes_on() -> None:
    produced: list[Produced] = []
    agent = ConfidenceRun(1, produced.append)
    bad = given("A", "x", START_MS, action="KEEP")
    good = given("B", "x", START_MS + 1)
    agent.run(in_order([numbered(iter([bad, good]))]))
    assert agent.refused == 1
    assert [one.event.asset for one in produced if one.topic == "signals"] == ["B"]
