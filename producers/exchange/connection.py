"""A connection to one exchange through ccxt: markets, candles, books, and instances to watch with.

It is for market data alone and carries no key.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from producers.exchange.errors import upstream_error
from producers.exchange.throttled import RateLimiter, Throttle, throttled_exchange
from producers.http_client.errors import UpstreamError
from producers.http_client.host_breaker import HostBreaker
from producers.settings import SourceSettings
from transport.circuit_breaker import BreakerSettings
from transport.clock import Clock

_TRIES = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LONGEST_RETRY_AFTER_S = 60.0
_RULES = BreakerSettings(failures=8, first_pause_s=15.0, longest_pause_s=300.0)
_MARKETS_PARAMS = {"binance": {"showPermissionSets": "false", "symbolStatus": "TRADING"}}
"""Makes the list of markets three times shorter."""
_NO_LIST = frozenset(("not_found", "bad_request", "bad_answer", "not_json", "server"))
_T = TypeVar("_T")


class Connection:
    """One exchange. All requests of one share its rate limiter, its breaker and its pauses.

    Every method raises UpstreamError and nothing else of ccxt's.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        url: str | None = None,
        quota: RateLimiter | None = None,
        rng: random.Random | None = None,
        speed: float | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self._url = url
        self._speed = getattr(clock, "speed", 1.0) if speed is None else speed
        self._breaker = HostBreaker(name, clock, _RULES)
        self._throttle = Throttle(name, self._breaker, clock, quota)
        self._rng = rng or random.Random(0)
        self._rest = throttled_exchange(self._throttle, url, self._speed)

    @property
    def circuit(self) -> str:
        """closed, open or half_open."""
        return self._breaker.state

    async def markets(self) -> dict[str, Any]:
        """Load the spot markets, by symbol, in ccxt's form without the exchange's own `info`.

        It runs in a thread: parsing 2,000 of them would stop the event loop for 0.4 s.
        """
        loaded = await self._retried(lambda: in_thread(self._load))
        self._rest.set_markets_from_exchange(loaded)
        markets: dict[str, Any] = dict(loaded.markets)
        return markets

    async def _load(self) -> Any:
        """Return an instance that knows the markets; it is closed. Runs in a thread."""
        exchange = throttled_exchange(self._throttle, self._url, self._speed)
        try:
            markets = await exchange.fetch_markets(_MARKETS_PARAMS.get(self.name, {}))
        finally:
            await exchange.close()
        if not markets:
            raise UpstreamError(self.name, "bad_answer", "its list of markets is empty")
        for market in markets:
            market["info"] = {}  # most of the memory, and of no use here
        exchange.set_markets(markets)
        return exchange

    async def candles(
        self, symbol: str, timeframe: str, since_ms: int | None, limit: int
    ) -> list[list[Any]]:
        """Return up to `limit` candles from `since_ms` on (None: the latest), oldest first.

        Rows are `[open_time, open, high, low, close, volume]`; the last one is most often open.
        """

        async def fetch() -> list[list[Any]]:
            rows: list[list[Any]] = await self._rest.fetch_ohlcv(symbol, timeframe, since_ms, limit)
            return rows

        return await self._retried(fetch)

    async def book(self, symbol: str, levels: int) -> dict[str, Any]:
        """Return the order book, `levels` a side, in ccxt's form."""

        async def fetch() -> dict[str, Any]:
            book: dict[str, Any] = await self._rest.fetch_order_book(symbol, levels)
            return book

        return await self._retried(fetch)

    async def prices(self, symbols: Sequence[str]) -> dict[str, float]:
        """Return the last price of each market that has one.

        Where the exchange has no such list, or refuses it for a market that it just closed, each
        market is asked for its last candle.
        """

        async def fetch() -> dict[str, Any]:
            tickers: dict[str, Any] = await self._rest.fetch_tickers(list(symbols))
            return tickers

        try:
            tickers = await self._retried(fetch)
        except UpstreamError as error:
            if error.kind not in _NO_LIST:
                raise
            return await self._last_closes(symbols)
        last = {symbol: tickers.get(symbol, {}).get("last") for symbol in symbols}
        return {symbol: float(price) for symbol, price in last.items() if price}

    async def _last_closes(self, symbols: Sequence[str]) -> dict[str, float]:
        found: dict[str, float] = {}
        for symbol in symbols:
            try:
                rows = await self.candles(symbol, "1h", None, 1)
            except UpstreamError as error:
                if error.kind not in {"not_found", "bad_request"}:
                    raise
                continue
            if rows and rows[-1][4]:
                found[symbol] = float(rows[-1][4])
        return found

    def watcher(self) -> Any:
        """Return a new instance of ccxt.pro that knows the markets: for one websocket's life.

        Close it when the socket has failed: what is left in it of that socket goes with it.
        """
        exchange = throttled_exchange(self._throttle, self._url, self._speed)
        exchange.set_markets_from_exchange(self._rest)
        exchange.throttler = self._rest.throttler  # it asks for snapshots, too
        return exchange

    async def close(self) -> None:
        """Close what is open."""
        await self._rest.close()

    async def _retried(self, fetch: Callable[[], Awaitable[_T]]) -> _T:
        async def attempt() -> _T:
            try:
                return await fetch()
            except Exception as error:
                raise upstream_error(self.name, error) from None

        retrying = AsyncRetrying(
            retry=self._worth_another,
            stop=stop_after_attempt(_TRIES),
            wait=self._pause_s,
            sleep=self.clock.sleep,
            reraise=True,
        )
        return await retrying(attempt)

    def _worth_another(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(error, UpstreamError) or not error.retryable:
            return False
        return self._breaker.closed and (error.retry_after_s or 0.0) <= _LONGEST_RETRY_AFTER_S

    def _pause_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, UpstreamError) and error.retry_after_s is not None:
            return error.retry_after_s + self._rng.uniform(0.0, _FIRST_PAUSE_S)
        full = min(_FIRST_PAUSE_S * 2.0 ** (state.attempt_number - 1), _LONGEST_PAUSE_S)
        return full * self._rng.uniform(0.5, 1.0)


async def open_exchange(
    settings: SourceSettings,
    clock: Clock,
    *,
    quota: RateLimiter | None = None,
    rng: random.Random | None = None,
) -> Connection:
    """Return a connection to the exchange of the settings, real or a stand-in; no request is made.

    The rate limiter runs at the clock's speed against a stand-in, at the wall's against the real
    exchange, whose limits no rehearsal stretches.
    """
    url = settings.exchange_url
    speed = getattr(clock, "speed", 1.0) if url is not None else 1.0
    return await asyncio.to_thread(
        Connection, settings.exchange, clock, url=url, quota=quota, rng=rng, speed=speed
    )


async def in_thread(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Return what `work` returns, and raise what it raises; it ends when its caller is cancelled.

    Cancelling the caller alone would let the thread go on, and the process could not end before.
    """
    ended = threading.Event()
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []

    async def run() -> _T:
        task = asyncio.ensure_future(work())
        begun.append((asyncio.get_running_loop(), task))
        if ended.is_set():
            task.cancel()
        return await task

    try:
        return await asyncio.to_thread(lambda: asyncio.run(run()))
    except asyncio.CancelledError:
        ended.set()
        for loop, task in begun:
            with suppress(RuntimeError):  # its loop has closed meanwhile
                loop.call_soon_threadsafe(task.cancel)
        raise
