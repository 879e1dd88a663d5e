"""The top of each strategy, and the explanations of what is in it."""

from __future__ import annotations

from itertools import groupby

import msgspec

from schemas.signals import TopSignals
from sinks.bridge.api import rows
from sinks.bridge.api.answers import Explained, Place, Ranking
from sinks.bridge.api.cursors import cursor, place
from sinks.bridge.api.database import Where, fetch
from sinks.bridge.api.parts import Api
from sinks.bridge.api.queries import ExplanationQuery, TopQuery
from sinks.bridge.api.route import Call
from sinks.bridge.api.signals import remembered_explanation
from sinks.bridge.api.values import Items, Page, TimeMs
from sinks.postgres.values import time, time_or_none


class ExplanationPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of explanations ends."""

    cycle: TimeMs
    signal_id: str


async def top(api: Api, call: Call[TopQuery]) -> Items[Ranking]:
    """Return the rankings: the latest out of the bridge's memory, those of a cycle stored ones."""
    asked = call.query
    if asked.cycle is not None:
        return Items(await _stored(api, asked))
    found = sorted(api.latest.top.values(), key=lambda one: one.strategy_id)
    return Items(
        tuple(_ranking(api, one) for one in found if asked.strategy in (None, one.strategy_id))
    )


def _ranking(api: Api, found: TopSignals) -> Ranking:
    return Ranking(
        strategy_id=found.strategy_id,
        cycle=found.cycle,
        complete=found.complete,
        received=found.received,
        expected=found.expected,
        ranked=tuple(
            Place(
                rank=one.rank,
                signal_id=one.signal_id,
                asset=one.asset,
                action=one.action,  # type: ignore[arg-type]  # the contract says which there are
                final_score=one.final_score,
                confidence=one.confidence,
                explanation=remembered_explanation(api, one.signal_id),
            )
            for one in found.ranked
        ),
    )


async def _stored(api: Api, asked: TopQuery) -> tuple[Ranking, ...]:
    where = Where()
    where.add("e.cycle = {}", time_or_none(asked.cycle))
    where.add("e.strategy_id = {}", asked.strategy)
    statement = (
        f"SELECT {rows.EXPLANATION_COLUMNS}, s.action, s.final_score, s.confidence"  # noqa: S608
        " FROM signal_explanations AS e JOIN strategy_signals AS s USING (signal_id)"
        f" {where.text()} ORDER BY e.strategy_id, e.rank"
    )
    found = await fetch(api, statement, *where.values)
    return tuple(
        Ranking(strategy_id=name, cycle=asked.cycle or 0, ranked=tuple(map(rows.place, places)))
        for name, places in groupby(found, key=lambda row: str(row["e_strategy_id"]))
    )


async def explanations(api: Api, call: Call[ExplanationQuery]) -> Page[Explained]:
    """Return explanations, those of the newest cycle first."""
    asked = call.query
    after = place(asked.cursor, ExplanationPlace, asked)
    where = Where()
    where.add("e.asset = {}", asked.asset)
    where.add("e.strategy_id = {}", asked.strategy)
    where.add("e.cycle = {}", time_or_none(asked.cycle))
    where.add("e.status = {}", asked.status)
    if after is not None:
        where.add("(e.cycle, e.signal_id) < ({}, {})", time(after.cycle), after.signal_id)
    statement = (
        f"SELECT {rows.EXPLANATION_COLUMNS} FROM signal_explanations AS e"  # noqa: S608
        f" {where.text()} ORDER BY e.cycle DESC, e.signal_id DESC LIMIT {asked.limit + 1}"
    )
    found = [
        one for row in await fetch(api, statement, *where.values) if (one := rows.explained(row))
    ]
    items = tuple(found[: asked.limit])
    more = len(found) > asked.limit
    end = cursor(ExplanationPlace(items[-1].cycle, items[-1].signal_id), asked) if more else None
    return Page(items, end)
