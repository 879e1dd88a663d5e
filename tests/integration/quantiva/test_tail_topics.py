"""`quantiva tail` decodes every topic of the table, other topics, and the schemas of others."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import fastavro
import msgspec
import pytest
import typer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from typer.testing import CliRunner

from quantiva.commands.tail import tail
from schemas.codec import BadEventError
from schemas.contract import schema, schema_name
from schemas.describe import plain
from schemas.topics import BY_SCHEMA, TOPICS
from tests.integration.quantiva.conftest import Platform, on_both
from tests.unit.quantiva.status import samples

pytestmark = pytest.mark.embedded
app = typer.Typer()
app.command()(tail)
EVENTS = {
    BY_SCHEMA[schema_name(event)].name: event
    for event in (
        samples.TRENDING,
        samples.NEWS,
        samples.NEWS_SCORE,
        samples.CANDLE,
        samples.BOOK,
        samples.FUNDAMENTALS,
        samples.CALENDAR,
        samples.STRATEGY,
        samples.REQUEST,
        samples.score(),
        samples.SIGNAL,
        samples.DECISION,
        samples.TRADE,
        samples.EQUITY,
        samples.TOP,
        samples.OUTCOME,
        samples.letter(),
        samples.SOURCE,
        samples.EXPLANATION,
    )
}
POSITION = {
    "type": "record",
    "name": "Position",
    "namespace": "desk",
    "fields": [
        {"name": "asset", "type": "string"},
        {"name": "opened", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "proof", "type": "bytes"},
    ],
}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, (*arguments, "--from-start", "--no-follow"))


def written(platform: Platform, avro: dict[str, Any], value: Any) -> bytes:
    """Register a schema as another program would, and return a record's value written with it."""
    client = SchemaRegistryClient({"url": platform.settings.require_registry()})
    number = client.register_schema(f"desk-{uuid4().hex[:6]}-value", Schema(json.dumps(avro)))
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(avro), value)
    return b"\0" + number.to_bytes(4, "big") + body.getvalue()


@on_both
def test_every_topic_of_the_table(platform: Platform) -> None:
    assert set(EVENTS) == {topic.name for topic in TOPICS}
    for topic, event in EVENTS.items():
        platform.publish(topic, event, key=b"key")
        (line,) = run(topic, "--json").output.splitlines()
        assert json.loads(line)["event"] == json.loads(msgspec.json.encode(plain(event)))
        (line,) = run(topic).output.splitlines()
        assert "UNDECODABLE" not in line
        assert len(line) <= 100


@pytest.mark.parametrize("topic", ["control.sources", "control.strategies"])
def test_a_deleted_key_of_a_compacted_topic(platform: Platform, topic: str) -> None:
    platform.publish(topic, None, key=b"gone")
    assert "gone   (deleted)" in run(topic).output
    assert json.loads(run(topic, "--json").output)["event"] is None


def test_a_newer_version_of_a_schema_of_ours(platform: Platform) -> None:
    ours = schema("explanation").avro
    newer = {**ours, "fields": [*ours["fields"], {"name": "mood", "type": "string"}]}
    event = msgspec.structs.asdict(samples.EXPLANATION)
    platform.publish("signals.explanations", written(platform, newer, {**event, "mood": "calm"}))
    found = json.loads(run("signals.explanations", "--json").output)
    assert found["event"] == event
    assert "f00 momentum (done, template) BTC rises." in run("signals.explanations").output


def test_a_schema_of_others_in_a_topic_of_ours(platform: Platform) -> None:
    value = written(platform, POSITION, {"asset": "BTC", "opened": samples.T0, "proof": b"\1\2"})
    platform.publish("signals", value, value[:-1], samples.SIGNAL)
    with pytest.raises(BadEventError):
        platform.codec.decode(value)
    first, broken, last = (
        json.loads(line) for line in run("signals", "--json").output.splitlines()
    )
    assert first["event"] == {
        "asset": "BTC",
        "opened": "2026-01-01T00:00:00+00:00",
        "proof": "0102",
    }
    assert broken["event"] is None
    assert broken["error"].startswith("the Avro body cannot be read: ")
    assert last["event"]["action"] == "BUY"
    assert '{"asset":"BTC","opened":"2026-01-01T00:00:00+00:00"' in run("signals").output


def test_a_topic_that_is_not_in_the_table(
    platform: Platform,
    request: pytest.FixtureRequest,
) -> None:
    name = f"desk.{uuid4().hex[:6]}"
    client = AdminClient({"bootstrap.servers": platform.settings.require_bootstrap()})
    client.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])[name].result(20)
    # The fixture's publisher puts the prefix of the test before a name; this topic has none.
    settings = platform.settings.model_copy(update={"prefix": ""})
    unprefixed = Platform(settings, platform.codec, request.getfixturevalue("background"))
    value = written(platform, POSITION, {"asset": "ETH", "opened": samples.T0, "proof": b""})
    unprefixed.publish(name, value, None, b"junk", key=b"eth", partition=1)
    lines = [json.loads(line) for line in run(name, "--json", "--asset", "eth").output.splitlines()]
    assert [(line["partition"], line["offset"]) for line in lines] == [(1, 0), (1, 1), (1, 2)]
    assert lines[0]["topic"] == name
    assert lines[0]["event"]["asset"] == "ETH"
    assert "error" not in lines[1]
    assert "not in the Confluent wire format" in lines[2]["error"]
