"""The AsyncAPI 3.0 document of all topics and the websocket, made from the contract.

`quantiva topics asyncapi` prints the one of a deployment: its prefix, partitions, retention and
addresses. Pure, save for reading the schemas that ship with the package.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version
from typing import Any

from quantiva import asyncapi_socket
from schemas.contract import STRUCTS, schema
from schemas.redact import shown
from schemas.topics import FOREVER_MS, MARKET_TOPICS, REQUESTS, STRATEGIES, TOPICS, Topic, physical
from sinks.bridge.settings import BridgeSettings
from transport.settings import Settings

Document = dict[str, Any]
"""What JSON holds."""

AVRO = "application/vnd.apache.avro+json;version=1.9.0"
BINDING = "0.5.0"
TAKEN = {topic.name for topic in (*MARKET_TOPICS, STRATEGIES, REQUESTS)}
"""Topics that others may write to; the platform reads them."""

_ABOUT = """\
Market events in, trading signals out: every topic of the platform, and the bridge's websocket.

Values of records are Avro in the Confluent wire format: a zero byte, the schema id in four bytes
(big endian), the Avro body. Each schema is in the registry under the subject `<topic>-value`.
Keys are text in UTF-8; murmur2 puts a key into its partition, so one asset is in the same partition
of every topic that is keyed by asset, and its records are in order there. Times are milliseconds
since 1970, UTC. A record's timestamp is event time. Delivery is at least once: after a crash a
record can come again, with the same id.

The websocket speaks JSON, one object a frame."""


def document(settings: Settings, bridge: BridgeSettings) -> Document:
    """Return the document of a deployment."""
    socket = asyncapi_socket.components()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Quantiva Streams",
            "version": version("quantiva-streams"),
            "description": _ABOUT,
        },
        "defaultContentType": "application/vnd.apache.avro",
        "servers": {"kafka": _kafka(settings), "bridge": asyncapi_socket.server(bridge)},
        "channels": {
            **{topic.name: _channel(topic, settings) for topic in TOPICS},
            asyncapi_socket.CHANNEL: asyncapi_socket.channel(),
        },
        "operations": {
            **{name: operation for topic in TOPICS for name, operation in _operations(topic)},
            **asyncapi_socket.operations(),
        },
        "components": {
            "messages": {topic.schema: _message(topic) for topic in TOPICS} | socket["messages"],
            "messageTraits": {"record": _record()},
            "schemas": {
                name: {"schemaFormat": AVRO, "schema": schema(name).avro} for name in STRUCTS
            }
            | socket["schemas"],
            "securitySchemes": socket["securitySchemes"],
        },
    }


def as_yaml(made: Document) -> str:
    """Return the document as YAML. Raises ImportError without PyYAML."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes what occurs twice twice, and text of several lines as such."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        return dumper.represent_scalar(
            "tag:yaml.org,2002:str", data, style="|" if "\n" in data else None
        )

    Dumper.add_representer(str, text)
    return yaml.dump(made, Dumper=Dumper, sort_keys=False, width=100, allow_unicode=True)


def _kafka(settings: Settings) -> Document:
    binding = {"schemaRegistryVendor": "confluent", "bindingVersion": BINDING}
    if settings.registry_url:
        binding["schemaRegistryUrl"] = shown(settings.registry_url)
    first = (settings.bootstrap or "localhost:9092").split(",")[0]
    return {
        "host": first,
        "protocol": "kafka",
        "description": "The brokers of KAFKA_BOOTSTRAP_SERVERS, the registry of"
        " SCHEMA_REGISTRY_URL. `quantiva demo` starts its own and writes their addresses to"
        " .quantiva/stack.json.",
        "bindings": {"kafka": binding},
    }


def _channel(topic: Topic, settings: Settings) -> Document:
    kept_ms = topic.retention_ms if settings.retention_ms is None else settings.retention_ms
    configuration: Document = {"cleanup.policy": [topic.cleanup]}
    if topic.cleanup == "delete":
        configuration["retention.ms"] = kept_ms
    name = physical(topic.name, settings.prefix)
    about = schema(topic.schema).avro["doc"]
    return {
        "address": name,
        "title": topic.doc,
        "description": f"{about} Key: {topic.key}. {_kept(topic, kept_ms)}",
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {topic.schema: {"$ref": f"#/components/messages/{topic.schema}"}},
        "bindings": {
            "kafka": {
                "topic": name,
                "partitions": topic.partitions or settings.partitions,
                "replicas": settings.replication_factor,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def _kept(topic: Topic, kept_ms: int) -> str:
    """Return for how long records stay, as a sentence."""
    if topic.cleanup == "compact":
        return "The newest record of each key is kept; a record without a value deletes its key."
    if kept_ms == FOREVER_MS:
        return "Records are kept for ever."
    return f"Records are kept for {timedelta(milliseconds=kept_ms).days} days."


def _operations(topic: Topic) -> list[tuple[str, Document]]:
    """Return the operations on a topic by name, as AsyncAPI counts: the platform's side of them."""
    common = {
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{topic.schema}"}],
    }
    sent = {"action": "send", "summary": f"The platform publishes: {topic.doc}.", **common}
    found = [(f"{topic.name}.send", sent)]
    if topic.name in TAKEN:
        said = f"The platform reads what others publish: {topic.doc}."
        found.append((f"{topic.name}.receive", {"action": "receive", "summary": said, **common}))
    return found


def _message(topic: Topic) -> Document:
    avro = schema(topic.schema).avro
    return {
        "name": f"{avro['namespace']}.{avro['name']}",
        "title": avro["name"],
        "summary": avro["doc"],
        "traits": [{"$ref": "#/components/messageTraits/record"}],
        "payload": {"$ref": f"#/components/schemas/{topic.schema}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"{topic.key}, in UTF-8."},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy",
                "bindingVersion": BINDING,
            }
        },
    }


def _record() -> Document:
    """Return what the messages of all topics have in common."""
    sent_ms = {
        "type": "string",
        "pattern": "^[0-9]+$",
        "description": "When the market event behind the record was published (wall clock), ms"
        " since 1970 UTC. Signals inherit it: now minus sent_ms is their latency.",
    }
    return {"headers": {"type": "object", "properties": {"sent_ms": sent_ms}}}
