"""Stand-in of LunarCrush v4: coin lists, one coin, a topic's summary and its news."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from aiohttp import web

from schemas.market import NewsArticle
from schemas.times import DAY_MS
from simulator.error_bodies import error_response, json_response
from simulator.faults import Faults
from simulator.keys import keyed
from simulator.listing import Listed, changes, listed, number_or_int, whole
from simulator.world import World
from transport.clock import Clock

_Row: TypeAlias = dict[str, Any]
_NEWS_MS = DAY_MS
_NEWS_MOST = 100
_LIST_DEFAULT, _LIST_MOST = 10, 1000
_QUIET = 25  # one coin of so many has no social numbers
_FELT = {"positive": 3.6, "neutral": 3.0, "negative": 2.3}  # post_sentiment, 1 to 5
_SHARES = {  # of the posts, and of the interactions
    "tweet": (0.82, 0.62),
    "news": (0.004, 0.01),
    "reddit-post": (0.07, 0.03),
    "tiktok-video": (0.046, 0.18),
    "youtube-video": (0.06, 0.16),
}


def routes(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application to mount at /lunarcrush; the base URL is /lunarcrush/api4/public."""
    feed = LunarCrush(world, clock)
    app = web.Application(middlewares=[keyed("lunarcrush", 401)])
    base = "/api4/public"
    app.router.add_get(f"{base}/coins/list/v1", feed.coins_list)
    app.router.add_get(f"{base}/coins/list/v2", feed.coins_list)
    app.router.add_get(f"{base}/coins/{{coin}}/v1", feed.coin)
    app.router.add_get(f"{base}/topic/{{topic}}/v1", feed.topic)
    app.router.add_get(f"{base}/topic/{{topic}}/news/v1", feed.topic_news)
    return app


class _Totals(NamedTuple):
    """Of a whole list: coins, their market caps, Bitcoin's price, all interactions."""

    coins: int
    caps_usd: float
    bitcoin_usd: float
    talk: float


class LunarCrush:
    """Handlers of the stand-in."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def coins_list(self, request: web.Request) -> web.Response:
        """Answer a page of the list; any value of `desc` means descending, pages start at 0."""
        query, now_ms = request.query, self._clock.now_ms()
        coins = listed(self._world, now_ms)
        totals = _totals(coins)
        rows = [self._row(coin, totals, now_ms) for coin in coins]
        wanted = {name for name in query.get("filter", "").split(",") if name}
        if wanted:
            rows = [row for row in rows if wanted & set(row["categories"].split(","))]
        sort, descending = query.get("sort", "market_cap_rank"), "desc" in query
        _sort(rows, sort, descending=descending)
        limit = min(whole(query.get("limit"), _LIST_DEFAULT), _LIST_MOST)
        page = whole(query.get("page"), 0)
        config = {
            "sort": sort,
            "desc": descending,
            "limit": limit,
            "page": page,
            "total_rows": len(rows),
            "generated": now_ms // 1000,
        }
        return json_response({"config": config, "data": rows[page * limit : (page + 1) * limit]})

    def _row(self, coin: Listed, totals: _Totals, now_ms: int) -> _Row:
        changed, row = changes(self._world, coin, now_ms), coin.row
        tick = None if coin.number % _QUIET == 0 else coin.tick
        dominance = 100.0 * coin.market_cap / totals.caps_usd
        return {
            "id": coin.number,
            "symbol": row.symbol,
            "name": row.name,
            "price": number_or_int(coin.price),
            "price_btc": number_or_int(coin.price / totals.bitcoin_usd),
            "volume_24h": coin.volume_usd,
            "volatility": round((coin.high_24h - coin.low_24h) / coin.price / 4.0, 4),
            "circulating_supply": number_or_int(row.supply),
            "max_supply": None if row.max_supply is None else number_or_int(row.max_supply),
            "percent_change_1h": changed.hour,
            "percent_change_24h": changed.day,
            "percent_change_7d": changed.week,
            "market_cap": round(coin.market_cap, 2),
            "market_cap_rank": coin.rank,
            "interactions_24h": _whole(tick.interactions if tick else None),
            "social_volume_24h": _whole(tick.social_volume if tick else None),
            "social_dominance": tick
            and tick.interactions
            and 100.0 * tick.interactions / totals.talk,
            "market_dominance": dominance,
            "market_dominance_prev": None if coin.tick is None else dominance,
            "galaxy_score": tick and tick.galaxy_score and round(tick.galaxy_score, 1),
            "galaxy_score_previous": None,
            "alt_rank": totals.coins if coin.tick is None else coin.tick.alt_rank,
            "alt_rank_previous": None,
            "sentiment": _whole(tick.sentiment_pct if tick else None),
            "categories": _categories(coin),
            "blockchains": [
                {"type": "layer1", "network": row.slug, "address": None, "decimals": None}
            ],
            "percent_change_30d": changed.month,
            "last_updated_price": now_ms // 1000,
            "last_updated_price_by": "cmc_stream",
            "topic": f"{row.symbol.lower()} {row.name.lower()}",
            "logo": f"https://cdn.lunarcrush.com/{row.slug}.png",
        }

    def _found(self, text: str, now_ms: int) -> Listed | None:
        """Find a coin by symbol, number, coins:number or topic; the larger one of a symbol."""
        wanted = text.lower().removeprefix("coins:")
        for coin in listed(self._world, now_ms):
            row = coin.row
            known = (row.symbol.lower(), str(coin.number), row.name.lower(), row.slug)
            if wanted in (*known, f"{known[0]} {known[2]}"):
                return coin
        return None

    def _config(self, coin: Listed, now_ms: int) -> _Row:
        return {
            "id": coin.row.slug,
            "name": coin.row.name,
            "symbol": coin.row.symbol,
            "topic": coin.row.name.lower(),
            "generated": now_ms // 1000,
        }

    async def coin(self, request: web.Request) -> web.Response:
        """Answer one coin: market data only."""
        now_ms = self._clock.now_ms()
        coin = self._found(request.match_info["coin"], now_ms)
        if coin is None:
            return error_response("lunarcrush", 404, "Coin not found")
        row = self._row(coin, _totals(listed(self._world, now_ms)), now_ms)
        names = (
            "id name symbol price price_btc market_cap percent_change_24h percent_change_7d "
            "percent_change_30d volume_24h max_supply circulating_supply galaxy_score alt_rank "
            "volatility market_cap_rank"
        )
        data = {name: row[name] for name in names.split()} | {"close": row["price"]}
        config = self._config(coin, now_ms) | {"id": f"coins:{coin.number}"}
        return json_response({"config": config, "data": data})

    async def topic(self, request: web.Request) -> web.Response:
        """Answer the summary of a topic's last 24 hours."""
        now_ms = self._clock.now_ms()
        coin = self._found(request.match_info["topic"], now_ms)
        if coin is None:
            return error_response("lunarcrush", 404, "Topic not found")
        data = _summary(coin)
        return json_response({"config": self._config(coin, now_ms), "data": data})

    async def topic_news(self, request: web.Request) -> web.Response:
        """Answer a topic's news of a day, latest first; nothing pages here."""
        now_ms = self._clock.now_ms()
        coin = self._found(request.match_info["topic"], now_ms)
        if coin is None:
            return error_response("lunarcrush", 404, "Topic not found")
        news = self._world.news(now_ms, now_ms - _NEWS_MS)
        about = [article for article in news if article.asset == coin.row.symbol]
        config = self._config(coin, now_ms) | {"type": "topic"}
        return json_response({"config": config, "data": [_post(one) for one in about[:_NEWS_MOST]]})


def _totals(coins: tuple[Listed, ...]) -> _Totals:
    return _Totals(
        coins=len(coins),
        caps_usd=sum(coin.market_cap for coin in coins),
        bitcoin_usd=next((coin.price for coin in coins if coin.row.symbol == "BTC"), 1.0),
        talk=sum(coin.tick.interactions or 0.0 for coin in coins if coin.tick is not None),
    )


def _sort(rows: list[_Row], metric: str, *, descending: bool) -> None:
    there = [row for row in rows if isinstance(row.get(metric), int | float)]
    there.sort(key=lambda row: row[metric], reverse=descending)
    missing = [row for row in rows if not isinstance(row.get(metric), int | float)]
    rows[:] = [*there, *missing]


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _categories(coin: Listed) -> str:
    if coin.tick is not None:
        return "layer-1,pow" if coin.row.symbol in ("BTC", "LTC", "BCH", "DOGE") else "layer-1"
    return "stablecoin" if coin.price == 1.0 else "wrapped-tokens"


def _summary(coin: Listed) -> _Row:
    tick = coin.tick
    if tick is None or tick.social_volume is None:
        return _uncounted(coin)
    posts = tick.social_volume
    interactions = tick.interactions or 0.0
    pct = 50.0 if tick.sentiment_pct is None else tick.sentiment_pct
    of_all = dict.fromkeys(_SHARES, tick.sentiment_pct)
    felt = of_all | {
        "tweet": tick.twitter_sentiment_pct,
        "reddit-post": tick.reddit_sentiment_pct,
    }
    sentiment = {kind: round(pct if one is None else one) for kind, one in felt.items()}
    seen = {kind: round(interactions * share) for kind, (_, share) in _SHARES.items()}
    return {
        "topic": coin.row.name.lower(),
        "title": coin.row.name,
        "topic_rank": 20 + coin.rank,
        "related_topics": ["coins layer 1"],
        "types_count": {kind: round(posts * share) for kind, (share, _) in _SHARES.items()},
        "types_interactions": seen,
        "types_sentiment": sentiment,
        "types_sentiment_detail": {
            kind: {
                "positive": round(count * sentiment[kind] * 0.006),
                "neutral": round(count * 0.4),
                "negative": round(count * (100 - sentiment[kind]) * 0.006),
            }
            for kind, count in seen.items()
        },
        "interactions_24h": round(interactions),
        "num_contributors": round(posts * 0.26),
        "num_posts": round(posts),
        "categories": ["Cryptocurrencies"],
        "trend": "up" if pct > 70 else "down" if pct < 50 else "flat",
    }


def _uncounted(coin: Listed) -> _Row:
    """Return the summary of a coin whose posts are not counted."""
    return {
        "topic": coin.row.name.lower(),
        "title": coin.row.name,
        "topic_rank": 20 + coin.rank,
        "related_topics": [],
        "types_count": {},
        "types_interactions": {},
        "types_sentiment": {},
        "types_sentiment_detail": {},
        "interactions_24h": None,
        "num_contributors": None,
        "num_posts": None,
        "categories": ["Cryptocurrencies"],
        "trend": "flat",
    }


def _post(article: NewsArticle) -> _Row:
    number = zlib.crc32(article.source_id.encode())
    domain = urlsplit(article.url).netloc or "news.example"
    creator = article.publisher.replace(" ", "")
    followers = 1000 + zlib.crc32(creator.encode()) % 900_000
    return {
        "id": f"{domain}-{number}",
        "post_type": "news",
        "post_title": article.headline,
        "post_link": article.url,
        "post_image": None if number % 4 == 0 else f"https://{domain}/images/{number}.jpg",
        "post_created": (article.published_at or article.event_time) // 1000,
        "post_sentiment": _FELT.get(article.sentiment_label or "neutral", 3.0) + number % 5 / 50.0,
        "creator_id": f"twitter::{zlib.crc32(creator.encode())}",
        "creator_name": creator,
        "creator_display_name": article.publisher,
        "creator_followers": followers,
        "creator_avatar": None if number % 3 == 0 else f"https://{domain}/avatars/{creator}.jpg",
        "interactions_24h": number % 5000,
        "interactions_total": number % 5000,
    }
