"""Strategies: read by everyone, changed by admins, and by traders where they are their own.

What is current is known from the bridge's memory of control.strategies once that was read to its
end, from the database before. A change is published and comes back through the log, which is waited
for: the next one at this bridge sees it. Those of two bridges at the same moment may cross.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from schemas.control import Strategy, effective_weights
from schemas.strategy_changes import beyond, is_same, successor
from schemas.times import ms
from schemas.validation import problem
from sinks.bridge.api.answers import StrategyState, StrategyVersion
from sinks.bridge.api.cursors import page, place
from sinks.bridge.api.database import fetch
from sinks.bridge.api.publishing import publish
from sinks.bridge.api.queries import HistoryQuery, StrategyBody
from sinks.bridge.api.route_decorator import Answer, Api, Routes, etag
from sinks.bridge.api.values import Items, Page, StrategyId, TimeMs
from sinks.bridge.auth import ForbiddenError, Principal, Role
from sinks.bridge.problems import ProblemError, wrong_body
from sinks.postgres.strategies import HISTORY
from sinks.postgres.values import time as at

routes = Routes("strategies")
_STORED = "SELECT definition FROM strategies WHERE deleted_at IS NULL ORDER BY strategy_id"
_strategy = msgspec.json.Decoder(Strategy).decode
_TURN_S = 10.0
_COMES_BACK_S = 2.0
_LOOK_S = 0.01


@routes("GET", "/strategies", 503)
async def every(api: Api, principal: Principal) -> Items[StrategyState]:
    """All strategies."""
    found = await current(api)
    return Items(tuple(_state(found[name], principal) for name in sorted(found)))


@routes("GET", "/strategies/{strategy_id}", 404, 503)
async def one(api: Api, principal: Principal, strategy_id: StrategyId) -> Answer[StrategyState]:
    """One strategy."""
    found = (await current(api)).get(strategy_id)
    if found is None:
        raise ProblemError(404, f"There is no strategy {strategy_id}.")
    return Answer(_state(found, principal), {"ETag": tag(found)})


@routes("PUT", "/strategies/{strategy_id}", 412, 503, role=Role.TRADER, statuses=(200, 201))
async def put(
    api: Api,
    principal: Principal,
    strategy_id: StrategyId,
    body: StrategyBody,
    if_match: str | None,
) -> Answer[StrategyState]:
    """Make or change a strategy.

    An admin changes any, a trader their own. If-Match refuses what was changed since.
    """
    return await _save(api, principal, strategy_id, if_match, lambda before: _written(body, before))


@routes("POST", "/strategies/{strategy_id}/enable", 404, 412, 503, role=Role.TRADER)
async def enable(
    api: Api, principal: Principal, strategy_id: StrategyId, if_match: str | None
) -> Answer[StrategyState]:
    """Let a strategy make signals."""
    return await _switch(api, principal, strategy_id, if_match, active=True)


@routes("POST", "/strategies/{strategy_id}/disable", 404, 412, 503, role=Role.TRADER)
async def disable(
    api: Api, principal: Principal, strategy_id: StrategyId, if_match: str | None
) -> Answer[StrategyState]:
    """Keep a strategy, and let it make no more signals."""
    return await _switch(api, principal, strategy_id, if_match, active=False)


@routes("DELETE", "/strategies/{strategy_id}", 404, 412, 503, role=Role.TRADER, statuses=(204,))
async def delete(
    api: Api, principal: Principal, strategy_id: StrategyId, if_match: str | None
) -> None:
    """Delete a strategy; its signals stay."""
    async with alone(api):
        if await _changeable(api, principal, strategy_id, if_match) is None:
            raise ProblemError(404, f"There is no strategy {strategy_id}.")
        await publish(api.publish_strategy, strategy_id, None)
        await _come_back(api, strategy_id, None)


class VersionPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of versions ends."""

    changed_at: TimeMs
    version: int


@routes("GET", "/strategies/{strategy_id}/history", 404, 503)
async def history(api: Api, strategy_id: StrategyId, query: HistoryQuery) -> Page[StrategyVersion]:
    """Every version of a strategy and its deletions, the newest first."""
    after = place(query.cursor, VersionPlace, query)
    until = (None, None) if after is None else (at(after.changed_at), after.version)
    found = [
        _version(row) for row in await fetch(api, HISTORY, strategy_id, *until, query.limit + 1)
    ]
    if not found and after is None and strategy_id not in await current(api):
        raise ProblemError(404, f"There is no strategy {strategy_id}, and there was none.")
    return page(found, query, lambda one: VersionPlace(one.changed_at, one.version))


def _version(row: Any) -> StrategyVersion:
    definition = row["definition"]
    return StrategyVersion(
        changed_at=ms(row["changed_at"]),
        version=row["version"],
        author=row["author"],
        strategy=None if definition is None else _strategy(definition),
    )


Change = Callable[[Strategy | None], Strategy]
"""Makes of the stored strategy the wanted one."""


async def _save(
    api: Api, principal: Principal, strategy_id: str, if_match: str | None, change: Change
) -> Answer[StrategyState]:
    """Publish a strategy as it is wanted, unless it is so already."""
    async with alone(api):
        stored = await current(api)
        before = await _changeable(api, principal, strategy_id, if_match)
        wanted = msgspec.structs.replace(
            change(before), strategy_id=strategy_id, **_owner(before, principal)
        )
        if wrong := problem(wanted) or beyond(wanted, stored, api.limits):
            msg = f"The strategy cannot be saved: {wrong}."
            raise wrong_body(msg, wrong, StrategyBody)
        after = before
        if before is None or not is_same(wanted, before):
            after = successor(wanted, before, principal.name, api.now_ms())
            await publish(api.publish_strategy, strategy_id, after)
            await _come_back(api, strategy_id, after)
    assert after is not None  # noqa: S101 - it was stored, or it is now
    return Answer(_state(after, principal), {"ETag": tag(after)}, 200 if before else 201)


async def _switch(
    api: Api, principal: Principal, strategy_id: str, if_match: str | None, *, active: bool
) -> Answer[StrategyState]:
    def change(before: Strategy | None) -> Strategy:
        if before is None:
            raise ProblemError(404, f"There is no strategy {strategy_id}.")
        return msgspec.structs.replace(before, active=active)

    return await _save(api, principal, strategy_id, if_match, change)


@asynccontextmanager
async def alone(api: Api) -> AsyncIterator[None]:
    """Let one change be made at a time; 503 when those before it take too long."""
    try:
        async with asyncio.timeout(_TURN_S):
            await api.changing.acquire()
    except TimeoutError:
        msg = "Other changes wait for the broker. Try again."
        raise ProblemError(503, msg, retry_after_s=2) from None
    try:
        yield
    finally:
        api.changing.release()


async def _come_back(api: Api, name: str, wanted: Strategy | None) -> None:
    """Wait until the memory has a change, but not for long: the broker has it anyway."""
    end_s = time.monotonic() + _COMES_BACK_S
    while api.latest.strategies.get(name) != wanted and time.monotonic() < end_s:
        await asyncio.sleep(_LOOK_S)


async def current(api: Api) -> Mapping[str, Strategy]:
    """Return the strategies by id; 503 when nobody can tell."""
    if api.latest.is_whole:
        return api.latest.strategies
    if api.database is None:
        msg = "The bridge has not read the strategies yet."
        raise ProblemError(503, msg, retry_after_s=1)
    found = [_strategy(row["definition"]) for row in await fetch(api, _STORED)]
    return {one.strategy_id: one for one in found}


async def _changeable(
    api: Api, principal: Principal, name: str, if_match: str | None
) -> Strategy | None:
    """Return the strategy as it is, None for a new one; 403 for who may not change it, 412."""
    before = (await current(api)).get(name)
    if before is not None and not may_change(before, principal):
        msg = f"{name} is not a strategy of {principal.name}: an admin may change it."
        raise ForbiddenError(msg)
    if if_match is not None and not _still(before, if_match):
        raise ProblemError(412, f"{name} was changed meanwhile: read it again.")
    return before


def _still(before: Strategy | None, if_match: str) -> bool:
    if before is None:
        return False
    return if_match.strip() == "*" or tag(before) in {one.strip() for one in if_match.split(",")}


def may_change(strategy: Strategy, principal: Principal) -> bool:
    """Return whether somebody may change a strategy."""
    if principal.role is Role.ADMIN:
        return True
    own = strategy.owner == "user" and strategy.user_id == principal.name
    return own and principal.role is Role.TRADER


def _owner(before: Strategy | None, by: Principal) -> dict[str, Any]:
    """Return the fields of who a strategy belongs to: a stored one keeps its owner."""
    if before is not None:
        return {"owner": before.owner, "user_id": before.user_id}
    if by.role is Role.ADMIN:
        return {"owner": "admin", "user_id": None}
    return {"owner": "user", "user_id": by.name}


def _written(body: StrategyBody, before: Strategy | None) -> Strategy:
    """Return the strategy of a body: what a body cannot say stays as it was."""
    given = msgspec.structs.asdict(body)
    if before is not None:
        return msgspec.structs.replace(before, **given)
    return Strategy(strategy_id="", owner="", **given)


def tag(strategy: Strategy) -> str:
    """Return the ETag of a strategy: the same for everyone who asks."""
    return etag(msgspec.json.encode(strategy)).removeprefix("W/")


def _state(strategy: Strategy, principal: Principal) -> StrategyState:
    return StrategyState(
        strategy=strategy,
        mine=may_change(strategy, principal),
        effective_weights=effective_weights(strategy),
    )
