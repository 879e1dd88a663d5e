"""Live candles of one exchange.

Closed ones: shortly after the close they are requested by REST and published once the answer shows
that they are final; whatever is missing, for whatever reason, is requested until it is there. The
websocket brings the open ones, and REST does when it does not.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from producers.exchange.backfill import fill
from producers.exchange.candle_tracker import CandleTracker, Emit, Key, Reports
from producers.exchange.connection import Connection
from producers.exchange.parsing import candles_of
from producers.exchange.streams import CandleStream
from producers.http_client.errors import UpstreamError
from schemas.market import Candle
from schemas.times import MINUTE_MS

_log = logging.getLogger(__name__)
_OPEN_A_TIMEFRAME = 60
"""How often an open candle is published at most, and no more than once a minute."""
_REQUESTED_A_TIMEFRAME = 12
"""The same where only REST brings them: fifty assets are 13 requests a minute."""
_SHORTEST_S, _LONGEST_S = 0.5, 30.0  # between two looks at what is due
_FALLBACK_CONCURRENCY = 2
_GRACE_MS = 15_000  # for the websocket to open, before its candles are asked for by REST
_AWAY_S = 10.0  # before the next look when the exchange does not answer


class CandleFeed:
    """Publishes the candles of a ledger's series until cancelled."""

    def __init__(
        self,
        connection: Connection,
        tracker: CandleTracker,
        emit: Emit,
        *,
        reports: Reports | None = None,
        websocket: bool = True,
        rng: random.Random | None = None,
        stream: CandleStream | None = None,
    ) -> None:
        self._connection = connection
        self._tracker = tracker
        self._emit = emit
        self._reports = reports
        websocket = websocket and connection.has_sockets
        self._stream = stream or (
            CandleStream(connection, reports=reports, rng=rng) if websocket else None
        )
        self._followed = asyncio.Event()
        self._opens = _OpenCandles(connection, tracker, self._stream)

    def follow(
        self, markets: Mapping[str, str], more: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        """Follow these markets (symbol by asset) from now on; new ones are back-filled.

        `more`: timeframes by asset beside those of all.
        """
        self._tracker.follow(markets, more)
        self._watch()
        self._followed.set()

    async def run(self) -> None:
        """Publish until cancelled. The exchange's errors are reported, none is raised."""
        self._watch()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._close())
            group.create_task(self._open())
            if self._stream is not None:
                group.create_task(self._stream.run())

    def _watch(self) -> None:
        if self._stream is not None:
            self._stream.follow([_pair(self._tracker, key) for key in self._tracker.followed()])

    async def _close(self) -> None:
        clock = self._connection.clock
        while True:
            self._followed.clear()
            due = self._tracker.due(clock.now_ms())
            if due:
                filled = await fill(self._connection, self._tracker, due, self._emit)
                self._report(filled.errors, filled.candles)
            now_ms = clock.now_ms()
            wake_ms = self._tracker.wake_at(now_ms)
            pause_s = _LONGEST_S if wake_ms is None else (wake_ms - now_ms) / 1000
            await self._sleep(min(max(pause_s, _SHORTEST_S), _LONGEST_S))

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or until other markets are followed."""
        sleeping = asyncio.ensure_future(self._connection.clock.sleep(seconds))
        waking = asyncio.ensure_future(self._followed.wait())
        try:
            await asyncio.wait([sleeping, waking], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def _open(self) -> None:
        clock = self._connection.clock
        while True:
            candles, errors = await self._opens.changed()
            self._report(errors, await self._publish(candles))
            shortest_s = _AWAY_S if _away(errors) else _SHORTEST_S
            pause_s = (self._opens.wake_at() - clock.now_ms()) / 1000
            await clock.sleep(min(max(pause_s, shortest_s), _LONGEST_S))

    async def _publish(self, candles: Sequence[Candle]) -> int:
        """Publish open candles and return how many were."""
        if not candles:
            return 0
        try:
            await self._emit(candles)
        except Exception as error:
            _log.error("open candles were not published: %s", error)
            self._opens.forget(candles)
            return 0
        return len(candles)

    def _report(self, errors: Sequence[Exception], events: int) -> None:
        if self._reports is None:
            return
        for error in errors:
            self._reports.failure(error)
        if events:
            self._reports.success()


class _OpenCandles:
    """Which open candles are to be published: changed ones, each at most once in its interval."""

    def __init__(
        self, connection: Connection, tracker: CandleTracker, stream: CandleStream | None
    ) -> None:
        self._connection = connection
        self._tracker = tracker
        self._stream = stream
        self._started_ms = connection.clock.now_ms()
        self._looked_at: dict[Key, int] = {}
        self._last: dict[Key, Candle] = {}

    def wake_at(self) -> int:
        """Return when the next one may be published, ms."""
        keys = self._tracker.followed()
        return min((self._next(key) for key in keys), default=self._connection.clock.now_ms())

    def _next(self, key: Key) -> int:
        return self._looked_at.get(key, 0) + self._interval_ms(key)

    def _interval_ms(self, key: Key) -> int:
        often = _OPEN_A_TIMEFRAME if self._connection.has_sockets else _REQUESTED_A_TIMEFRAME
        return max(self._tracker[key].length_ms // often, MINUTE_MS)

    async def changed(self) -> tuple[list[Candle], list[Exception]]:
        """Return the open candles to publish now, and the errors met."""
        now_ms = self._connection.clock.now_ms()
        candles: list[Candle] = []
        unstreamed: list[Key] = []
        for key in self._tracker.followed():
            if self._next(key) > now_ms:
                continue
            row = self._streamed(key)
            if row is not None:
                self._looked_at[key] = now_ms
                candles += self._candle(key, [row], now_ms)
            elif self._stream is None or now_ms >= self._started_ms + _GRACE_MS:
                unstreamed.append(key)
        errors: list[Exception] = []
        await self._fetch(unstreamed, candles, errors)
        return candles, errors

    def forget(self, candles: Sequence[Candle]) -> None:
        """Take candles as not published: they count as changed the next time."""
        for candle in candles:
            self._last.pop(Key(candle.asset, candle.timeframe), None)

    def _streamed(self, key: Key) -> Sequence[float] | None:
        if self._stream is None:
            return None
        age_ms = 2 * self._interval_ms(key)
        row: Sequence[float] | None = self._stream.fresh(_pair(self._tracker, key), age_ms)
        return row

    async def _fetch(self, keys: list[Key], candles: list[Candle], errors: list[Exception]) -> None:
        """Ask by REST for those that the websocket does not bring."""
        waiting = keys[::-1]

        async def work() -> None:
            while waiting and not _away(errors):
                key = waiting.pop()
                listing = self._tracker.listing(key)
                if listing is None:
                    continue
                try:
                    rows = await self._connection.candles(listing.symbol, key.timeframe, None, 2)
                except UpstreamError as error:
                    errors.append(error)
                    rows = []
                now_ms = self._connection.clock.now_ms()
                self._looked_at[key] = now_ms
                candles.extend(self._candle(key, rows, now_ms))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_FALLBACK_CONCURRENCY, len(waiting))):
                group.create_task(work())

    def _candle(self, key: Key, rows: Sequence[Sequence[float]], now_ms: int) -> list[Candle]:
        """Return the open candle of the current period if it is another than before, else none."""
        listing = self._tracker.listing(key)
        if listing is None:
            return []
        parsed = candles_of(listing, key.timeframe, rows, now_ms)
        candles = [
            candle
            for candle in parsed.rows
            if not candle.closed and candle.open_time <= now_ms < candle.close_time
        ]
        for candle in candles:
            same_ms = replace(candle, observed_at=0, event_time=0)
            if self._last.get(key) == same_ms:
                return []
            self._last[key] = same_ms
        return candles


def _away(errors: Sequence[Exception]) -> bool:
    """Return whether the next request would fail with the same error."""
    return any(
        isinstance(error, UpstreamError) and (error.retryable or error.kind == "open_circuit")
        for error in errors
    )


def _pair(tracker: CandleTracker, key: Key) -> tuple[str, str]:
    listing = tracker.listing(key)
    return ("" if listing is None else listing.symbol, key.timeframe)
