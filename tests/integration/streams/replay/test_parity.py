"""A replay gives what the live run gave, to the byte; and says where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from embedded.kafka import find_kafka
from schemas.codec import local_codec
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from tests.conftest import skip_or_fail
from tests.integration.streams.agents.rig import market
from tests.parity.offline import edited
from tests.parity.scenario import Scenario, record, verified

pytestmark = [pytest.mark.embedded, pytest.mark.slow]


def _verify(address: str, folder: Path, hash_seed: str = "0") -> dict[str, Any]:
    return asyncio.run(verified(address, hash_seed, folder))


@pytest.mark.parametrize(
    "hash_seed",
    ["0", pytest.param("2", marks=pytest.mark.long), pytest.param("1", marks=pytest.mark.long)],
)
def test_two_workers_one_killed(recording: str, tmp_path: Path, hash_seed: str) -> None:
    result = _verify(recording, tmp_path, hash_seed)
    assert result["exit_status"] == 0, result["said"]
    assert result["parity_pct"] == 100.0
    assert not result["unanswered"]
    assert result["equal"]["engine.scores"] > 4000
    assert result["equal"]["signals"] >= 5 * 4 * 3 / 2
    assert set(result["equal"]) == {
        "news.scores",
        "engine.scores",
        "signals.decisions",
        "signals",
        "signals.top",
        "portfolio.trades",
        "portfolio.equity",
    }
    assert result["decisions"]["signals.decisions"] >= 5 * 3, "capital is read from the log"
    assert result["refused"] >= 4  # the garbage
    assert "parity 100.0000 % (" in result["said"]


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(Scenario("tansu", 1, "1", part_size=60), id="one partition"),
        pytest.param(
            Scenario("tansu", 8, "2", part_size=60), id="eight partitions", marks=pytest.mark.long
        ),
        pytest.param(Scenario("kafka", 4, "1"), id="Apache Kafka", marks=pytest.mark.kafka),
        pytest.param(
            Scenario("kafka", 4, "1", workers=2, kills=1, part_size=60),
            id="Apache Kafka, one of two workers killed",
            marks=[pytest.mark.kafka, pytest.mark.long],  # embedded, the recording has a kill
        ),
    ],
)
def test_live_runs(scenario: Scenario, tmp_path: Path) -> None:
    if scenario.broker == "kafka" and find_kafka() is None:
        skip_or_fail("no Apache Kafka beside the project (or no java)", "QUANTIVA_REQUIRE_KAFKA")
    address = str(tmp_path / "archive")
    asyncio.run(record(scenario, market(3, 2), tmp_path, address))
    result = _verify(address, tmp_path, scenario.hash_seed)
    assert result["exit_status"] == 0, result["said"]
    assert result["equal"]["signals"] > 0


def _tampered(address: str, change: Callable[[Any], Any | None], topic: str, nth: int) -> Any:
    """Return an edit that changes the n-th event of a topic for which `change` gives one."""
    archive = Archive(address)
    read, write = archive.codec().decode, local_codec().encode
    seen = 0

    def edit(name: str, partition: int, one: LoggedRecord) -> LoggedRecord | None:
        nonlocal seen
        if name != topic or one.value is None:
            return one
        try:
            event = change(read(one.value))
        except ValueError:
            return one
        if event is None:
            return one
        seen += 1
        return one if seen != nth else one._replace(value=one.value[:5] + write(event)[5:])

    return edit


CHANGES = [
    pytest.param(
        "market.candles",
        lambda event: replace(event, close=event.close * 0.999) if event.closed else None,
        40,
        "engine.scores",
        id="another candle",
    ),
    pytest.param(
        "market.news",
        lambda event: replace(event, headline=f"{event.headline} hacked"),
        5,
        "news.scores",
        id="another headline",
    ),
    pytest.param(
        "news.scores",
        lambda event: replace(event, score=event.score / 2) if event.score else None,
        5,
        "score",
        id="another score of a headline",
    ),
    pytest.param(
        "engine.scores",
        lambda event: replace(event, score=event.score / 2) if event.score else None,
        50,
        "score",
        id="another score",
    ),
    pytest.param(
        "signals.decisions",
        # One that is not ranked: a ranking may be dated before a decision in it.
        lambda event: replace(event, final_score=0.75) if event.trigger == "dry_run" else None,
        1,
        "final_score",
        id="another decision",
    ),
    pytest.param(
        "signals",
        lambda event: replace(event, position_size=event.position_size + 1.0),
        5,
        "position_size",
        id="another size",
    ),
    pytest.param(
        "signals.top",
        lambda event: replace(event, received=event.received + 1),
        2,
        "received",
        id="another ranking",
    ),
    pytest.param(
        "portfolio.trades",
        lambda event: replace(event, fee_usd=event.fee_usd + 1e-6),
        2,
        "fee_usd",
        id="another fee",
    ),
    pytest.param(
        "portfolio.equity",
        lambda event: replace(event, cash_usd=event.cash_usd - 1.0),
        7,
        "cash_usd",
        id="another equity",
    ),
]


@pytest.mark.parametrize(("topic", "change", "nth", "said"), CHANGES)
def test_a_changed_record_is_found_and_named(
    recording: str, tmp_path: Path, topic: str, change: Any, nth: int, said: str
) -> None:
    edit = _tampered(recording, change, topic, nth)
    result = _verify(edited(recording, tmp_path / "changed", edit), tmp_path)
    assert result["exit_status"] == 1
    assert result["parity_pct"] < 100.0
    # The ranking that a decision made wrong may have the earlier record time: another asset's.
    first = next(one for one in result["first"] if said in (one["field"], one["topic"]))
    assert first["recorded"] != first["replayed"]
    assert f"offset {first['offset']}" in result["said"]


@pytest.mark.parametrize(
    "topic", ["news.scores", "engine.scores", "signals.top", "portfolio.equity"]
)
def test_a_lost_record_is_found(recording: str, tmp_path: Path, topic: str) -> None:
    seen = 0

    def edit(name: str, partition: int, one: LoggedRecord) -> LoggedRecord | None:
        nonlocal seen
        seen += name == topic
        return None if name == topic and seen == 2 else one

    result = _verify(edited(recording, tmp_path / "lost", edit), tmp_path)
    assert result["exit_status"] == 1
    assert result["differing"][topic] >= 1 or result["unanswered"][topic] >= 1


def test_a_recording_of_topics_that_go_on(recording: str, tmp_path: Path) -> None:
    """Every topic is cut off at another moment: what is left is replayed to the byte."""
    archive = Archive(recording)
    shares = {
        "market.candles": 0.6,
        "news.scores": 0.9,
        "engine.scores": 0.7,
        "signals": 0.9,
        "signals.decisions": 0.95,
    }

    def edit(topic: str, partition: int, one: LoggedRecord) -> LoggedRecord | None:
        found = archive.segments(topic, partition)
        last = shares.get(topic, 1.0) * found[-1].last if found else 0
        return None if one.offset > last else one

    address = edited(recording, tmp_path / "cut", edit)
    result = asyncio.run(verified(address, "0", tmp_path, complete=False))
    assert result["exit_status"] == 0, result["said"]
    assert result["equal"]["engine.scores"] > 1000
    assert result["ahead"]["engine.scores"] > 0
    assert _verify(address, tmp_path)["exit_status"] == 1  # as a whole recording it lacks some
