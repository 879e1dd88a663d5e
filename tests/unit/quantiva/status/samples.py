"""One event of every type, with values that stand out."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.control import SignalRequest, Strategy
from schemas.dead_letters import DeadLetter
from schemas.explanations import Explanation
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.outcomes import Outcome
from schemas.scores import EngineScore, InputPosition
from schemas.signals import (
    Decision,
    PortfolioEquity,
    PortfolioTrade,
    RankedSignal,
    Signal,
    TopSignals,
)
from schemas.sources import SourceStatus
from tests import factories

T0 = 1_767_225_600_000  # 2026-01-01 00:00 UTC
HEAD = {"asset": "BTC", "event_time": T0, "observed_at": T0, "source": "s", "source_id": "1"}

TRENDING = TrendingAsset(
    **HEAD,
    cycle=T0,
    cycle_size=50,
    rank=3,
    name="Bitcoin",
    price_usd=50_000.0,
    volume_24h_usd=1.25e9,
    change_24h_pct=-1.5,
    galaxy_score=71.0,
)
NEWS = NewsArticle(
    **HEAD, headline="Bitcoin rises", url="u", publisher="Paper", sentiment_label="positive"
)
NEWS_SCORE = factories.news_score(article=InputPosition("market.news", 2, 67))
CANDLE = Candle(
    **HEAD,
    exchange="binance",
    symbol="BTC/USDT",
    timeframe="1h",
    open_time=T0,
    close_time=T0 + 3_600_000,
    open=1.0,
    high=3.0,
    low=0.5,
    close=2.0,
    volume=9.0,
    closed=False,
)
BOOK = OrderBook(
    **HEAD,
    exchange="binance",
    symbol="BTC/USDT",
    bid_prices=(99.0, 98.0),
    bid_sizes=(1.0, 1.0),
    ask_prices=(101.0,),
    ask_sizes=(1.0,),
)
FUNDAMENTALS = Fundamentals(**HEAD, market_cap_rank=1, market_cap_usd=2e12)
CALENDAR = CalendarEvent(
    **HEAD, title="Fork", category="hard_fork", starts_at=T0, impact=-0.8, certainty=0.4
)
STRATEGY = Strategy(strategy_id="s1", owner="admin", name="Momentum", entry_rule="RSI < 30")
REQUEST = SignalRequest("r1", "BTC", "s1", T0)
SIGNAL = Signal(
    signal_id="id",
    strategy_id="momentum",
    asset="BTC",
    as_of=T0,
    cycle=T0,
    trigger="cycle",
    final_score=0.582,
    action="BUY",
    fused_action="HOLD",
    override="entry_rule",
    confidence=0.814,
    contributions=(),
    entry_price_usd=50_000.0,
    position_size=0.01628,
    position_value_usd=814.0,
)
TOP = TopSignals("s1", T0, False, 3, 50, (RankedSignal(1, "id", "BTC", "BUY", 0.5, 0.8),))

EXPLANATION = Explanation(
    signal_id="f00",
    asset="BTC",
    strategy_id="momentum",
    cycle=T0,
    explained_at=T0,
    status="done",
    text="BTC rises.",
    model="template",
    input_hash="h",
    reason="",
    prompt_tokens=0,
    completion_tokens=0,
    cost_usd=0.0,
)
SOURCE = SourceStatus(
    source="lunarcrush",
    observed_at=T0,
    state="degraded",
    feeds=("news",),
    events=3,
    last_error="it is slow",
    circuit="closed",
    requests_minute=1,
    requests_day=7,
    limit_day=500,
    detail="",
)


def score(**changes: Any) -> EngineScore:
    """An engine's score, ok and degraded in one part."""
    event = EngineScore(
        asset="BTC",
        engine="sentiment",
        status="ok",
        cycle=T0,
        cycle_size=1,
        as_of=T0,
        sequence=1,
        score=0.25,
        confidence=0.5,
        freshness=1.0,
        detail={"model": "no weights"},
    )
    return msgspec.structs.replace(event, **changes)


def letter(offset: int = 7, stage: str = "sentiment", **changes: Any) -> DeadLetter:
    """A dead letter of a news article that was no Avro."""
    event = DeadLetter(
        letter_id=f"market.news:2:{offset}:{stage}",
        topic="market.news",
        partition=2,
        offset=offset,
        stage=stage,
        error="BadEvent",
        reason="not in the Confluent wire format",
        failed_at=T0,
        record_timestamp=T0 - 1000,
        record_key=b"BTC",
        record_value=b"garbage",
        kind="invalid",
    )
    return msgspec.structs.replace(event, **changes)


DECISION = Decision(
    decision_id="f00", strategy_id="momentum", asset="BTC", as_of=T0, action="BUY", price_usd=50_000
)
TRADE = PortfolioTrade(
    trade_id="f00",
    strategy_id="momentum",
    strategy_version=1,
    asset="BTC",
    side="buy",
    reason="thresholds",
    signal_id="f00",
    decided_at=T0,
    filled_at=T0,
    size=0.5,
    seen_price_usd=50_000,
    fill_price_usd=50_010,
    value_usd=25_005,
    fee_usd=25.0,
    spread_bps=1.0,
    slippage_bps=1.0,
    cash_usd=24_970,
)
EQUITY = PortfolioEquity(
    strategy_id="momentum",
    kind="cycle",
    as_of=T0,
    cycle=T0,
    equity_usd=50_000,
    cash_usd=25_000,
    positions_usd=25_000,
    invested_usd=50_000,
    realised_usd=0.0,
    unrealised_usd=0.0,
    fees_usd=0.0,
    closed_trades=0,
    won_trades=0,
)
OUTCOME = Outcome(
    outcome_id="f00",
    kind="score",
    asset="BTC",
    engine="technical",
    scored_at=T0,
    cycle=T0,
    horizon="4h",
    score=0.5,
    confidence=0.8,
    price_usd=50_000.0,
    price_at=T0,
    later_price_usd=51_000.0,
    later_price_at=T0 + 4 * 3_600_000,
    return_pct=2.0,
    as_of=T0 + 4 * 3_600_000,
)
