"""Copying topics of a running broker: all of it, a range of time, and into what is there."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import pytest

from quantiva.wiring.archive import archive_runner, last_offsets
from schemas.times import DAY_MS
from schemas.topics import NEWS, TRENDING
from streams.archive import copying
from streams.archive.check import check
from streams.archive.copying import copy_topics
from streams.archive.reader import Archive, ArchiveError
from tests.contract.sink_samples import T0, news, trending
from tests.integration.streams.archive.rig import Log, Rig, archived, until
from transport.settings import Settings

TOPICS = [TRENDING.name, NEWS.name]


@pytest.fixture(
    params=[
        pytest.param("rig", marks=pytest.mark.embedded, id="tansu"),
        pytest.param("kafka_rig", marks=pytest.mark.kafka, id="kafka"),
    ]
)
def either(request: pytest.FixtureRequest) -> Rig:
    """The same test on the embedded broker, whose search by time and ends are wrong, and Kafka."""
    rig: Rig = request.getfixturevalue(request.param)
    return rig


async def fill(rig: Rig) -> Log:
    """Send five days to each partition, with records that come late and one far ahead of time."""
    days = [0, 1, 2, 1.5, 9, 2.5, 3, 0.5, 4]
    for partition in range(2):
        for number, day in enumerate(days):
            values = [trending(number), b"garbage", None]
            at_ms = T0 + round(day * DAY_MS)
            await rig.send(TRENDING.name, *values, partition=partition, at_ms=at_ms)
    await rig.send(NEWS.name, *map(news, range(50)), partition=1, headers=[("sent_ms", b"1")])
    return await rig.log(*TOPICS)


async def test_a_copy_is_the_log(either: Rig, tmp_path: Path) -> None:
    log = await fill(either)
    seen: list[tuple[int, int]] = []
    archive = await copy_topics(
        either.settings,
        str(tmp_path / "a"),
        topics=TOPICS,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert archived(tmp_path / "a") == log
    assert check(archive).problems == ()
    assert archive.partitions == {TRENDING.name: 2, NEWS.name: 2}
    assert seen[-1] == (104, 104)
    assert seen == sorted(seen)
    record = archive.record(NEWS.name, 1, 7)
    assert record is not None
    assert archive.codec().decode(record.value) == news(7)


@pytest.mark.parametrize(
    ("from_day", "until_day"),
    [
        pytest.param(1, None, id="from"),
        pytest.param(None, 1, id="until"),
        pytest.param(1, 3, id="both"),
        pytest.param(5, 8, id="nothing is there"),
        pytest.param(20, 30, id="after the end"),
    ],
)
async def test_a_range_of_time_has_every_record_of_that_time(
    either: Rig, tmp_path: Path, from_day: int | None, until_day: int | None
) -> None:
    log = await fill(either)
    from_ms = None if from_day is None else T0 + from_day * DAY_MS
    until_ms = None if until_day is None else T0 + until_day * DAY_MS
    archive = await copy_topics(
        either.settings, str(tmp_path), topics=TOPICS, from_ms=from_ms, until_ms=until_ms
    )
    assert check(archive).problems == ()
    for (topic, partition), records in log.items():
        wanted = [
            record
            for record in records
            if (from_ms is None or record.timestamp_ms >= from_ms)
            and (until_ms is None or record.timestamp_ms < until_ms)
        ]
        found = archive.records(topic, partition, from_ms=from_ms, until_ms=until_ms)
        assert list(found) == wanted
        copied = [record.offset for record in archive.records(topic, partition)]
        if wanted:
            assert copied == list(range(wanted[0].offset, wanted[-1].offset + 1))
        else:
            assert copied == []


@pytest.mark.embedded
async def test_copying_again_adds_what_is_new(rig: Rig) -> None:
    address = f"memory://{uuid.uuid4().hex}/archive"
    await fill(rig)
    first = await copy_topics(rig.settings, address, topics=[TRENDING.name])
    files = len(first.segments(TRENDING.name, 0))
    await rig.send(TRENDING.name, trending(1), at_ms=T0 + 10 * DAY_MS)
    second = await copy_topics(rig.settings, address, topics=TOPICS)
    assert archived(address) == await rig.log(*TOPICS)
    assert check(second).problems == ()
    assert len(second.segments(TRENDING.name, 0)) == files + 1


@pytest.mark.embedded
async def test_a_copy_and_the_archive_s_writer_agree(rig: Rig, tmp_path: Path) -> None:
    await fill(rig)
    await copy_topics(rig.settings, str(tmp_path / "copy"), topics=TOPICS)
    made = await archive_runner(rig.settings, str(tmp_path / "live"), TOPICS, roll_s=0.05)
    running = asyncio.create_task(made.runner.run())
    wanted = await last_offsets(rig.settings, TOPICS)
    await until(lambda: dict(made.sink.reached) == wanted, "all is read")
    await made.runner.stop()
    await running
    assert archived(tmp_path / "live") == archived(tmp_path / "copy")
    schemas = [Archive(str(tmp_path / name)).schemas for name in ("live", "copy")]
    assert schemas[0] == schemas[1] != {}


@pytest.mark.embedded
async def test_many_records_become_few_files(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held in memory is bounded: a fetch of 1 MB, and what the buffers may hold."""
    monkeypatch.setattr(copying, "MAX_RECORDS", 100)
    await rig.send(TRENDING.name, *(b"%d" % n * 2500 for n in range(1000)), at_ms=T0)
    address = f"memory://{uuid.uuid4().hex}/archive"
    archive = await copy_topics(rig.settings, address, topics=TOPICS)
    assert archived(address) == await rig.log(*TOPICS)
    assert 1 < len(archive.segments(TRENDING.name, 0)) <= 10


@pytest.mark.embedded
async def test_a_topic_that_is_not_there(rig: Rig, tmp_path: Path) -> None:
    settings: Settings = rig.settings.model_copy(update={"prefix": "nowhere."})
    with pytest.raises(
        ArchiveError, match=r"has no topic market\.news: run `quantiva topics create`"
    ):
        await copy_topics(settings, str(tmp_path), topics=[NEWS.name])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.kafka
async def test_the_writer_on_apache_kafka(kafka_rig: Rig, tmp_path: Path) -> None:
    log = await fill(kafka_rig)
    code, said = await kafka_rig.quantiva("archive", "run", str(tmp_path), "--until-end")
    assert code == 0, said
    assert archived(tmp_path) == log
    assert check(Archive(str(tmp_path))).problems == ()
