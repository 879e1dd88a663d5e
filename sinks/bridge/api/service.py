"""The bridge itself: who asks, tickets for the websocket, how everything does."""

from __future__ import annotations

from typing import Literal

from sinks.bridge.api.answers import Me, Status
from sinks.bridge.api.database import fetch
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.auth import Principal, Ticket
from sinks.bridge.problems import ProblemError

routes = Routes("bridge")


@routes("GET", "/me")
async def me(api: Api, principal: Principal) -> Me:
    """Who the token belongs to."""
    return Me(principal.name, principal.role)


@routes("POST", "/tickets", statuses=(201,))
async def ticket(api: Api, principal: Principal) -> Ticket:
    """A ticket for one websocket: /ws?ticket=...

    It works once. `scope` says whether at every bridge or at this one.
    """
    return await api.auth.issue_ticket(principal)


@routes("GET", "/status")
async def status(api: Api) -> Status:
    """How the bridge, its topics and the upstreams do."""
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
