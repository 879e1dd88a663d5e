"""A replay says the same, byte for byte, whether its scores are kept or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.codec import local_codec
from schemas.control import SignalRequest
from schemas.events import TOPIC_OF
from schemas.market import OrderBook
from schemas.partitioning import partition_of
from schemas.topics import REQUESTS, SCORES, STRATEGIES
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.market import MarketReplay, Produced
from streams.replay.replay_record import RANK, ReplayRecord
from streams.stage import StrategyAt

START_MS = 1_767_225_600_000
PARTITIONS = 2
FEW = ASSETS[:6]


class Tape:
    """Arrivals in their order."""

    def __init__(self) -> None:
        self.arrivals: list[ReplayRecord] = []
        self._offsets: Counter[tuple[str, int]] = Counter()

    def market(self, events: Iterable[Any]) -> None:
        for event in events:
            partition = partition_of(event.asset.encode(), PARTITIONS)
            self._add(TOPIC_OF[type(event)].name, partition, event.asset, event.observed_at, event)

    def request(self, request: SignalRequest) -> None:
        partition = partition_of(request.asset.encode(), PARTITIONS)
        self._add(REQUESTS.name, partition, request.asset, request.requested_at, request)

    def strategy(self, strategy_id: str, at_ms: int, strategy: Any) -> None:
        self._add(STRATEGIES.name, 0, strategy_id, at_ms, strategy)

    def _add(self, topic: str, partition: int, key: str, at_ms: int, event: Any) -> None:
        place = topic, partition
        offset = self._offsets[place]
        self._offsets[place] += 1
        self.arrivals.append(
            ReplayRecord(at_ms, RANK[topic], topic, partition, offset, at_ms, key.encode(), event)
        )


@pytest.fixture(scope="module")
def market() -> list[ReplayRecord]:
    """Some assets of the simulated market, with a request for one of them and one in vain.

    The books end half way, so that the liquidity of the later cycles is stale. A strategy changes
    near the end, and one is withdrawn.
    """
    tape = Tape()
    state, events = backfill(1, START_MS, FEW)
    tape.market(events)
    for number in range(24):
        if number == 20:
            first, second, *_ = PREBUILT
            changed = replace(first, version=first.version + 1, weights={"technical": 1.0})
            tape.strategy(first.strategy_id, state.now_ms, changed)
            tape.strategy(second.strategy_id, state.now_ms, None)
        state, events = cycle(state, state.now_ms)
        tape.market(one for one in events if number < 10 or type(one) is not OrderBook)
    asset, now_ms = FEW[0].symbol, state.now_ms
    tape.request(SignalRequest("r1", asset, PREBUILT[0].strategy_id, now_ms))
    tape.request(SignalRequest("r2", asset, "unknown", now_ms))
    return tape.arrivals


def _run(
    market: list[ReplayRecord], changes: Changes, *, with_scores: bool
) -> tuple[MarketReplay, list[Produced], list[Any]]:
    strategies = {one.strategy_id: StrategyAt(one, place) for place, one in enumerate(PREBUILT)}
    produced: list[Produced] = []
    ranks: list[Any] = []
    flow = MarketReplay(
        PARTITIONS,
        strategies,
        produced.append,
        lambda *entry: ranks.append(entry),
        changes,
        with_scores=with_scores,
    )
    for arrival in market:
        flow.apply(arrival)
    return flow, produced, ranks


CODEC = local_codec()


def _bytes(produced: Iterable[Produced]) -> list[tuple[Any, ...]]:
    return [(*one[:-1], CODEC.encode(one.event)) for one in produced]


@pytest.mark.parametrize(
    ("changes", "triggers"),
    [
        pytest.param(NO_CHANGES, {"cycle", "request"}, id="as it is"),
        pytest.param(Changes(without=("sentiment",)), {"cycle", "request"}, id="one left out"),
        pytest.param(
            Changes(buy_threshold=0.32, sell_threshold=0.319),
            {"cycle", "request", "change"},
            id="restless",
        ),
    ],
)
def test_scores_that_nobody_keeps_change_nothing_else(
    market: list[ReplayRecord], changes: Changes, triggers: set[str]
) -> None:
    kept, everything, ranks = _run(market, changes, with_scores=True)
    brief, rest, brief_ranks = _run(market, changes, with_scores=False)
    assert _bytes(rest) == _bytes(one for one in everything if one.topic != SCORES.name)
    assert [(*place, CODEC.encode(entry)) for *place, entry in brief_ranks] == [
        (*place, CODEC.encode(entry)) for *place, entry in ranks
    ]
    assert brief.scores == kept.scores == sum(one.topic == SCORES.name for one in everything)
    assert (brief.refused, brief.arrived) == (kept.refused, kept.arrived)
    assert kept.refused == 1
    # Without these there would be little to compare.
    assert {one.event.trigger for one in rest} >= triggers
    assert {one.partition for one in rest} == set(range(PARTITIONS))
    assert len(ranks) == sum(one.event.trigger == "cycle" for one in rest) > 0
    statuses = {part.status for one in rest for part in one.event.contributions}
    assert statuses >= {"ok", "stale"}
