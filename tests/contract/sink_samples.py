"""Builders of events and records for the tests of the sinks."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.contract import schema_name
from schemas.control import Strategy
from schemas.market import NewsArticle, TrendingAsset
from schemas.scores import InputPosition
from schemas.signals import Contribution, RankedSignal, Signal, TopSignals
from schemas.topics import BY_SCHEMA, STRATEGIES
from sinks.base import SinkRecord

T0 = 1_767_225_600_000  # 2026-01-01 00:00:00 UTC
ENGINES = ("sentiment", "technical", "fundamental", "event_risk", "liquidity")
SCORES = (0.72, 0.58, 0.60, 0.10, 0.80)
WEIGHTS = (0.35, 0.25, 0.15, 0.15, 0.10)
_offset = iter(range(10**9))


def signal(number: int = 0, **changes: Any) -> Signal:
    """The worked example of SPEC section 8, with an id and an asset of its own."""
    parts = tuple(
        Contribution(engine, "ok", score, 0.85, weight, score * weight, 60_000, number)
        for engine, score, weight in zip(ENGINES, SCORES, WEIGHTS, strict=True)
    )
    event = Signal(
        signal_id=f"{number:032x}",
        strategy_id=f"strategy-{number % 4}",
        asset=f"A{number % 50}",
        as_of=T0 + number,
        cycle=T0,
        trigger="cycle",
        final_score=0.582,
        action="BUY",
        fused_action="BUY",
        confidence=0.814,
        contributions=parts,
        entry_price_usd=50_000.0,
        position_size=0.01628,
        position_value_usd=814.0,
        stop_loss_usd=47_500.0,
        take_profit_usd=55_000.0,
        sizing={"base": 1000.0, "multiplier": 0.814},
        features={"rsi14@1h": 55.0, "ma20@1h": 49_800.0, "ma50@1h": 49_000.0},
        detail={},
        inputs=(InputPosition("engine.scores", 0, number),),
    )
    return msgspec.structs.replace(event, **changes)


def trending(number: int = 0, **changes: Any) -> TrendingAsset:
    event = TrendingAsset(
        asset=f"A{number}",
        event_time=T0,
        observed_at=T0 + 5,
        source="simulator",
        source_id=f"{T0}:A{number}",
        cycle=T0,
        cycle_size=50,
        rank=number + 1,
        name=f"Asset {number}",
        price_usd=10.0,
        volume_24h_usd=1e9,
    )
    return msgspec.structs.replace(event, **changes)


def news(number: int = 0, **changes: Any) -> NewsArticle:
    event = NewsArticle(
        asset="BTC",
        event_time=T0 - 60_000,
        observed_at=T0 + 5,
        published_at=T0 - 60_000,
        source="rss",
        source_id=f"article-{number}",
        headline=f"Bitcoin does thing number {number}",
        url="https://example.org/a",
        publisher="Example",
        sentiment_label="positive",
    )
    return msgspec.structs.replace(event, **changes)


def strategy(version: int = 1, **changes: Any) -> Strategy:
    event = Strategy(
        strategy_id="momentum",
        version=version,
        owner="admin",
        name=f"Momentum v{version}",
        assets=("BTC", "ETH"),
        weights={"technical": 0.5},
        updated_at=T0 + version,
    )
    return msgspec.structs.replace(event, **changes)


def top(number: int = 0, places: int = 10) -> TopSignals:
    ranked = tuple(
        RankedSignal(rank, f"{number * 100 + rank:032x}", f"A{rank}", "BUY", 0.5, 0.8)
        for rank in range(1, places + 1)
    )
    return TopSignals(f"strategy-{number}", T0, True, 50, 50, ranked)


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
