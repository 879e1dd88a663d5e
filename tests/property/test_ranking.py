"""What holds of the ranking for any log: order, repetitions, recovery, and at most one top ten."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.signals import RankEntry, TopSignals
from streams.confidence.ranking import RankingStage
from streams.stage import Entry, Output, advance
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0

STAGE = RankingStage()
GAP = 1_000
SIZE = 4

cycles = st.integers(0, 5).map(lambda number: T0 + number * CYCLE_MS)


@st.composite
def entries(draw: st.DrawFn) -> RankEntry:
    """Draw a signal of one of four assets, or now and then a grace record."""
    cycle = draw(cycles)
    if draw(st.integers(0, 7)) == 0:
        return RankEntry("*", "grace", cycle, 0, "", "", "", 0.0, 0.0)
    strategy = draw(st.sampled_from("xy"))
    asset = draw(st.sampled_from("ABCD"))
    # A function of the place: the signal of one cycle, strategy and asset is always the same.
    strength = (ord(asset) * 7 + cycle // CYCLE_MS * 3 + ord(strategy)) % 5 / 5 - 0.4
    return RankEntry(
        strategy, "signal", cycle, SIZE, asset, f"{strategy}{asset}{cycle}", "BUY", strength, 0.5
    )


def run(
    log: list[tuple[int, RankEntry]], *, recover: bool = False
) -> dict[int, tuple[Output, ...]]:
    """Return the outputs by offset; with `recover`, of a worker that restarts after each record."""
    entry: Entry | None = None
    outputs = {}
    for offset, event in log:
        moved = advance(STAGE, entry, event, STAGE.inputs[0], 0, offset)
        assert moved is not None
        entry, outputs[offset] = moved
        if recover:
            stored = msgspec.msgpack.encode(entry)
            entry = Entry(
                *msgspec.msgpack.decode(stored, type=tuple[STAGE.state_type, dict[str, int]])
            )  # type: ignore[name-defined]
    return outputs


def tops_of(outputs: dict[int, tuple[Output, ...]]) -> list[TopSignals]:
    return [
        one.event for sent in outputs.values() for one in sent if isinstance(one.event, TopSignals)
    ]


logs = st.lists(entries(), max_size=60).map(
    lambda events: [(place * GAP, event) for place, event in enumerate(events)]
)


@given(logs)
def test_tops_are_ordered_and_count_right(log: list[tuple[int, RankEntry]]) -> None:
    for top in tops_of(run(log)):
        strength = [(-abs(one.final_score) * one.confidence, one.asset) for one in top.ranked]
        assert strength == sorted(strength)
        assert [one.rank for one in top.ranked] == list(range(1, len(top.ranked) + 1))
        assert len(top.ranked) == min(10, top.received)
        assert 1 <= top.received <= top.expected == SIZE
        assert top.complete == (top.received == SIZE)


@given(logs)
def test_a_cycle_is_ranked_at_most_once(log: list[tuple[int, RankEntry]]) -> None:
    sent = [(one.strategy_id, one.cycle) for one in tops_of(run(log))]
    assert len(sent) == len(set(sent))


@given(logs)
def test_nothing_stays_open_after_the_last_grace_record(log: list[tuple[int, RankEntry]]) -> None:
    last = RankEntry("*", "grace", T0 + 9 * CYCLE_MS, 0, "", "", "", 0.0, 0.0)
    sent = {(one.strategy_id, one.cycle) for one in tops_of(run([*log, (len(log) * GAP, last)]))}
    assert sent == {(one.strategy_id, one.cycle) for _, one in log if one.kind == "signal"}


@given(logs, st.integers(0, 60))
def test_what_comes_later_changes_nothing_before(
    log: list[tuple[int, RankEntry]], cut: int
) -> None:
    whole = run(log)
    assert run(log[:cut]) == {offset: whole[offset] for offset, _ in log[:cut]}


@given(logs)
def test_a_worker_that_restarts_after_every_record_says_the_same(
    log: list[tuple[int, RankEntry]],
) -> None:
    assert run(log, recover=True) == run(log)


@given(logs, st.data())
def test_repeated_records_change_nothing(
    log: list[tuple[int, RankEntry]], data: st.DataObject
) -> None:
    """Signals may come again anywhere later; grace records only right away, as they are sent."""
    if not log:
        return
    doubled = list(log)
    for number in range(data.draw(st.integers(1, 10))):
        offset, event = data.draw(st.sampled_from(log))
        last = offset // GAP if event.kind == "grace" else len(log) - 1
        after = data.draw(st.integers(offset // GAP, last))
        doubled.append((after * GAP + 1 + number, event))
    doubled.sort(key=lambda one: one[0])
    expected = run(log)
    assert {at: sent for at, sent in run(doubled).items() if sent} == {
        at: sent for at, sent in expected.items() if sent
    }


@given(st.permutations("ABCDEFGHIJKL"), st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12))
def test_the_order_of_a_cycles_signals_does_not_matter(
    order: list[str], finals: list[float]
) -> None:
    def entry(asset: str) -> RankEntry:
        final = finals[ord(asset) - ord("A")]
        return RankEntry("x", "signal", T0, 12, asset, asset, "BUY", final, 0.5)

    straight = run([(place, entry(asset)) for place, asset in enumerate("ABCDEFGHIJKL")])
    mixed = run([(place, entry(asset)) for place, asset in enumerate(order)])
    assert tops_of(mixed) == tops_of(straight)
    assert len(tops_of(mixed)) == 1
