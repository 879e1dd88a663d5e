"""A replay says the same whether its scores are kept or not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from producers.events import TOPIC_OF
from producers.market.assets import ASSETS
from producers.market.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.control import SignalRequest
from schemas.market import OrderBook
from streams.replay.arrivals import RANK, Arrival
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.free import FreeRun, Produced
from streams.stage import StrategyAt
from streams.topics import REQUESTS, SCORES

START_MS = 1_767_225_600_000


@pytest.fixture(scope="module")
def market() -> list[Arrival]:
    """Two assets of the simulated market, with a request for one of them and one in vain.

    The books end half way, so that the liquidity of the later cycles is stale.
    """
    state, events = backfill(1, START_MS, ASSETS[:2])
    for number in range(20):
        state, more = cycle(state, state.now_ms)
        events = [*events, *(one for one in more if number < 10 or type(one) is not OrderBook)]
    asset, now_ms = ASSETS[0].symbol, state.now_ms
    asked = [
        SignalRequest("r1", asset, PREBUILT[0].strategy_id, now_ms),
        SignalRequest("r2", asset, "unknown", now_ms),
    ]
    offsets: Counter[str] = Counter()
    return [
        *(
            _arrival(event, TOPIC_OF[type(event)].name, event.observed_at, offsets)
            for event in events
        ),
        *(_arrival(request, REQUESTS.name, now_ms, offsets) for request in asked),
    ]


def _arrival(event: Any, topic: str, at_ms: int, offsets: Counter[str]) -> Arrival:
    offset = offsets[topic]
    offsets[topic] += 1
    return Arrival(at_ms, RANK[topic], topic, 0, offset, at_ms, event.asset.encode(), event)


def _run(
    market: list[Arrival], changes: Changes, *, with_scores: bool
) -> tuple[FreeRun, list[Produced], list[Any]]:
    strategies = {one.strategy_id: StrategyAt(one, place) for place, one in enumerate(PREBUILT)}
    produced: list[Produced] = []
    ranks: list[Any] = []
    flow = FreeRun(
        1,
        strategies,
        produced.append,
        lambda *entry: ranks.append(entry),
        changes,
        with_scores=with_scores,
    )
    for arrival in market:
        flow.apply(arrival)
    return flow, produced, ranks


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(NO_CHANGES, id="as it is"),
        pytest.param(Changes(without=("sentiment",)), id="an engine left out"),
        pytest.param(Changes(buy_threshold=0.01, sell_threshold=-0.01), id="restless"),
    ],
)
def test_scores_that_nobody_keeps_change_nothing_else(
    market: list[Arrival], changes: Changes
) -> None:
    kept, everything, ranks = _run(market, changes, with_scores=True)
    brief, rest, brief_ranks = _run(market, changes, with_scores=False)
    assert rest == [one for one in everything if one.topic != SCORES.name]
    assert brief_ranks == ranks
    assert brief.scores == kept.scores == sum(one.topic == SCORES.name for one in everything)
    assert (brief.refused, brief.arrived) == (kept.refused, kept.arrived)
    assert kept.refused == 1
    assert {one.event.trigger for one in rest} >= {"cycle", "request"}
