"""Ten minutes of the simulated market, cut into what a world serves. Pure, some 50 ms each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from marketdata.simulated.assets import Asset
from marketdata.simulated.bars import Bar
from marketdata.simulated.simulation import backfill, cycle
from marketdata.simulated.state import AssetState, MarketState
from schemas.events import MarketEvent
from schemas.market import Candle, Fundamentals, NewsArticle, OrderBook, TrendingAsset
from schemas.times import MINUTE_MS
from simulator.book_builder import mid_of
from simulator.shapes import Kline


@dataclass(slots=True)
class Chunk:
    """What came out of ten minutes (or of the past), by asset; `after` is where it goes on.

    closed  candles closed by the start, by asset and timeframe
    books   one a minute
    """

    start_ms: int
    after: MarketState
    closed: dict[str, dict[str, list[Kline]]] = field(default_factory=dict)
    minutes: dict[str, list[Bar]] = field(default_factory=dict)
    books: dict[str, list[OrderBook]] = field(default_factory=dict)
    ticks: list[TrendingAsset] = field(default_factory=list)
    news: list[NewsArticle] = field(default_factory=list)
    fundamentals: dict[str, Fundamentals] = field(default_factory=dict)


def compute_past(seed: int, start_ms: int, assets: Sequence[Asset]) -> Chunk:
    """Return the past of a market that starts at `start_ms`, the beginning of an hour. Seconds."""
    state, events = backfill(seed, start_ms, assets)
    past = _sorted_out(start_ms, state, events)
    past.books.clear()
    past.news.sort(key=lambda article: (article.published_at or 0, article.source_id))
    return past


def compute_chunk(before: MarketState) -> Chunk:
    """Return the ten minutes that follow a state."""
    after, events = cycle(before, before.now_ms)
    chunk = _sorted_out(before.now_ms, after, events)
    for was, now in zip(before.assets, after.assets, strict=True):
        chunk.minutes[now.asset.symbol] = _minutes(was, now, chunk, before.now_ms)
    return chunk


def _sorted_out(start_ms: int, after: MarketState, events: Sequence[MarketEvent]) -> Chunk:
    closed: dict[str, dict[str, list[Kline]]] = defaultdict(lambda: defaultdict(list))
    books: dict[str, list[OrderBook]] = defaultdict(list)
    chunk = Chunk(start_ms, after)
    for event in events:
        match event:
            case Candle(closed=True):
                closed[event.asset][event.timeframe].append(_kline(event))
            case OrderBook():
                books[event.asset].append(event)
            case TrendingAsset():
                chunk.ticks.append(event)
            case NewsArticle():
                chunk.news.append(event)
            case Fundamentals():
                chunk.fundamentals[event.asset] = event
            case _:
                pass  # the calendar is asked for anew, open candles come off the tape
    chunk.closed, chunk.books = dict(closed), dict(books)
    return chunk


def _kline(event: Candle) -> Kline:
    return Kline(
        event.open_time, event.open, event.high, event.low, event.close, event.volume, closed=True
    )


def _minutes(was: AssetState, now: AssetState, chunk: Chunk, start_ms: int) -> list[Bar]:
    """Return the minutes, out of the books that were made around their closing prices.

    What was traded in the ten minutes is spread over them: more where the price moved more.
    """
    symbol, decimals = now.asset.symbol, now.asset.decimals
    prices = [was.price_usd, *(mid_of(book, decimals) for book in chunk.books[symbol])]
    same_hour = was.hour.open_time == now.hour.open_time
    traded = now.hour.volume - (was.hour.volume if same_hour else 0.0)
    moves = [abs(close / before - 1.0) for before, close in pairwise(prices)]
    usual = sum(moves) / len(moves) or 1.0
    weights = [1.0 + move / usual for move in moves]
    share = traded / sum(weights)
    return [
        Bar(
            start_ms + number * MINUTE_MS,
            before,
            max(before, close),
            min(before, close),
            close,
            float(f"{share * weights[number]:.8g}"),
        )
        for number, (before, close) in enumerate(pairwise(prices))
    ]
