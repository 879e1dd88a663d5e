"""The parts of a replay: changes, versions of strategies, the merge, queues, comparison."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.codec import local_codec
from schemas.market import Candle
from schemas.scores import EngineScore
from streams.archive.records import LoggedRecord
from streams.replay.diff import Change
from streams.replay.logs import StrategyVersions, Version
from streams.replay.parity import Comparison, Divergence, Parity, first_difference
from streams.replay.per_key_reader import Keyed, PerKeyReader
from streams.replay.replay_record import ORDER, merged
from streams.replay.shards import spread
from streams.runner import Produced
from tests.factories import strategy

CANDLE = Candle(
    asset="BTC",
    event_time=1,
    observed_at=1,
    source="s",
    source_id="1",
    exchange="binance",
    symbol="BTCUSDT",
    timeframe="1h",
    open_time=0,
    close_time=1,
    open=1.0,
    high=1.0,
    low=1.0,
    close=1.0,
    volume=1.0,
    closed=True,
)


# --- strategies ------------------------------------------------------------------------------

BALANCED, NEWS, MOMENTUM = (strategy(name) for name in ("balanced", "news", "momentum"))
VERSIONS = StrategyVersions(
    [
        Version(0, 0, "balanced", BALANCED),
        Version(1, 0, "news", NEWS),
        Version(4, 0, "balanced", replace(BALANCED, version=2)),
        Version(6, 0, "news", None),
        Version(7, 0, "momentum", replace(MOMENTUM, assets=("ETH",))),
    ]
)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        pytest.param(-1, {}, id="nothing read"),
        pytest.param(1, {"balanced": 0, "news": 1}, id="two"),
        pytest.param(3, {"balanced": 0, "news": 1}, id="between"),
        pytest.param(5, {"balanced": 4, "news": 1}, id="a new version"),
        pytest.param(6, {"balanced": 4}, id="one deleted"),
        pytest.param(99, {"balanced": 4, "momentum": 7}, id="all"),
    ],
)
def test_the_table_at_an_offset(offset: int, expected: dict[str, int]) -> None:
    assert {name: at.offset for name, at in VERSIONS.at(offset).items()} == expected


@pytest.mark.parametrize(
    ("asset", "wanted", "at_least", "found"),
    [
        pytest.param("BTC", [("balanced", 0), ("news", 1)], -1, 1, id="as it was"),
        pytest.param("BTC", [("balanced", 4), ("news", 1)], 1, 4, id="later"),
        pytest.param("BTC", [("balanced", 4)], 4, 6, id="after a deletion"),
        pytest.param("ETH", [("balanced", 4), ("momentum", 7)], 6, 7, id="another asset"),
        pytest.param("BTC", [("balanced", 4)], 7, 7, id="never back"),
        pytest.param("BTC", [("news", 1)], -1, 1, id="fits nowhere"),
    ],
)
def test_which_versions_ruled(
    asset: str, wanted: list[tuple[str, int]], at_least: int, found: int
) -> None:
    assert VERSIONS.find(asset, wanted, at_least) == found


# --- the merge -------------------------------------------------------------------------------

PLACES = [(topic, partition) for topic in ORDER[1:-1] for partition in (0, 1)]
TIMES = st.lists(st.integers(0, 20), max_size=12)


@given(st.lists(TIMES, min_size=len(PLACES), max_size=len(PLACES)))
def test_the_merge_keeps_each_topic_and_its_tie_rule(times: list[list[int]]) -> None:
    def read(topic: str, partition: int) -> Iterator[tuple[int, int, bytes, Any]]:
        for offset, at_ms in enumerate(times[PLACES.index((topic, partition))]):
            yield offset, at_ms, b"BTC", replace(CANDLE, observed_at=at_ms)

    found = list(merged(read, reversed(PLACES)))
    order = [(one.clock_ms, one.rank, one.partition, one.offset) for one in found]
    assert order == sorted(order)
    for place, observed in zip(PLACES, times, strict=True):
        mine = [one for one in found if (one.topic, one.partition) == place]
        assert [one.offset for one in mine] == list(range(len(observed)))
        assert [one.clock_ms for one in mine] == list(accumulate(observed, max))


# --- queues ----------------------------------------------------------------------------------


def _log(keys: str) -> PerKeyReader[str]:
    records = (Keyed(LoggedRecord(n, n, None, None, ()), key) for n, key in enumerate(keys))
    return PerKeyReader(records, lambda one: None if one.event == "-" else one.event)


def test_a_queue_a_key() -> None:
    log = _log("abacb-a")
    assert [one.record.offset for one in log.up_to("a", 2)] == [0, 2]
    assert [one.record.offset for one in log.up_to("b", 0)] == []
    head = log.peek("b")
    assert head is not None
    assert head.record.offset == 1
    assert log.take("b") == head
    assert log.peek("d") is None  # read to the end for it
    assert [one.record.offset for one in log.rest()] == [3, 4, 6]
    assert list(log.rest()) == []


# --- comparison ------------------------------------------------------------------------------

SCORE = EngineScore(
    asset="BTC",
    engine="technical",
    status="ok",
    as_of=5,
    sequence=1,
    score=0.5,
    confidence=1.0,
    freshness=1.0,
    features={"RSI14@1h": 50.0},
    detail={"a": "b"},
)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({}, None, id="equal"),
        pytest.param({"score": 0.5000000000000001}, "score", id="the last bit"),
        pytest.param({"features": {"RSI14@1h": 51.0}}, "features.RSI14@1h", id="a feature"),
        pytest.param({"features": {}}, "features.RSI14@1h", id="a feature less"),
        pytest.param({"detail": {"a": "b", "c": "d"}}, "detail.c", id="a detail more"),
        pytest.param({"evidence": (1,)}, "evidence", id="another length"),
        pytest.param({"cycle": 7}, "cycle", id="nothing and something"),
    ],
)
def test_the_first_field_that_differs(change: dict[str, Any], field: str | None) -> None:
    found = first_difference(SCORE, replace(SCORE, **change))
    assert (found[0] if found else None) == field


def test_outputs_of_other_settings_are_counted_by_their_version() -> None:
    codec = local_codec()
    comparison = Comparison(codec)
    for offset, (recorded, score) in enumerate(
        [("aaaaaaaaaaaa", 0.5), ("bbbbbbbbbbbb", 0.5), ("bbbbbbbbbbbb", 0.6), (None, 0.5)]
    ):
        event = replace(SCORE, settings=recorded, score=score)
        record = LoggedRecord(offset, 1, b"BTC", codec.encode(event), ())
        ours = replace(SCORE, settings="aaaaaaaaaaaa")
        produced = Produced("engine.scores", 0, offset, "BTC", 1, ours)
        comparison.pair(record, event, produced, 0)
    result = comparison.result
    assert (result.equal.total(), result.differing.total()) == (1, 3)
    assert result.settings == {"bbbbbbbbbbbb": 2, "none": 1}
    assert [one.field for one in result.first] == ["settings", "score", "settings"]
    other = Parity()
    other.add(result)
    assert other.settings == result.settings


def test_parts_of_a_parity_add_up() -> None:
    one, two = Parity(), Parity()
    one.equal["signals"] += 3
    two.equal["signals"] += 4
    for at_ms in (9, 5):
        two.diverge(Divergence(at_ms, "signals", 0, 1, "BTC", "score", "1", "2"))
    one.add(two)
    assert (one.total, one.equal["signals"], one.is_exact) == (9, 7, False)
    assert [divergence.timestamp_ms for divergence in one.first] == [5, 9]
    assert not Parity().is_exact  # nothing compared proves nothing


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param("BUY", "HOLD", "action", id="action"),
        pytest.param("BUY", "BUY", "score", id="score"),
        pytest.param("", "BUY", "new", id="new"),
        pytest.param("BUY", "", "gone", id="gone"),
    ],
)
def test_kinds_of_change(before: str, after: str, kind: str) -> None:
    change = Change(1, "BTC", "news", "cycle", before, after, 0.1, 0.2, 1.0, 1.0)
    assert change.kind == kind


@given(st.dictionaries(st.integers(0, 31), st.integers(0, 1000), min_size=1), st.integers(1, 9))
def test_shards_take_every_partition_once(weights: dict[int, int], jobs: int) -> None:
    shards = spread(weights, jobs)
    assert sorted(number for shard in shards for number in shard) == sorted(weights)
    assert len(shards) == min(jobs, len(weights))
    assert all(shards)
