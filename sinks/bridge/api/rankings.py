"""The top of each strategy, and the explanations of what is in it."""

from __future__ import annotations

from itertools import groupby

import msgspec

from schemas.signals import TopSignals
from sinks.bridge.api import rows
from sinks.bridge.api.answers import Explained, Place, Ranking, copy_fields
from sinks.bridge.api.cursors import page, place
from sinks.bridge.api.database import Where, fetch
from sinks.bridge.api.queries import ExplanationQuery, TopQuery
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.api.signals import remembered_explanation
from sinks.bridge.api.values import Items, Page, TimeMs
from sinks.postgres.values import time, time_or_none

routes = Routes("signals")


class ExplanationPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of explanations ends."""

    cycle: TimeMs
    signal_id: str


@routes("GET", "/top", 503)
async def top(api: Api, query: TopQuery) -> Items[Ranking]:
    """The top of each strategy, with explanations.

    The latest rankings come out of the bridge's memory, those of a cycle are stored.
    """
    if query.cycle is not None:
        return Items(await _stored(api, query))
    found = sorted(api.latest.top.values(), key=lambda one: one.strategy_id)
    return Items(
        tuple(_ranking(api, one) for one in found if query.strategy in (None, one.strategy_id))
    )


def _ranking(api: Api, found: TopSignals) -> Ranking:
    ranked = tuple(
        copy_fields(Place, one, explanation=remembered_explanation(api, one.signal_id))
        for one in found.ranked
    )
    return copy_fields(Ranking, found, ranked=ranked)


async def _stored(api: Api, asked: TopQuery) -> tuple[Ranking, ...]:
    where = Where()
    where.add("e.cycle = {}", time_or_none(asked.cycle))
    where.add("e.strategy_id = {}", asked.strategy)
    statement = (
        f"SELECT {rows.EXPLANATION_COLUMNS}, s.action, s.final_score, s.confidence"  # noqa: S608
        " FROM signal_explanations AS e JOIN strategy_signals AS s USING (signal_id)"
        f" {where.text()} AND e.rank IS NOT NULL ORDER BY e.strategy_id, e.rank"
    )
    found = await fetch(api, statement, *where.values)
    return tuple(
        Ranking(strategy_id=name, cycle=asked.cycle or 0, ranked=tuple(map(rows.place, places)))
        for name, places in groupby(found, key=lambda row: str(row["strategy_id"]))
    )


@routes("GET", "/explanations", 503)
async def explanations(api: Api, query: ExplanationQuery) -> Page[Explained]:
    """Explanations, those of the newest cycle first."""
    after = place(query.cursor, ExplanationPlace, query)
    where = Where()
    where.add("e.asset = {}", query.asset)
    where.add("e.strategy_id = {}", query.strategy)
    where.add("e.cycle = {}", time_or_none(query.cycle))
    where.add("e.status = {}", query.status)
    if after is not None:
        where.add("(e.cycle, e.signal_id) < ({}, {})", time(after.cycle), after.signal_id)
    statement = (
        f"SELECT {rows.EXPLANATION_COLUMNS} FROM signal_explanations AS e"  # noqa: S608
        f" {where.text()} ORDER BY e.cycle DESC, e.signal_id DESC LIMIT {query.limit + 1}"
    )
    found = [
        one for row in await fetch(api, statement, *where.values) if (one := rows.explained(row))
    ]
    return page(found, query, lambda one: ExplanationPlace(one.cycle, one.signal_id))
