"""A world out of a directory of recorded data: its candles and headlines, books made around them.

Within an hour the price goes from the open to low and high (which of them first, the close says)
and to the close, so that every hour ends as recorded. What was not recorded is not there: no
social numbers, no code activity, no calendar.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from marketdata.recorded.files import Directory, ReadReport, RecordedDataError, find_files, in_order
from marketdata.recorded.news import headlines, tagged_posts
from marketdata.recorded.readers import candles
from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.bars import HOUR_MS, Bar
from marketdata.simulated.books import order_book
from marketdata.simulated.hidden_state import HiddenState
from marketdata.simulated.state import AssetState
from schemas.events import OrderKey
from schemas.market import CalendarEvent, Candle, Fundamentals, NewsArticle, TrendingAsset
from schemas.times import DAY_MS, MINUTE_MS
from simulator.book_builder import around
from simulator.news_store import NEWS_KEPT_MS, NewsStore, published_ms
from simulator.price_history import HistoryWorld, PriceHistory
from simulator.shapes import Book, Kline, UnknownAssetError, asset_row

SOURCE = "recorded"
_KNOWN = {asset.symbol: asset for asset in ASSETS}
_WARMUP = 720
_LOW_MINUTE, _HIGH_MINUTE = 15, 45
_NO_END_MS = 1 << 60


class RecordedWorld(HistoryWorld):
    """The `World` of a recorded directory from `start_ms` on. Reads files as time goes on.

    Raises RecordedDataError when there are no candles to play at that time. The constructor reads
    up to `start_ms`, seconds for years of data: not in an event loop.
    """

    def __init__(self, folder: Path, start_ms: int) -> None:
        self.report = ReadReport()
        found = find_files(folder, self.report)
        self._files = {(file.asset, file.timeframe): file for file in found.candles}
        self._unread: dict[tuple[str, str], Iterator[Candle]] = {}
        self._next: dict[tuple[str, str], Candle] = {}
        self._histories: dict[str, PriceHistory] = {}
        self._assets: dict[str, Asset] = {}
        self._until_ms = start_ms - 1
        for symbol in found.assets:
            self._open(symbol, start_ms)
        if not self._assets:
            msg = f"{folder} has no hourly candles around {start_ms} ms to begin with"
            raise RecordedDataError(msg)
        self._stories = self._open_news(found, start_ms)
        self._next_story = next(self._stories, None)
        self._news = NewsStore()
        self._read(start_ms)
        rows = map(asset_row, self._assets.values())
        self._rows = tuple(sorted(rows, key=lambda row: -self._cap(row.symbol, start_ms)))

    def _open(self, symbol: str, start_ms: int) -> None:
        for (asset, timeframe), file in self._files.items():
            if asset == symbol:
                key = symbol, timeframe
                rows = candles(file, start_ms, _NO_END_MS, _WARMUP, self.report)
                first = next(rows, None)
                if first is not None:
                    self._unread[key], self._next[key] = rows, first
        first = self._next.get((symbol, "1h"))
        if first is None or first.open_time > start_ms:
            for key in [key for key in self._next if key[0] == symbol]:
                del self._next[key]
            return
        known = _KNOWN.get(symbol) or _unknown(symbol)
        self._assets[symbol] = known._replace(price_usd=first.close)
        self._histories[symbol] = PriceHistory(self._assets[symbol].decimals)

    def _open_news(self, found: Directory, start_ms: int) -> Iterator[NewsArticle]:
        first_ms = start_ms - NEWS_KEPT_MS
        sources: list[Iterator[tuple[OrderKey, NewsArticle]]] = []
        if found.headlines is not None:
            rows = headlines(found.headlines, first_ms, _NO_END_MS, self._assets, self.report)
            sources.append(_ordered(rows, found.headlines.name, self.report))
        if found.tagged_posts is not None:
            rows = tagged_posts(found.tagged_posts, first_ms, _NO_END_MS, self._assets, self.report)
            sources.append(_ordered(rows, found.tagged_posts.name, self.report))
        return _merged(sources)

    async def ready(self, now_ms: int) -> None:
        """Read up to `now_ms` and an hour further; a matter of milliseconds."""
        if self._until_ms < now_ms + HOUR_MS // 2:
            self._read(now_ms + HOUR_MS)

    def _read(self, until_ms: int) -> None:
        for key in list(self._next):
            self._read_candles(key, until_ms)
        while self._next_story is not None and published_ms(self._next_story) <= until_ms:
            self._news.add([self._next_story])
            self._next_story = next(self._stories, None)
        self._news.drop_before(self._until_ms - NEWS_KEPT_MS)
        self._until_ms = max(self._until_ms, until_ms)

    def _read_candles(self, key: tuple[str, str], until_ms: int) -> None:
        history = self._histories[key[0]]
        decimals = self._assets[key[0]].decimals
        begun: list[Candle] = []
        following: Candle | None = self._next[key]
        while following is not None and following.open_time <= until_ms:
            begun.append(following)
            following = next(self._unread[key], None)
        if following is None:
            del self._next[key]
        else:
            self._next[key] = following
        history.add_closed(key[1], [_kline(one) for one in begun])
        if key[1] == "1h":
            for one in begun[-10:]:  # the minutes of longer ago are never asked for
                history.add_minutes(_minutes(one, decimals))

    def _history(self, symbol: str, now_ms: int) -> PriceHistory:
        if self._until_ms < now_ms:
            self._read(now_ms)
        try:
            return self._histories[symbol]
        except KeyError:
            raise UnknownAssetError(symbol) from None

    def book(self, symbol: str, now_ms: int, levels: int) -> Book:
        """Return up to `levels` levels a side around the price; their sizes are made up."""
        day = self.ticker(symbol, now_ms)
        price = day.price
        # As deep as what was traded that day makes it.
        asset = self._assets[symbol]._replace(supply=max(day.volume, 1.0), turnover=1.0)
        minute = now_ms // MINUTE_MS
        state = AssetState(asset, HiddenState(0.0), Bar(0, price, price, price, price, 0.0), [], [])
        made = order_book(state, minute * MINUTE_MS, random.Random(f"{symbol}:{minute}"))
        return around(made, price, asset.decimals, levels)

    def coins(self, now_ms: int) -> tuple[TrendingAsset, ...]:
        """Return price and volume of every asset, most traded first; without social numbers."""
        days = {symbol: self.ticker(symbol, now_ms) for symbol in self._histories}
        ranked = sorted(days, key=lambda symbol: (-days[symbol].volume_usd, symbol))
        return tuple(
            TrendingAsset(
                asset=symbol,
                event_time=now_ms,
                observed_at=now_ms,
                source=SOURCE,
                source_id=f"{now_ms}:{symbol}",
                cycle=now_ms,
                cycle_size=len(ranked),
                rank=rank,
                name=self._assets[symbol].name,
                price_usd=days[symbol].price,
                volume_24h_usd=round(days[symbol].volume_usd, 2),
                market_cap_usd=self._cap(symbol, now_ms) or None,
                change_24h_pct=round(days[symbol].change_24h_pct, 4),
            )
            for rank, symbol in enumerate(ranked, start=1)
        )

    def _cap(self, symbol: str, now_ms: int) -> float:
        return round(self.price(symbol, now_ms) * self._assets[symbol].supply, 2)

    def news(self, now_ms: int, since_ms: int) -> tuple[NewsArticle, ...]:
        """Return the recorded articles published after `since_ms` and up to now, latest first."""
        return self._news.between(since_ms, now_ms)

    def fundamentals(self, symbol: str, now_ms: int) -> Fundamentals | None:
        """Return what follows from price and volume; the rest was not recorded."""
        day = self.ticker(symbol, now_ms)
        asset = self._assets[symbol]
        caps = sorted((-self._cap(one, now_ms), one) for one in self._assets)
        days = self.candles(symbol, "1d", now_ms - 31 * DAY_MS, 30, now_ms)
        closed = [row.volume * row.close for row in days if row.closed]
        return Fundamentals(
            asset=symbol,
            event_time=now_ms,
            observed_at=now_ms,
            source=SOURCE,
            source_id=f"{symbol}:{now_ms}",
            market_cap_rank=[one for _, one in caps].index(symbol) + 1,
            market_cap_usd=self._cap(symbol, now_ms) or None,
            circulating_supply=asset.supply or None,
            max_supply=asset.max_supply,
            volume_24h_usd=round(day.volume_usd, 2),
            volume_30d_avg_usd=round(sum(closed) / len(closed), 2) if closed else None,
        )

    def calendar(self, now_ms: int) -> tuple[CalendarEvent, ...]:
        """Return nothing: no calendar was recorded."""
        return ()


def _unknown(symbol: str) -> Asset:
    """Return an asset of which only the candles are known."""
    return Asset(symbol, 1.0, 0.0, None, 0.0, 3.0, 1.0, 0, 0.0, 0.0)


def _kline(one: Candle) -> Kline:
    return Kline(one.open_time, one.open, one.high, one.low, one.close, one.volume, closed=True)


def _minutes(one: Candle, decimals: int) -> list[Bar]:
    """Return the sixty minutes of a recorded hour."""
    rising = one.close >= one.open
    early, late = (one.low, one.high) if rising else (one.high, one.low)
    knots = ((0, one.open), (_LOW_MINUTE, early), (_HIGH_MINUTE, late), (60, one.close))
    prices = [one.open]
    for (begin, start), (end, goal) in pairwise(knots):
        steps = end - begin
        for step in range(1, steps):
            price = round(start + (goal - start) * step / steps, decimals)
            prices.append(min(one.high, max(one.low, price)))
        prices.append(goal)
    share = one.volume / 60.0
    return [
        Bar(one.open_time + minute * MINUTE_MS, was, max(was, now), min(was, now), now, share)
        for minute, (was, now) in enumerate(pairwise(prices))
    ]


def _ordered(
    rows: Iterator[NewsArticle], file: str, report: ReadReport
) -> Iterator[tuple[OrderKey, NewsArticle]]:
    for key, event in in_order(rows, file, report):
        if isinstance(event, NewsArticle):
            yield key, event


def _merged(sources: list[Iterator[tuple[OrderKey, NewsArticle]]]) -> Iterator[NewsArticle]:
    return (article for _, article in heapq.merge(*sources, key=lambda pair: pair[0]))
