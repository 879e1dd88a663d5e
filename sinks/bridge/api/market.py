"""Assets, scores and candles out of the bridge's memory; trending assets and news as stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from schemas.market import Candle, TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import Signal
from sinks.bridge.api import rows
from sinks.bridge.api.answers import Article, Asset, AssetSignal, Bar, Bars
from sinks.bridge.api.cursors import cursor, place
from sinks.bridge.api.database import Where, fetch
from sinks.bridge.api.parts import Api
from sinks.bridge.api.problems import not_found
from sinks.bridge.api.queries import CandleQuery, NewsQuery, ScoreQuery, TrendingQuery
from sinks.bridge.api.route import Call
from sinks.bridge.api.values import Items, Nothing, Page, TimeMs
from sinks.postgres.values import time, time_or_none

E = TypeVar("E", Signal, EngineScore)
_TRENDING = """
    SELECT * FROM trending_assets
    WHERE cycle = coalesce($1, (SELECT max(cycle) FROM trending_assets)) ORDER BY rank, asset
"""


class NewsPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of news ends."""

    event_time: TimeMs
    source: str
    source_id: str
    asset: str


async def assets(api: Api, call: Call[Nothing]) -> Items[Asset]:
    """Return all assets that have a price, a signal or a score."""
    latest = api.latest
    signals, scores = _by_asset(latest.signals.values()), _by_asset(latest.scores.values())
    names = latest.prices.keys() | signals.keys() | scores.keys()
    return Items(
        tuple(
            _asset(api, name, signals.get(name, []), scores.get(name, [])) for name in sorted(names)
        )
    )


async def asset(api: Api, call: Call[Nothing]) -> Asset:
    """Return one asset."""
    name, latest = call.path["asset"], api.latest
    signals = [one for (owner, _), one in latest.signals.items() if owner == name]
    scores = [one for (owner, _), one in latest.scores.items() if owner == name]
    if not signals and not scores and name not in latest.prices:
        msg = f"The bridge knows nothing of {name} now."
        raise not_found(msg)
    return _asset(api, name, signals, scores)


def _by_asset(events: Iterable[E]) -> dict[str, list[E]]:
    found: dict[str, list[E]] = {}
    for event in events:
        found.setdefault(event.asset, []).append(event)
    return found


def _asset(api: Api, name: str, signals: list[Signal], scores: list[EngineScore]) -> Asset:
    return Asset(
        asset=name,
        price=api.latest.prices.get(name),
        signals=tuple(
            AssetSignal(
                signal_id=one.signal_id,
                strategy_id=one.strategy_id,
                as_of=one.as_of,
                action=one.action,  # type: ignore[arg-type]  # the contract says which there are
                final_score=one.final_score,
                confidence=one.confidence,
            )
            for one in sorted(signals, key=lambda one: one.strategy_id)
        ),
        scores=tuple(sorted(scores, key=lambda one: one.engine)),
    )


async def scores(api: Api, call: Call[ScoreQuery]) -> Items[EngineScore]:
    """Return the latest score of each asset and engine."""
    asked = call.query
    found = [
        one
        for one in api.latest.scores.values()
        if asked.asset in (None, one.asset) and asked.engine in (None, one.engine)
    ]
    return Items(tuple(sorted(found, key=lambda one: (one.asset, one.engine))))


async def candles(api: Api, call: Call[CandleQuery]) -> Bars:
    """Return the last candles of an asset; an empty list for one without a market."""
    name, asked = call.path["asset"], call.query
    found = list(api.latest.candles.get((name, asked.timeframe), ()))[-asked.limit :]
    last = found[-1] if found else None
    return Bars(
        asset=name,
        timeframe=asked.timeframe,
        exchange=last.exchange if last else None,
        symbol=last.symbol if last else None,
        bars=tuple(map(_bar, found)),
    )


def _bar(candle: Candle) -> Bar:
    return Bar(
        time=candle.open_time,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        closed=candle.closed,
    )


async def trending(api: Api, call: Call[TrendingQuery]) -> Items[TrendingAsset]:
    """Return what was trending in a cycle, the latest one if none is named."""
    found = await fetch(api, _TRENDING, time_or_none(call.query.cycle))
    return Items(tuple(map(rows.trending, found)))


async def news(api: Api, call: Call[NewsQuery]) -> Page[Article]:
    """Return headlines, the newest first."""
    asked = call.query
    after = place(asked.cursor, NewsPlace, asked)
    where = Where()
    where.add("asset = {}", asked.asset)
    where.add("source = {}", asked.source)
    where.add("event_time >= {}", time_or_none(asked.since))
    where.add("event_time < {}", time_or_none(asked.until))
    if after is not None:
        where.add(
            "(event_time, source, source_id, asset) < ({}, {}, {}, {})",
            time(after.event_time),
            after.source,
            after.source_id,
            after.asset,
        )
    statement = (
        f"SELECT * FROM trending_news {where.text()}"  # noqa: S608 - our own texts
        " ORDER BY event_time DESC, source DESC, source_id DESC, asset DESC"
        f" LIMIT {asked.limit + 1}"
    )
    found = [rows.article(row) for row in await fetch(api, statement, *where.values)]
    items = tuple(found[: asked.limit])
    if len(found) <= asked.limit:
        return Page(items)
    last = items[-1]
    end = NewsPlace(last.event_time, last.source, last.source_id, last.asset)
    return Page(items, cursor(end, asked))
