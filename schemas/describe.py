"""The most telling fields of each event, on one line. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from schemas.scores import EngineScore, NewsScore
from schemas.signals import Decision, PortfolioEquity, PortfolioTrade, Signal, TopSignals
from schemas.sources import SourceStatus
from schemas.text import big, moment, price


def one_line(event: Any) -> str:
    """Return what people look for in an event; an unknown type is shown whole."""
    line = _LINES.get(type(event))
    return line(event) if line is not None else repr(event)


def plain(event: Any) -> Any:
    """Return an event as what JSON can hold; bytes as hex."""
    if event is None:
        return None
    return msgspec.to_builtins(_hexed(event), enc_hook=str)


def _hexed(event: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(event)
    return {name: v.hex() if isinstance(v, bytes) else v for name, v in fields.items()}


def _trending(event: TrendingAsset) -> str:
    change = "" if event.change_24h_pct is None else f" {event.change_24h_pct:+.2f}% 24h"
    galaxy = "" if event.galaxy_score is None else f" galaxy {event.galaxy_score:g}"
    return (
        f"rank {event.rank} of {event.cycle_size} {event.name} {price(event.price_usd)} USD"
        f"{change} vol {big(event.volume_24h_usd)}{galaxy} cycle {moment(event.cycle, '%H:%M')}"
    )


def _news(event: NewsArticle) -> str:
    label = f"[{event.sentiment_label}] " if event.sentiment_label else ""
    return f"{label}{event.headline} ({event.publisher})"


def _candle(event: Candle) -> str:
    ohlc = " ".join(
        f"{letter} {price(value)}"
        for letter, value in zip(
            "OHLC", (event.open, event.high, event.low, event.close), strict=True
        )
    )
    state = "closed" if event.closed else "open"
    return f"{event.timeframe} {moment(event.open_time, '%d %H:%M')} {ohlc} {state}"


def _book(event: OrderBook) -> str:
    if not event.bid_prices or not event.ask_prices:
        return f"{event.symbol} {len(event.bid_prices)} bids, {len(event.ask_prices)} asks"
    bid, ask = event.bid_prices[0], event.ask_prices[0]
    spread_bps = (ask - bid) / ((ask + bid) / 2) * 10_000
    return (
        f"{event.symbol} bid {price(bid)} ask {price(ask)} spread {spread_bps:.1f} bps, "
        f"{len(event.bid_prices)} and {len(event.ask_prices)} levels"
    )


def _fundamentals(event: Fundamentals) -> str:
    return (
        f"rank {event.market_cap_rank or '-'} cap {big(event.market_cap_usd)} "
        f"vol {big(event.volume_24h_usd)} commits {big(event.github_commits_4w)} "
        f"twitter {big(event.twitter_followers)} tx {big(event.transactions_24h)}"
    )


def _calendar(event: CalendarEvent) -> str:
    gone = "CANCELLED " if event.cancelled else ""
    return (
        f"{gone}{moment(event.starts_at, '%Y-%m-%d')} {event.category} impact {event.impact:+.2f} "
        f"certainty {event.certainty:.2f} {event.title}"
    )


def _strategy(event: Strategy) -> str:
    rules = "".join(
        f" {word}: {rule}"
        for word, rule in (("entry", event.entry_rule), ("exit", event.exit_rule))
        if rule
    )
    state = "" if event.active else " (off)"
    return f"v{event.version} {event.name}{state}, {event.owner}, {event.timeframe}{rules}"


def _request(event: SignalRequest) -> str:
    return f"{event.strategy_id} asked for at {moment(event.requested_at)} ({event.request_id})"


def _score(event: EngineScore) -> str:
    detail = ", ".join(f"{part}: {text}" for part, text in event.detail.items())
    kind = "" if event.cycle is None else f" cycle {moment(event.cycle, '%H:%M')}"
    return (
        f"{event.engine:<11} {event.score:+.3f} conf {event.confidence:.2f} "
        f"fresh {event.freshness:.2f}{kind}"
        f"{' MISSING' if event.status == 'missing' else ''}{' | ' + detail if detail else ''}"
    )


def _news_score(event: NewsScore) -> str:
    by = f"{event.model} {event.model_version}" if event.model else f"no model ({event.no_model})"
    hits = ", ".join(f"{hit.term} {hit.strength:+.2f}" for hit in event.hits)
    place = event.article
    return (
        f"{event.label} {event.score:+.3f} conf {event.confidence:.2f} by {by}"
        f"{'; ' + hits if hits else ''} ({place.topic}:{place.partition}:{place.offset})"
    )


def _signal(event: Signal) -> str:
    override = f" by {event.override}" if event.override else ""
    return (
        f"{event.signal_id[:8]} {event.action:<4} {event.strategy_id} "
        f"final {event.final_score:+.3f} conf {event.confidence:.2f} "
        f"at {price(event.entry_price_usd)} for {big(event.position_value_usd)} "
        f"{event.trigger}{override}"
    )


def _decision(event: Decision) -> str:
    if event.kind == "cycle_end":
        return f"the wait for cycle {moment(event.cycle or 0)} is over"
    if event.kind != "decision":
        amount = "" if event.amount_usd is None else f" of {big(event.amount_usd)} USD"
        return f"{event.kind}{amount} {event.reason}".rstrip()
    override = f" by {event.override}" if event.override else ""
    held = "" if event.position is None else f" in at {price(event.position.entry_price_usd)}"
    return (
        f"{event.decision_id[:8]} {event.action:<4} {event.asset} final {event.final_score:+.3f} "
        f"at {price(event.price_usd)} {event.trigger}{override}{held}"
    )


def _trade(event: PortfolioTrade) -> str:
    made = "" if event.return_pct is None else f" made {event.return_pct:+.2f}%"
    return (
        f"{event.side} {event.size:g} {event.asset} at {price(event.fill_price_usd)} for "
        f"{big(event.value_usd)} fee {event.fee_usd:.2f} by {event.reason}{made}"
    )


def _equity(event: PortfolioEquity) -> str:
    return (
        f"{event.equity_usd:.2f} USD, {event.cash_usd:.2f} of it cash, {len(event.positions)} "
        f"positions, {event.won_trades} of {event.closed_trades} trades won"
    )


def _outcome(event: Outcome) -> str:
    change = "no return" if event.return_pct is None else f"{event.return_pct:+.2f}%"
    return (
        f"{event.engine or event.strategy_id} said {event.score:+.3f} of {event.asset} at "
        f"{moment(event.scored_at)}: {change} after {event.horizon}"
    )


def _top(event: TopSignals) -> str:
    best = " ".join(f"{one.rank}.{one.asset} {one.action}" for one in event.ranked)
    part = "" if event.complete else f" INCOMPLETE {event.received} of {event.expected}"
    return f"cycle {moment(event.cycle, '%H:%M')}{part} {best}"


def _letter(event: DeadLetter) -> str:
    return f"{event.partition}:{event.offset} {event.stage} {event.error}: {event.reason}"


def _source(event: SourceStatus) -> str:
    limit = "" if event.limit_day is None else f" of {event.limit_day}"
    error = f" | {event.last_error}" if event.last_error else ""
    return (
        f"{event.state} for {', '.join(event.feeds)}, {event.requests_day}{limit} requests today, "
        f"circuit {event.circuit}{error}"
    )


def _explanation(event: Explanation) -> str:
    return f"{event.signal_id[:8]} {event.strategy_id} ({event.status}, {event.model}) {event.text}"


_LINES: dict[type, Callable[[Any], str]] = {
    TrendingAsset: _trending,
    NewsArticle: _news,
    Candle: _candle,
    OrderBook: _book,
    Fundamentals: _fundamentals,
    CalendarEvent: _calendar,
    Strategy: _strategy,
    SignalRequest: _request,
    EngineScore: _score,
    NewsScore: _news_score,
    Signal: _signal,
    Decision: _decision,
    PortfolioTrade: _trade,
    PortfolioEquity: _equity,
    Outcome: _outcome,
    TopSignals: _top,
    DeadLetter: _letter,
    SourceStatus: _source,
    Explanation: _explanation,
}


def key_text(key: bytes | None) -> str:
    """Return a record's key for people: text where it is text, hex where not, `-` for none."""
    if key is None:
        return "-"
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return f"0x{key.hex()}"
    return text if text.isprintable() else json.dumps(text)
