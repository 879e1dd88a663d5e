"""What holds of the confidence agent for any log: rankings, repetitions, recovery."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.signals import Decision, Signal, TopSignals
from streams.confidence.confidence_stage import ConfidenceStage
from streams.stage import Entry, Output, advance
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0

STAGE = ConfidenceStage()
GAP = 1_000
SIZE = 4
LAST = T0 + 9 * CYCLE_MS

Log = list[tuple[int, Decision]]


def make_end(cycle: int) -> Decision:
    return Decision(
        decision_id=f"end{cycle}", strategy_id="x", kind="cycle_end", as_of=cycle, cycle=cycle
    )


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Draw a decision on one of four assets, now and then an answer or the end of a cycle."""
    number = draw(st.integers(0, 5))
    cycle = T0 + number * CYCLE_MS
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return make_end(cycle)
    asset = draw(st.sampled_from("ABCD"))
    # A function of the place: the decision of one cycle and asset is always the same.
    strength = (ord(asset) * 7 + number * 3) % 5 / 5 - 0.4
    made = Decision(
        decision_id=f"{asset}{cycle}",
        strategy_id="x",
        asset=asset,
        as_of=cycle,
        cycle=cycle,
        cycle_size=SIZE,
        trigger="cycle",
        final_score=strength,
        action="BUY" if number % 2 else "SELL",
        price_usd=100.0,
        sentiment_confidence=0.5,
        portfolio_value_usd=50_000.0,
    )
    if kind == 1:
        return replace(made, decision_id=f"r{asset}{cycle}", cycle=None, trigger="request")
    if kind == 2:
        changed = {"decision_id": f"c{asset}{cycle}", "cycle": None, "as_of": cycle + 1}
        return replace(made, trigger="change", **changed)
    return made


def run(log: Log, *, recover: bool = False) -> dict[int, tuple[Output, ...]]:
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


def signals_of(outputs: dict[int, tuple[Output, ...]]) -> list[Signal]:
    return [one.event for sent in outputs.values() for one in sent if isinstance(one.event, Signal)]


logs = st.lists(decisions(), max_size=60).map(
    lambda events: [(place * GAP, event) for place, event in enumerate(events)]
)


@given(logs)
def test_tops_are_ordered_and_count_right(log: Log) -> None:
    for top in tops_of(run(log)):
        strength = [(-abs(one.final_score) * one.confidence, one.asset) for one in top.ranked]
        assert strength == sorted(strength)
        assert [one.rank for one in top.ranked] == list(range(1, len(top.ranked) + 1))
        assert len(top.ranked) == min(10, top.received)
        assert 1 <= top.received <= top.expected == SIZE
        assert top.complete == (top.received == SIZE)


@given(logs)
def test_a_cycle_is_ranked_at_most_once(log: Log) -> None:
    sent = [one.cycle for one in tops_of(run(log))]
    assert len(sent) == len(set(sent))


@given(logs)
def test_every_signal_of_a_cycle_is_ranked_once_it_ends(log: Log) -> None:
    outputs = run([*log, (len(log) * GAP, make_end(LAST))])
    sent = {one.cycle for one in tops_of(outputs)}
    assert sent == {one.cycle for one in signals_of(outputs) if one.cycle is not None}


@given(logs)
def test_a_decision_has_one_signal_of_its_id(log: Log) -> None:
    sent = [one.signal_id for one in signals_of(run(log))]
    assert len(sent) == len(set(sent))
    assert {*sent} <= {one.decision_id for _, one in log}


@given(logs, st.integers(0, 60))
def test_what_comes_later_changes_nothing_before(log: Log, cut: int) -> None:
    whole = run(log)
    assert run(log[:cut]) == {offset: whole[offset] for offset, _ in log[:cut]}


@given(logs)
def test_a_worker_that_restarts_after_every_record_says_the_same(log: Log) -> None:
    assert run(log, recover=True) == run(log)


@given(logs, st.data())
def test_repeated_records_change_nothing(log: Log, data: st.DataObject) -> None:
    """Decisions may come again anywhere later; ends only right away, as they are sent."""
    if not log:
        return
    doubled = list(log)
    for number in range(data.draw(st.integers(1, 10))):
        offset, event = data.draw(st.sampled_from(log))
        last = offset // GAP if event.kind == "cycle_end" else len(log) - 1
        after = data.draw(st.integers(offset // GAP, last))
        doubled.append((after * GAP + 1 + number, event))
    doubled.sort(key=lambda one: one[0])
    expected = run(log)
    assert {at: sent for at, sent in run(doubled).items() if sent} == {
        at: sent for at, sent in expected.items() if sent
    }


@given(st.permutations("ABCDEFGHIJKL"), st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12))
def test_the_order_of_a_cycles_decisions_does_not_matter(
    order: list[str], finals: list[float]
) -> None:
    def decision(asset: str) -> Decision:
        return Decision(
            decision_id=asset,
            strategy_id="x",
            asset=asset,
            as_of=T0,
            cycle=T0,
            cycle_size=12,
            trigger="cycle",
            final_score=finals[ord(asset) - ord("A")],
            portfolio_value_usd=1.0,
        )

    straight = run([(place, decision(asset)) for place, asset in enumerate("ABCDEFGHIJKL")])
    mixed = run([(place, decision(asset)) for place, asset in enumerate(order)])
    assert tops_of(mixed) == tops_of(straight)
    assert len(tops_of(mixed)) == 1
