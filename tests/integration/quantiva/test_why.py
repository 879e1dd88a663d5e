"""`quantiva why` without a database: what Kafka still has, and what it has no more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import pytest
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from typer.testing import CliRunner

from quantiva.commands.why import why
from schemas.scores import EngineScore, InputPosition
from schemas.signals import PortfolioTrade, Signal
from schemas.topics import physical
from streams.provenance.sources.kafka import BEYOND, RETENTION
from streams.stage import Entry, Output, StrategyAt, Tables, advance
from streams.topology import stage
from tests.factories import strategy
from tests.integration.quantiva.conftest import KAFKA, Platform, on_both
from tests.unit.quantiva.status import samples
from tests.unit.streams.fusion.fusion_factories import answers
from transport.settings import Settings

pytestmark = pytest.mark.embedded
app = typer.Typer()
BALANCED = strategy("balanced")
app.command()(why)
FILLERS = 500
"""Records between those that are cited: a fetch does not bring them all."""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def said(*arguments: str) -> str:
    return " ".join(run(*arguments).output.split())


def publish_signal(platform: Platform) -> Signal:
    """Publish a cycle of one asset: news far apart, the scores above them, the signal."""
    news = [
        msgspec.structs.replace(samples.NEWS, headline=f"Headline {number}", source_id=str(number))
        for number in range(2 * FILLERS + 1)
    ]
    platform.publish("market.news", *news)
    platform.publish("market.trending", samples.TRENDING)
    platform.publish("control.strategies", BALANCED, key=b"balanced")
    scores = [_with_evidence(score) for score in answers({"sentiment": 0.9, "technical": 0.8})]
    platform.publish("engine.scores", *scores)
    decision = _moved("fusion", "engine.scores", scores)[0].event
    platform.publish("signals.decisions", decision)
    outputs = _moved("confidence", "signals.decisions", [decision])
    signal, trade = (one.event for one in outputs[:2])
    platform.publish("signals", signal)
    assert isinstance(trade, PortfolioTrade)
    platform.publish("portfolio.trades", trade)
    assert isinstance(signal, Signal)
    return signal


def _with_evidence(score: EngineScore) -> EngineScore:
    if score.engine == "liquidity":  # a book, so that what is bought is filled at once
        book = {"spread_bps": 2.0, "slippage_10k_bps": 1.0, "slippage_100k_bps": 5.0}
        return msgspec.structs.replace(score, features=book)
    if score.engine != "sentiment":
        return score
    inputs = (
        InputPosition("market.news", 0, 2 * FILLERS),
        InputPosition("market.trending", 0, 0),
    )
    return msgspec.structs.replace(score, evidence=(0, FILLERS, 2 * FILLERS), inputs=inputs)


def _moved(name: str, topic: str, events: Sequence[Any]) -> tuple[Output, ...]:
    """Return what a stage makes of the last of some events, which stand at the offsets from 0."""
    entry: Entry | None = None
    tables = Tables({"balanced": StrategyAt(BALANCED, 0)})
    outputs: tuple[Output, ...] = ()
    for offset, event in enumerate(events):
        moved = advance(stage(name), entry, event, topic, 0, offset, tables)
        assert moved is not None
        entry, outputs = moved
    return outputs


@on_both
def test_a_signal_is_found_by_its_beginning_and_resolves(platform: Platform) -> None:
    signal = publish_signal(platform)
    shown = run(signal.signal_id[:8])
    assert shown.exit_code == 0, shown.output
    for number in (0, FILLERS, 2 * FILLERS):
        assert f"Headline {number}\n" in f"{shown.output.replace('  ', chr(10))}\n"
        assert f"market.news:0:{number}" in shown.output
    assert "found in signals:0:0 of Kafka at" in " ".join(shown.output.split())
    assert "decision and signal are the same in every field" in " ".join(shown.output.split())


def test_a_trade_leads_to_its_signal(platform: Platform) -> None:
    signal = publish_signal(platform)
    trade_id = blake2b(f"{signal.signal_id}|buy|BTC".encode(), digest_size=16).hexdigest()
    shown = said(trade_id[:10])
    assert "BUY BTC for balanced" in shown
    assert "Trade portfolio.trades:0:0" in shown
    assert "the trade follows from the signal" in shown


@on_both
def test_an_offset_behind_the_end_is_said(platform: Platform) -> None:
    signal = publish_signal(platform)
    beyond = InputPosition("control.strategies", 0, 77)
    inputs = tuple(
        beyond if place.topic == "control.strategies" else place for place in signal.inputs
    )
    other = msgspec.structs.replace(signal, signal_id="ab" * 16, inputs=inputs)
    platform.publish("signals", other)
    found = json.loads(run("ab" * 16, "--json").output)
    assert found["strategy"]["event"] is None
    assert found["strategy"]["missing"] == BEYOND
    assert [one["ok"] for one in found["checks"]] == [True, None, None]


@pytest.mark.kafka
@pytest.mark.parametrize("broker_kind", [KAFKA], indirect=True)
def test_what_retention_took_is_said_and_the_rest_stays(platform: Platform) -> None:
    signal = publish_signal(platform)
    platform.run(_delete_before(platform.settings, "market.news", FILLERS + 1))
    found = json.loads(run(signal.signal_id, "--json").output)
    (sentiment,) = [part for part in found["parts"] if part["engine"] == "sentiment"]
    assert [one["missing"] for one in sentiment["evidence"]] == [RETENTION, RETENTION, None]
    assert sentiment["evidence"][2]["event"]["headline"] == f"Headline {2 * FILLERS}"
    assert said(signal.signal_id).count("no longer in the topic (retention)") == 2
    platform.run(_delete_before(platform.settings, "market.news", 2 * FILLERS + 1))
    assert said(signal.signal_id).count("no longer in the topic (retention)") == 3


async def _delete_before(settings: Settings, topic: str, offset: int) -> None:
    """Let the broker delete what stands before an offset, as retention does."""
    tp = TopicPartition(physical(topic, settings.prefix), 0)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)
    await admin.start()
    await consumer.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(before_offset=offset)})
        assert await consumer.beginning_offsets([tp]) == {tp: offset}
    finally:
        await consumer.stop()
        await admin.close()


def test_an_unknown_id_says_where_was_looked(platform: Platform) -> None:
    publish_signal(platform)
    result = run("ABCDEF0123")
    assert result.exit_code == 1
    words = " ".join(result.output.split())
    assert "no signal begins with 'abcdef0123'. Looked in all 1 signals of Kafka at" in words
    assert "--scan N" in words


def test_a_bounded_search_says_so(platform: Platform) -> None:
    signal = publish_signal(platform)
    others = [msgspec.structs.replace(signal, signal_id=f"{number:032x}") for number in range(3000)]
    platform.publish("signals", *others)
    assert "the newest 500 signals of Kafka" in said("abcdef", "--scan", "500")
    assert run(signal.signal_id, "--scan", "500").exit_code == 1
    assert run(signal.signal_id).exit_code == 0
    assert "several signals begin with '000000', among them" in said("000000")


@pytest.mark.parametrize("wrong", ["abc", "xyz12345", "a" * 33, ""], ids=repr)
def test_what_is_no_id_is_said(bare: pytest.MonkeyPatch, wrong: str) -> None:
    result = run(wrong)
    assert result.exit_code == 2
    assert "6 to 32 of its hex digits" in " ".join(result.output.split())


def test_without_any_place_to_look(bare: pytest.MonkeyPatch) -> None:
    result = run("abcdef")
    assert result.exit_code == 1
    assert "start `quantiva demo`" in " ".join(result.output.split())


def test_a_broker_that_is_away(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert "the broker at 127.0.0.1:1 does not answer" in said("abcdef")


def test_an_archive_that_is_not_there(bare: pytest.MonkeyPatch) -> None:
    assert "There is no archive at /nowhere" in said("abcdef", "--archive", "/nowhere")


def test_a_sum_that_is_wrong_ends_with_status_1(platform: Platform) -> None:
    signal = publish_signal(platform)
    wrong = msgspec.structs.replace(signal, signal_id="cd" * 16, final_score=0.9)
    platform.publish("signals", wrong)
    result = run("cd" * 16)
    assert result.exit_code == 1
    assert "the contributions add up to +0.515, not to +0.9" in " ".join(result.output.split())


REGISTRIES = [
    pytest.param("http://127.0.0.1:1", "http://127.0.0.1:1 does not answer", id="away"),
    pytest.param(None, "SCHEMA_REGISTRY_URL is not set", id="not set"),
]


@pytest.mark.parametrize(("url", "words"), REGISTRIES)
def test_without_a_registry_it_says_why_nothing_can_be_read(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, url: str | None, words: str
) -> None:
    signal = publish_signal(platform)
    if url is None:
        monkeypatch.delenv("SCHEMA_REGISTRY_URL")
    else:
        monkeypatch.setenv("SCHEMA_REGISTRY_URL", url)
    text = said(signal.signal_id)
    assert "of which some cannot be read" in text
    assert words in text
