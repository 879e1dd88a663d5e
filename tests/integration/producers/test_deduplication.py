"""The journal against a broker: what is read back, and a publishing process that is killed."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from producers.dedup.checkpoint import CheckpointFile
from producers.dedup.deduplicating_publisher import DeduplicatingPublisher
from producers.dedup.headlines import SeenNews
from producers.dedup.published_index import TOPICS, PublishedIndex
from schemas.codec import local_codec
from schemas.events import TOPIC_OF
from schemas.market import CalendarEvent, Candle, Fundamentals, NewsArticle, TrendingAsset
from tests.conftest import ROOT
from tests.factories import HOUR_MS
from tests.integration.conftest import PARTITIONS, Log
from tests.integration.producers.once_process import POINTS, SLOWLY, batches
from tests.unit.marketdata.recorded_factory import T0, candle, news
from transport import admin
from transport.decoder import Decoder
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
CODEC = local_codec()


@pytest.fixture
def embedded_log(log: Log, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setenv("QUANTIVA_BROKER", "tansu")
    return log


@pytest.fixture
def kafka_log(kafka_address: str, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.delenv("QUANTIVA_BROKER", raising=False)
    return Log(kafka_address)


BOTH = [
    pytest.param("embedded_log", marks=pytest.mark.embedded, id="embedded"),
    pytest.param("kafka_log", marks=pytest.mark.kafka, id="Apache Kafka"),
]


class Place(NamedTuple):
    """A log, a prefix of its own in it, and a folder for checkpoints."""

    log: Log
    prefix: str
    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(
            bootstrap=self.log.bootstrap,
            prefix=self.prefix,
            partitions=PARTITIONS,
            retention_ms=-1,  # the events are older than what a broker keeps by default
        )

    async def create(self) -> None:
        await asyncio.to_thread(admin.create, self.settings)

    def once(self, publisher: Publisher) -> DeduplicatingPublisher:
        return DeduplicatingPublisher(
            publisher,
            PublishedIndex(SeenNews()),
            Decoder(CODEC).decode,
            lambda: LogReader(self.settings),
            CheckpointFile(self.folder / "journal"),
        )

    def publisher(self) -> Publisher:
        return Publisher(self.settings, CODEC)

    async def events(self) -> list[Any]:
        """Return all that is in the topics, each partition in its order."""
        found = []
        async with LogReader(self.settings) as reader:
            by_topic = await reader.partitions()
            partitions = [one for topic in TOPICS for one in by_topic[topic]]
            begins, ends = await reader.begins(partitions), await reader.ends(partitions)
            async for records in reader.scan({p: (begins[p], ends[p]) for p in partitions}):
                found += [CODEC.decode(record.value) for record in records]
        return found


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.getfixturevalue(request.param), f"{tmp_path.name}.", tmp_path / "state")


def hourly(*numbers: int) -> list[Any]:
    return [
        candle(asset, T0 + (n + 1) * HOUR_MS) for n in numbers for asset in ("BTC", "ETH", "SOL")
    ]


@pytest.mark.parametrize("place", BOTH, indirect=True)
async def test_a_restart_reads_what_came_since_the_checkpoint(place: Place) -> None:
    await place.create()
    async with place.publisher() as publisher:
        first = place.once(publisher)
        assert (await first.start()).records == 0
        assert (await first.emit([*hourly(*range(50)), news()])).published == 151
        assert await first.checkpoint() == 151
        assert (await first.emit(hourly(50))).published == 3
    async with place.publisher() as publisher:
        second = place.once(publisher)
        recalled = await second.start()
        assert (recalled.records, recalled.after_checkpoint) == (3, True)
        emitted = await second.emit([*hourly(*range(52)), news()])
        assert (emitted.published, emitted.known) == (3, 154)
        assert second.index.closed_times("SOL", "1h") == tuple(T0 + n * HOUR_MS for n in range(52))
    assert len(await place.events()) == 157


@pytest.mark.parametrize("place", BOTH, indirect=True)
async def test_a_checkpoint_of_other_topics_is_thrown_away(place: Place) -> None:
    """The same names and more records, as after a broker's restart in memory."""
    await place.create()
    async with place.publisher() as publisher:
        first = place.once(publisher)
        await first.emit(hourly(*range(20)))
        await first.checkpoint()
    other = place._replace(prefix=f"other.{place.prefix}")
    await other.create()
    async with other.publisher() as publisher:
        await publisher.publish_many(hourly(*range(40, 80)))
    file = CheckpointFile(place.folder / "journal")
    kept = file.load().checkpoint
    assert kept is not None
    for (topic, number), mark in list(kept.marks.items()):
        del kept.marks[topic, number]
        kept.marks[f"other.{topic}", number] = mark
    file.save(kept)
    async with other.publisher() as publisher:
        recalled = await other.once(publisher).start()
    assert recalled.records == 120
    assert not recalled.after_checkpoint
    assert "does not hold the record that was read last before" in str(recalled.note)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "points"),
    [
        pytest.param("embedded_log", POINTS, marks=pytest.mark.embedded, id="embedded"),
        pytest.param("kafka_log", POINTS[1:2], marks=pytest.mark.kafka, id="Apache Kafka, once"),
        pytest.param(
            "kafka_log", POINTS, marks=[pytest.mark.kafka, pytest.mark.long], id="Apache Kafka"
        ),
    ],
    indirect=["place"],
)
async def test_a_process_killed_at_any_moment_publishes_nothing_twice_and_all_of_it(
    place: Place, points: tuple[str, ...]
) -> None:
    rng = random.Random(5)
    await place.create()
    for point in points:
        code, _ = await _run(place, point, rng.randint(2, 4))
        assert code == -signal.SIGKILL
    if len(points) > 1:
        await _run_and_kill(place, rng)
    shutil.rmtree(place.folder, ignore_errors=True)  # a lost disk
    await _run_and_kill(place, rng)
    killed_at = len(await place.events())
    code, said = await _run(place)
    assert code == 0, said
    found = await place.events()
    expected = _expected()
    assert 0 < killed_at < len(expected)
    assert Counter(map(CODEC.encode, found)) == Counter(map(CODEC.encode, expected))
    assert {name for name, count in Counter(map(_identity, found)).items() if count > 1} == set()
    assert _in_order(found) == _in_order(expected)
    async with place.publisher() as publisher:
        assert (await place.once(publisher).emit(expected)).published == 0


def _expected() -> list[Any]:
    """Return what one process that is never killed publishes."""
    index, everything = (
        PublishedIndex(SeenNews()),
        [event for batch in batches() for event in batch],
    )
    expected = [event for event in everything if index.claim(event)]
    # Nothing but headlines is left out: the market says the rest once.
    left = Counter(map(type, everything)) - Counter(map(type, expected))
    assert set(left) <= {NewsArticle}
    kinds = {Candle, TrendingAsset, NewsArticle, Fundamentals, CalendarEvent}
    assert {type(event) for event in expected} == kinds
    return expected


def _identity(event: Any) -> tuple[Any, ...]:
    """Return what no two records may share, said without the journal."""
    match event:
        case Candle(closed=True):
            return "closed", event.asset, event.timeframe, event.open_time
        case Candle():
            return "open", event.asset, event.timeframe, event.observed_at
        case TrendingAsset():
            return "tick", event.asset, event.cycle
        case CalendarEvent():
            return "event", event.asset, event.source_id, event.observed_at
    return type(event).__name__, event.asset, event.source, event.source_id


def _in_order(events: list[Any]) -> dict[tuple[str, str], list[Any]]:
    """Return the events by topic and asset, which share a partition."""
    found: dict[tuple[str, str], list[Any]] = {}
    for event in events:
        found.setdefault((TOPIC_OF[type(event)].name, event.asset), []).append(event)
    return found


async def _spawn(place: Place, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.producers.once_process",
        place.log.bootstrap,
        place.prefix,
        str(place.folder),
        *words,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def _run(place: Place, *words: object) -> tuple[int | None, str]:
    """Run the process to its end, which may be its own doing."""
    process = await _spawn(place, *map(str, words))
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def _run_and_kill(place: Place, rng: random.Random) -> None:
    """Let it publish for a random while, then kill it."""
    process = await _spawn(place, SLOWLY, "1")
    assert process.stdout is not None
    said = b""
    while not said.startswith(b"published"):
        said = await process.stdout.readline()
        assert said, "it ended before it published"
    await asyncio.sleep(rng.uniform(0.0, 0.8))
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    assert process.returncode == -signal.SIGKILL
