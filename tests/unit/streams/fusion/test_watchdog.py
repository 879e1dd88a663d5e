"""The watchdog: who is overdue, when a cycle's wait is over, and what it forgets."""

from __future__ import annotations

import msgspec
import pytest

from schemas.engines import ENGINES
from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import RankEntry
from schemas.validation import problem
from streams.fusion.watchdog import Config, WatchdogState, due, on_score, on_tick
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


def watching(*events: TrendingAsset | EngineScore) -> WatchdogState:
    """Return the state after ticks and answers, all seen at SEEN_MS."""
    state = WatchdogState()
    for event in events:
        if isinstance(event, TrendingAsset):
            state = on_tick(CONFIG, state, event, SEEN_MS)
        else:
            state = on_score(CONFIG, state, event)
    return state


def missing(outputs: tuple[Output, ...]) -> list[tuple[str, str]]:
    return [
        (one.event.asset, one.event.engine) for one in outputs if isinstance(one.event, EngineScore)
    ]


def graces(outputs: tuple[Output, ...]) -> list[int]:
    return [one.event.cycle for one in outputs if isinstance(one.event, RankEntry)]


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


@pytest.mark.parametrize(
    ("waited_ms", "expected"),
    [
        pytest.param(2 * GRACE_MS - 1, [], id="not yet"),
        pytest.param(2 * GRACE_MS, [T0], id="twice the grace after the last tick"),
    ],
)
def test_the_grace_record(waited_ms: int, expected: list[int]) -> None:
    state = on_tick(CONFIG, watching(make_tick("BTC")), make_tick("ETH"), SEEN_MS + 100)
    state, outputs = due(CONFIG, state, SEEN_MS + 100 + waited_ms)
    assert graces(outputs) == expected
    assert graces(due(CONFIG, state, SEEN_MS + 100 * GRACE_MS)[1]) == ([] if expected else [T0])


def test_the_grace_record_is_for_everybody() -> None:
    _, outputs = due(CONFIG, watching(make_tick()), SEEN_MS + 2 * GRACE_MS)
    last = outputs[-1]
    assert (last.topic, last.key) == ("signals.ranking", "*")
    assert isinstance(last.event, RankEntry)
    assert (last.event.strategy_id, last.event.kind) == ("*", "grace")


def test_missing_records_come_by_cycle_and_asset_and_before_the_grace_record() -> None:
    ticks = [make_tick(asset, cycle) for cycle in (T0 + CYCLE_MS, T0) for asset in ("ETH", "BTC")]
    _, outputs = due(CONFIG, watching(*ticks), SEEN_MS + 2 * GRACE_MS)
    order = [(one.event.cycle, one.key) for one in outputs]  # type: ignore[attr-defined]
    every = len(ENGINES)
    keys = (*["BTC"] * every, *["ETH"] * every, "*")
    assert order == [(cycle, key) for cycle in (T0, T0 + CYCLE_MS) for key in keys]


def test_only_the_newest_cycles_are_remembered() -> None:
    state = WatchdogState()
    sizes = []
    for number in range(20):
        cycle = T0 + number * CYCLE_MS
        state = on_tick(CONFIG, state, make_tick(cycle=cycle), cycle)
        state, _ = due(CONFIG, state, cycle + 2 * GRACE_MS)
        sizes.append(len(msgspec.msgpack.encode(state)))
    assert list(state.cycles) == [T0 + number * CYCLE_MS for number in (16, 17, 18, 19)]
    assert sizes[-1] == sizes[CONFIG.max_cycles]


def test_an_old_tick_read_again_brings_nothing_back() -> None:
    state = WatchdogState()
    for number in range(5):
        state = on_tick(CONFIG, state, make_tick(cycle=T0 + number * CYCLE_MS), SEEN_MS)
    again = on_tick(CONFIG, state, make_tick(), SEEN_MS)
    assert list(again.cycles) == list(state.cycles)


def test_the_state_survives_msgpack() -> None:
    state = watching(make_tick(), make_answer("sentiment"))
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
