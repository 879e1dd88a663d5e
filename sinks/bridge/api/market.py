"""Assets, scores and candles out of the bridge's memory; trending assets and news as stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import Signal
from sinks.bridge.api import rows
from sinks.bridge.api.answers import Article, Asset, AssetSignal, Bar, Bars, copy_fields
from sinks.bridge.api.cursors import page, place
from sinks.bridge.api.database import Where, fetch
from sinks.bridge.api.queries import CandleQuery, NewsQuery, ScoreQuery, TrendingQuery
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.api.values import AssetName, Items, Page, TimeMs
from sinks.bridge.problems import ProblemError
from sinks.postgres.values import time, time_or_none

routes = Routes("market")
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


@routes("GET", "/assets")
async def assets(api: Api) -> Items[Asset]:
    """All assets with price, latest signals and scores."""
    latest = api.latest
    signals, scores = _by_asset(latest.signals.values()), _by_asset(latest.scores.values())
    names = latest.prices.keys() | signals.keys() | scores.keys()
    return Items(
        tuple(
            _asset(api, name, signals.get(name, []), scores.get(name, [])) for name in sorted(names)
        )
    )


@routes("GET", "/assets/{asset}", 404)
async def one(api: Api, asset: AssetName) -> Asset:
    """One asset with price, latest signals and scores."""
    latest = api.latest
    signals = [one for (owner, _), one in latest.signals.items() if owner == asset]
    scores = [one for (owner, _), one in latest.scores.items() if owner == asset]
    if not signals and not scores and asset not in latest.prices:
        raise ProblemError(404, f"The bridge knows nothing of {asset} now.")
    return _asset(api, asset, signals, scores)


def _by_asset(events: Iterable[E]) -> dict[str, list[E]]:
    found: dict[str, list[E]] = {}
    for event in events:
        found.setdefault(event.asset, []).append(event)
    return found


def _asset(api: Api, name: str, signals: list[Signal], scores: list[EngineScore]) -> Asset:
    signals = sorted(signals, key=lambda one: one.strategy_id)
    return Asset(
        asset=name,
        price=api.latest.prices.get(name),
        signals=tuple(copy_fields(AssetSignal, one) for one in signals),
        scores=tuple(sorted(scores, key=lambda one: one.engine)),
    )


@routes("GET", "/assets/{asset}/candles")
async def candles(api: Api, asset: AssetName, query: CandleQuery) -> Bars:
    """The last candles of an asset, the oldest first."""
    found = list(api.latest.candles.get((asset, query.timeframe), ()))[-query.limit :]
    last = found[-1] if found else None
    return Bars(
        asset=asset,
        timeframe=query.timeframe,
        exchange=last.exchange if last else None,
        symbol=last.symbol if last else None,
        bars=tuple(copy_fields(Bar, candle, time=candle.open_time) for candle in found),
    )


@routes("GET", "/scores")
async def scores(api: Api, query: ScoreQuery) -> Items[EngineScore]:
    """The latest score of each asset and engine."""
    found = [
        one
        for one in api.latest.scores.values()
        if query.asset in (None, one.asset) and query.engine in (None, one.engine)
    ]
    return Items(tuple(sorted(found, key=lambda one: (one.asset, one.engine))))


@routes("GET", "/trending", 503)
async def trending(api: Api, query: TrendingQuery) -> Items[TrendingAsset]:
    """What was trending in a cycle, by rank."""
    found = await fetch(api, _TRENDING, time_or_none(query.cycle))
    return Items(tuple(map(rows.trending, found)))


@routes("GET", "/news", 503)
async def news(api: Api, query: NewsQuery) -> Page[Article]:
    """Headlines, the newest first."""
    after = place(query.cursor, NewsPlace, query)
    where = Where()
    where.add("asset = {}", query.asset)
    where.add("source = {}", query.source)
    where.add("event_time >= {}", time_or_none(query.since))
    where.add("event_time < {}", time_or_none(query.until))
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
        f" LIMIT {query.limit + 1}"
    )
    found = [rows.article(row) for row in await fetch(api, statement, *where.values)]
    return page(found, query, lambda one: copy_fields(NewsPlace, one))
