"""The writer killed by SIGKILL at random moments, again and again, while the log grows."""

from __future__ import annotations

import asyncio
import fcntl
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from streams.archive.check import check
from streams.archive.reader import Archive
from tests.contract.sink_samples import news, trending
from tests.integration.streams.archive.rig import Rig, archived, until

TOPICS = ("market.trending", "market.news")


@pytest.mark.embedded
@pytest.mark.parametrize(
    "kills",
    [pytest.param(4, id="4 kills"), pytest.param(20, id="20 kills", marks=pytest.mark.long)],
)
async def test_no_hole_and_no_double_after_kills(rig: Rig, tmp_path: Path, kills: int) -> None:
    await _kill_again_and_again(rig, tmp_path / "archive", kills)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize(
    "kills",
    [pytest.param(4, id="4 kills"), pytest.param(8, id="8 kills", marks=pytest.mark.long)],
)
async def test_no_hole_and_no_double_after_kills_on_apache_kafka(
    kafka_rig: Rig, tmp_path: Path, kills: int
) -> None:
    """A static member takes its place again at once; else each start waits for the dead one."""
    kafka_rig.environment["QUANTIVA_INSTANCE_ID"] = "archive-0"
    await _kill_again_and_again(kafka_rig, tmp_path / "archive", kills)


@pytest.mark.kafka
@pytest.mark.slow
async def test_a_writer_that_slept_while_another_one_took_over(
    kafka_rig: Rig, tmp_path: Path
) -> None:
    """It wakes up with records in hand that are archived already, and believes them its own.

    On Apache Kafka, since Tansu keeps a member that is silent.
    """
    rig = kafka_rig
    publishing = asyncio.create_task(_publish(rig))
    first = await rig.spawn(*_run(tmp_path))
    try:
        await until(lambda: _files(tmp_path) > 5, "the first one writes")
        await _stop_outside_of_the_lock(first, tmp_path)
        before = _files(tmp_path)
        second = await rig.spawn(*_run(tmp_path))
        await until(lambda: _files(tmp_path) > before + 5, "the second one has taken over")
        first.send_signal(signal.SIGCONT)
        before = _files(tmp_path)
        await until(lambda: _files(tmp_path) > before + 10, "both go on")
        publishing.cancel()
        for process in (first, second):
            process.send_signal(signal.SIGINT)
            said = (await process.communicate())[0].decode()
            assert process.returncode == 0, said
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
        if first.returncode is None:
            first.send_signal(signal.SIGKILL)
    await _compare(rig, tmp_path)


async def _stop_outside_of_the_lock(process: asyncio.subprocess.Process, folder: Path) -> None:
    """Stop a writer; one that sleeps with the lock in hand would hold up the others, rightly."""
    while True:
        process.send_signal(signal.SIGSTOP)
        with (folder / ".lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                process.send_signal(signal.SIGCONT)
            else:
                return
        await asyncio.sleep(0.01)


async def _kill_again_and_again(rig: Rig, address: Path, kills: int) -> None:
    rng = random.Random(kills)
    publishing = asyncio.create_task(_publish(rig))
    try:
        for number in range(kills):
            await _run_and_kill(rig, address, rng, in_start_up=number % 4 == 3)
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
    await _compare(rig, address)


async def _compare(rig: Rig, address: Path) -> None:
    """Archive the rest; then the archive is the log."""
    code, said = await rig.quantiva(*_run(address), "--until-end")
    assert code == 0, said
    report = check(Archive(str(address)))
    assert report.problems == ()
    assert not list(address.rglob("*.tmp"))
    log = await rig.log(*TOPICS)
    assert archived(address) == log
    assert report.records == sum(map(len, log.values()))
    code, said = await rig.quantiva("archive", "check", str(address))
    assert code == 0
    assert said.startswith(f"{report.records:,} records in {report.files:,} files")


def _run(address: Path) -> tuple[str, ...]:
    topics = [word for topic in TOPICS for word in ("--topics", topic)]
    return ("archive", "run", str(address), *topics, "--roll-s", "0.05", "--max-records", "2000")


async def _run_and_kill(rig: Rig, address: Path, rng: random.Random, *, in_start_up: bool) -> None:
    """Start the writer and kill it at a random moment of its start, or once it writes."""
    before = _files(address)
    process = await rig.spawn(*_run(address))
    if in_start_up:
        await asyncio.sleep(rng.uniform(0.3, 2.0))
    else:
        await until(lambda: process.returncode is not None or _files(address) > before, "it writes")
        await asyncio.sleep(rng.uniform(0.0, 0.4))
    assert process.returncode is None, (await process.communicate())[0].decode()
    process.send_signal(signal.SIGKILL)
    await process.communicate()


async def _publish(rig: Rig) -> None:
    """Send events, garbage and tombstones without an end; the market runs through the days."""
    number = 0
    while True:
        at_ms = 1_767_225_600_000 + number * 3_600_000
        values: list[Any] = [trending(number % 50), b"garbage %d" % number, None, b"\0\0\0\x7f\xff"]
        headers: list[tuple[str, bytes | None]] = [("sent_ms", b"%d" % at_ms), ("empty", None)]
        await rig.send(TOPICS[0], *values, partition=number % 2, at_ms=at_ms, headers=headers)
        await rig.send(TOPICS[1], *map(news, range(5)), partition=number % 2, at_ms=at_ms)
        number += 1
        await asyncio.sleep(0.002)


def _files(address: Path) -> int:
    return sum(1 for _ in address.rglob("*.avro"))
