"""The watchdog: who is overdue, when a cycle's wait is over, and what it forgets."""

from __future__ import annotations

import msgspec
import pytest

from schemas.engines import ENGINES
from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import Decision
from schemas.validation import problem
from streams.fusion.watchdog import (
    Config,
    WatchdogState,
    due,
    is_waiting,
    on_decisions,
    on_score,
    on_tick,
)
from streams.stage import Output
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0, Feed, make_score, make_strategy

CONFIG = Config()
GRACE_MS = CONFIG.grace_ms
SEEN_MS = T0 + 2_000  # the wall clock of the edge, not event time


def make_tick(asset: str = "BTC", cycle: int = T0, size: int = 2) -> TrendingAsset:
    return TrendingAsset(
        asset=asset,
        event_time=cycle,
        observed_at=cycle + 500,
        source="test",
        source_id=f"{asset}-{cycle}",
        cycle=cycle,
        cycle_size=size,
        rank=1,
        name=asset,
        price_usd=1.0,
        volume_24h_usd=1.0,
    )


def make_answer(engine: str, asset: str = "BTC", cycle: int | None = T0) -> EngineScore:
    return make_score(engine, 0.1, asset=asset, cycle=cycle, as_of=T0 + 500)


def make_decision(
    asset: str = "BTC", strategy_id: str = "s", cycle: int | None = T0, size: int = 2
) -> Decision:
    return Decision(
        decision_id=f"{strategy_id}-{asset}",
        strategy_id=strategy_id,
        asset=asset,
        as_of=T0 + len(asset),
        cycle=cycle,
        cycle_size=size,
        trigger="change" if cycle is None else "cycle",
    )


def watching(*events: TrendingAsset | EngineScore | Decision) -> WatchdogState:
    """Return the state after ticks, answers and decisions, all seen at SEEN_MS."""
    state = WatchdogState()
    for event in events:
        if isinstance(event, TrendingAsset):
            state = on_tick(CONFIG, state, event, SEEN_MS)
        elif isinstance(event, Decision):
            state = on_decisions(CONFIG, state, [event], SEEN_MS)
        else:
            state = on_score(CONFIG, state, event)
    return state


def missing(outputs: tuple[Output, ...]) -> list[tuple[str, str]]:
    return [
        (one.event.asset, one.event.engine) for one in outputs if isinstance(one.event, EngineScore)
    ]


def ends(outputs: tuple[Output, ...]) -> list[tuple[str, int | None]]:
    return [
        (one.event.strategy_id, one.event.cycle)
        for one in outputs
        if isinstance(one.event, Decision)
    ]


@pytest.mark.parametrize(
    ("waited_ms", "expected"),
    [
        pytest.param(GRACE_MS - 1, [], id="in time"),
        pytest.param(GRACE_MS, [("BTC", "technical"), ("BTC", "liquidity")], id="overdue"),
    ],
)
def test_engines_that_have_not_answered_in_time(
    waited_ms: int, expected: list[tuple[str, str]]
) -> None:
    late = {"technical", "liquidity"}
    answered = [make_answer(one) for one in ENGINES if one not in late]
    state = watching(make_tick(), *answered)
    _, outputs = due(CONFIG, state, SEEN_MS + waited_ms)
    assert missing(outputs) == expected


def test_a_missing_record_is_valid_and_carries_the_cycle() -> None:
    _, outputs = due(CONFIG, watching(make_tick(size=50)), SEEN_MS + GRACE_MS)
    assert [(one.topic, one.key) for one in outputs] == [("engine.scores", "BTC")] * len(ENGINES)
    assert missing(outputs) == [("BTC", engine) for engine in ENGINES]
    event = outputs[0].event
    assert isinstance(event, EngineScore)
    assert problem(event) is None
    assert (event.status, event.cycle, event.cycle_size) == ("missing", T0, 50)
    assert event.as_of == T0 + 500, "event time of the tick, not the clock of the edge"
    assert (event.score, event.confidence, event.freshness) == (0.0, 0.0, 0.0)
    assert event.detail == {"answer": "no answer to the cycle within 30 s"}


def test_missing_is_said_once() -> None:
    state, first = due(CONFIG, watching(make_tick()), SEEN_MS + GRACE_MS)
    again, second = due(CONFIG, state, SEEN_MS + GRACE_MS + 1)
    assert len(first) == len(ENGINES)
    assert second == ()
    assert again is state


def test_all_answered_is_never_overdue() -> None:
    state = watching(make_tick(), *(make_answer(one) for one in ENGINES))
    _, outputs = due(CONFIG, state, SEEN_MS + GRACE_MS)
    assert outputs == ()


def test_an_answer_may_come_before_its_tick() -> None:
    """They are on two topics, and nothing orders these."""
    *answered, last = ENGINES
    state = watching(*(make_answer(one) for one in answered))
    assert due(CONFIG, state, SEEN_MS + 10 * GRACE_MS)[1] == (), "no tick: nobody waits"
    state = on_tick(CONFIG, state, make_tick(), SEEN_MS)
    assert missing(due(CONFIG, state, SEEN_MS + GRACE_MS)[1]) == [("BTC", last)]


@pytest.mark.parametrize(
    "score",
    [
        pytest.param(make_answer("technical", cycle=None), id="between cycles"),
        pytest.param(make_answer("technical", cycle=T0 - CYCLE_MS), id="another cycle"),
        pytest.param(make_answer("technical", asset="ETH"), id="another asset"),
    ],
)
def test_scores_that_are_no_answer(score: EngineScore) -> None:
    state = watching(make_tick(), score)
    assert ("BTC", "technical") in missing(due(CONFIG, state, SEEN_MS + GRACE_MS)[1])


def test_a_repeated_tick_does_not_prolong_the_wait() -> None:
    state = watching(make_tick())
    assert on_tick(CONFIG, state, make_tick(), SEEN_MS + GRACE_MS) is state


def test_a_second_watchdog_counts_the_missing_records_of_the_first() -> None:
    _, outputs = due(CONFIG, watching(make_tick()), SEEN_MS + GRACE_MS)
    records = [one.event for one in outputs if isinstance(one.event, EngineScore)]
    second = watching(make_tick(), *records)
    assert missing(due(CONFIG, second, SEEN_MS + GRACE_MS)[1]) == []


ANSWERED = [make_answer(engine, asset) for engine in ENGINES for asset in ("BTC", "ETH")]
TWICE_MS = 2 * GRACE_MS


@pytest.mark.parametrize(
    ("waited_ms", "expected"),
    [
        pytest.param(TWICE_MS - 1, [], id="not yet"),
        pytest.param(TWICE_MS, [("s", T0)], id="twice the grace after the last tick"),
    ],
)
def test_the_end_of_a_cycle_that_is_not_complete(
    waited_ms: int, expected: list[tuple[str, int]]
) -> None:
    state = watching(make_tick("BTC"), make_decision())
    state = on_tick(CONFIG, state, make_tick("ETH"), SEEN_MS + 100)
    state, outputs = due(CONFIG, state, SEEN_MS + 100 + waited_ms)
    assert ends(outputs) == expected
    again = ends(due(CONFIG, state, SEEN_MS + 100 * GRACE_MS)[1])
    assert again == ([] if expected else [("s", T0)]), "once"


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        pytest.param([make_decision("BTC"), make_decision("ETH")], [], id="complete"),
        pytest.param([make_decision("BTC")] * 2, ["s"], id="one that came twice counts once"),
        pytest.param([make_decision(cycle=None)], [], id="between cycles"),
        pytest.param([], [], id="a strategy that decided nothing has nothing open"),
        pytest.param(
            [make_decision(strategy_id=name, size=9) for name in "ba"], ["a", "b"], id="by id"
        ),
        pytest.param(
            [make_decision("BTC", size=1), make_decision("ETH", size=3)],
            ["s"],
            id="the largest size counts",
        ),
    ],
)
def test_which_strategies_get_an_end(decisions: list[Decision], expected: list[str]) -> None:
    state = watching(make_tick("BTC"), make_tick("ETH"), *ANSWERED, *decisions)
    assert is_waiting(state) == bool(expected), "then offsets are not committed"
    _, outputs = due(CONFIG, state, SEEN_MS + TWICE_MS)
    assert ends(outputs) == [(name, T0) for name in expected]
    assert [(one.topic, one.key) for one in outputs] == [
        ("signals.decisions", name) for name in expected
    ]


def test_the_end_is_valid_and_its_time_is_that_of_the_newest_decision() -> None:
    first, second = make_decision("BTC", size=9), make_decision("DOGE", size=9)
    _, outputs = due(CONFIG, watching(make_tick(), second, first), SEEN_MS + TWICE_MS)
    event = outputs[-1].event
    assert isinstance(event, Decision)
    assert problem(event) is None
    assert (event.kind, event.strategy_id, event.cycle) == ("cycle_end", "s", T0)
    assert event.as_of == second.as_of
    assert len(event.decision_id) == 32


def test_decisions_that_come_late_are_waited_for() -> None:
    """Fusion was away for minutes: its first decision is no reason to end the cycle at once."""
    state = watching(make_tick("BTC"), make_tick("ETH"), *ANSWERED)
    late_ms = SEEN_MS + 100 * GRACE_MS
    state = on_decisions(CONFIG, state, [make_decision()], late_ms)
    assert ends(due(CONFIG, state, late_ms + TWICE_MS - 1)[1]) == []
    assert ends(due(CONFIG, state, late_ms + TWICE_MS)[1]) == [("s", T0)]


def test_a_watchdog_that_sees_no_tick_ends_the_cycle_of_its_strategies_too() -> None:
    """Another one has the partition of the ticks."""
    state = watching(make_decision())
    assert ends(due(CONFIG, state, SEEN_MS + TWICE_MS)[1]) == [("s", T0)]


def test_a_second_watchdog_counts_the_ends_that_the_first_wrote() -> None:
    state = watching(make_tick(), make_decision())
    outputs = due(CONFIG, state, SEEN_MS + TWICE_MS)[1]
    written = [one.event for one in outputs if isinstance(one.event, Decision)]
    second = watching(make_tick(), make_decision(), *written)
    assert ends(due(CONFIG, second, SEEN_MS + TWICE_MS)[1]) == []


def test_a_decision_after_the_end_is_waited_for_in_vain_once_more() -> None:
    """The agent takes a late one as late; a second end does no harm there."""
    state = watching(make_tick(), make_decision())
    state, _ = due(CONFIG, state, SEEN_MS + TWICE_MS)
    state = on_decisions(CONFIG, state, [make_decision("ETH")], SEEN_MS + TWICE_MS)
    assert ends(due(CONFIG, state, SEEN_MS + 2 * TWICE_MS)[1]) == [("s", T0)]


def test_missing_records_come_by_cycle_and_asset_and_before_the_ends() -> None:
    cycles = (T0 + CYCLE_MS, T0)
    ticks = [make_tick(asset, cycle) for cycle in cycles for asset in ("ETH", "BTC")]
    decisions = [make_decision(cycle=cycle, strategy_id=name) for cycle in cycles for name in "ba"]
    _, outputs = due(CONFIG, watching(*ticks, *decisions), SEEN_MS + TWICE_MS)
    order = [(one.event.cycle, one.key) for one in outputs]  # type: ignore[attr-defined]
    every = len(ENGINES)
    keys = (*["BTC"] * every, *["ETH"] * every, "a", "b")
    assert order == [(cycle, key) for cycle in (T0, T0 + CYCLE_MS) for key in keys]


def test_only_the_newest_cycles_are_remembered() -> None:
    state = WatchdogState()
    sizes = []
    for number in range(20):
        cycle = T0 + number * CYCLE_MS
        state = on_tick(CONFIG, state, make_tick(cycle=cycle), cycle)
        state = on_decisions(CONFIG, state, [make_decision(cycle=cycle)], cycle)
        state, _ = due(CONFIG, state, cycle + 2 * GRACE_MS)
        sizes.append(len(msgspec.msgpack.encode(state)))
    assert list(state.cycles) == [T0 + number * CYCLE_MS for number in (16, 17, 18, 19)]
    assert sizes[-1] == sizes[CONFIG.max_cycles]


def test_five_hundred_assets_and_a_hundred_strategies_stay_small() -> None:
    state = WatchdogState()
    for number in range(500):
        several = [make_decision(f"A{number}", f"s{one}", size=501) for one in range(100)]
        state = on_decisions(CONFIG, state, several, SEEN_MS)
    kept = state.cycles[T0].strategies.values()
    assert {one.received.bit_count() for one in kept} == {500}
    assert all(one.received.bit_length() == 500 for one in kept), "a bit an asset"


def test_an_old_tick_read_again_brings_nothing_back() -> None:
    state = WatchdogState()
    for number in range(5):
        state = on_tick(CONFIG, state, make_tick(cycle=T0 + number * CYCLE_MS), SEEN_MS)
    again = on_tick(CONFIG, state, make_tick(), SEEN_MS)
    assert list(again.cycles) == list(state.cycles)


def test_the_state_survives_msgpack() -> None:
    state = watching(make_tick(), make_answer("sentiment"), make_decision())
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=WatchdogState)
    assert again == state
    assert due(CONFIG, again, SEEN_MS + GRACE_MS) == due(CONFIG, state, SEEN_MS + GRACE_MS)


def test_fusion_goes_on_with_what_the_watchdog_writes() -> None:
    """The whole point: a missing record in the place of an answer makes the cycle's signal."""
    feed = Feed(make_strategy())
    answered = [make_answer(one) for one in ENGINES if one != "sentiment"]
    assert feed.put(*answered) == []
    _, outputs = due(CONFIG, watching(make_tick(), *answered), SEEN_MS + GRACE_MS)
    signal = feed.signal(*(one.event for one in outputs))
    assert signal.cycle == T0
    assert signal.detail["sentiment.answer"] == "no answer to the cycle within 30 s"
