"""Signals: the latest, the history, one with all that belongs to it, the news before it."""

from __future__ import annotations

import msgspec

from schemas.signals import Signal, from_json
from schemas.times import HOUR_MS
from sinks.bridge.api import rows
from sinks.bridge.api.answers import Article, Explained, SignalDetail, copy_fields
from sinks.bridge.api.cursors import page, place
from sinks.bridge.api.database import Where, fetch
from sinks.bridge.api.queries import LatestQuery, SignalNewsQuery, SignalQuery
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.api.values import Items, Page, SignalId, TimeMs
from sinks.bridge.problems import ProblemError
from sinks.postgres.values import time, time_or_none

routes = Routes("signals")
_LENGTH = 32
_TABLES = """
    strategy_signals AS s
    LEFT JOIN signal_explanations AS e USING (signal_id)
"""


class SignalPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of signals ends."""

    as_of: TimeMs
    signal_id: str


@routes("GET", "/signals", 503)
async def history(api: Api, query: SignalQuery) -> Page[Signal]:
    """History of signals, the newest first."""
    after = place(query.cursor, SignalPlace, query)
    where = Where()
    where.add("s.asset = {}", query.asset)
    where.add("s.strategy_id = {}", query.strategy)
    where.add("s.action = {}", query.action)
    where.add("s.trigger = {}", query.trigger)
    where.add("s.confidence >= {}", query.min_confidence)
    where.add("s.cycle = {}", time_or_none(query.cycle))
    where.add("s.request_id = {}", query.request_id)
    where.add("s.as_of >= {}", time_or_none(query.since))
    where.add("s.as_of < {}", time_or_none(query.until))
    if after is not None:
        where.add("(s.as_of, s.signal_id) < ({}, {})", time(after.as_of), after.signal_id)
    statement = (
        f"SELECT s.body FROM {_TABLES} {where.text()}"  # noqa: S608 - our own texts
        f" ORDER BY s.as_of DESC, s.signal_id DESC LIMIT {query.limit + 1}"
    )
    found = [from_json(row["body"]) for row in await fetch(api, statement, *where.values)]
    return page(found, query, lambda one: SignalPlace(one.as_of, one.signal_id))


@routes("GET", "/signals/latest")
async def latest(api: Api, query: LatestQuery) -> Items[Signal]:
    """The latest signal of each asset and strategy.

    Out of the bridge's memory: answered also while the database is away.
    """
    found = [
        signal
        for signal in api.latest.signals.values()
        if query.asset in (None, signal.asset)
        and query.strategy in (None, signal.strategy_id)
        and query.action in (None, signal.action)
        and signal.confidence >= (query.min_confidence or 0.0)
    ]
    return Items(tuple(sorted(found, key=lambda one: (one.asset, one.strategy_id))))


@routes("GET", "/signals/{signal_id}", 404, 409, 503)
async def one(api: Api, signal_id: SignalId) -> SignalDetail:
    """One signal with its contributions, its inputs and its explanation."""
    return await find(api, signal_id)


async def find(api: Api, digits: str) -> SignalDetail:
    """Return a signal by its id or its first digits.

    404 when there is none, 409 when there are several, 503 when it may be in the database that is
    away.
    """
    known = _remembered(api, digits)
    try:
        stored = await _stored(api, digits) if api.database is not None else []
    except ProblemError:
        if len(known) != 1 or len(digits) < _LENGTH:  # others may be in the database
            raise
        return known[0]
    ids = [one.signal.signal_id for one in stored]
    found = stored + [one for one in known if one.signal.signal_id not in ids]
    if not found:
        raise ProblemError(404, f"There is no signal {digits}.")
    if len(found) > 1:
        matches = sorted(one.signal.signal_id for one in found)
        detail = f"{digits} is the beginning of several signals: send more digits."
        raise ProblemError(409, detail, matches=matches)
    return found[0]


async def _stored(api: Api, digits: str) -> list[SignalDetail]:
    where = Where()
    where.add("s.signal_id >= {} AND s.signal_id <= {}", digits, digits.ljust(_LENGTH, "f"))
    statement = (
        f"SELECT s.body, {rows.EXPLANATION_COLUMNS}"  # noqa: S608 - our own texts
        f" FROM {_TABLES} {where.text()} ORDER BY s.signal_id LIMIT 10"
    )
    return [rows.detail(row) for row in await fetch(api, statement, *where.values)]


def _remembered(api: Api, digits: str) -> list[SignalDetail]:
    return [
        SignalDetail(signal, explanation=remembered_explanation(api, signal.signal_id))
        for signal in api.latest.signals.values()
        if signal.signal_id.startswith(digits)
    ]


def remembered_explanation(api: Api, signal_id: str) -> Explained | None:
    """Return the explanation of a signal of the recent cycles, or None."""
    found = api.latest.explanations.get(signal_id)
    return None if found is None else copy_fields(Explained, found)


@routes("GET", "/signals/{signal_id}/news", 404, 409, 503)
async def news(api: Api, signal_id: SignalId, query: SignalNewsQuery) -> Items[Article]:
    """What the news had said of the asset when the signal was made, the newest first."""
    signal = (await find(api, signal_id)).signal
    statement = """
        SELECT * FROM trending_news
        WHERE asset = $1 AND event_time >= $2 AND event_time <= $3 AND observed_at <= $3
        ORDER BY event_time DESC, source, source_id LIMIT $4
    """
    since = time(max(signal.as_of - query.hours * HOUR_MS, 0))
    values = (signal.asset, since, time(signal.as_of), query.limit)
    return Items(tuple(rows.article(row) for row in await fetch(api, statement, *values)))
