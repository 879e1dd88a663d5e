"""Outcomes of a recorded run, replayed: as recorded and free, in one process and in several."""

from __future__ import annotations

import pytest

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.contract import STRUCTS, schema
from schemas.outcomes import Outcome
from schemas.topics import OUTCOMES, TOPICS
from streams.archive.reader import Archive
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.replay.logs import Logs
from streams.replay.run import replay, verify
from streams.replay.sources import ArchiveSource
from streams.runner import Produced
from tests.unit.streams.provenance.world import PARTITIONS, START_MS, World


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The archive of a run of the whole platform in memory."""
    world = World(PREBUILT[:2])
    state, events = backfill(11, START_MS, ASSETS[:3])
    for _ in range(16):
        for event in events:
            world.publish(event.asset, event)
        state, events = cycle(state, state.now_ms)
    folder = tmp_path_factory.mktemp("outcomes")
    writer = ArchiveWriter(open_store(str(folder)))
    writer.open("", {topic.name: topic.partitions or PARTITIONS for topic in TOPICS})
    for schema_id, name in enumerate(STRUCTS, start=1):
        writer.add_schema(schema_id, schema(name).text)
    for (topic, partition), log in sorted(world.logs.items()):
        writer.write(topic, partition, log)
    return str(folder)


def live(address: str) -> list[Outcome]:
    logs = Logs(Archive(address))
    return [one.event for number in range(PARTITIONS) for one in logs.read(OUTCOMES.name, number)]


def replayed(address: str, jobs: int, *, as_recorded: bool) -> list[Produced]:
    found: list[Produced] = []
    source = ArchiveSource(address=address, as_recorded=as_recorded)
    summary = replay(source, jobs=jobs, on_output=found.append)
    told = [one for one in found if one.topic == OUTCOMES.name]
    assert summary.produced[OUTCOMES.name] == len(told)
    return told


def test_the_live_run_told_some_and_a_check_finds_them_equal(recorded: str) -> None:
    told = live(recorded)
    assert {one.kind for one in told} == {"score", "signal"}
    assert {one.horizon for one in told if one.return_pct is not None} == {"1h"}
    result = verify(recorded, jobs=1)
    assert result.is_exact, result.first
    assert result.equal[OUTCOMES.name] == len(told) > 100


@pytest.mark.parametrize("as_recorded", [True, False], ids=["as recorded", "by observed_at"])
def test_a_replay_tells_the_same(recorded: str, as_recorded: bool) -> None:
    expected = sorted(live(recorded), key=lambda one: one.outcome_id)
    alone = replayed(recorded, 1, as_recorded=as_recorded)
    assert sorted((one.event for one in alone), key=lambda one: one.outcome_id) == expected
    places = {(one.partition, one.offset) for one in alone}
    assert len(places) == len(alone)
    together = replayed(recorded, 2, as_recorded=as_recorded)
    assert sorted(together, key=lambda one: one[:3]) == sorted(alone, key=lambda one: one[:3])
    assert [one.event for one in alone] != []


def test_what_nobody_asks_for_is_not_made(recorded: str) -> None:
    source = ArchiveSource(address=recorded, as_recorded=False)
    summary = replay(source, jobs=1, is_brief=True)
    assert not summary.produced[OUTCOMES.name]
    told = replay(source, jobs=1, is_brief=True, with_outcomes=True).produced[OUTCOMES.name]
    assert told == len(live(recorded))
