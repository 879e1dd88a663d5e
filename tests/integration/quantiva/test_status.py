"""`quantiva status` on the embedded broker, whose own figures for ends and members are wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from typer.testing import CliRunner

from quantiva.commands.status import status
from quantiva.status.stages import ARCHIVE
from tests.integration.quantiva.conftest import TANSU, Platform, on_both
from tests.unit.quantiva.status import samples

pytestmark = pytest.mark.embedded
app = typer.Typer()
app.command()(status)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["--sample", "0.1", *arguments])


def report(platform: Platform) -> dict[str, Any]:
    found = json.loads(run("--json").output)
    found["by_stage"] = {one["stage"]: one for one in found["stages"]}
    return found


@asynccontextmanager
async def member(platform: Platform, stage: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A member of a stage's group; it commits nothing by itself."""
    consumer = AIOKafkaConsumer(
        platform.settings.prefix + topic,
        bootstrap_servers=platform.settings.bootstrap,
        group_id=platform.settings.group_id(stage),
        enable_auto_commit=False,
        session_timeout_ms=1000,
        heartbeat_interval_ms=200,
    )
    await consumer.start()
    yield consumer
    await consumer.stop()


def commit(platform: Platform, stage: str, topic: str, offset: int) -> None:
    async def join_and_commit() -> None:
        async with member(platform, stage, topic) as consumer:
            place = TopicPartition(platform.settings.prefix + topic, 0)
            await consumer.commit({place: offset})

    platform.run(join_and_commit())


def test_nothing_runs(bare: pytest.MonkeyPatch) -> None:
    result = run()
    assert result.exit_code == 1
    assert " ".join(result.output.split()).startswith("Nothing runs: start everything")


def test_no_stage_runs_and_the_parts_are_shown_without_passwords(
    platform: Platform, bare: pytest.MonkeyPatch
) -> None:
    bare.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/signals")
    result = run()
    said = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "No stage runs: start the stages with `quantiva worker`" in said
    assert "database DOWN postgresql://127.0.0.1:1/signals" in said
    assert "secret" not in said
    assert max(len(line) for line in result.output.splitlines()) <= 100


@on_both
def test_lag_counts_every_record_of_a_batch(platform: Platform, broker_kind: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    platform.publish("engine.scores", *[samples.score()] * 30, sent_ms=now_ms - 90_000)
    commit(platform, "fusion", "engine.scores", 10)
    found = report(platform)
    fusion, watchdog = found["by_stage"]["fusion"], found["by_stage"]["watchdog"]
    left = ("stalled", None) if broker_kind == TANSU else ("not running", 0)
    assert (fusion["lag"], fusion["state"], fusion["members"]) == (20, *left)
    assert 90_000 <= fusion["waiting_ms"] < 120_000
    assert (watchdog["lag"], watchdog["state"], watchdog["members"]) == (30, "not running", 0)
    if broker_kind == TANSU:
        assert "fusion is stalled: 20 records wait" in " ".join(found["problems"])


def test_a_stage_that_has_read_all_is_ok_and_its_data_is_fresh(platform: Platform) -> None:
    now_ms = time.time_ns() // 1_000_000
    platform.publish("engine.scores", *[samples.score()] * 3, sent_ms=now_ms)
    commit(platform, "fusion", "engine.scores", 3)
    found = report(platform)["by_stage"]
    assert (found["fusion"]["state"], found["fusion"]["lag"]) == ("ok", 0)
    assert found["fusion"]["applied_age_ms"] < 60_000
    assert found["sentiment"]["output_age_ms"] < 60_000
    assert found["technical"]["output_age_ms"] is None


@on_both
def test_a_member_that_reads_nothing_is_stalled(platform: Platform, broker_kind: str) -> None:
    platform.publish("signals.decisions", samples.DECISION)

    async def join_and_look() -> dict[str, Any]:
        async with member(platform, "confidence", "signals.decisions"):
            return await asyncio.to_thread(report, platform)

    agent = platform.run(join_and_look())["by_stage"]["confidence"]
    assert (agent["state"], agent["lag"]) == ("stalled", 1)
    assert agent["members"] == (None if broker_kind == TANSU else 1)


def test_degraded_parts_dead_letters_and_topics_are_counted(platform: Platform) -> None:
    now_ms = time.time_ns() // 1_000_000
    platform.publish("engine.scores", samples.score(), samples.score(asset="ETH", detail={}))
    platform.publish("engine.scores", b"junk")
    platform.publish("market.books", samples.BOOK, samples.BOOK, sent_ms=now_ms - 3_600_000)
    platform.publish("dead.letters", samples.letter())
    found = report(platform)
    assert found["degraded"] == [
        {"engine": "sentiment", "part": "model", "assets": 1, "of": 2, "text": "no weights"}
    ]
    assert found["undecodable_scores"] == 1
    books = next(one for one in found["topics"] if one["topic"] == "market.books")
    assert (books["records"], books["missing"]) == (2, False)
    assert any("market.books is late" in problem for problem in found["problems"])
    assert found["dead_letters"] == {}  # its record is of January


@on_both
def test_an_archive_is_listed_once_it_has_a_group(platform: Platform, broker_kind: str) -> None:
    assert [one for one in report(platform)["by_stage"] if one.startswith(ARCHIVE)] == []
    now_ms = time.time_ns() // 1_000_000
    platform.publish("engine.scores", *[samples.score()] * 5, sent_ms=now_ms - 600_000)
    platform.publish(
        "signals.decisions", samples.DECISION
    )  # it keeps no such topic: no record waits
    commit(platform, f"{ARCHIVE}0a1b2c3d", "engine.scores", 2)
    found = report(platform)
    archive = found["by_stage"][f"{ARCHIVE}0a1b2c3d"]
    left = ("stalled", None) if broker_kind == TANSU else ("not running", 0)
    assert (archive["lag"], archive["state"], archive["members"]) == (3, *left)
    assert archive["group"] == platform.settings.group_id(f"{ARCHIVE}0a1b2c3d")
    assert [one for one in found["problems"] if ARCHIVE in one] == []
    result = run()
    assert f"{ARCHIVE}0a1b2c3d" in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 100
