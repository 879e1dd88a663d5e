"""Bybit's public websocket: subscribe, unsubscribe, ping; at most ten topics a request."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from simulator.exchange.hub import Connection, Hub
from simulator.exchange.venue import VENUE

_PING_S = 20.0
_TOPICS_A_REQUEST = 10


async def websocket(request: web.Request) -> web.StreamResponse:
    """Serve one client."""
    venue = request.app[VENUE]
    if venue.hub.refuses(request.path):
        return web.Response(status=503)
    socket = web.WebSocketResponse(heartbeat=_PING_S, compress=False)
    await socket.prepare(request)
    await venue.ready()
    connection = Connection(socket, request.path)
    venue.hub.join(connection)
    sender = asyncio.create_task(connection.send())
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                _obey(message.data, connection, venue.hub)
    finally:
        venue.hub.leave(connection)
        sender.cancel()
    return socket


def _obey(text: str, connection: Connection, hub: Hub) -> None:
    """Do what a message asks for and answer it."""
    try:
        asked: dict[str, Any] = orjson.loads(text)
        operation, topics = asked["op"], list(asked.get("args") or ())
    except (orjson.JSONDecodeError, TypeError, KeyError):
        _answer(connection, {}, "", "error: Invalid JSON", success=False)
        return
    if operation == "ping":
        _answer(connection, asked, operation, "pong")
    elif operation == "unsubscribe":
        for topic in topics:
            hub.unsubscribe(connection, topic)
        _answer(connection, asked, operation, "")
    elif operation == "subscribe":
        _subscribe(connection, hub, asked, topics)
    else:
        _answer(connection, asked, str(operation), f"unknown op {operation}", success=False)


def _subscribe(connection: Connection, hub: Hub, asked: dict[str, Any], topics: list[str]) -> None:
    if len(topics) > _TOPICS_A_REQUEST:
        text = f"args size >{_TOPICS_A_REQUEST}"
        _answer(connection, asked, "subscribe", text, success=False)
        return
    unknown = [topic for topic in topics if not hub.has(topic)]
    if unknown:
        text = f"error:handler not found,topic:{unknown[0]}"
        _answer(connection, asked, "subscribe", text, success=False)
        return
    _answer(connection, asked, "subscribe", "subscribe")
    for topic in topics:
        hub.subscribe(connection, topic)


def _answer(
    connection: Connection,
    asked: dict[str, Any],
    operation: str,
    text: str,
    *,
    success: bool = True,
) -> None:
    said = {
        "success": success,
        "ret_msg": text,
        "conn_id": f"simulated-{id(connection):x}",
        "req_id": asked.get("req_id", ""),
        "op": operation,
    }
    connection.offer([orjson.dumps(said)])
