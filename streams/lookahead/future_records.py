"""Extreme records of the future, that a stage must know nothing of yet: `planted` plants them.

They are valid (`schemas.validation`), so nothing but time speaks against them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.engines import ENGINES
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.scores import EngineScore, InputPosition
from schemas.signals import Decision, Signal
from schemas.times import HOUR_MS
from schemas.topics import (
    BOOKS,
    CALENDAR,
    CANDLES,
    DECISIONS,
    FUNDAMENTALS,
    NEWS,
    NEWS_SCORES,
    SCORES,
    SIGNALS,
    TRENDING,
)
from schemas.validation import TIMEFRAME_MS
from streams.headlines.probabilities import ModelTexts, Probabilities
from streams.headlines.scoring import VoicesConfig, score_article

AHEAD = 1_000_000_000_000
"""Planted records stand so far behind in the log: no state has applied their offsets."""
SOURCE = "planted"
_CRASH_USD, _ROCKET_USD = 1e-6, 1e12
_LATER_SEQUENCE = 1 << 62


def planted(topic: str, key: str, now_ms: int) -> list[Any]:
    """Return records of a topic that are observed after `now_ms`; empty for a topic without any.

    `key` is theirs: the asset, or the strategy.
    """
    make = _MAKERS.get(topic)
    return [] if make is None else make(key, now_ms)


def _candles(asset: str, now_ms: int) -> list[Any]:
    """Return the next candle of every timeframe: a crash, a rocket, a crash."""
    prices = (_CRASH_USD, _ROCKET_USD, _CRASH_USD)
    candles = []
    for (timeframe, length_ms), price_usd in zip(TIMEFRAME_MS.items(), prices, strict=True):
        open_time = (now_ms // length_ms + 1) * length_ms
        close_time = open_time + length_ms
        candles.append(
            Candle(
                asset=asset,
                event_time=close_time,
                observed_at=close_time + 1,
                source=SOURCE,
                source_id=f"{SOURCE}:{timeframe}",
                exchange=SOURCE,
                symbol=f"{asset}/USDT",
                timeframe=timeframe,
                open_time=open_time,
                close_time=close_time,
                open=price_usd,
                high=price_usd,
                low=price_usd,
                close=price_usd,
                volume=1e12,
                closed=True,
            )
        )
    return candles


def _head(asset: str, now_ms: int, event_time: int | None = None) -> dict[str, Any]:
    """Return what every record of the market has; it happens when it is observed, or later."""
    at_ms = now_ms + 1
    return {
        "asset": asset,
        "event_time": event_time or at_ms,
        "observed_at": at_ms,
        "source": SOURCE,
        "source_id": SOURCE,
    }


def _tick(asset: str, now_ms: int) -> list[Any]:
    return [
        TrendingAsset(
            **_head(asset, now_ms),
            cycle=now_ms + 1,
            cycle_size=1,
            rank=1,
            name=SOURCE,
            price_usd=_ROCKET_USD,
            volume_24h_usd=1e15,
            market_cap_usd=1e18,
            change_24h_pct=1e6,
            galaxy_score=100.0,
            alt_rank=1,
            social_volume=1e12,
            interactions=1e12,
            sentiment_pct=100.0,
            twitter_volume=1e12,
            twitter_sentiment_pct=100.0,
            reddit_volume=1e12,
            reddit_sentiment_pct=100.0,
            votes_up_pct=100.0,
            fear_greed=100.0,
        )
    ]


def _headline(asset: str, now_ms: int) -> list[Any]:
    return [
        NewsArticle(
            asset=asset,
            event_time=now_ms + 1,
            observed_at=now_ms + 1,
            published_at=now_ms + 1,
            source=SOURCE,
            source_id=f"{SOURCE}:{now_ms}",
            headline=f"{asset} CRASHES TO ZERO: HACKED, BANKRUPT, DELISTED EVERYWHERE",
            url=f"{SOURCE}:{now_ms}",
            publisher=SOURCE,
            sentiment_label="negative",
        )
    ]


def _news_score(asset: str, now_ms: int) -> list[Any]:
    """Return the score of that headline, of which a model is certain, too."""
    texts, certain = ModelTexts(SOURCE, SOURCE), Probabilities(1.0, 0.0, 0.0)
    place = InputPosition(NEWS.name, 0, AHEAD)
    (headline,) = _headline(asset, now_ms)
    return [score_article(VoicesConfig(), headline, place, texts, certain)]


def _book(asset: str, now_ms: int) -> list[Any]:
    return [
        OrderBook(
            **_head(asset, now_ms),
            exchange=SOURCE,
            symbol=f"{asset}/USDT",
            bid_prices=(_CRASH_USD,),
            bid_sizes=(1e-9,),
            ask_prices=(_ROCKET_USD,),
            ask_sizes=(1e-9,),
        )
    ]


def _fundamentals(asset: str, now_ms: int) -> list[Any]:
    huge: dict[str, Any] = {
        name: 1e15
        for name in Fundamentals.__struct_fields__
        if name.startswith(("github_", "twitter_", "reddit_", "telegram_", "volume_", "market_"))
        and name not in ("market_cap_rank", "github_issues_closed_pct")
    }
    return [
        Fundamentals(
            **_head(asset, now_ms),
            market_cap_rank=1,
            github_issues_closed_pct=100.0,
            transactions_24h=1e15,
            active_addresses_24h=1e15,
            hash_rate=1e30,
            **huge,
        )
    ]


def _calendar_event(asset: str, now_ms: int) -> list[Any]:
    return [
        CalendarEvent(
            **_head(asset, now_ms, now_ms + HOUR_MS),
            title="delisted everywhere",
            category="delisting",
            starts_at=now_ms + HOUR_MS,
            impact=1.0,
            certainty=1.0,
        )
    ]


def _scores(asset: str, now_ms: int) -> list[Any]:
    """Return the answers of all engines to a later cycle: fusion sends signals on the last."""
    return [
        EngineScore(
            asset=asset,
            engine=engine,
            status="ok",
            cycle=now_ms + 1,
            cycle_size=1,
            as_of=now_ms + 1,
            sequence=_LATER_SEQUENCE,
            score=1.0,
            confidence=1.0,
            freshness=1.0,
            data_time=now_ms + 1,
            price_usd=_ROCKET_USD,
        )
        for engine in ENGINES
    ]


def _decisions(strategy_id: str, now_ms: int) -> list[Any]:
    """Return a purchase of all there is at a later cycle, and its end, which closes all others."""
    later_ms = now_ms + 1
    bought = Decision(
        decision_id=SOURCE,
        strategy_id=strategy_id,
        asset=SOURCE.upper(),
        as_of=later_ms,
        cycle=later_ms,
        cycle_size=2,
        trigger="cycle",
        final_score=1.0,
        action="BUY",
        fused_action="BUY",
        price_usd=_ROCKET_USD,
        price_at=later_ms,
        sentiment_confidence=1.0,
        trend_strength=1.0,
        data_freshness=1.0,
        portfolio_value_usd=1e12,
    )
    end = Decision(
        decision_id=SOURCE,
        strategy_id=strategy_id,
        kind="cycle_end",
        as_of=later_ms,
        cycle=later_ms,
    )
    return [bought, end]


def _signals(asset: str, now_ms: int) -> list[Any]:
    """Return a strategy's signal of a later cycle, at a price of another world."""
    later_ms = now_ms + 1
    return [
        Signal(
            signal_id=SOURCE,
            strategy_id=SOURCE,
            asset=asset,
            as_of=later_ms,
            cycle=later_ms,
            trigger="cycle",
            final_score=1.0,
            action="BUY",
            fused_action="BUY",
            confidence=1.0,
            contributions=(),
            entry_price_usd=_ROCKET_USD,
            position_size=0.0,
            position_value_usd=0.0,
            price_at=later_ms,
        )
    ]


_MAKERS: dict[str, Callable[[str, int], list[Any]]] = {
    TRENDING.name: _tick,
    NEWS.name: _headline,
    NEWS_SCORES.name: _news_score,
    CANDLES.name: _candles,
    BOOKS.name: _book,
    FUNDAMENTALS.name: _fundamentals,
    CALENDAR.name: _calendar_event,
    SCORES.name: _scores,
    DECISIONS.name: _decisions,
    SIGNALS.name: _signals,
}
