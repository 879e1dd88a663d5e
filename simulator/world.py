"""The market at any moment, for the stand-ins to serve: the `World`, and one out of a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.bars import HOUR_MS
from marketdata.simulated.calendar_events import HEARTBEAT_TITLE, calendar
from marketdata.simulated.state import MarketState
from schemas.market import CalendarEvent, Fundamentals, NewsArticle, TrendingAsset
from schemas.times import CYCLE_MS, MINUTE_MS
from simulator.book_builder import around
from simulator.chunks import Chunk, compute_chunk, compute_past
from simulator.news_store import NEWS_KEPT_MS, NewsStore
from simulator.price_history import HistoryWorld, PriceHistory
from simulator.shapes import AssetRow, Book, Kline, Market, Ticker, UnknownAssetError, asset_row

__all__ = ["AssetRow", "Book", "Kline", "SeededWorld", "Ticker", "UnknownAssetError", "World"]

_CHUNKS_KEPT = 8


class World(Market, Protocol):
    """The market at a moment. All of it agrees: price, candles, ticker, book, coins.

    `await ready(now_ms)` first; then reads at `now_ms` (or up to ten minutes later) are quick.
    Symbols are assets (BTC), prices in USDT; UnknownAssetError for an unknown one.
    """

    def coins(self, now_ms: int) -> tuple[TrendingAsset, ...]:
        """Return the coin list of every asset, most watched first; cap and change fit the price."""
        ...

    def news(self, now_ms: int, since_ms: int) -> tuple[NewsArticle, ...]:
        """Return the articles published after `since_ms` and up to now, latest first."""
        ...

    def fundamentals(self, symbol: str, now_ms: int) -> Fundamentals | None:
        """Return what was known on the hour; None where nothing is."""
        ...

    def calendar(self, now_ms: int) -> tuple[CalendarEvent, ...]:
        """Return the events of the next 30 days that have been announced, by date."""
        ...


class SeededWorld(HistoryWorld):
    """The simulated market from the hour of `start_ms` on: the same for the same seed and start."""

    def __init__(self, seed: int, start_ms: int, assets: Sequence[Asset] = ASSETS) -> None:
        self._seed = seed
        self._first_ms = start_ms // HOUR_MS * HOUR_MS
        self._assets = {asset.symbol: asset for asset in assets}
        self._rows = tuple(asset_row(asset) for asset in assets)
        self._histories = {asset.symbol: PriceHistory(asset.decimals) for asset in assets}
        self._state: MarketState | None = None
        self._chunks: list[Chunk] = []
        self._news = NewsStore()
        self._fundamentals: list[tuple[int, dict[str, Fundamentals]]] = []
        self._calendar_cache: tuple[int, tuple[CalendarEvent, ...]] = (-1, ())
        self._lock = asyncio.Lock()
        self._ahead: asyncio.Task[None] | None = None

    @property
    def until_ms(self) -> int:
        """Up to when the market has been computed."""
        return self._first_ms if self._state is None else self._state.now_ms

    async def ready(self, now_ms: int) -> None:
        """Compute up to `now_ms`, and begin with the ten minutes after it."""
        if self.until_ms <= now_ms:
            await self._advance(now_ms)
        running = self._ahead is not None and not self._ahead.done()
        if not running and self.until_ms <= now_ms + CYCLE_MS:
            self._ahead = asyncio.create_task(self._advance(now_ms + CYCLE_MS))

    async def _advance(self, until_ms: int) -> None:
        async with self._lock:
            if self._state is None:
                past = await asyncio.to_thread(
                    compute_past, self._seed, self._first_ms, tuple(self._assets.values())
                )
                self._begin(past)
            while self._state is not None and self._state.now_ms <= until_ms:
                self._append(await asyncio.to_thread(compute_chunk, self._state))

    def _known_until(self, now_ms: int) -> None:
        """Compute what is missing here and now: slow, so `ready` comes first where it matters."""
        now_ms = max(now_ms, self._first_ms)
        if self._state is None:
            self._begin(compute_past(self._seed, self._first_ms, tuple(self._assets.values())))
        while self._state is not None and self._state.now_ms <= now_ms:
            self._append(compute_chunk(self._state))

    def _begin(self, past: Chunk) -> None:
        if self._state is None:
            self._take(past)

    def _append(self, chunk: Chunk) -> None:
        # A read may have computed the same meanwhile; both are equal, one counts.
        if self._state is not None and chunk.start_ms == self._state.now_ms:
            self._take(chunk)

    def _take(self, chunk: Chunk) -> None:
        for symbol, history in self._histories.items():
            for timeframe, klines in chunk.closed.get(symbol, {}).items():
                history.add_closed(timeframe, klines)
            history.add_minutes(chunk.minutes.get(symbol, ()))
        self._news.add(chunk.news)
        self._news.drop_before(chunk.start_ms - NEWS_KEPT_MS)
        if chunk.fundamentals:
            self._fundamentals = [
                *self._fundamentals[-2:],
                (chunk.start_ms, dict(chunk.fundamentals)),
            ]
        if chunk.books:
            self._chunks = [*self._chunks[1 - _CHUNKS_KEPT :], chunk]
        self._state = chunk.after

    def _history(self, symbol: str, now_ms: int) -> PriceHistory:
        self._known_until(now_ms)
        try:
            return self._histories[symbol]
        except KeyError:
            raise UnknownAssetError(symbol) from None

    def _chunk(self, now_ms: int) -> Chunk:
        """Return the ten minutes of a moment; the oldest kept for an older moment."""
        self._known_until(now_ms)
        begun = [chunk for chunk in self._chunks if chunk.start_ms <= now_ms]
        return begun[-1] if begun else self._chunks[0]

    def book(self, symbol: str, now_ms: int, levels: int) -> Book:
        """Return up to `levels` levels a side around the price."""
        history = self._history(symbol, now_ms)
        books = self._chunk(now_ms).books[symbol]
        minute = (now_ms - self._chunk(now_ms).start_ms) // MINUTE_MS
        book = books[max(0, min(len(books) - 1, minute))]
        return around(book, history.price(now_ms), self._assets[symbol].decimals, levels)

    def coins(self, now_ms: int) -> tuple[TrendingAsset, ...]:
        """Return the ticks of the ten minutes under way, at the prices of now."""
        ticks = self._chunk(now_ms).ticks
        return tuple(self._priced(tick, now_ms) for tick in ticks)

    def _priced(self, tick: TrendingAsset, now_ms: int) -> TrendingAsset:
        ticker = self.ticker(tick.asset, now_ms)
        return msgspec.structs.replace(
            tick,
            price_usd=ticker.price,
            volume_24h_usd=round(ticker.volume_usd, 2),
            market_cap_usd=round(ticker.price * self._assets[tick.asset].supply, 2),
            change_24h_pct=round(ticker.change_24h_pct, 4),
        )

    def news(self, now_ms: int, since_ms: int) -> tuple[NewsArticle, ...]:
        """Return the articles published after `since_ms` and up to now, latest first."""
        self._known_until(now_ms)
        return self._news.between(since_ms, now_ms)

    def fundamentals(self, symbol: str, now_ms: int) -> Fundamentals | None:
        """Return what was known on the hour."""
        self._history(symbol, now_ms)
        known = [rows for at_ms, rows in self._fundamentals if at_ms <= now_ms]
        return known[-1].get(symbol) if known else None

    def calendar(self, now_ms: int) -> tuple[CalendarEvent, ...]:
        """Return the announced events of the next 30 days, called-off ones for an hour."""
        hour_ms = now_ms // HOUR_MS * HOUR_MS
        if self._calendar_cache[0] != hour_ms:
            events = [
                event
                for asset in self._assets.values()
                for event in calendar(self._seed, asset, hour_ms, hour_ms, everything=True)
                if event.title != HEARTBEAT_TITLE
            ]
            events.sort(key=lambda event: (event.starts_at, event.source_id))
            self._calendar_cache = hour_ms, tuple(events)
        return self._calendar_cache[1]
