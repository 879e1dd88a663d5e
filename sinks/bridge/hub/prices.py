"""Prices out of what the market topics say."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.market import Candle, OrderBook, TrendingAsset
from sinks.base import SinkRecord


class Price(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The last price of an asset; `at` in ms since 1970, `topic` says where it comes from."""

    asset: str
    price_usd: float
    at: int
    topic: str
    change_24h_pct: float | None = None


def price_of(record: SinkRecord, known: Price | None) -> Price | None:
    """Return the price in a record of the market, or None when it says none newer than the known.

    A book says its mid price, a candle its last one while it is open, a trending asset its own and
    the change in 24 hours, which stays until the next one says another.
    """
    said = _said(record.event)
    if said is None:
        return None
    price_usd, change = said
    event = record.event
    if known is not None and event.observed_at < known.at:
        return None
    if change is None and known is not None:
        change = known.change_24h_pct
    found = Price(
        asset=event.asset,
        price_usd=price_usd,
        at=event.observed_at,
        topic=record.topic,
        change_24h_pct=change,
    )
    if known is not None and msgspec.structs.replace(found, topic=known.topic) == known:
        return None
    return found


def _said(event: Any) -> tuple[float, float | None] | None:
    match event:
        case OrderBook():
            return (event.bid_prices[0] + event.ask_prices[0]) / 2, None
        case Candle(closed=False):
            return event.close, None
        case TrendingAsset():
            return event.price_usd, event.change_24h_pct
    return None
