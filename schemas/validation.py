"""Checks beyond the types: ranges, order of times, numbers that a market can have.

`problem(event)` is a sentence for people, or None. A worker sends a record with a problem to the
dead letters, so every rule here is one that no engine has to check again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from math import inf, isfinite
from typing import Any

from schemas.control import SignalRequest, Strategy
from schemas.engines import ENGINES
from schemas.explanations import EXPLANATION_STATUSES, Explanation
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
from schemas.scores import SCORE_STATUSES, EngineScore
from schemas.sources import CIRCUITS, SOURCE_STATES, SourceStatus
from schemas.times import DAY_MS, HOUR_MS

TIMEFRAME_MS = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
LEAST_PRICE, MOST_PRICE = 1e-18, 1e15
"""What a price may be, the least included: a million times beyond any market's, and so near that
no engine's sums, ratios and squares overflow."""
MOST_AMOUNT = 1e33
"""What sizes, volumes, supplies and counts stay below; hash rates are the largest, at 1e21."""
CLOSE_EARLY_MS = 60_000
"""How long before its close a closed candle may have been seen: so far apart may clocks be. One
from further ahead has not closed, and would hold up its timeframe until then."""
_LATEST_MS = 253_402_300_800_000  # the year 10000
_PRICES = f"from {LEAST_PRICE:g} to below {MOST_PRICE:g}"
_AMOUNTS = f"from 0 to below {MOST_AMOUNT:g}"


def problem(event: Any) -> str | None:
    """Return what is wrong with an event as a sentence, None for a valid one."""
    check = CHECKS.get(type(event))
    return check(event) if check is not None else None


@lru_cache(1024)  # the same assets again and again: a third of the time to check a candle
def _asset(asset: str) -> str | None:
    if not asset or asset != asset.upper() or " " in asset:
        return f"asset {asset!r} is not a symbol in capitals"
    return None


def _time(event: Any, name: str) -> str | None:
    if 0 < getattr(event, name) < _LATEST_MS:
        return None
    return f"{name} {getattr(event, name)} is no time in ms since 1970"


def _one_of(event: Any, name: str, known: Collection[str]) -> str | None:
    if getattr(event, name) in known:
        return None
    return f"{name} {getattr(event, name)!r} is not one of {', '.join(sorted(known))}"


def _head(event: Any) -> str | None:
    if 0 < event.observed_at < _LATEST_MS and 0 < event.event_time < _LATEST_MS:
        return _asset(event.asset)
    return _time(event, "observed_at") or _time(event, "event_time")


def _candle(event: Candle) -> str | None:
    low, high = event.low, event.high
    # Comparisons with NaN are false, so each line also refuses every NaN.
    if not (LEAST_PRICE <= low <= event.open <= high < MOST_PRICE and low <= event.close <= high):
        return _candle_prices(event)
    if not 0.0 <= event.volume < MOST_AMOUNT:
        return f"volume {event.volume} is not a number {_AMOUNTS}"
    length_ms, latest_ms = TIMEFRAME_MS.get(event.timeframe, 0), event.observed_at + CLOSE_EARLY_MS
    if not 0 < event.close_time - event.open_time <= length_ms or (
        event.closed and event.close_time > latest_ms
    ):
        return _candle_times(event)
    return _head(event)


def _candle_prices(event: Candle) -> str:
    for name in ("open", "high", "low", "close"):
        price = getattr(event, name)
        if not LEAST_PRICE <= price < MOST_PRICE:
            return f"{name} {price} is not a price {_PRICES}"
    return (
        f"open {event.open}, high {event.high}, low {event.low}, close {event.close} contradict "
        "each other"
    )


def _candle_times(event: Candle) -> str:
    if event.close_time <= event.open_time:
        return f"closes at {event.close_time}, before it opens at {event.open_time}"
    if wrong := _one_of(event, "timeframe", TIMEFRAME_MS):
        return wrong
    if event.close_time - event.open_time > TIMEFRAME_MS[event.timeframe]:
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
    return _head(event)


def _side(
    side: str, prices: tuple[float, ...], sizes: tuple[float, ...], *, descending: bool
) -> str | None:
    if len(prices) != len(sizes):
        return f"{len(prices)} {side} prices but {len(sizes)} {side} sizes"
    if not prices:
        return f"no {side} levels"
    if not all(LEAST_PRICE <= price < MOST_PRICE for price in prices):
        return f"a {side} price is not a number {_PRICES}"
    if not all(0.0 <= size < MOST_AMOUNT for size in sizes):
        return f"a {side} size is not a number {_AMOUNTS}"
    if tuple(sorted(prices, reverse=descending)) != prices:
        return f"{side} prices are not best first"
    return None


def _trending(event: TrendingAsset) -> str | None:
    if not LEAST_PRICE <= event.price_usd < MOST_PRICE:
        return f"price_usd {event.price_usd} is not a price {_PRICES}"
    if event.cycle_size < 1:
        return f"cycle_size {event.cycle_size} is less than 1"
    for name in ("sentiment_pct", "twitter_sentiment_pct", "reddit_sentiment_pct", "galaxy_score"):
        value = getattr(event, name)
        if value is not None and not 0.0 <= value <= 100.0:
            return f"{name} {value} is not in 0 to 100"
    return _amounts(event, _TRENDING_AMOUNTS) or _head(event)


_TRENDING_AMOUNTS = ["volume_24h_usd", "market_cap_usd", "social_volume", "interactions"]
_TRENDING_AMOUNTS += ["twitter_volume", "reddit_volume"]


def _amounts(event: Any, names: Any) -> str | None:
    for name in names:
        value = getattr(event, name)
        if value is not None and not 0.0 <= value < MOST_AMOUNT:
            return f"{name} {value} is not a number {_AMOUNTS}"
    change = getattr(event, "change_24h_pct", None)
    if change is not None and not -MOST_AMOUNT < change < MOST_AMOUNT:
        return f"change_24h_pct {change} is not a number within {MOST_AMOUNT:g}"
    return None


def _fundamentals(event: Fundamentals) -> str | None:
    return _amounts(event, MEASURES) or _head(event)


def _news(event: NewsArticle) -> str | None:
    if not event.headline.strip():
        return "the headline is empty"
    return _head(event)


def _calendar(event: CalendarEvent) -> str | None:
    if wrong := _one_of(event, "category", CATEGORIES):
        return wrong
    for name in ("impact", "certainty"):
        if not 0.0 <= getattr(event, name) <= 1.0:
            return f"{name} {getattr(event, name)} is not in 0 to 1"
    return _head(event)


def _score(event: EngineScore) -> str | None:
    if event.engine not in ENGINES:
        return f"unknown engine {event.engine!r}; there are {', '.join(ENGINES)}"
    if wrong := _one_of(event, "status", SCORE_STATUSES):
        return wrong
    if not -1.0 <= event.score <= 1.0:
        return f"score {event.score} is not in -1 to 1"
    if not 0.0 <= event.confidence <= 1.0:
        return f"confidence {event.confidence} is not in 0 to 1"
    if not 0.0 <= event.freshness <= 1.0:
        return f"freshness {event.freshness} is not in 0 to 1"
    if event.price_usd is not None and not 0.0 < event.price_usd < inf:
        return f"price_usd {event.price_usd} is not a price above 0"
    return _time(event, "as_of") or _asset(event.asset)


def _strategy(event: Strategy) -> str | None:
    for name, weight in event.weights.items():
        if name not in ENGINES:
            return f"weight for unknown engine {name!r}; there are {', '.join(ENGINES)}"
        if not (isfinite(weight) and weight >= 0.0):
            return f"weight {weight} of {name} is not a number of 0 or more"
    if not event.sell_threshold < event.buy_threshold:
        return f"sell_threshold {event.sell_threshold} is not below buy {event.buy_threshold}"
    return _one_of(event, "timeframe", TIMEFRAME_MS) or _money(event) or _kelly(event)


def _money(event: Strategy) -> str | None:
    if not (isfinite(event.portfolio_value_usd) and event.portfolio_value_usd > 0.0):
        return f"portfolio_value_usd {event.portfolio_value_usd} is not above 0"
    for name in ("stop_loss_pct", "stop_loss_atr", "take_profit_pct", "take_profit_atr"):
        distance = getattr(event, name)
        if distance is not None and not (isfinite(distance) and distance > 0.0):
            return f"{name} {distance} is not above 0"
    for asset, held in event.holdings_usd.items():
        if not (isfinite(held) and held >= 0.0):
            return f"holding {held} of {asset} is not a number of 0 or more"
    return None


def _kelly(event: Strategy) -> str | None:
    if not event.kelly:
        return None
    if event.win_rate is None or event.avg_win is None or event.avg_loss is None:
        return "kelly needs win_rate, avg_win and avg_loss"
    if not 0.0 <= event.win_rate <= 1.0:
        return f"win_rate {event.win_rate} is not in 0 to 1"
    if not (isfinite(event.avg_win) and event.avg_win > 0.0):
        return f"avg_win {event.avg_win} is not above 0"
    if not (isfinite(event.avg_loss) and event.avg_loss >= 0.0):
        return f"avg_loss {event.avg_loss} is not a number of 0 or more"
    return None


def _request(event: SignalRequest) -> str | None:
    if not event.request_id or not event.strategy_id:
        return "request_id or strategy_id is empty"
    return _time(event, "requested_at") or _asset(event.asset)


def _source(event: SourceStatus) -> str | None:
    if not event.source:
        return "the source has no name"
    return (
        _one_of(event, "state", SOURCE_STATES)
        or _one_of(event, "circuit", CIRCUITS)
        or _amounts(event, ("events", "requests_minute", "requests_day", "refresh_s"))
        or _time(event, "observed_at")
    )


def _explanation(event: Explanation) -> str | None:
    if not event.signal_id or not event.strategy_id:
        return "signal_id or strategy_id is empty"
    if not event.text.strip():
        return "the text is empty"
    return (
        _one_of(event, "status", EXPLANATION_STATUSES)
        or _amounts(event, ("prompt_tokens", "completion_tokens", "cost_usd"))
        or _time(event, "explained_at")
        or _asset(event.asset)
    )


CHECKS: dict[type, Callable[[Any], str | None]] = {
    Candle: _candle,
    OrderBook: _order_book,
    TrendingAsset: _trending,
    Fundamentals: _fundamentals,
    NewsArticle: _news,
    CalendarEvent: _calendar,
    EngineScore: _score,
    Strategy: _strategy,
    SignalRequest: _request,
    SourceStatus: _source,
    Explanation: _explanation,
}
