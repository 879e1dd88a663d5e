"""A replay of raw data makes what the stages make one after the other, byte for byte."""

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
from schemas.signals import PortfolioTrade
from schemas.topics import (
    DECISIONS,
    EQUITY,
    NEWS,
    NEWS_SCORES,
    REQUESTS,
    SCORES,
    STRATEGIES,
    TRADES,
)
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.confidence_run import ConfidenceRun, in_order, numbered
from streams.replay.headline_scores import ON_THE_FLY
from streams.replay.market import LEFT_OUT, MarketReplay
from streams.replay.replay_record import RANK, ReplayRecord
from streams.runner import Produced
from streams.stage import Entry, StrategyAt, Tables, UnusableEventError, advance
from streams.topology import scoring_engines, stage

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


STRATEGIES_AT = {one.strategy_id: StrategyAt(one, place) for place, one in enumerate(PREBUILT)}
CODEC = local_codec()


def _run(
    market: list[ReplayRecord], changes: Changes, *, is_brief: bool = False
) -> tuple[MarketReplay, list[Produced], list[Any]]:
    produced: list[Produced] = []
    decided: list[Any] = []
    flow = MarketReplay(
        *(PARTITIONS, STRATEGIES_AT, produced.append, lambda *one: decided.append(one), changes),
        is_brief=is_brief,
    )
    for record in market:
        flow.apply(record)
    return flow, produced, decided


def _one_after_the_other(market: list[ReplayRecord]) -> dict[str, list[bytes]]:
    """Return the outputs by topic of stages that are moved by hand, record by record."""
    entries: dict[tuple[str, str], Entry] = {}
    offsets: Counter[int] = Counter()
    headlines: Counter[int] = Counter()
    strategies = dict(STRATEGIES_AT)
    made: dict[str, list[bytes]] = {SCORES.name: [], DECISIONS.name: []}

    def move(name: str, topic: str, record: ReplayRecord, event: Any, offset: int) -> list[Any]:
        place = (name, event.asset)
        tables = Tables({key: strategies[key] for key in sorted(strategies)}, ON_THE_FLY)
        try:
            moved = advance(
                stage(name), entries.get(place), event, topic, record.partition, offset, tables
            )
        except UnusableEventError:
            return []
        assert moved is not None
        entries[place], outputs = moved
        for one in outputs:
            made.setdefault(one.topic, []).append(CODEC.encode(one.event))
        return [one.event for one in outputs]

    for record in market:
        if record.topic == STRATEGIES.name:
            if record.event is None:
                strategies.pop((record.key or b"").decode())
            else:
                at = StrategyAt(record.event, record.offset)
                strategies[record.event.strategy_id] = at
        elif record.topic == REQUESTS.name:
            move("fusion", REQUESTS.name, record, record.event, record.offset)
        else:
            topic, event, offset = record.topic, record.event, record.offset
            if topic == NEWS.name:
                (event,) = move("headlines", topic, record, event, offset)
                topic, offset = NEWS_SCORES.name, headlines[record.partition]
                headlines[record.partition] += 1
            scores = [
                score
                for engine in scoring_engines()
                if topic in stage(engine.name).inputs
                for score in move(engine.name, topic, record, event, offset)
            ]
            for score in scores:
                move("fusion", SCORES.name, record, score, offsets[record.partition])
                offsets[record.partition] += 1
    return made


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
def test_decisions_come_of_every_trigger_and_a_bad_request_is_refused(
    market: list[ReplayRecord], changes: Changes, triggers: set[str]
) -> None:
    flow, produced, decided = _run(market, changes)
    decisions = [decision for *_, decision in decided]
    assert {one.trigger for one in decisions} >= triggers
    assert {one.partition for one in produced} == set(range(PARTITIONS))
    statuses = {part.status for one in decisions for part in one.contributions}
    assert statuses >= {"ok", "stale"}
    assert [one.reason.split()[1] for one in flow.first_refused] == ["r2"]
    scores = [one.event for one in produced if one.topic == SCORES.name]
    left_out = {one.engine for one in scores if LEFT_OUT in str(one.detail)}
    assert left_out == set(changes.without)
    assert flow.arrived == Counter(one.topic for one in market if one.topic != STRATEGIES.name)


def test_it_is_what_the_stages_make_one_after_the_other(market: list[ReplayRecord]) -> None:
    _, produced, decided = _run(market, NO_CHANGES)
    expected = _one_after_the_other(market)
    for topic in (NEWS_SCORES.name, SCORES.name):
        ours = [CODEC.encode(one.event) for one in produced if one.topic == topic]
        assert ours == expected[topic]
    assert [CODEC.encode(one) for *_, one in decided] == expected[DECISIONS.name]


def test_offsets_count_from_zero_in_each_partition(market: list[ReplayRecord]) -> None:
    _, produced, _ = _run(market, NO_CHANGES)
    offsets: dict[tuple[str, int], list[int]] = {}
    for one in produced:
        offsets.setdefault((one.topic, one.partition), []).append(one.offset)
    assert all(found == list(range(len(found))) for found in offsets.values())


def _portfolios(decided: list[Any]) -> list[Any]:
    """Return what the portfolios make of decisions."""
    made: list[Produced] = []
    ConfidenceRun(PARTITIONS, made.append).run(in_order([numbered(decided)]))
    return [one.event for one in made if one.topic in {TRADES.name, EQUITY.name}]


def test_a_brief_run_trades_alike_and_leaves_out_why(market: list[ReplayRecord]) -> None:
    whole, brief = (_run(market, NO_CHANGES, is_brief=one)[2] for one in (False, True))
    told = [one for _, _, one in brief if one.trigger != "cycle" or one.action == "BUY"]
    assert told
    assert all(one.contributions for one in told)
    quiet = [one for _, _, one in brief if one.trigger == "cycle"]
    assert not any(one.trace or one.detail or "RSI14@1h" in one.features for one in quiet)
    assert not all(one.contributions for one in quiet)
    trades = _portfolios(whole)
    assert any(isinstance(one, PortfolioTrade) for one in trades)
    assert trades == _portfolios(brief)
