"""`quantiva why` on the running platform: every signal resolves to the records it came from."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from aiokafka import AIOKafkaProducer
from typer.testing import CliRunner

from quantiva.commands.why import why
from schemas.control import SignalRequest
from schemas.partitioning import partition_of
from schemas.signals import Signal
from schemas.topics import TOPICS
from streams.archive.copying import copy_topics
from streams.provenance.checks import checks
from streams.provenance.explain import explain
from streams.provenance.tree import Tree
from tests.integration.streams.agents.rig import Rig, market, rig
from transport.settings import Settings

pytestmark = pytest.mark.embedded
app = typer.Typer()
app.command()(why)


async def run(*arguments: str) -> Any:
    """Run the command as a process would; it makes an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def tree_of(settings: Settings, signal_id: str, archive: str | None = None) -> Tree:
    return await explain(settings, signal_id, archive=archive, most=100_000)


@pytest.mark.long
async def test_every_signal_of_a_cycle(embedded_parts: dict[str, str], folder: Path) -> None:
    async with rig(embedded_parts, folder, name="why") as running:
        events = market(assets=3, cycles=2)
        await running.play(events)
        newest = max(event.observed_at for event in events if hasattr(event, "observed_at"))
        await _ask(running, SignalRequest("request-1", "BTC", "defensive", newest + 60_000))
        await running.stored()
        rows = await running.fetch("SELECT signal_id, trigger FROM strategy_signals ORDER BY 1")
        await _all_resolve(running, [row["signal_id"] for row in rows])
        await _the_screen_and_json(running, rows[0]["signal_id"])
        await _without_a_database(running, rows[-1]["signal_id"])
        await _prefixes(running, rows[0]["signal_id"])
        await _archive(running, folder / "archive", [row["signal_id"] for row in rows])


async def _ask(running: Rig, request: SignalRequest) -> None:
    """Publish a request, and wait until the signal that answers it is stored."""
    producer = AIOKafkaProducer(bootstrap_servers=running.settings.bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(
            f"{running.settings.prefix}control.requests",
            running.codec.encode(request),
            key=request.asset.encode(),
            partition=partition_of(request.asset.encode(), running.settings.partitions),
        )
    finally:
        await producer.stop()
    while not await running.fetch("SELECT 1 FROM strategy_signals WHERE trigger = 'request'"):
        await asyncio.sleep(0.1)


async def _all_resolve(running: Rig, ids: list[str]) -> None:
    assert len(ids) >= 3 * 4 * 2 + 1
    cited = 0
    for signal_id in ids:
        tree = await tree_of(running.settings, signal_id)
        assert tree.found.where == "PostgreSQL"
        lacking = [one for one in tree.cited() if one.event is None]
        assert not lacking, f"{signal_id}: {lacking}"
        assert [one.said for one in checks(tree) if not one.ok] == []
        cited += len(tree.cited())
    assert cited > 12 * len(ids)


async def _the_screen_and_json(running: Rig, signal_id: str) -> None:
    tree = await tree_of(running.settings, signal_id)
    shown = await run(signal_id)
    assert shown.exit_code == 0, shown.output
    assert all(len(line) <= 100 for line in shown.output.splitlines())
    (sentiment,) = [part for part in tree.parts if part.engine == "sentiment"]
    assert sentiment.evidence, "the simulated market has news of every asset"
    for one in sentiment.evidence:
        place = f"market.news:{one.partition}:{one.offset}"
        assert place in shown.output
        # The place stands at the end of a headline's first line, the rest of it below.
        flat = " ".join(shown.output.replace(place, "").split())
        assert one.event.headline in flat, "the headline that moved the score must be named"
    found = json.loads((await run(signal_id, "--json")).output)
    assert found["signal"]["signal_id"] == signal_id
    assert [one["ok"] for one in found["checks"]] == [True, True, True]
    places = [
        (one["topic"], one["partition"], one["offset"], one["event"]["headline"])
        for part in found["parts"]
        for one in part["evidence"]
        if part["engine"] == "sentiment"
    ]
    assert places == [
        (one.topic, one.partition, one.offset, one.event.headline) for one in sentiment.evidence
    ]


async def _without_a_database(running: Rig, signal_id: str) -> None:
    with_database = await tree_of(running.settings, signal_id)
    settings = running.settings.model_copy(update={"database_url": None})
    from_kafka = await tree_of(settings, signal_id)
    assert from_kafka.signal == with_database.signal
    assert from_kafka.found.place is not None
    assert from_kafka.cited() == with_database.cited()


async def _prefixes(running: Rig, signal_id: str) -> None:
    twin = signal_id[:-1] + ("0" if signal_id[-1] != "0" else "1")
    await running.fetch(
        f"""INSERT INTO strategy_signals (body) SELECT body || '{{"signal_id": "{twin}"}}' """
        f"FROM strategy_signals WHERE signal_id = '{signal_id}'"
    )
    assert (await run(signal_id)).exit_code == 0
    ambiguous = await run(signal_id[:8])
    assert ambiguous.exit_code == 1
    said = " ".join(ambiguous.output.split())
    assert f"several signals begin with '{signal_id[:8]}'; give more digits" in said
    assert signal_id in said
    assert twin in said
    unknown = await run("0123456789")
    assert unknown.exit_code == 1
    said = " ".join(unknown.output.split())
    assert "no signal begins with '0123456789'. Looked in PostgreSQL at postgresql://" in said
    assert "signals of Kafka at" in said
    await running.fetch(f"DELETE FROM strategy_signals WHERE signal_id = '{twin}'")


async def _archive(running: Rig, address: Path, ids: list[str]) -> None:
    names = [topic.name for topic in TOPICS]
    await copy_topics(running.settings, str(address), topics=names)
    # Kafka without these topics, as after the retention of a platform that was moved.
    empty = running.settings.model_copy(update={"prefix": "gone."})
    offline = running.settings.model_copy(update={"bootstrap": None, "database_url": None})
    for signal_id in ids[:4]:
        whole = await tree_of(running.settings, signal_id)
        for settings, where in ((empty, "PostgreSQL"), (offline, f"the archive {address}")):
            tree = await tree_of(settings, signal_id, str(address))
            assert tree.found.where == where
            assert {one.origin for one in tree.cited()} == {"archive"}
            assert _events(tree) == _events(whole)
            assert [one.ok for one in checks(tree)] == [True, True, True]
    gone = await tree_of(empty, ids[0])
    assert isinstance(gone.signal, Signal)
    assert all("the broker has no partition" in (one.missing or "") for one in gone.cited())
    assert [one.ok for one in checks(gone)] == [True, None, None]


def _events(tree: Tree) -> list[tuple[str, int, int, Any]]:
    return [(one.topic, one.partition, one.offset, one.event) for one in tree.cited()]
