"""LunarCrush, API v4: coins with their social numbers, topics, news. Times are unix seconds."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from producers.http_client.errors import UpstreamError
from producers.upstreams.fields import (
    SUMMARY_MOST,
    amount,
    change_pct,
    host,
    identity,
    known_amount,
    lack_of,
    mapping,
    number,
    price,
    rank,
    share_pct,
    symbol,
    text,
    url,
)
from producers.upstreams.rows import CoinRow, NewsRow, Parsed, TopicRow
from producers.upstreams.shapes import JsonClient, bad_answer, collect, gone, list_in, object_in
from producers.upstreams.table import LUNARCRUSH
from producers.upstreams.times import time_ms

_NAME = LUNARCRUSH.name
_COINS_MOST = 1_000
_TRADED = {"price_usd": "price", "volume_24h_usd": "volume_24h"}
_COIN_FIELDS = (
    *("symbol", "id", "name", "topic", "market_cap", "market_cap_rank", "percent_change_24h"),
    *("galaxy_score", "alt_rank", "social_volume_24h", "interactions_24h", "sentiment"),
)
_POST_FIELDS = ("id", "post_title", "post_type", "post_link", "post_created", "post_sentiment")
_TOPIC_FIELDS = ("num_posts", "interactions_24h", "types_count", "types_sentiment")
_TWEET, _REDDIT = "tweet", "reddit-post"
_NEUTRAL, _NEUTRAL_WITHIN = 3.0, 0.4
"""Sentiment of posts goes from 1 to 5; between 2.6 and 3.4 the headlines read neutral."""


def parse_coins(raw: Any) -> Parsed[CoinRow]:
    """Parse an answer of /coins/list, v1 or v2. UpstreamError "bad_answer" without a list."""
    parts = list_in(_NAME, raw, "data")
    return collect("lunarcrush coin", parts, _coin, fields=_COIN_FIELDS, needs=_TRADED)


def _coin(raw: dict[str, Any]) -> CoinRow | str:
    ticker = symbol(raw.get("symbol"))
    source_id = identity(raw.get("id"))
    if ticker is None:
        return "has no symbol"
    if source_id is None:
        return f"({ticker}) has no id"
    posts, interactions = amount(raw.get("social_volume_24h")), amount(raw.get("interactions_24h"))
    # Of a coin that nobody talks about the list says 0, which is no opinion.
    is_talked_of = bool(posts or interactions)
    return CoinRow(
        source=_NAME,
        source_id=source_id,
        symbol=ticker,
        name=text(raw.get("name")) or ticker,
        topic=text(raw.get("topic")) or f"coins:{source_id}",
        price_usd=price(raw.get("price")),
        volume_24h_usd=amount(raw.get("volume_24h")),
        market_cap_usd=known_amount(raw.get("market_cap")),
        market_cap_rank=rank(raw.get("market_cap_rank")),
        change_24h_pct=change_pct(raw.get("percent_change_24h")),
        circulating_supply=known_amount(raw.get("circulating_supply")),
        max_supply=known_amount(raw.get("max_supply")),
        galaxy_score=share_pct(raw.get("galaxy_score")) or None,
        alt_rank=rank(raw.get("alt_rank")),
        social_volume=posts,
        interactions=interactions,
        sentiment_pct=share_pct(raw.get("sentiment")) if is_talked_of else None,
        priced_at=time_ms(raw.get("last_updated_price")),
    )


def parse_topic(raw: Any) -> TopicRow:
    """Parse an answer of /topic/:topic/v1. UpstreamError "bad_answer" where it has no numbers.

    Volumes are posts of 24 hours; a network without any says no sentiment.
    """
    data = object_in(_NAME, raw, "data")
    config = mapping(mapping(raw).get("config"))
    faults = gone("lunarcrush topic", [data], _TOPIC_FIELDS)
    if not any(field in data for field in _TOPIC_FIELDS):
        raise bad_answer(_NAME, raw, f"the topic in the answer has no numbers: {faults[0]}")
    counts, sentiments = mapping(data.get("types_count")), mapping(data.get("types_sentiment"))
    tweets, reddit_posts = amount(counts.get(_TWEET)), amount(counts.get(_REDDIT))
    return TopicRow(
        source=_NAME,
        topic=text(data.get("topic")) or text(config.get("topic")) or "",
        symbol=symbol(config.get("symbol")) or "",
        social_volume=amount(data.get("num_posts")),
        interactions=amount(data.get("interactions_24h")),
        sentiment_pct=_weighted(sentiments, mapping(data.get("types_interactions"))),
        twitter_volume=tweets,
        twitter_sentiment_pct=share_pct(sentiments.get(_TWEET)) if tweets else None,
        reddit_volume=reddit_posts,
        reddit_sentiment_pct=share_pct(sentiments.get(_REDDIT)) if reddit_posts else None,
        faults=faults,
    )


def _weighted(sentiments: dict[str, Any], interactions: dict[str, Any]) -> float | None:
    """Return the mean of the networks' sentiments by interactions: a topic has no single one."""
    said, weight = 0.0, 0.0
    for network, value in sentiments.items():
        share, heard = share_pct(value), amount(interactions.get(network))
        if share is not None and heard is not None:
            said += share * heard
            weight += heard
    return min(100.0, said / weight) if weight > 0.0 else None


def parse_topic_news(raw: Any) -> Parsed[NewsRow]:
    """Parse an answer of /topic/:topic/news/v1; other posts than news are skipped.

    Its ticker is the topic's symbol, where the topic is a coin. Publishers' names at the end of
    headlines (" - Decrypt") are left out. UpstreamError "bad_answer" without a list.
    """
    of_topic = symbol(mapping(mapping(raw).get("config")).get("symbol"))
    tickers = (of_topic,) if of_topic is not None else ()

    def post(part: dict[str, Any]) -> NewsRow | str:
        return _post(part, tickers)

    posts = list_in(_NAME, raw, "data")
    return collect("lunarcrush post", posts, post, fields=_POST_FIELDS, times=("post_created",))


def _post(raw: dict[str, Any], tickers: tuple[str, ...]) -> NewsRow | str:
    kind = text(raw.get("post_type")) or "news"
    if kind != "news":
        return f"is of type {kind}, not news"
    source_id, headline = identity(raw.get("id")), text(raw.get("post_title"))
    if source_id is None:
        return "has no id"
    if headline is None:
        return f"({source_id}) {lack_of('title', raw.get('post_title'))}"
    address = url(raw.get("post_link"))
    named = text(raw.get("creator_display_name")) or text(raw.get("creator_name"))
    publisher = named or host(address)
    return NewsRow(
        source=_NAME,
        source_id=source_id,
        headline=re.sub(rf"\s+(?:[-|]|By)\s+{re.escape(publisher)}$", "", headline),
        summary=text(raw.get("post_description"), SUMMARY_MOST),
        url=address,
        publisher=publisher,
        published_at=time_ms(raw.get("post_created")),
        tickers=tickers,
        sentiment_label=_label(raw.get("post_sentiment")),
    )


def _label(value: Any) -> str | None:
    score = number(value)
    if score is None or not 1.0 <= score <= 5.0:
        return None
    if abs(score - _NEUTRAL) <= _NEUTRAL_WITHIN:
        return "neutral"
    return "positive" if score > _NEUTRAL else "negative"


async def fetch_coins(
    client: JsonClient, limit: int, *, sort: str = "alt_rank", page: int = 0
) -> Parsed[CoinRow]:
    """Fetch the first coins by a metric, ascending: best alt rank first. Pages count from 0.

    `limit` is always sent, since 10 is the default; `desc` never, since any value of it, even
    "false", turns the order round. The list is up to an hour behind.
    """
    params = {"sort": sort, "limit": str(min(limit, _COINS_MOST)), "page": str(page)}
    return parse_coins(await client.get_json("/coins/list/v1", params))


async def fetch_topic(client: JsonClient, topic: str) -> TopicRow:
    """Fetch the summary of a topic: a coin's `topic`, or "coins:1"; of an unknown one, silence."""
    try:
        return parse_topic(await client.get_json(f"/topic/{_quoted(topic)}/v1"))
    except UpstreamError as error:
        if error.kind != "not_found":
            raise
        return TopicRow(source=_NAME, topic=topic)


async def fetch_topic_news(client: JsonClient, topic: str) -> Parsed[NewsRow]:
    """Fetch the newest articles on a topic, none on an unknown one; there is no paging here."""
    try:
        return parse_topic_news(await client.get_json(f"/topic/{_quoted(topic)}/news/v1"))
    except UpstreamError as error:
        if error.kind != "not_found":
            raise
        return Parsed()


def _quoted(topic: str) -> str:
    return quote(topic.strip().lower(), safe=":$")
