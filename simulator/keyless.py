"""Stand-ins of what needs no key: Bybit's announcements, Coin Metrics, the fear and greed index.

What the world does not know is not there: of a recorded one no announcements and no chains.
"""

from __future__ import annotations

import math
import zlib
from datetime import UTC, datetime
from typing import Any, TypeAlias

from aiohttp import web

from schemas.market import CalendarEvent
from schemas.times import DAY_MS, HOUR_MS
from simulator.error_bodies import error_response, json_response
from simulator.faults import Faults
from simulator.listing import whole
from simulator.world import World
from transport.clock import Clock

_Row: TypeAlias = dict[str, Any]
_ARTICLES = "https://announcements.bybit.com/en-US/article"
_METRICS = {
    "TxCnt": "transactions_24h",
    "AdrActCnt": "active_addresses_24h",
    "HashRate": "hash_rate",
}
_TERAHASH = 1e12
_COMPLETE_MS = 3 * HOUR_MS  # after the end of a day
_LABELS = ((25, "Extreme Fear"), (46, "Fear"), (55, "Neutral"), (76, "Greed"))
_MOOD_DAYS = 7


def is_covered(asset: str) -> bool:
    """Whether exchange and chain data have an asset: five of six, and always the largest."""
    return asset in ("BTC", "ETH") or zlib.crc32(asset.encode()) % 6 != 0


def announcements(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return Bybit's announcements and spot markets, to mount at /announcements."""

    async def index(request: web.Request) -> web.Response:
        kind, now_ms = request.query.get("type", ""), clock.now_ms()
        of = {"delistings": "delisting", "new_crypto": "listing"}
        rows = [
            _article(event, kind)
            for event in world.calendar(now_ms)
            if event.category == of.get(kind) and not event.cancelled and is_covered(event.asset)
        ]
        rows += [_contract(world, kind, now_ms), _campaign(kind, now_ms)]
        rows.sort(key=lambda row: -row["dateTimestamp"])
        limit = max(1, whole(request.query.get("limit"), 20))
        first = (max(1, whole(request.query.get("page"), 1)) - 1) * limit
        return _answer({"total": len(rows), "list": rows[first : first + limit]})

    async def markets(request: web.Request) -> web.Response:
        rows = [
            {"symbol": f"{row.symbol}USDT", "baseCoin": row.symbol, "status": "Trading"}
            for row in world.assets()
            if is_covered(row.symbol)
        ]
        return _answer({"category": "spot", "list": rows, "nextPageCursor": ""})

    def _answer(result: _Row) -> web.Response:
        said = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}}
        return json_response({**said, "time": clock.now_ms()})

    app = web.Application()
    app.router.add_get("/v5/announcements/index", index)
    app.router.add_get("/v5/market/instruments-info", markets)
    return app


def _article(event: CalendarEvent, kind: str) -> _Row:
    at = datetime.fromtimestamp(event.starts_at / 1000.0, UTC)
    when = f"{at:%b} {at.day}, {at.year}, {at.hour % 12 or 12}:{at.minute:02d}{at:%p} UTC"
    title = f"Delisting of {event.asset}"
    said = f"Bybit will delist {event.asset} on {when}. Deposits end before that."
    if kind == "new_crypto":
        title = (
            f"New Listing: {event.asset} ({event.asset}) \u2014 Deposit and trade to share a prize"
        )
        said = f"{event.asset} will be listed on our spot trading platform on {when}!"
    return _row(
        kind, title, said, event.published_at or event.event_time, ["Spot", "Spot Listings"]
    )


def _contract(world: World, kind: str, now_ms: int) -> _Row:
    """Return an old announcement about a contract, whose date is past."""
    asset = world.assets()[-1].symbol
    verb = "Delisting of" if kind == "delistings" else "New listing:"
    at_ms = now_ms // DAY_MS * DAY_MS - 20 * DAY_MS
    at = datetime.fromtimestamp((at_ms + 2 * DAY_MS) / 1000.0, UTC)
    said = f"At {at:%b} {at.day}, {at.year}, 9AM UTC."
    return _row(kind, f"{verb} {asset}USDT Perpetual Contract", said, at_ms, ["Derivatives"])


def _campaign(kind: str, now_ms: int) -> _Row:
    """Return what is filed among the listings, and is none."""
    if kind != "new_crypto":
        kind = "latest_activities"
    title = "Token Splash: grab a share of the prize pool"
    return _row(kind, title, "Ends soon.", now_ms // DAY_MS * DAY_MS, ["Spot"])


def _row(kind: str, title: str, said: str, at_ms: int, tags: list[str]) -> _Row:
    number = zlib.crc32(f"{kind}:{title}:{at_ms}".encode())
    return {
        "title": title,
        "description": said,
        "type": {"title": kind.replace("_", " ").title(), "key": kind},
        "tags": tags,
        "url": f"{_ARTICLES}/a-title-blt{number:016x}/",
        "dateTimestamp": at_ms,
        "startDateTimestamp": at_ms,
        "endDateTimestamp": at_ms,
        "publishTime": at_ms + 60_000,
    }


def coinmetrics(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return Coin Metrics' daily metrics, to mount at /coinmetrics; the base URL is .../v4."""
    days: dict[tuple[str, int], _Row] = {}

    async def metrics(request: web.Request) -> web.Response:
        query, now_ms = request.query, clock.now_ms()
        if query.get("frequency", "1d") != "1d" or not query.get("assets"):
            return error_response("coinmetrics", 400)
        names = [name for name in query["assets"].split(",") if name]
        known = {row.symbol.lower() for row in world.assets() if is_covered(row.symbol)}
        if query.get("ignore_unsupported_errors") != "true" and not known.issuperset(names):
            return error_response("coinmetrics", 400)
        wanted = [name for name in query.get("metrics", "").split(",") if name in _METRICS]
        since = query.get("start_time", "")
        rows = [row for name in names if name in known for row in _days(name.upper(), now_ms)]
        rows = [
            {key: value for key, value in row.items() if key in ("asset", "time", *wanted)}
            for row in rows
            if row["time"] >= since
        ]
        return json_response({"data": rows[: whole(query.get("page_size"), 100)]})

    def _days(asset: str, now_ms: int) -> list[_Row]:
        """Return the days that are complete; the numbers of a day never change again."""
        last = (now_ms - _COMPLETE_MS) // DAY_MS - 1
        fundamentals = world.fundamentals(asset, now_ms)
        if fundamentals is None or fundamentals.transactions_24h is None:
            return []
        for day in range(last - 6, last + 1):
            if (asset, day) not in days:
                days[asset, day] = _day(asset, day, fundamentals)
        return [days[asset, day] for day in range(last - 6, last + 1)]

    app = web.Application()
    app.router.add_get("/v4/timeseries/asset-metrics", metrics)
    return app


def _day(asset: str, day: int, fundamentals: Any) -> _Row:
    at = datetime.fromtimestamp(day * 86_400.0, UTC)
    row = {"asset": asset.lower(), "time": f"{at:%Y-%m-%d}T00:00:00.000000000Z"}
    swing = 1.0 + 0.08 * math.sin(zlib.crc32(f"{asset}:{day}".encode()))
    for metric, name in _METRICS.items():
        value = getattr(fundamentals, name)
        if metric == "HashRate":
            if value is not None:
                row[metric] = str(value * swing / _TERAHASH)
        elif value is not None:
            row[metric] = str(round(value * swing))
    return row


def feargreed(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the fear and greed index, to mount at /feargreed: what prices did in seven days."""

    async def index(request: web.Request) -> web.Response:
        now_ms = clock.now_ms()
        count = whole(request.query.get("limit"), 1)
        today = now_ms // DAY_MS
        rows = [_mood(today - ago) for ago in range(max(1, min(count, 30)))]
        rows[0]["time_until_update"] = str(((today + 1) * DAY_MS - now_ms) // 1000)
        name = "Fear and Greed Index"
        return json_response({"name": name, "data": rows, "metadata": {"error": None}})

    def _mood(day: int) -> _Row:
        returns = []
        for row in world.assets():
            start_ms = (day - _MOOD_DAYS) * DAY_MS
            bars = world.candles(row.symbol, "1d", start_ms, _MOOD_DAYS, clock.now_ms())
            if bars:
                returns.append(math.log(bars[-1].close / bars[0].open))
        mean = sum(returns) / len(returns) if returns else 0.0
        value = round(50.0 + 45.0 * math.tanh(mean / 0.15))
        label = next((name for below, name in _LABELS if value < below), "Extreme Greed")
        at = str(day * 86_400)
        return {"value": str(value), "value_classification": label, "timestamp": at}

    app = web.Application()
    app.router.add_get("/fng/", index)
    return app
