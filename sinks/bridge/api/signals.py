"""Signals: the latest, the history, one with all that belongs to it, the news before it."""

from __future__ import annotations

import msgspec

from schemas.signals import Signal, from_json
from schemas.times import HOUR_MS
from sinks.bridge.api import rows
from sinks.bridge.api.answers import Article, Explained, SignalDetail
from sinks.bridge.api.cursors import cursor, place
from sinks.bridge.api.database import Where, fetch
from sinks.bridge.api.parts import Api
from sinks.bridge.api.problems import ProblemError, not_found
from sinks.bridge.api.queries import LatestQuery, SignalNewsQuery, SignalQuery
from sinks.bridge.api.route import Call
from sinks.bridge.api.values import Items, Nothing, Page, TimeMs
from sinks.postgres.values import time, time_or_none

_LENGTH = 32
_TABLES = """
    strategy_signals AS s
    LEFT JOIN signal_explanations AS e USING (signal_id)
"""


class SignalPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of signals ends."""

    as_of: TimeMs
    signal_id: str


async def latest(api: Api, call: Call[LatestQuery]) -> Items[Signal]:
    """Return the latest signal of each asset and strategy, out of the bridge's memory."""
    asked = call.query
    found = [signal for signal in api.latest.signals.values() if _wanted(signal, asked)]
    return Items(tuple(sorted(found, key=lambda one: (one.asset, one.strategy_id))))


def _wanted(signal: Signal, asked: LatestQuery) -> bool:
    return (
        asked.asset in (None, signal.asset)
        and asked.strategy in (None, signal.strategy_id)
        and asked.action in (None, signal.action)
        and signal.confidence >= (asked.min_confidence or 0.0)
    )


async def history(api: Api, call: Call[SignalQuery]) -> Page[Signal]:
    """Return signals, the newest first."""
    asked = call.query
    after = place(asked.cursor, SignalPlace, asked)
    where = Where()
    where.add("s.asset = {}", asked.asset)
    where.add("s.strategy_id = {}", asked.strategy)
    where.add("s.action = {}", asked.action)
    where.add("s.trigger = {}", asked.trigger)
    where.add("s.confidence >= {}", asked.min_confidence)
    where.add("s.cycle = {}", time_or_none(asked.cycle))
    where.add("s.request_id = {}", asked.request_id)
    where.add("s.as_of >= {}", time_or_none(asked.since))
    where.add("s.as_of < {}", time_or_none(asked.until))
    if after is not None:
        where.add("(s.as_of, s.signal_id) < ({}, {})", time(after.as_of), after.signal_id)
    statement = (
        f"SELECT s.body FROM {_TABLES} {where.text()}"  # noqa: S608 - our own texts
        f" ORDER BY s.as_of DESC, s.signal_id DESC LIMIT {asked.limit + 1}"
    )
    found = [from_json(row["body"]) for row in await fetch(api, statement, *where.values)]
    items = tuple(found[: asked.limit])
    more = len(found) > asked.limit
    end = cursor(SignalPlace(items[-1].as_of, items[-1].signal_id), asked) if more else None
    return Page(items, end)


async def one(api: Api, call: Call[Nothing]) -> SignalDetail:
    """Return a signal by its id or its first digits; of the database, else of the memory."""
    return await find(api, call.path["signal_id"])


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
        msg = f"There is no signal {digits}."
        raise not_found(msg)
    if len(found) > 1:
        matches = sorted(one.signal.signal_id for one in found)
        msg = f"{digits} is the beginning of several signals: send more digits."
        raise ProblemError(409, msg, matches=matches)
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
    if found is None:
        return None
    return Explained(
        signal_id=found.signal_id,
        strategy_id=found.strategy_id,
        asset=found.asset,
        cycle=found.cycle,
        status=found.status,  # type: ignore[arg-type]  # the contract says which there are
        text=found.text,
        model=found.model,
        reason=found.reason,
        prompt_tokens=found.prompt_tokens,
        completion_tokens=found.completion_tokens,
        cost_usd=found.cost_usd,
        explained_at=found.explained_at,
    )


async def news(api: Api, call: Call[SignalNewsQuery]) -> Items[Article]:
    """Return what was known about the asset when the signal was made, the newest first."""
    signal = (await find(api, call.path["signal_id"])).signal
    statement = """
        SELECT * FROM trending_news
        WHERE asset = $1 AND event_time >= $2 AND event_time <= $3 AND observed_at <= $3
        ORDER BY event_time DESC, source, source_id LIMIT $4
    """
    since = time(max(signal.as_of - call.query.hours * HOUR_MS, 0))
    values = (signal.asset, since, time(signal.as_of), call.query.limit)
    return Items(tuple(rows.article(row) for row in await fetch(api, statement, *values)))
