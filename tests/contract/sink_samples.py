"""Builders of events and records for the tests of the sinks."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.contract import schema_name
from schemas.control import Strategy
from schemas.market import NewsArticle, TrendingAsset
from schemas.outcomes import Outcome
from schemas.scores import NewsScore
from schemas.signals import HeldPosition, PortfolioEquity, PortfolioTrade, RankedSignal, TopSignals
from schemas.topics import BY_SCHEMA, STRATEGIES
from sinks.base import SinkRecord
from tests import factories
from tests.factories import START_MS as T0
from tests.factories import signal

__all__ = [
    "T0",
    "equity",
    "news",
    "outcome",
    "record",
    "signal",
    "strategy",
    "tombstone",
    "top",
    "trade",
    "trending",
]
_offset = iter(range(10**9))


def trending(number: int = 0, **changes: Any) -> TrendingAsset:
    defaults = {
        "observed_at": T0 + 5,
        "source": "simulator",
        "cycle_size": 50,
        "rank": number + 1,
        "name": f"Asset {number}",
        "price_usd": 10.0,
    }
    return msgspec.structs.replace(factories.tick(f"A{number}", T0, **defaults), **changes)


def news(number: int = 0, **changes: Any) -> NewsArticle:
    defaults = {
        "event_time": T0 - 60_000,
        "published_at": T0 - 60_000,
        "source": "rss",
        "source_id": f"article-{number}",
        "url": "https://example.org/a",
        "sentiment_label": "positive",
    }
    valid = factories.news(f"Bitcoin does thing number {number}", at_ms=T0 + 5, **defaults)
    return msgspec.structs.replace(valid, **changes)


def news_score(number: int = 0, **changes: Any) -> NewsScore:
    """Return the score of the article of that number."""
    head = {"event_time": T0 - 60_000, "source": "rss", "source_id": f"article-{number}"}
    return msgspec.structs.replace(factories.news_score(at_ms=T0 + 5), **head, **changes)


def strategy(version: int = 1, **changes: Any) -> Strategy:
    defaults = {
        "version": version,
        "name": f"Momentum v{version}",
        "assets": ("BTC", "ETH"),
        "weights": {"technical": 0.5},
        "updated_at": T0 + version,
    }
    return msgspec.structs.replace(factories.strategy("momentum", **defaults), **changes)


def top(number: int = 0, places: int = 10) -> TopSignals:
    ranked = tuple(
        RankedSignal(rank, f"{number * 100 + rank:032x}", f"A{rank}", "BUY", 0.5, 0.8)
        for rank in range(1, places + 1)
    )
    return TopSignals(f"strategy-{number}", T0, True, 50, 50, ranked)


def outcome(number: int = 0, **changes: Any) -> Outcome:
    """Return what BTC did in the four hours after a score, `number` cycles after T0."""
    at = T0 + number * 600_000
    made = Outcome(
        outcome_id=f"{number:032x}",
        kind="score",
        asset="BTC",
        engine="technical",
        scored_at=at,
        cycle=at,
        horizon="4h",
        score=0.5,
        confidence=0.8,
        price_usd=100.0,
        price_at=at + 600_000,
        later_price_usd=102.0,
        later_price_at=at + 15_000_000,
        return_pct=2.0,
        as_of=at + 15_000_005,
        settings="abc",
    )
    return msgspec.structs.replace(made, **changes)


def trade(number: int = 0, **changes: Any) -> PortfolioTrade:
    """Return a buy of BTC at $100; with an odd number the sale of it at $110."""
    buy = PortfolioTrade(
        trade_id=f"{number:032x}",
        strategy_id="momentum",
        strategy_version=2,
        asset="BTC",
        side="buy",
        reason="thresholds",
        signal_id=f"{number + 1000:032x}",
        decided_at=T0 + number,
        filled_at=T0 + number,
        size=10.0,
        seen_price_usd=99.9,
        fill_price_usd=100.0,
        value_usd=1000.0,
        fee_usd=1.0,
        spread_bps=5.0,
        slippage_bps=5.0,
        cash_usd=48_999.0,
    )
    sale = {
        "side": "sell",
        "reason": "take_profit",
        "fill_price_usd": 110.0,
        "value_usd": 1100.0,
        "fee_usd": 1.1,
        "entered_at": T0 + number - 1,
        "entry_price_usd": 100.0,
        "profit_usd": 97.9,
        "return_pct": 9.78,
        "cash_usd": 50_097.9,
    }
    return msgspec.structs.replace(buy, **{**(sale if number % 2 else {}), **changes})


def equity(number: int = 0, **changes: Any) -> PortfolioEquity:
    """Return the equity of a portfolio of $50,000 that holds BTC, `number` cycles after T0."""
    at = T0 + number * 600_000
    price = 100.0 + number
    held = HeldPosition("BTC", 10.0, 100.0, T0, price, 10 * price, 10 * price - 1000, 95.0, 120.0)
    made = PortfolioEquity(
        strategy_id="momentum",
        kind="cycle",
        as_of=at,
        cycle=at,
        equity_usd=48_999.0 + 10 * price,
        cash_usd=48_999.0,
        positions_usd=10 * price,
        invested_usd=50_000.0,
        realised_usd=0.0,
        unrealised_usd=10 * price - 1000,
        fees_usd=1.0,
        closed_trades=0,
        won_trades=0,
        positions=(held,),
    )
    return msgspec.structs.replace(made, **changes)


def record(event: Any, **changes: Any) -> SinkRecord:
    """A record of the event's topic at an offset never used before."""
    topic = BY_SCHEMA[schema_name(event)]
    key = str(getattr(event, topic.key)).encode()
    fresh = SinkRecord(
        topic=topic.name,
        partition=0,
        offset=next(_offset),
        timestamp_ms=T0,
        key=key,
        event=event,
        value=b"raw",
    )
    return msgspec.structs.replace(fresh, **changes)


def tombstone(strategy_id: str, timestamp_ms: int) -> SinkRecord:
    return SinkRecord(
        topic=STRATEGIES.name,
        partition=0,
        offset=next(_offset),
        timestamp_ms=timestamp_ms,
        key=strategy_id.encode(),
    )
