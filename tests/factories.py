"""The one place that builds events for tests. Each is valid; a test changes what it is about.

Every builder takes the fields of its event as keywords over the defaults that stand here. What is
invalid on purpose is made of a valid event with `msgspec.structs.replace`.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from schemas.control import DRY_RUN, SignalRequest, Strategy
from schemas.engines import ENGINES
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.scores import EngineScore, InputPosition, LexiconHit, NewsScore
from schemas.signals import Contribution, Decision, Signal
from schemas.validation import CANDLE_MS, problem

MINUTE_MS = 60_000
CYCLE_MS = 10 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
START_MS = 1_767_225_600_000
"""2026-01-01 00:00 UTC: a start of every timeframe and of a cycle."""

WORKED_EXAMPLE = {
    "sentiment": 0.72,
    "technical": 0.58,
    "fundamental": 0.60,
    "event_risk": 0.10,
    "liquidity": 0.80,
}
"""The scores of SPEC 8."""
_WORKED_WEIGHTS = (0.35, 0.25, 0.15, 0.15, 0.10)

T = TypeVar("T", bound=msgspec.Struct)


def _valid(kind: type[T], *layers: dict[str, Any]) -> T:
    """Build an event of the layers' fields, later ones over earlier ones."""
    fields: dict[str, Any] = {}
    for layer in layers:
        fields |= layer
    event = kind(**fields)
    assert problem(event) is None, problem(event)
    return event


def _market(
    kind: type[T], asset: str, at_ms: int, defaults: dict[str, Any], changes: dict[str, Any]
) -> T:
    head = {"asset": asset, "event_time": at_ms, "observed_at": at_ms, "source": "test"}
    return _valid(kind, head, {"source_id": f"{asset}:{at_ms}"}, defaults, changes)


def candle(asset: str = "BTC", close_ms: int = START_MS, **changes: Any) -> Candle:
    """Return a closed candle, observed as it closes; `price` stands for all four prices."""
    price = changes.pop("price", None)
    prices = (10.0, 12.0, 9.0, 11.0) if price is None else (price,) * 4
    length_ms = CANDLE_MS[changes.get("timeframe", "1h")]
    defaults = {
        "exchange": "binance",
        "symbol": f"{asset}/USDT",
        "timeframe": "1h",
        "open_time": close_ms - length_ms,
        "close_time": close_ms,
        **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
        "volume": 5.0,
        "closed": True,
    }
    return _market(Candle, asset, close_ms, defaults, changes)


def book(
    asset: str = "BTC",
    at_ms: int = START_MS,
    bids: tuple[tuple[float, float], ...] = ((10.0, 1.0), (9.0, 2.0)),
    asks: tuple[tuple[float, float], ...] = ((11.0, 1.0), (12.0, 0.5)),
    **changes: Any,
) -> OrderBook:
    """Return a book of (price, size) levels."""
    defaults = {
        "exchange": "binance",
        "symbol": f"{asset}/USDT",
        "bid_prices": tuple(price for price, _ in bids),
        "bid_sizes": tuple(size for _, size in bids),
        "ask_prices": tuple(price for price, _ in asks),
        "ask_sizes": tuple(size for _, size in asks),
    }
    return _market(OrderBook, asset, at_ms, defaults, changes)


def tick(asset: str = "BTC", at_ms: int = START_MS, **changes: Any) -> TrendingAsset:
    """Return the record of an asset alone in its cycle, without social metrics or market cap."""
    defaults = {
        "cycle": at_ms,
        "cycle_size": 1,
        "rank": 1,
        "name": "Bitcoin" if asset == "BTC" else asset,
        "price_usd": 50_000.0,
        "volume_24h_usd": 1e9,
    }
    return _market(TrendingAsset, asset, at_ms, defaults, changes)


def news(
    headline: str = "Bitcoin rises", asset: str = "BTC", at_ms: int = START_MS, **changes: Any
) -> NewsArticle:
    """Return a headline without url or label."""
    defaults = {"headline": headline, "url": "", "publisher": "CoinDesk"}
    return _market(NewsArticle, asset, at_ms, defaults, changes)


def news_score(asset: str = "BTC", at_ms: int = START_MS, **changes: Any) -> NewsScore:
    """Return the score of a headline by a model, without url or label."""
    defaults = {
        "article": InputPosition("market.news", 0, 0),
        "headline_id": "0123456789ab",
        "model": "small",
        "model_version": "ba9876543210",
        "bearish": 0.1,
        "bullish": 0.8,
        "neutral": 0.1,
        "lexicon_score": 0.6,
        "lexicon_confidence": 0.7,
        "hits": (LexiconHit("rises", 0.5),),
        "source_weight": 1.0,
        "score": 0.65,
        "confidence": 0.9,
        "label": "positive",
    }
    return _market(NewsScore, asset, at_ms, defaults, changes)


def fundamentals(asset: str = "BTC", at_ms: int = START_MS, **changes: Any) -> Fundamentals:
    """Return a record with the given measures only."""
    return _market(Fundamentals, asset, at_ms, {}, changes)


def calendar_event(
    category: str = "hard_fork",
    ahead_ms: float = HOUR_MS,
    asset: str = "BTC",
    at_ms: int = START_MS,
    **changes: Any,
) -> CalendarEvent:
    """Return a certain event of impact 1 that starts `ahead_ms` after it was seen."""
    defaults = {
        "source_id": category,
        "title": f"a {category}",
        "category": category,
        "starts_at": at_ms + int(ahead_ms),
        "impact": 1.0,
        "certainty": 1.0,
    }
    return _market(CalendarEvent, asset, at_ms, defaults, changes)


def score(engine: str = "technical", value: float = 0.0, **changes: Any) -> EngineScore:
    """Return a fresh score of BTC, between cycles unless `cycle` is given."""
    as_of = changes.get("as_of", START_MS)
    defaults = {
        "asset": "BTC",
        "engine": engine,
        "status": "ok",
        "cycle_size": 0 if changes.get("cycle") is None else 1,
        "as_of": as_of,
        "sequence": as_of,
        "score": value,
        "confidence": 0.85,
        "freshness": 1.0,
        "data_time": as_of - 1_000,
        "price_usd": 50_000.0,
    }
    return _valid(EngineScore, defaults, changes)


def strategy(strategy_id: str = "balanced", **changes: Any) -> Strategy:
    """Return a strategy with a $50,000 portfolio and no stop, that nothing steadies."""
    defaults = {
        "strategy_id": strategy_id,
        "owner": "admin",
        "name": strategy_id.title(),
        "band": 0.0,
    }
    return _valid(Strategy, defaults, changes)


def request(strategy_id: str = "balanced", requested_at: int = START_MS) -> SignalRequest:
    """Return a request for BTC."""
    return SignalRequest("request-1", "BTC", strategy_id, requested_at)


def dry_run(own: Strategy, asset: str = "BTC", requested_at: int = START_MS) -> SignalRequest:
    """Return a request that brings its own strategy."""
    document = msgspec.json.encode(own).decode()
    return SignalRequest(f"dry-{own.strategy_id}", asset, DRY_RUN, requested_at, document)


def signal(number: int = 0, **changes: Any) -> Signal:
    """Return the worked example of SPEC 8, with an id and an asset of its own."""
    parts = tuple(
        Contribution(engine, "ok", value, 0.85, weight, value * weight, 60_000, number)
        for (engine, value), weight in zip(WORKED_EXAMPLE.items(), _WORKED_WEIGHTS, strict=True)
    )
    defaults = {
        "signal_id": f"{number:032x}",
        "strategy_id": f"strategy-{number % 4}",
        "asset": f"A{number % 50}",
        "as_of": START_MS + number,
        "cycle": START_MS,
        "trigger": "cycle",
        "final_score": 0.582,
        "action": "BUY",
        "fused_action": "BUY",
        "confidence": 0.814,
        "contributions": parts,
        "entry_price_usd": 50_000.0,
        "position_size": 0.01628,
        "position_value_usd": 814.0,
        "stop_loss_usd": 47_500.0,
        "take_profit_usd": 55_000.0,
        "sizing": {"base": 1000.0, "multiplier": 0.814},
        "features": {"rsi14@1h": 55.0, "ma20@1h": 49_800.0, "ma50@1h": 49_000.0},
        "inputs": (InputPosition("engine.scores", 0, number),),
    }
    return _valid(Signal, defaults, changes)


def answers(
    values: dict[str, float] | None = None, cycle: int = START_MS, **changes: Any
) -> list[EngineScore]:
    """Return the answers of all engines to a cycle; engines left out of `values` score 0."""
    given = WORKED_EXAMPLE if values is None else values
    return [
        score(engine, given.get(engine, 0.0), cycle=cycle, as_of=cycle, **changes)
        for engine in ENGINES
    ]


def decision(strategy_id: str = "balanced", asset: str = "BTC", **fields: Any) -> Decision:
    """Build a BUY of a cycle in which the strategy has one asset."""
    full: dict[str, Any] = {
        "decision_id": f"{strategy_id}-{asset}-{fields.get('as_of', START_MS)}",
        "as_of": START_MS,
        "cycle": START_MS,
        "cycle_size": 1,
        "trigger": "cycle",
        "final_score": 0.5,
        "action": "BUY",
        "fused_action": "BUY",
        "price_usd": 50_000.0,
        "price_at": START_MS,
        "sentiment_confidence": 0.8,
        "portfolio_value_usd": 50_000.0,
    }
    return Decision(strategy_id=strategy_id, asset=asset, **(full | fields))


def cycle_end(strategy_id: str = "balanced", cycle: int = START_MS) -> Decision:
    """Build the end of a cycle."""
    return Decision(
        decision_id=f"{strategy_id}-end",
        strategy_id=strategy_id,
        kind="cycle_end",
        as_of=cycle,
        cycle=cycle,
    )
