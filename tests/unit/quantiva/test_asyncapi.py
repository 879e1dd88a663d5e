"""The AsyncAPI document says what the contract says, and the checked-in one is up to date."""

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
from quantiva.commands.topics import app
from schemas.contract import STRUCTS, avro_text
from schemas.topics import BY_NAME, TOPICS
from sinks.bridge.settings import BridgeSettings
from tests.conftest import ROOT
from transport.settings import Settings

DEFAULTS = (Settings.model_construct(), BridgeSettings.model_construct())
CHECKED_IN = ROOT / "docs" / "asyncapi.yaml"


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


def test_the_checked_in_document_is_up_to_date() -> None:
    assert CHECKED_IN.read_text("utf-8") == as_yaml(document(*DEFAULTS)), (
        "write it anew: python -m quantiva.asyncapi > docs/asyncapi.yaml"
    )


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


def test_every_schema_has_a_message() -> None:
    components = document(*DEFAULTS)["components"]
    assert set(STRUCTS) <= set(components["messages"])
    assert set(STRUCTS) <= set(components["schemas"])


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
