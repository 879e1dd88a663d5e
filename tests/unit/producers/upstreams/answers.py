"""Valid answers of every upstream, each with its documented nulls; tests change what they need."""

from __future__ import annotations

import copy
from typing import Any

COIN = {
    "id": 1,
    "symbol": "BTC",
    "name": "Bitcoin",
    "price": 99657.46,
    "price_btc": 1,
    "volume_24h": 57466730199.45,
    "circulating_supply": 19882203,
    "max_supply": 21000000,
    "percent_change_24h": -3.9,
    "market_cap": 1981409972281.97,
    "market_cap_rank": 1,
    "interactions_24h": 83998832,
    "social_volume_24h": 154647,
    "market_dominance_prev": None,
    "galaxy_score": 39.9,
    "alt_rank": 212,
    "sentiment": 73,
    "categories": "layer-1,pow",
    "blockchains": [{"type": "layer1", "network": "bitcoin", "address": None, "decimals": None}],
    "last_updated_price": 1750604568,
    "topic": "btc bitcoin",
}
POST = {
    "id": "cryptoslate.com-866082279",
    "post_type": "news",
    "post_title": "Oil markets tense, while Bitcoin holds steady",
    "post_link": "https://cryptoslate.com/oil/",
    "post_image": None,
    "post_created": 1750597873,
    "post_sentiment": 2.9,
    "creator_name": "cryptoslate",
    "creator_display_name": "CryptoSlate",
    "interactions_24h": 773,
}
TOPIC = {
    "config": {"topic": "bitcoin", "symbol": "BTC", "generated": 1750604578},
    "data": {
        "topic": "bitcoin",
        "types_count": {"tweet": 200, "reddit-post": 11, "news": 9},
        "types_interactions": {"tweet": 300, "reddit-post": 100, "news": 0},
        "types_sentiment": {"tweet": 80, "reddit-post": 40, "news": 10},
        "interactions_24h": 400,
        "num_posts": 220,
        "trend": "flat",
    },
}
TRENDING = {
    "coins": [
        {
            "item": {
                "id": "bonk",
                "coin_id": 28600,
                "name": "Bonk",
                "symbol": "BONK",
                "market_cap_rank": 103,
                "score": 0,
                "data": {
                    "price": 0.0000059386,
                    "price_btc": "0.0000000000782",
                    "price_change_percentage_24h": {"usd": -3.27, "btc": -1.25},
                    "market_cap": "$521,967,819",
                    "total_volume": "$31,701,707",
                    "content": None,
                },
            }
        }
    ],
    "nfts": [],
    "categories": [{"id": 1, "coins_count": "573"}],
}
MARKET = {
    "id": "bitcoin",
    "symbol": "btc",
    "name": "Bitcoin",
    "current_price": 70187,
    "market_cap": 1381651251183,
    "market_cap_rank": 1,
    "total_volume": 20154184933,
    "price_change_percentage_24h": 3.12502,
    "circulating_supply": 19675987,
    "max_supply": None,
    "roi": None,
    "last_updated": "2024-04-07T16:49:31.736Z",
}
DETAIL = {
    "id": "bitcoin",
    "symbol": "btc",
    "name": "Bitcoin",
    "market_cap_rank": 1,
    "genesis_date": None,
    "sentiment_votes_up_percentage": 84.07,
    "market_data": {
        "market_cap": {"btc": 19675962, "usd": 1373546629363},
        "total_volume": {"btc": 270165, "usd": 18867210007},
        "max_supply": 21000000,
        "circulating_supply": 19675962,
        "roi": None,
    },
    "community_data": {
        "facebook_likes": None,
        "reddit_subscribers": 0,
        "telegram_channel_user_count": None,
    },
    "developer_data": {
        "forks": 36426,
        "stars": 73168,
        "total_issues": 8000,
        "closed_issues": 7000,
        "pull_requests_merged": 11215,
        "pull_request_contributors": 846,
        "code_additions_deletions_4_weeks": {"additions": 1570, "deletions": -1948},
        "commit_count_4_weeks": 108,
        "last_4_weeks_commit_activity_series": [],
    },
    "last_updated": "2024-04-07T15:24:51.021Z",
}
CHART = {"prices": [], "total_volumes": [[1711843200000 + day, 100 + day] for day in range(31)]}
ARTICLE = {
    "news_url": "https://www.coindesk.com/a",
    "image_url": "https://crypto.snapi.dev/images/v1/a.jpg",
    "title": "Bitcoin Hits a High",
    "text": "Bitcoin surged.",
    "source_name": "CoinDesk",
    "date": "Sat, 13 Jun 2026 08:00:00 -0400",
    "topics": ["institutions"],
    "sentiment": "Positive",
    "type": "Article",
    "tickers": ["BTC"],
}
NEWS_EVENT = {
    "event_name": "Ethereum hard fork agreed",
    "event_text": "Developers agreed.",
    "event_id": "ETH123",
    "news_items": 12,
    "tickers": ["ETH"],
    "date": "Mon, 05 Oct 2026 09:30:00 -0400",
}
CALENDAR_EVENT = {
    "id": 200001,
    "title": {"en": "Mainnet launch", "ko": None},
    "coins": [{"id": "bitcoin", "name": "Bitcoin", "symbol": "BTC", "rank": 1}],
    "date_event": "2026-10-05T00:00:00Z",
    "displayed_date": "05 Oct 2026",
    "can_occur_before": False,
    "created_date": "2026-10-01T13:24:50Z",
    "categories": [{"id": 4, "name": "Release"}],
    "proof": "https://coinmarketcal.com/images/proof/x.png",
    "source": "https://x.com/a/status/1",
    "is_hot": False,
    "percentage": None,
    "vote_count": None,
    "positive_vote_count": None,
}
FILE_EVENT = {
    "asset": "BTC",
    "title": "Halving",
    "starts_at": "2026-10-05",
    "category": "burn",
    "impact": 0.5,
    "certainty": 0.9,
    "url": "https://example.com/halving",
    "cancelled": False,
    "id": None,
}

ANNOUNCEMENT = {
    "title": "Delisting of ALPACA",
    "description": "Bybit will delist ALPACA on Oct 5, 2026, 8:30AM UTC. Deposits end before.",
    "type": {"title": "Delistings", "key": "delistings"},
    "tags": ["Spot", "Delistings"],
    "url": "https://announcements.bybit.com/en-US/article/delisting-of-alpaca-blt0123456789abcdef/",
    "dateTimestamp": 1790000000000,
    "startDateTimestamp": 1790000000000,
    "publishTime": 1790000060000,
}
CHAIN_DAY = {
    "asset": "btc",
    "time": "2026-09-20T00:00:00.000000000Z",
    "TxCnt": "412345",
    "AdrActCnt": "712345",
    "HashRate": "1100000000.5",
}
MOOD_DAY = {
    "value": "40",
    "value_classification": "Fear",
    "timestamp": "1789948800",
    "time_until_update": "40000",
}


def coins(**changes: Any) -> dict[str, Any]:
    """Return a LunarCrush list of one coin."""
    return {"config": {"total_rows": 6702}, "data": [_changed(COIN, changes)]}


def posts(**changes: Any) -> dict[str, Any]:
    """Return LunarCrush's news on bitcoin, one post."""
    return {"config": {"topic": "bitcoin", "symbol": "BTC"}, "data": [_changed(POST, changes)]}


def topic() -> dict[str, Any]:
    """Return LunarCrush's summary of a topic."""
    return copy.deepcopy(TOPIC)


def trending(data: Any = None, **changes: Any) -> dict[str, Any]:
    """Return CoinGecko's trending searches, one coin; `data` are changes inside the coin's data."""
    answer: dict[str, Any] = copy.deepcopy(TRENDING)
    item = answer["coins"][0]["item"]
    item["data"].update(data or {})
    item.update(changes)
    return answer


def markets(**changes: Any) -> list[dict[str, Any]]:
    """Return a page of CoinGecko's markets with one coin."""
    return [_changed(MARKET, changes)]


def detail(**changes: Any) -> dict[str, Any]:
    """Return CoinGecko's details; a change that is an object updates that part."""
    answer: dict[str, Any] = copy.deepcopy(DETAIL)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(answer.get(name), dict):
            answer[name].update(value)
        else:
            answer[name] = value
    return answer


def chart() -> dict[str, Any]:
    """Return CoinGecko's daily chart of a month."""
    return copy.deepcopy(CHART)


def news(**changes: Any) -> dict[str, Any]:
    """Return a page of CryptoNews with one article."""
    return {"data": [_changed(ARTICLE, changes)], "total_pages": 10, "total_items": 500}


def news_events(**changes: Any) -> dict[str, Any]:
    """Return a page of CryptoNews' events with one."""
    return {"data": [_changed(NEWS_EVENT, changes)], "total_pages": 1}


def calendar_events(**changes: Any) -> dict[str, Any]:
    """Return a page of CoinMarketCal with one event."""
    return {
        "body": [_changed(CALENDAR_EVENT, changes)],
        "_metadata": {"max": 75, "page": 1, "page_count": 4, "total_count": 280},
        "status": {"error_code": 0, "error_message": ""},
    }


def announcements(**changes: Any) -> dict[str, Any]:
    """Return a page of Bybit's delistings with one."""
    return _bybit([_changed(ANNOUNCEMENT, changes)])


def markets_of_bybit(**changes: Any) -> dict[str, Any]:
    """Return Bybit's spot markets, one of them."""
    market = {"symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading"}
    return _bybit([_changed(market, changes)])


def _bybit(rows: list[Any]) -> dict[str, Any]:
    result = {"total": len(rows), "list": rows}
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1}


def chains(**changes: Any) -> dict[str, Any]:
    """Return Coin Metrics' answer about one day of one asset."""
    return {"data": [_changed(CHAIN_DAY, changes)]}


def mood(**changes: Any) -> dict[str, Any]:
    """Return the fear and greed index of one day."""
    days = [_changed(MOOD_DAY, changes)]
    return {"name": "Fear and Greed Index", "data": days, "metadata": {"error": None}}


def file_events(**changes: Any) -> dict[str, Any]:
    """Return the content of a calendar file with one event."""
    return {"events": [_changed(FILE_EVENT, changes)]}


def without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return an object without some of its fields."""
    return {name: value for name, value in answer.items() if name not in names}


def _changed(part: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(part), **changes}
