"""A connection to one exchange through ccxt: markets, candles, books, and instances to watch with.

It is for market data alone and carries no key.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt

from producers.exchange.errors import upstream_error
from producers.exchange.throttled import SOCKETS, RateLimiter, Throttle, lacking, throttled_exchange
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
_DAY_HOURS = 24
_MOST_CANDLES = 500
"""Of an exchange of which ccxt does not know it."""
_T = TypeVar("_T")


class Traded(NamedTuple):
    """What a market's ticker tells, in its quote currency; `volume` of 24 hours, None: not told."""

    price: float
    volume: float | None


class Connection:
    """One exchange. All requests of one share its rate limiter, its breaker and its pauses.

    ValueError for a name that ccxt does not know, or an exchange without candles or books. Every
    method raises UpstreamError and nothing else of ccxt's.
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
        self._takes_levels = True
        if lacks := lacking(self._rest):
            msg = f"QUANTIVA_EXCHANGES names {name}, which has no {' and no '.join(lacks)} in ccxt"
            raise ValueError(msg)

    @property
    def most_candles(self) -> int:
        """How many candles it gives in one answer at most, as ccxt knows it."""
        spot = (self._rest.features or {}).get("spot") or {}
        return (spot.get("fetchOHLCV") or {}).get("limit") or _MOST_CANDLES

    @property
    def has_sockets(self) -> bool:
        """Whether its websockets are used."""
        return self.name in SOCKETS

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
        """Return the order book, `levels` a side, in ccxt's form.

        Some exchanges give so many levels and no other number: of these it is what they give.
        """

        async def fetch() -> dict[str, Any]:
            limit = levels if self._takes_levels else None
            book: dict[str, Any] = await self._rest.fetch_order_book(symbol, limit)
            return book

        try:
            return await self._retried(fetch)
        except UpstreamError as error:
            is_refused = error.kind in {"bad_request", "bad_answer"} and "limit arg" in str(error)
            if not is_refused or not self._takes_levels:
                raise
            self._takes_levels = False
        return await self._retried(fetch)

    async def traded(self, symbols: Sequence[str]) -> dict[str, Traded]:
        """Return the last price, and the volume, of each market that has a price.

        Where the exchange has no such list, or refuses it for a market that it just closed, each
        market is asked for its candles of a day.
        """

        async def fetch() -> dict[str, Any]:
            tickers: dict[str, Any] = await self._rest.fetch_tickers(list(symbols))
            return tickers

        try:
            tickers = await self._retried(fetch)
        except UpstreamError as error:
            if error.kind not in _NO_LIST:
                raise
            return await self._last_day(symbols)
        told = {symbol: tickers.get(symbol, {}) for symbol in symbols}
        return {
            symbol: Traded(float(one["last"]), _volume(one))
            for symbol, one in told.items()
            if one.get("last")
        }

    async def _last_day(self, symbols: Sequence[str]) -> dict[str, Traded]:
        found: dict[str, Traded] = {}
        for symbol in symbols:
            try:
                rows = await self.candles(symbol, "1h", None, _DAY_HOURS)
            except UpstreamError as error:
                if error.kind not in {"not_found", "bad_request"}:
                    raise
                continue
            rows = rows[-_DAY_HOURS:]  # some give more than is asked for
            if rows and rows[-1][4]:
                volume = sum(float(row[4] or 0.0) * float(row[5] or 0.0) for row in rows)
                found[symbol] = Traded(float(rows[-1][4]), volume)
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


def _volume(ticker: dict[str, Any]) -> float | None:
    """Return the quote volume of a ticker in ccxt's form; None where it has none."""
    if ticker.get("quoteVolume") is not None:
        return float(ticker["quoteVolume"])
    base = ticker.get("baseVolume")
    return None if base is None else float(base) * float(ticker["last"])


async def open_exchange(
    name: str,
    settings: SourceSettings,
    clock: Clock,
    *,
    quota: RateLimiter | None = None,
    rng: random.Random | None = None,
) -> Connection:
    """Return a connection to an exchange, real or a stand-in; no request is made.

    ValueError as `Connection`.

    The rate limiter runs at the clock's speed against a stand-in, at the wall's against the real
    exchange, whose limits no rehearsal stretches.
    """
    url = settings.stand_in(name)
    speed = getattr(clock, "speed", 1.0) if url is not None else 1.0
    return await asyncio.to_thread(
        Connection, name, clock, url=url, quota=quota, rng=rng, speed=speed
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
