"""The websocket's part of the AsyncAPI document, from the bridge's own requests and channels."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.contract import STRUCTS, field_docs, schema
from schemas.topics import BY_NAME
from sinks.bridge.hub.channels import CHANNELS, SOURCES_READ
from sinks.bridge.hub.client_messages import Ping, Subscribe, Unsubscribe
from sinks.bridge.hub.hub_health import PlatformHealth
from sinks.bridge.hub.prices import Price
from sinks.bridge.settings import BridgeSettings

Document = dict[str, Any]
CHANNEL = "websocket"
_REQUESTS: tuple[type[msgspec.Struct], ...] = (Subscribe, Unsubscribe, Ping)
_TEXT: Document = {"type": "string"}
_WHOLE: Document = {"type": "integer"}
_TIME: Document = {"type": "integer", "description": "ms since 1970 UTC."}
_CURSOR: Document = {
    "type": "string",
    "description": "topic:partition:offset of the last record handled, more after commas; in a"
    " frame of a market price the place it comes from. Send it back as `since`.",
}
_ID: Document = {"type": ["string", "null"], "description": "The id of the request."}
_NAMES: Document = {"type": "array", "items": {"enum": list(CHANNELS)}}

ANSWERS: dict[str, tuple[str, Document]] = {
    "ack": (
        "A request was taken. `resumed` are the channels that go on from `since`.",
        {"id": _TEXT, "request": _TEXT, "channels": _NAMES, "resumed": _NAMES},
    ),
    "error": (
        "A request was refused: `code` for programs, `message` for people.",
        {"id": _ID, "code": _TEXT, "message": _TEXT},
    ),
    "pong": ("The answer to a ping.", {"id": _TEXT}),
    "snapshot": (
        "The latest events of a channel, in several frames when they are many: `more` until the"
        " last. What comes after the cursor of the last one follows as events.",
        {
            "id": _TEXT,
            "channel": {"enum": list(CHANNELS)},
            "cursor": _CURSOR,
            "more": {"type": "boolean"},
            "items": {"type": "array", "items": {"type": "object"}, "description": "Events."},
        },
    ),
    "gap": (
        "Records from `from` to `to` will not come: the log no longer has them. The cursor goes on"
        " behind them.",
        {
            "id": _ID,
            "topic": _TEXT,
            "partition": _WHOLE,
            "from": {"type": ["integer", "null"]},
            "to": _WHOLE,
            "reason": {"enum": ["expired", "replaced", "no_position"]},
            "message": _TEXT,
            "cursor": _CURSOR,
        },
    ),
    "heartbeat": (
        "The bridge is alive. `lag_ms` is for how long it has been behind the log, `behind` by how"
        " many records (null: not known); all wanted up to the cursor has been sent.",
        {
            "at": _TIME,
            "lag_ms": _WHOLE,
            "behind": {"type": ["integer", "null"]},
            "cursor": _CURSOR,
        },
    ),
    "bye": (
        "The last frame before the bridge closes: the client was slow or too fast, or the bridge"
        " stops. Connect again with the cursor.",
        {"reason": _TEXT, "message": _TEXT, "cursor": _CURSOR},
    ),
}
"""What the bridge sends that is no event: what it means, and its fields beside `type`."""

_OPTIONAL = {("ack", "channels"), ("ack", "resumed")}
_SECURITY: Document = {
    "ticket": {"type": "httpApiKey", "name": "ticket", "in": "query"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def events() -> dict[str, type[msgspec.Struct]]:
    """Return the struct behind `data` of each kind of event."""
    found: dict[str, type[msgspec.Struct]] = {
        source.kind: STRUCTS[BY_NAME[source.topic].schema]
        for source in SOURCES_READ
        if source.channel is not None
    }
    return {**found, "price": Price}


def server(bridge: BridgeSettings) -> Document:
    """Return the bridge as a server."""
    return {
        "host": f"{bridge.host}:{bridge.port}",
        "protocol": "ws",
        "description": "The bridge. POST /api/v1/tickets with a bearer token gives a ticket, which"
        " opens one websocket. Programs may send the bearer token with the handshake instead.",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY],
    }


def channel() -> Document:
    """Return the websocket as a channel: JSON text frames, each with a `type`."""
    query = {"type": "object", "properties": {"ticket": {"type": "string"}}}
    return {
        "address": "/ws",
        "title": "the bridge's websocket",
        "description": "A client subscribes; a snapshot of the latest comes first, then every"
        " change. Each event has a cursor; `since` resumes without loss as long as the topic keeps"
        " the records, and a gap frame says what it no longer keeps.",
        "servers": [{"$ref": "#/servers/bridge"}],
        "messages": {
            name: {"$ref": f"#/components/messages/{CHANNEL}.{name}"} for name in _messages()
        },
        "bindings": {"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}},
    }


def operations() -> Document:
    """Return the two directions, as AsyncAPI counts: the bridge's side of them."""
    asked = [_tag(request) for request in _REQUESTS]
    sent = [name for name in _messages() if name not in asked]
    return {
        f"{CHANNEL}.{action}": {
            "action": action,
            "summary": summary,
            "channel": {"$ref": f"#/channels/{CHANNEL}"},
            "messages": [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in names],
        }
        for action, summary, names in (
            ("receive", "What a client may ask.", asked),
            ("send", "What the bridge says.", sent),
        )
    }


def components() -> dict[str, Document]:
    """Return messages, schemas and security of the websocket, by name."""
    return {
        "messages": {f"{CHANNEL}.{name}": message for name, message in _messages().items()},
        "schemas": _schemas(),
        "securitySchemes": _SECURITY,
    }


def _messages() -> Document:
    """Return every frame by the value of its `type`."""
    _, health = msgspec.json.schema_components([PlatformHealth])
    found = {_tag(one): (one.__doc__ or "", _reference(one)) for one in _REQUESTS}
    found |= {kind: (text, _frame(kind, fields)) for kind, (text, fields) in ANSWERS.items()}
    for kind, struct in events().items():
        fields = {"cursor": _CURSOR, "at": _TIME, "data": _reference(struct)}
        found[kind] = (_meaning(struct), _frame(kind, fields))
    fields = _draft_7(health["PlatformHealth"])["properties"]
    found["health"] = (PlatformHealth.__doc__ or "", _frame("health", fields))
    return {
        kind: {
            "name": kind,
            "title": kind,
            "contentType": "application/json",
            "summary": " ".join(text.split()),
            "payload": payload,
        }
        for kind, (text, payload) in found.items()
    }


def _schemas() -> Document:
    """Return what the messages refer to: the events' fields with the docs of the Avro schemas."""
    _, found = msgspec.json.schema_components(
        [*_REQUESTS, *events().values()], ref_template="#/components/schemas/json.{name}"
    )
    for name, one in found.items():
        for field, text in field_docs().get(name, {}).items():
            one["properties"][field] = {"description": text, **one["properties"][field]}
    return {f"json.{name}": _draft_7(one) for name, one in found.items()}


def _tag(request: type[msgspec.Struct]) -> str:
    return str(request.__struct_config__.tag)


def _reference(struct: type[msgspec.Struct]) -> Document:
    return {"$ref": f"#/components/schemas/json.{struct.__name__}"}


def _meaning(struct: type[msgspec.Struct]) -> str:
    docs = [schema(name).avro["doc"] for name, one in STRUCTS.items() if one is struct]
    return str(docs[0]) if docs else struct.__doc__ or ""


def _frame(kind: str, fields: Document) -> Document:
    required = [name for name in fields if (kind, name) not in _OPTIONAL]
    return {
        "type": "object",
        "properties": {"type": {"const": kind}, **fields},
        "required": ["type", *required],
        "additionalProperties": False,
    }


def _draft_7(value: Any) -> Any:
    """Return a schema in draft 7, on which AsyncAPI builds: lists of fixed length differ."""
    if isinstance(value, list | tuple):
        return [_draft_7(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _draft_7(one) for name, one in value.items()}
    if "prefixItems" in made:
        made["items"] = made.pop("prefixItems")
        made["additionalItems"] = False
    return made
