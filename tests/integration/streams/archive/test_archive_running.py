"""The archive's writer with a real broker, registry and disk; the commands as a user types them."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from quantiva.wiring.archive import archive_runner, last_offsets
from schemas.topics import DEAD_LETTERS, NEWS, SIGNALS, STRATEGIES, TRENDING
from sinks.base import SinkError
from sinks.runner import SinkRunner
from sinks.status import SinkState
from streams.archive.check import check
from streams.archive.local_store import LocalStore
from streams.archive.reader import Archive, ArchiveError
from tests.contract.sink_samples import T0, news, strategy, trending
from tests.contract.sink_samples import signal as sample_signal
from tests.integration.streams.archive.rig import HANGS_S, Rig, archived, until
from tests.unit.streams.archive.samples import run

pytestmark = pytest.mark.embedded

TOPICS = [TRENDING.name, NEWS.name, STRATEGIES.name, SIGNALS.name, DEAD_LETTERS.name]
DAY_MS = 86_400_000


async def fill(rig: Rig) -> None:
    """Send events, garbage, tombstones and headers, over three days."""
    for day in range(3):
        at_ms = T0 + day * DAY_MS
        for partition in range(2):
            await rig.send(
                TRENDING.name,
                *(trending(n) for n in range(20)),
                None,
                b"",
                b"garbage",
                b"\0\0\0\x7f\xffno such schema",
                partition=partition,
                at_ms=at_ms,
                headers=[("sent_ms", b"1"), ("empty", None), ("sent_ms", b"\xff")],
            )
        await rig.send(NEWS.name, news(day), at_ms=at_ms, key=None)
    await rig.send(STRATEGIES.name, strategy(), None, key=b"momentum")
    await rig.publish(sample_signal(1))


async def test_every_record_is_archived_as_it_is(rig: Rig, tmp_path: Path) -> None:
    await fill(rig)
    code, said = await rig.quantiva("archive", "run", str(tmp_path / "a"), "--until-end")
    assert (code, "records in" in said) == (0, True), said
    log = await rig.log(*TOPICS)
    assert archived(tmp_path / "a") == log
    archive = Archive(str(tmp_path / "a"))
    report = check(archive)
    assert report.problems == ()
    assert report.records == 3 * (2 * 24 + 1) + 3
    assert (DEAD_LETTERS.name, 0) not in log
    assert archive.prefix == rig.settings.prefix
    assert archive.partitions["market.candles"] == 2  # an empty topic counts too
    assert archive.partitions[STRATEGIES.name] == 1
    record = archive.record(TRENDING.name, 1, 0)
    assert record is not None
    assert record.headers == (("sent_ms", b"1"), ("empty", None), ("sent_ms", b"\xff"))
    assert archive.codec().decode(record.value) == trending(0)
    signed = archive.record(SIGNALS.name, 0, 0)
    assert signed is not None
    assert archive.codec().decode(signed.value) == sample_signal(1)
    days = {one.day for one in archive.segments(TRENDING.name, 0)}
    assert days == {"2026-01-01", "2026-01-02", "2026-01-03"}


async def test_it_goes_on_where_it_stopped(rig: Rig, tmp_path: Path) -> None:
    await fill(rig)
    words = ("archive", "run", str(tmp_path), "--topics", TRENDING.name, "--until-end")
    assert (await rig.quantiva(*words))[0] == 0
    before = set(tmp_path.rglob("*.avro"))
    code, said = await rig.quantiva(*words)
    assert (code, set(tmp_path.rglob("*.avro"))) == (0, before), said
    await rig.send(TRENDING.name, trending(99), at_ms=T0 + 5 * DAY_MS)
    assert (await rig.quantiva(*words))[0] == 0
    assert len(set(tmp_path.rglob("*.avro")) - before) == 1
    assert archived(tmp_path) == await rig.log(TRENDING.name)
    assert check(Archive(str(tmp_path))).problems == ()


async def test_a_stop_writes_what_was_read(rig: Rig, tmp_path: Path) -> None:
    """The age of a file is a minute: only the stop can write one so soon."""
    made = await archive_runner(rig.settings, str(tmp_path), [TRENDING.name])
    running = asyncio.create_task(made.runner.run())
    await rig.send(TRENDING.name, *(trending(n) for n in range(5)))
    await until(lambda: made.sink.reached.get((TRENDING.name, 0)) == 4, "all is read")
    assert archived(tmp_path) == {}
    await made.runner.stop()
    await running
    assert archived(tmp_path) == await rig.log(TRENDING.name)


async def test_ctrl_c_ends_it_in_order(rig: Rig, tmp_path: Path) -> None:
    await rig.send(TRENDING.name, *(trending(n) for n in range(5)))
    words = ("archive", "run", str(tmp_path), "--topics", TRENDING.name, "--max-records", "1")
    process = await rig.spawn(*words)
    await until(lambda: list(tmp_path.rglob("*.avro")), "it has written")
    process.send_signal(signal.SIGINT)
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert "stopped; " in said
    assert check(Archive(str(tmp_path))).problems == ()


async def test_two_writers_share_the_work_and_take_over(rig: Rig, tmp_path: Path) -> None:
    async def send(first: int) -> None:
        for number in range(first, first + 40):
            await rig.send(
                TRENDING.name, *map(trending, range(10)), partition=number % 2, at_ms=T0 + number
            )

    async def start() -> tuple[SinkRunner, asyncio.Task[None]]:
        made = await archive_runner(
            rig.settings, str(tmp_path), [TRENDING.name], roll_s=0.02, max_records=50
        )
        running = asyncio.create_task(made.runner.run())
        await until(lambda: made.runner.status.state is SinkState.RUNNING, "it runs")
        return made.runner, running

    first, first_task = await start()
    await send(0)
    second, second_task = await start()
    for number in range(40, 400, 40):
        await send(number)
    await first.stop()
    await send(400)
    wanted = await last_offsets(rig.settings, [TRENDING.name])
    await until(
        lambda: all(
            Archive(str(tmp_path)).record(*place, offset) for place, offset in wanted.items()
        ),
        "all is archived",
    )
    await second.stop()
    await asyncio.gather(first_task, second_task)
    assert check(Archive(str(tmp_path))).problems == ()
    assert archived(tmp_path) == await rig.log(TRENDING.name)
    assert min(first.status.flushes, second.status.flushes) > 0


async def test_an_archive_of_another_log_is_refused(rig: Rig, tmp_path: Path) -> None:
    """The topics were recreated: offsets begin at 0 again, and mean other records."""
    await rig.send(TRENDING.name, *(trending(n) for n in range(5)))
    made = await archive_runner(rig.settings, str(tmp_path), [TRENDING.name], roll_s=0.05)
    made.sink.writer.write(TRENDING.name, 0, run(0, 2))
    with pytest.raises(SinkError, match="holds another log, or the topic was recreated"):
        await asyncio.wait_for(made.runner.run(), HANGS_S)
    assert len(list(tmp_path.rglob("*.avro"))) == 1


async def test_another_count_of_partitions_is_refused(rig: Rig, tmp_path: Path) -> None:
    manifest = {"version": 1, "prefix": rig.settings.prefix, "partitions": {"signals": 5}}
    (tmp_path / "archive.json").write_text(json.dumps(manifest))
    code, said = await rig.quantiva("archive", "run", str(tmp_path), "--until-end")
    assert code == 1
    assert "holds signals with 5 partitions, the broker has 2" in " ".join(said.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("list", "{}/nowhere"), "There is no archive at", id="list: no archive"),
        pytest.param(("check", "{}/nowhere"), "There is no archive at", id="check: no archive"),
        pytest.param(
            ("run", "{}", "--topics", "market.nothing"),
            "no topic 'market.nothing'",
            id="run: topic",
        ),
        pytest.param(("run", "nosuch://a"), "cannot be used", id="run: address"),
    ],
)
async def test_wrong_words_are_answered_with_a_sentence(
    rig: Rig, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    code, text = await rig.quantiva("archive", *(word.format(tmp_path) for word in words))
    assert (code, "Traceback" in text) == (1, False)
    assert said in " ".join(text.split())


async def test_list_and_check_say_what_there_is(rig: Rig, tmp_path: Path) -> None:
    await fill(rig)
    assert (await rig.quantiva("archive", "run", str(tmp_path), "--until-end"))[0] == 0
    code, said = await rig.quantiva("archive", "list", str(tmp_path))
    assert code == 0
    lines = {line.split()[0]: line.split() for line in said.splitlines()}
    assert lines[TRENDING.name][1:6] == ["2", "3", "144", "0", "71"]
    assert lines[TRENDING.name][6:8] == ["2026-01-01", "00:00"]
    assert max(map(len, said.splitlines())) <= 100
    code, said = await rig.quantiva("archive", "list", str(tmp_path), "--topic", NEWS.name)
    assert [line.split()[0] for line in said.splitlines()[1:]] == [
        f"{NEWS.name}[0]",
        f"{NEWS.name}[1]",
    ]
    code, said = await rig.quantiva("archive", "check", str(tmp_path))
    assert (code, "no hole, no double, every file can be read" in said) == (0, True)
    archive = Archive(str(tmp_path))
    (tmp_path / archive.segments(TRENDING.name, 0)[1].path).unlink()
    code, said = await rig.quantiva("archive", "check", str(tmp_path))
    assert code == 1
    assert "Hole: market.trending[0] lacks offsets 24 to 47" in said
    assert "1 problems" in said


async def test_a_topic_that_is_missing(rig: Rig, tmp_path: Path) -> None:
    settings = rig.settings.model_copy(update={"prefix": "nowhere."})
    with pytest.raises(ArchiveError, match="has no topic signals: run `quantiva topics create`"):
        await archive_runner(settings, str(tmp_path), ["signals"])
    assert not (tmp_path / "archive.json").exists()
    assert list(LocalStore(tmp_path).files("")) == []
