"""What producers publish, and the one order in which market events follow each other."""

from __future__ import annotations

from typing import TypeAlias

from schemas.contract import schema_name
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.topics import BY_SCHEMA, MARKET_TOPICS, Topic

MarketEvent: TypeAlias = (
    TrendingAsset | NewsArticle | Candle | OrderBook | Fundamentals | CalendarEvent
)
OrderKey: TypeAlias = tuple[int, int, str, str]

_STRUCTS = (TrendingAsset, NewsArticle, Candle, OrderBook, Fundamentals, CalendarEvent)
TOPIC_OF: dict[type, Topic] = {struct: BY_SCHEMA[schema_name(struct)] for struct in _STRUCTS}
_RANK: dict[type, int] = {struct: MARKET_TOPICS.index(TOPIC_OF[struct]) for struct in _STRUCTS}


def order_key(event: MarketEvent) -> OrderKey:
    """Return what market events are sorted by: observed_at, then the tie rule.

    Ties in observed_at: the topic's place in `schemas.topics.MARKET_TOPICS` (the tick first), then
    the asset, then the source's id. So the order depends on the events alone.
    """
    return event.observed_at, _RANK[type(event)], event.asset, event.source_id
