"""The bridge itself: who asks, tickets for the websocket, how everything does."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from sinks.bridge.api.answers import HealthAnswer, Me, Status
from sinks.bridge.api.database import fetch
from sinks.bridge.api.parts import Api
from sinks.bridge.api.problems import ProblemError
from sinks.bridge.api.route import Answer, Call
from sinks.bridge.api.serving import respond
from sinks.bridge.api.values import Nothing


async def health(request: web.Request) -> web.StreamResponse:
    """Say that the bridge answers; the one endpoint without a token."""
    answer = Answer(HealthAnswer(), headers={"Cache-Control": "no-store"})
    return respond(request, answer, compress=False)


async def me(api: Api, call: Call[Nothing]) -> Me:
    """Return who the token belongs to."""
    return Me(call.principal.name, call.principal.role)


async def ticket(api: Api, call: Call[Nothing]) -> Answer:
    """Return a ticket for one websocket."""
    return Answer(await api.auth.issue_ticket(call.principal), status=201)


async def status(api: Api, call: Call[Nothing]) -> Status:
    """Return how the bridge and what it reads do."""
    topics = api.latest.topics
    sources = api.latest.sources
    return Status(
        at=api.now_ms(),
        database=await _database(api),
        tickets=api.auth.ticket_scope,
        publishes=api.publish_strategy is not None,
        topics=tuple(topics[name] for name in sorted(topics)),
        sources=tuple(sources[name] for name in sorted(sources)),
    )


async def _database(api: Api) -> Literal["ok", "away", "none"]:
    if api.database is None:
        return "none"
    try:
        await fetch(api, "SELECT 1")
    except ProblemError:
        return "away"
    return "ok"
