"""Checks beyond the types: ranges, order of times, numbers that a market can have.

`problem(event)` is a sentence for people, or None. A worker sends a record with a problem to the
dead letters, so every rule here is one that no engine has to check again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas import checks, platform_checks
from schemas.checks import (
    AMOUNTS,
    CANDLE_MS,
    LATEST_MS,
    LEAST_PRICE,
    MOST_AMOUNT,
    MOST_PRICE,
    PRICES,
    TIMEFRAME_MS,
)
from schemas.engines import ENGINES
from schemas.market import (
    CATEGORIES,
    MEASURES,
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.names import MOST_SOURCE_ID, is_symbol, wrong_id

__all__ = [
    "CANDLE_MS",
    "ENGINES",
    "LEAST_PRICE",
    "MOST_AMOUNT",
    "MOST_PRICE",
    "TIMEFRAME_MS",
    "problem",
]
SENTIMENT_LABELS = frozenset({"positive", "neutral", "negative"})
"""What a source's own label may be, in any case."""
CLOSE_EARLY_MS = 60_000
"""How long before its close a closed candle may have been seen: so far apart may clocks be. One
from further ahead has not closed, and would hold up its timeframe until then."""


def problem(event: Any) -> str | None:
    """Return what is wrong with an event as a sentence, None for a valid one."""
    check = CHECKS.get(type(event))
    return check(event) if check is not None else None


def _head(event: Any) -> str | None:
    """Check what all market events have. Whole first, piece by piece only what does not pass."""
    if (
        0 < event.observed_at < LATEST_MS
        and 0 < event.event_time < LATEST_MS
        and len(event.source_id) <= MOST_SOURCE_ID
        and "\0" not in event.source_id
        and event.source_id.isascii()
        and event.published_at is None
        and is_symbol(event.asset)
        and wrong_id(event.source) is None
    ):
        return None
    return (
        checks.time(event, "observed_at")
        or checks.time(event, "event_time")
        or checks.time_or_none(event, "published_at")
        or checks.asset(event)
        or checks.ids(event, "source")
        or checks.texts(event, "source_id", most=MOST_SOURCE_ID)
    )


def _market(event: Candle | OrderBook) -> str | None:
    """Check what all events of a market have."""
    if wrong_id(event.exchange) or wrong_id(event.symbol):
        return checks.ids(event, "exchange", "symbol")
    return _head(event)


def _candle(event: Candle) -> str | None:
    low, high = event.low, event.high
    # Comparisons with NaN are false, so each line also refuses every NaN.
    if not (LEAST_PRICE <= low <= event.open <= high < MOST_PRICE and low <= event.close <= high):
        return _candle_prices(event)
    if not 0.0 <= event.volume < MOST_AMOUNT:
        return f"volume {event.volume} is not a number {AMOUNTS}"
    length_ms, latest_ms = CANDLE_MS.get(event.timeframe, 0), event.observed_at + CLOSE_EARLY_MS
    if not 0 < event.close_time - event.open_time <= length_ms or (
        event.closed and event.close_time > latest_ms
    ):
        return _candle_times(event)
    return _market(event)


def _candle_prices(event: Candle) -> str:
    for name in ("open", "high", "low", "close"):
        price = getattr(event, name)
        if not LEAST_PRICE <= price < MOST_PRICE:
            return f"{name} {price} is not a price {PRICES}"
    return (
        f"open {event.open}, high {event.high}, low {event.low}, close {event.close} contradict "
        "each other"
    )


def _candle_times(event: Candle) -> str:
    if event.close_time <= event.open_time:
        return f"closes at {event.close_time}, before it opens at {event.open_time}"
    if wrong := checks.one_of(event, "timeframe", CANDLE_MS):
        return wrong
    if event.close_time - event.open_time > CANDLE_MS[event.timeframe]:
        return f"lasts {event.close_time - event.open_time} ms, longer than {event.timeframe}"
    return _head(event) or (
        f"is closed, but was seen at {event.observed_at}, "
        f"{event.close_time - event.observed_at} ms before its close at {event.close_time}"
    )


def _order_book(event: OrderBook) -> str | None:
    bids, asks = event.bid_prices, event.ask_prices
    bid_sizes, ask_sizes = event.bid_sizes, event.ask_sizes
    # Books are the most frequent events: whole sides first (the worst price of a sorted side is
    # its least; a NaN makes the sum one), level by level only what does not pass.
    if not (
        len(bids) == len(bid_sizes) > 0 < len(ask_sizes) == len(asks)
        and LEAST_PRICE <= bids[-1] <= bids[0] < asks[0]
        and sum(bids) < MOST_PRICE > sum(asks)
        and tuple(sorted(bids, reverse=True)) == bids
        and tuple(sorted(asks)) == asks
        and min(bid_sizes) >= 0.0 <= min(ask_sizes)
        and sum(bid_sizes) < MOST_AMOUNT > sum(ask_sizes)
    ):
        wrong = _side("bid", bids, bid_sizes, descending=True)
        if wrong := wrong or _side("ask", asks, ask_sizes, descending=False):
            return wrong
        if bids[0] >= asks[0]:
            return f"crossed: bid {bids[0]} at or above ask {asks[0]}"
    return _market(event)


def _side(
    side: str, prices: tuple[float, ...], sizes: tuple[float, ...], *, descending: bool
) -> str | None:
    if len(prices) != len(sizes):
        return f"{len(prices)} {side} prices but {len(sizes)} {side} sizes"
    if not prices:
        return f"no {side} levels"
    if not all(LEAST_PRICE <= price < MOST_PRICE for price in prices):
        return f"a {side} price is not a number {PRICES}"
    if not all(0.0 <= size < MOST_AMOUNT for size in sizes):
        return f"a {side} size is not a number {AMOUNTS}"
    if tuple(sorted(prices, reverse=descending)) != prices:
        return f"{side} prices are not best first"
    return None


_PERCENTAGES = (
    *("sentiment_pct", "twitter_sentiment_pct", "reddit_sentiment_pct", "galaxy_score"),
    *("votes_up_pct", "fear_greed"),
)
_TRENDING_AMOUNTS = ["volume_24h_usd", "market_cap_usd", "social_volume", "interactions"]
_TRENDING_AMOUNTS += ["twitter_volume", "reddit_volume", "volume_30d_avg_usd"]


def _trending(event: TrendingAsset) -> str | None:
    if not LEAST_PRICE <= event.price_usd < MOST_PRICE:
        return f"price_usd {event.price_usd} is not a price {PRICES}"
    for name in ("cycle_size", "rank"):
        if getattr(event, name) < 1:
            return f"{name} {getattr(event, name)} is less than 1"
    for name in _PERCENTAGES:
        if wrong := checks.share(event, name, 0.0, 100.0):
            return wrong
    change = event.change_24h_pct
    if change is not None and not -MOST_AMOUNT < change < MOST_AMOUNT:
        return f"change_24h_pct {change} is not a number within {MOST_AMOUNT:g}"
    return (
        checks.amounts(event, _TRENDING_AMOUNTS)
        or checks.time_or_none(event, "cycle")
        or checks.texts(event, "name")
        or _head(event)
    )


def _fundamentals(event: Fundamentals) -> str | None:
    for name, at_ms in (event.measured_at or {}).items():
        if name not in MEASURES:
            return f"measured_at names {name[:60]!r}, which is no measure"
        if not 0 < at_ms <= event.observed_at:
            return f"measured_at of {name} is {at_ms}, not before it was observed"
    return checks.amounts(event, MEASURES) or _head(event)


def _news(event: NewsArticle) -> str | None:
    if not event.headline.strip():
        return "the headline is empty"
    if event.sentiment_label and event.sentiment_label.lower() not in SENTIMENT_LABELS:
        return checks.one_of(event, "sentiment_label", SENTIMENT_LABELS)
    return checks.texts(event, "headline", "summary", "url", "publisher") or _head(event)


def _calendar(event: CalendarEvent) -> str | None:
    return (
        checks.one_of(event, "category", CATEGORIES)
        or checks.share(event, "impact")
        or checks.share(event, "certainty")
        or checks.texts(event, "title", "url")
        or _head(event)
    )


CHECKS: dict[type, Callable[[Any], str | None]] = {
    Candle: _candle,
    OrderBook: _order_book,
    TrendingAsset: _trending,
    Fundamentals: _fundamentals,
    NewsArticle: _news,
    CalendarEvent: _calendar,
    **platform_checks.CHECKS,
}
