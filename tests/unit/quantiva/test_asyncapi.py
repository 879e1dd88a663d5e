"""The AsyncAPI document that `quantiva topics asyncapi` prints says what the contract says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import typer
import yaml
from typer.testing import CliRunner

from quantiva.asyncapi import as_yaml, document
from quantiva.asyncapi_socket import events
from quantiva.commands.topics import app
from schemas.contract import STRUCTS, avro_text, field_docs
from schemas.topics import BY_NAME, TOPICS
from sinks.bridge.settings import BridgeSettings
from transport.settings import Settings

DEFAULTS = (Settings.model_construct(), BridgeSettings.model_construct())


def references(value: Any) -> Iterator[str]:
    """Yield every reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def resolved(made: dict[str, Any], reference: str) -> Any:
    """Return what a reference names; KeyError when there is nothing."""
    found: Any = made
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def test_it_has_the_topics_and_the_websocket_and_nothing_else() -> None:
    made = document(*DEFAULTS)
    assert list(made["channels"]) == [*BY_NAME, "websocket"]
    sent = {name.removesuffix(".send") for name in made["operations"] if name.endswith(".send")}
    assert sent == {*BY_NAME, "websocket"}


def test_yaml_loses_nothing() -> None:
    assert yaml.safe_load(as_yaml(document(*DEFAULTS))) == document(*DEFAULTS)


def test_every_reference_leads_somewhere() -> None:
    made = document(*DEFAULTS)
    found = list(references(made))
    assert len(found) > 4 * len(TOPICS)
    for reference in found:
        assert resolved(made, reference), reference
    with pytest.raises(KeyError):
        resolved(made, "#/channels/market.candels")


@pytest.mark.parametrize("name", BY_NAME)
def test_a_topic_stands_as_the_table_has_it(name: str) -> None:
    topic = BY_NAME[name]
    made = document(*DEFAULTS)
    channel = made["channels"][name]
    kafka = channel["bindings"]["kafka"]
    assert channel["address"] == kafka["topic"] == name
    assert channel["title"] == topic.doc
    assert kafka["partitions"] == (topic.partitions or 4)
    assert kafka["topicConfiguration"]["cleanup.policy"] == [topic.cleanup]
    kept_ms = kafka["topicConfiguration"].get("retention.ms", -1)
    assert kept_ms == topic.retention_ms
    (message,) = (resolved(made, one["$ref"]) for one in channel["messages"].values())
    assert message["bindings"]["kafka"]["key"]["description"].startswith(f"{topic.key},")
    payload = resolved(made, message["payload"]["$ref"])
    assert payload["schema"] == json.loads(avro_text(topic.schema))
    assert made["operations"][f"{name}.send"]["action"] == "send"


def test_every_schema_is_in_it_and_those_with_a_topic_have_a_message() -> None:
    components = document(*DEFAULTS)["components"]
    avro = {name for name in components["schemas"] if not name.startswith("json.")}
    assert avro == set(STRUCTS)
    messages = {name for name in components["messages"] if not name.startswith("websocket.")}
    assert messages == {topic.schema for topic in TOPICS}


def test_the_fields_of_frames_have_the_docs_of_the_contract() -> None:
    schemas = document(*DEFAULTS)["components"]["schemas"]
    docs = {name: of for name, of in field_docs().items() if f"json.{name}" in schemas}
    assert {"Signal", "Contribution", "EngineScore", "RankedSignal"} <= set(docs)
    fields = {name: schemas[f"json.{name}"]["properties"] for name in docs}
    assert {
        name: {field: fields[name][field].get("description") for field in of}
        for name, of in docs.items()
    } == docs


@pytest.mark.parametrize("kind", events())
def test_a_frame_of_an_event_carries_its_struct(kind: str) -> None:
    made = document(*DEFAULTS)
    frame = made["components"]["messages"][f"websocket.{kind}"]["payload"]
    data = resolved(made, frame["properties"]["data"]["$ref"])
    assert tuple(data["properties"]) == events()[kind].__struct_fields__


def test_others_may_write_what_the_platform_reads() -> None:
    operations = document(*DEFAULTS)["operations"]
    taken = {name.removesuffix(".receive") for name in operations if name.endswith(".receive")}
    assert {"market.news", "control.strategies", "control.requests"} <= taken
    assert taken & {"signals", "engine.scores", "dead.letters"} == set()


def test_a_deployment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092,kafka-2:9092",
        "SCHEMA_REGISTRY_URL": "http://desk:hunter2@registry:8081",
        "QUANTIVA_PREFIX": "test.",
        "QUANTIVA_PARTITIONS": "12",
        "QUANTIVA_RETENTION_MS": "-1",
    }.items():
        monkeypatch.setenv(name, value)
    text = run("asyncapi")
    assert "hunter2" not in text
    made = yaml.safe_load(text)
    assert made == orjson.loads(run("asyncapi", "--json")) == document(Settings(), BridgeSettings())
    server = made["servers"]["kafka"]
    assert server["host"] == "kafka-1:9092"
    assert server["bindings"]["kafka"]["schemaRegistryUrl"] == "http://registry:8081"
    signals = made["channels"]["signals"]
    assert signals["address"] == "test.signals"
    assert signals["description"].endswith("Records are kept for ever.")
    assert signals["bindings"]["kafka"]["partitions"] == 12


def run(*arguments: str) -> str:
    group = typer.Typer()
    group.add_typer(app, name="topics")
    result = CliRunner().invoke(group, ("topics", *arguments))
    assert result.exit_code == 0, result.output
    return result.stdout
