"""Stand-in of CoinGecko v3: trending, markets, one coin, the list. A key is optional."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from aiohttp import web

from schemas.times import DAY_MS
from simulator.coingecko_detail import detail
from simulator.error_bodies import error_response, json_response
from simulator.faults import Faults
from simulator.keys import keyed
from simulator.listing import Listed, changes, listed, number_or_int, whole
from simulator.price_history import LENGTH_MS
from simulator.world import World
from transport.clock import Clock

_Row: TypeAlias = dict[str, Any]
_TRENDING = 15
_PER_PAGE, _PER_PAGE_MOST = 100, 250
_CHART_DAYS, _HOURLY_DAYS = 365, 90
_LAUNCH_MS = 1_374_969_600_000


def routes(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application to mount at /coingecko; the base URL is /coingecko/api/v3."""
    feed = CoinGecko(world, clock)
    app = web.Application(middlewares=[keyed("coingecko", 401, "10011", optional=True)])
    app.router.add_get("/api/v3/ping", feed.ping)
    app.router.add_get("/api/v3/search/trending", feed.trending)
    app.router.add_get("/api/v3/coins/list", feed.coins_list)
    app.router.add_get("/api/v3/coins/markets", feed.markets)
    app.router.add_get("/api/v3/coins/{id}", feed.coin)
    app.router.add_get("/api/v3/coins/{id}/market_chart", feed.market_chart)
    return app


class CoinGecko:
    """Handlers of the stand-in."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def ping(self, request: web.Request) -> web.Response:
        """Answer that it is there."""
        return json_response({"gecko_says": "(V3) To the Moon!"})

    async def coins_list(self, request: web.Request) -> web.Response:
        """Answer ids, symbols and names of all coins."""
        coins = sorted(listed(self._world, self._clock.now_ms()), key=_id_of)
        rows = [
            {"id": _id_of(coin), "symbol": coin.row.symbol.lower(), "name": coin.row.name}
            for coin in coins
        ]
        return json_response(rows)

    async def trending(self, request: web.Request) -> web.Response:
        """Answer the most watched coins, ranked by `score` from 0."""
        now_ms = self._clock.now_ms()
        coins = listed(self._world, now_ms)
        watched = sorted(
            (coin for coin in coins if coin.tick is not None),
            key=lambda coin: coin.tick.rank if coin.tick is not None else 0,
        )
        bitcoin = next((coin for coin in coins if coin.row.symbol == "BTC"), watched[0])
        items = [
            {"item": _trending(coin, bitcoin, score)}
            for score, coin in enumerate(watched[:_TRENDING])
        ]
        return json_response({"coins": items, "nfts": [_NFT], "categories": [_CATEGORY]})

    async def markets(self, request: web.Request) -> web.Response:
        """Answer a page of market rows, pages from 1; there is no total."""
        query, now_ms = request.query, self._clock.now_ms()
        currency = query.get("vs_currency")
        if currency is None:
            return error_response("coingecko", 422)
        if currency != "usd":
            return error_response("coingecko", 422, "invalid vs_currency")
        coins = [coin for coin in listed(self._world, now_ms) if _chosen(coin, query)]
        if query.get("order") == "volume_desc":
            coins.sort(key=lambda coin: -coin.volume_usd)
        size = max(1, min(whole(query.get("per_page"), _PER_PAGE), _PER_PAGE_MOST))
        page = max(1, whole(query.get("page"), 1))
        windows = [part for part in query.get("price_change_percentage", "").split(",") if part]
        rows = [
            self._market(coin, windows, now_ms) for coin in coins[(page - 1) * size : page * size]
        ]
        return json_response(rows)

    def _market(self, coin: Listed, windows: list[str], now_ms: int) -> _Row:
        row, price, cap = coin.row, coin.price, coin.market_cap
        change = coin.change_24h_pct
        before = price / (1.0 + change / 100.0)
        most = row.max_supply
        extra: _Row = {}
        if windows:
            changed = changes(self._world, coin, now_ms)
            values = {
                "1h": changed.hour,
                "24h": changed.day,
                "7d": changed.week,
                "30d": changed.month,
            }
            extra = {
                f"price_change_percentage_{window}_in_currency": values.get(window)
                for window in windows
            }
        return {
            "id": row.coingecko_id,
            "symbol": row.symbol.lower(),
            "name": row.name,
            "image": f"https://coin-images.coingecko.com/coins/images/{coin.number}/large.png",
            "current_price": None if _obscure(coin) else number_or_int(price),
            "market_cap": round(cap),
            "market_cap_rank": None if _obscure(coin) else coin.rank,
            "fully_diluted_valuation": None if most is None else round(price * most),
            "total_volume": None if _obscure(coin) else round(coin.volume_usd),
            "high_24h": None if coin.tick is None else number_or_int(coin.high_24h),
            "low_24h": None if coin.tick is None else number_or_int(coin.low_24h),
            "price_change_24h": None if _obscure(coin) else round(price - before, 10),
            "price_change_percentage_24h": round(change, 5),
            "market_cap_change_24h": round(cap - before * row.supply, 2),
            "market_cap_change_percentage_24h": round(change, 5),
            "circulating_supply": number_or_int(row.supply),
            "total_supply": number_or_int(most or row.supply),
            "max_supply": None if most is None else number_or_int(most),
            "ath": number_or_int(round(coin.high_24h * 1.9, 10)),
            "ath_change_percentage": round((price / (coin.high_24h * 1.9) - 1.0) * 100.0, 5),
            "ath_date": _iso(now_ms - 200 * DAY_MS),
            "atl": number_or_int(round(coin.low_24h * 0.01, 12)),
            "atl_change_percentage": round((price / (coin.low_24h * 0.01) - 1.0) * 100.0, 5),
            "atl_date": _iso(_LAUNCH_MS),
            "roi": {"times": 41.2, "currency": "btc", "percentage": 4120.7}
            if row.symbol == "ETH"
            else None,
            "last_updated": _iso(now_ms),
        } | extra

    async def coin(self, request: web.Request) -> web.Response:
        """Answer all about a coin, less the parts that the query switches off."""
        now_ms = self._clock.now_ms()
        wanted = request.match_info["id"]
        coins = listed(self._world, now_ms)
        coin = next((coin for coin in coins if _id_of(coin) == wanted), None)
        if coin is None:
            return error_response("coingecko", 404)
        bitcoin = next((one for one in coins if one.row.symbol == "BTC"), coin)
        known = None if coin.tick is None else self._world.fundamentals(coin.row.symbol, now_ms)
        parts = {
            part
            for part in ("localization", "market_data", "community_data", "developer_data")
            if request.query.get(part, "true") == "true"
        }
        changed = changes(self._world, coin, now_ms)
        return json_response(detail(coin, known, changed, bitcoin.price, parts, _iso(now_ms)))

    async def market_chart(self, request: web.Request) -> web.Response:
        """Answer prices, caps and volumes of the last days: a point a day or an hour, and now."""
        query, now_ms = request.query, self._clock.now_ms()
        if query.get("vs_currency") != "usd":
            return error_response("coingecko", 422)
        wanted = request.match_info["id"]
        coins = listed(self._world, now_ms)
        coin = next((coin for coin in coins if _id_of(coin) == wanted), None)
        if coin is None:
            return error_response("coingecko", 404)
        days = min(whole(query.get("days"), 1), _CHART_DAYS)
        daily = query.get("interval") == "daily" or days > _HOURLY_DAYS
        return json_response(self._chart(coin, days, "1d" if daily else "1h", now_ms))

    def _chart(self, coin: Listed, days: int, timeframe: str, now_ms: int) -> _Row:
        points = [(now_ms, coin.price, coin.volume_usd)]
        if coin.tick is not None:
            start_ms = now_ms - days * DAY_MS
            rows = self._world.candles(coin.row.symbol, timeframe, start_ms, 1000, now_ms)
            per_day = 1 if timeframe == "1d" else 24
            points = [
                (row.open_time + LENGTH_MS[timeframe], row.close, row.volume * row.close * per_day)
                for row in rows
                if row.closed
            ] + points
        return {
            "prices": [[at_ms, price] for at_ms, price, _ in points],
            "market_caps": [[at_ms, price * coin.row.supply] for at_ms, price, _ in points],
            "total_volumes": [[at_ms, round(volume, 4)] for at_ms, _, volume in points],
        }


def _id_of(coin: Listed) -> str:
    return coin.row.coingecko_id


def _obscure(coin: Listed) -> bool:
    """Whether a coin is so small that the vendor knows neither its rank nor its price."""
    return coin.market_cap < 1e7


def _chosen(coin: Listed, query: Any) -> bool:
    ids, symbols = query.get("ids"), query.get("symbols")
    return (ids is None or _id_of(coin) in ids.split(",")) and (
        symbols is None or coin.row.symbol.lower() in symbols.lower().split(",")
    )


def _trending(coin: Listed, bitcoin: Listed, score: int) -> _Row:
    row = coin.row
    image = f"https://coin-images.coingecko.com/coins/images/{coin.number}"
    in_btc = coin.price / bitcoin.price
    against_btc = coin.change_24h_pct - bitcoin.change_24h_pct
    return {
        "id": row.coingecko_id,
        "coin_id": coin.number,
        "name": row.name,
        "symbol": row.symbol,
        "market_cap_rank": coin.rank,
        "thumb": f"{image}/standard.png",
        "small": f"{image}/small.png",
        "large": f"{image}/large.png",
        "slug": row.slug,
        "price_btc": in_btc,
        "score": score,
        "data": {
            "price": number_or_int(coin.price),
            "price_btc": f"{in_btc:.20f}",
            "price_change_percentage_24h": {"usd": coin.change_24h_pct, "btc": against_btc},
            "market_cap": f"${coin.market_cap:,.0f}",
            "market_cap_btc": str(coin.market_cap / bitcoin.price),
            "total_volume": f"${coin.volume_usd:,.0f}",
            "total_volume_btc": str(coin.volume_usd / bitcoin.price),
            "sparkline": f"https://www.coingecko.com/coins/{coin.number}/sparkline.svg",
            "content": None
            if score % 3
            else {"title": f"What is {row.name}?", "description": f"About {row.name}."},
        },
    }


_NFT: _Row = {
    "id": "simulated-apes",
    "name": "Simulated Apes",
    "symbol": "SAPE",
    "thumb": "https://coin-images.coingecko.com/nft_contracts/images/1/standard.png",
    "nft_contract_id": 1,
    "native_currency_symbol": "eth",
    "floor_price_in_native_currency": 6.98,
    "floor_price_24h_percentage_change": 8.23,
    "data": {"floor_price": "6.98 ETH", "h24_volume": "6.10 ETH", "content": None},
}
_CATEGORY: _Row = {
    "id": 1,
    "name": "Layer 1 (L1)",
    "market_cap_1h_change": 0.159,
    "slug": "layer-1",
    "coins_count": "573",
    "data": {
        "market_cap": 1_173_165_492_02.1,
        "market_cap_change_percentage_24h": {"usd": 0.147},
    },
}


def _iso(at_ms: int) -> str:
    time = datetime.fromtimestamp(at_ms / 1000.0, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
