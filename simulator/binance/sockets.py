"""Binance's websocket: clients subscribe and unsubscribe, at most five messages a second."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from simulator.exchange.hub import Connection, Hub
from simulator.exchange.venue import VENUE

_PING_S = 20.0
_MESSAGES_A_SECOND = 5


async def websocket(request: web.Request) -> web.StreamResponse:
    """Serve one client; a stream may be named by the path: /ws/btcusdt@ticker."""
    venue = request.app[VENUE]
    hub = venue.hub
    if hub.refuses(request.path):
        return web.Response(status=503)
    socket = web.WebSocketResponse(heartbeat=_PING_S, compress=False)
    await socket.prepare(request)
    await venue.ready()
    connection = Connection(socket, request.path)
    hub.join(connection)
    sender = asyncio.create_task(connection.send())
    try:
        if "@" in request.path:
            hub.subscribe(connection, request.path.rpartition("/")[2])
        await _listen(socket, connection, hub, request)
    finally:
        hub.leave(connection)
        sender.cancel()
    return socket


async def _listen(
    socket: web.WebSocketResponse, connection: Connection, hub: Hub, request: web.Request
) -> None:
    recent: deque[float] = deque(maxlen=_MESSAGES_A_SECOND)
    loop = asyncio.get_running_loop()
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        if len(recent) == _MESSAGES_A_SECOND and loop.time() - recent[0] < 1.0:
            venue = request.app[VENUE]
            text = f"{venue.name}: more than {_MESSAGES_A_SECOND} websocket messages in a second"
            venue.faults.requests.violation(venue.name, text)
            await connection.close(WSCloseCode.POLICY_VIOLATION, "Too many requests")
            return
        recent.append(loop.time())
        _obey(message.data, connection, hub)


def _obey(text: str, connection: Connection, hub: Hub) -> None:
    """Do what a message asks for and answer it."""
    try:
        asked: Any = orjson.loads(text)
        method, number = asked["method"], asked.get("id")
    except (orjson.JSONDecodeError, TypeError, KeyError):
        _answer(connection, {"error": {"code": 3, "msg": "Invalid JSON"}, "id": None})
        return
    names = asked.get("params", [])
    unknown = [name for name in names if not hub.has(name)] if method == "SUBSCRIBE" else []
    if unknown or method not in ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"):
        problem = f"unknown stream {unknown[0]}" if unknown else f"unknown method {method}"
        error = {"code": 2, "msg": f"Invalid request: {problem}"}
        _answer(connection, {"error": error, "id": number})
        return
    listed = list(connection.names) if method == "LIST_SUBSCRIPTIONS" else None
    _answer(connection, {"result": listed, "id": number})
    for name in names:
        if method == "SUBSCRIBE":
            hub.subscribe(connection, name)
        elif method == "UNSUBSCRIBE":
            hub.unsubscribe(connection, name)


def _answer(connection: Connection, data: dict[str, Any]) -> None:
    connection.offer([orjson.dumps(data)])
