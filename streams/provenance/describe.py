"""A cited record in plain words: a line, and lines below it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.control import SignalRequest
from schemas.describe import one_line
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.text import age, big, cut, moment, price

_LONGEST = 400


class EvidenceLine(NamedTuple):
    """A record as one line, and further lines."""

    line: str
    more: tuple[str, ...] = ()


def describe(event: Any, now_ms: int) -> EvidenceLine:
    """Return what an event says to people at the moment of the decision; printable lines only."""
    tell = _WORDS.get(type(event))
    line, *more = tell(event, now_ms) if tell is not None else (one_line(event),)
    return EvidenceLine(cut(line, _LONGEST), tuple(cut(one, _LONGEST) for one in more if one))


def _news(event: NewsArticle, now_ms: int) -> list[str]:
    label = f", labelled {event.sentiment_label} by the source" if event.sentiment_label else ""
    at = moment(event.published_at or event.event_time, "%m-%d %H:%M")
    return [event.headline, f"{event.publisher}, {at}{label}  {event.url}"]


def _candle(event: Candle, now_ms: int) -> list[str]:
    span = f"{moment(event.open_time, '%m-%d %H:%M')} to {moment(event.close_time, '%m-%d %H:%M')}"
    state = "" if event.closed else ", still open"
    return [
        f"{event.timeframe} candle of {event.symbol} on {event.exchange}, {span}{state}",
        f"open {price(event.open)}  high {price(event.high)}  low {price(event.low)}  "
        f"close {price(event.close)}  volume {big(event.volume)}",
    ]


def _book(event: OrderBook, now_ms: int) -> list[str]:
    head = f"order book of {event.symbol} on {event.exchange}"
    levels = f"{len(event.bid_prices)} bids, {len(event.ask_prices)} asks"
    if not event.bid_prices or not event.ask_prices:
        return [head, levels]
    bid, ask = event.bid_prices[0], event.ask_prices[0]
    spread_bps = (ask - bid) / ((ask + bid) / 2) * 10_000
    best = f"best bid {price(bid)}  best ask {price(ask)}  spread {spread_bps:.1f} bps"
    return [head, f"{best}  ({levels})"]


def _calendar(event: CalendarEvent, now_ms: int) -> list[str]:
    ahead_ms = event.starts_at - now_ms
    when = "now" if abs(ahead_ms) < 1000 else f"in {age(ahead_ms)}"
    if ahead_ms <= -1000:
        when = f"{age(-ahead_ms)} before"
    gone = "CANCELLED: " if event.cancelled else ""
    kind = event.category.replace("_", " ")
    return [
        f"{gone}{event.title}",
        f"{kind} on {moment(event.starts_at, '%Y-%m-%d %H:%M')} ({when}), "
        f"impact {event.impact:+.2f}, certainty {event.certainty:.2f}",
        event.url or "",
    ]


def _fundamentals(event: Fundamentals, now_ms: int) -> list[str]:
    figures = {
        "market cap": (event.market_cap_usd, " USD"),
        "24 h volume": (event.volume_24h_usd, " USD"),
        "supply": (event.circulating_supply, ""),
        "commits in 4 weeks": (event.github_commits_4w, ""),
        "Twitter followers": (event.twitter_followers, ""),
        "transactions in 24 h": (event.transactions_24h, ""),
        "active addresses": (event.active_addresses_24h, ""),
    }
    known = [f"{name} {big(value)}{unit}" for name, (value, unit) in figures.items() if value]
    rank = f", market cap rank {event.market_cap_rank}" if event.market_cap_rank else ""
    return [f"fundamentals from {event.source}{rank}", ", ".join(known)]


def _tick(event: TrendingAsset, now_ms: int) -> list[str]:
    change = "" if event.change_24h_pct is None else f", {event.change_24h_pct:+.2f} % in 24 h"
    galaxy = "" if event.galaxy_score is None else f", galaxy score {event.galaxy_score:g}"
    return [
        f"tick of cycle {moment(event.cycle, '%H:%M')}: rank {event.rank} of {event.cycle_size}, "
        f"{event.name} at {price(event.price_usd)} USD{change}",
        f"24 h volume {big(event.volume_24h_usd)} USD{galaxy}",
    ]


def _request(event: SignalRequest, now_ms: int) -> list[str]:
    asked = moment(event.requested_at, "%Y-%m-%d %H:%M:%S")
    return [f"asked for at {asked} UTC (request {event.request_id})"]


_WORDS: dict[type, Callable[[Any, int], list[str]]] = {
    NewsArticle: _news,
    Candle: _candle,
    OrderBook: _book,
    CalendarEvent: _calendar,
    Fundamentals: _fundamentals,
    TrendingAsset: _tick,
    SignalRequest: _request,
}
