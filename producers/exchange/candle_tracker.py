"""The series of candles that are followed, and which is due next.

The state behind back-fill and live candles: one per exchange, handed to both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol, TypeAlias

from producers.exchange.parsing import Listing
from producers.exchange.series import Series, due, missing, next_due
from schemas.events import MarketEvent
from schemas.validation import CANDLE_MS, TIMEFRAME_MS

TIMEFRAMES = tuple(TIMEFRAME_MS)
CANDLES = 300

Known: TypeAlias = Mapping[tuple[str, str], Iterable[int]] | Callable[[str, str], Iterable[int]]


Emit: TypeAlias = Callable[[Sequence[MarketEvent]], Awaitable[object]]
"""Publishes events in their order; returns once they are acknowledged, raises when they are not."""


class Reports(Protocol):
    """Where successes and failures are reported: `producers.http_client.health.SourceHealth`."""

    def success(self) -> None:
        """Take a good answer."""
        ...

    def failure(self, error: Exception) -> None:
        """Take a failure."""
        ...


class Key(NamedTuple):
    """One asset's candles of one timeframe."""

    asset: str
    timeframe: str


class CandleTracker:
    """The followed series of one exchange, their candles known and missing.

    `known`: open times of closed candles published before, by asset and timeframe: a mapping, or a
    function that is called when an asset is first followed. `holes`: what `holes()` of an earlier
    run returned. `count`: how many candles a series shall have.
    """

    def __init__(
        self,
        exchange: str,
        markets: Mapping[str, str],
        *,
        known: Known | None = None,
        holes: Mapping[tuple[str, str], Iterable[int]] | None = None,
        timeframes: Sequence[str] = TIMEFRAMES,
        count: int = CANDLES,
    ) -> None:
        self.exchange = exchange
        self.count = count
        self.timeframes = tuple(timeframes)
        self._known: Known = {} if known is None else known
        self._holes = {Key(*key): frozenset(times) for key, times in (holes or {}).items()}
        self._series: dict[Key, Series] = {}
        self._listings: dict[str, Listing] = {}
        self._more: dict[str, frozenset[str]] = {}
        self._wake_at: dict[Key, int] = {}
        self._busy: set[Key] = set()
        self.follow(markets)

    def follow(
        self, markets: Mapping[str, str], more: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        """Follow these markets (symbol by asset) from now on.

        `more`: timeframes by asset beside those of all. What is known of assets that are no longer
        followed is kept, or asked for again when they come back, where there is somebody to ask.
        """
        self._listings = {
            asset: Listing(self.exchange, asset, symbol) for asset, symbol in markets.items()
        }
        self._more = {asset: frozenset(names) for asset, names in (more or {}).items()}
        if callable(self._known):  # an exchange that comes back has its past published again
            for key in self._series.keys() - set(self.followed()):
                del self._series[key]
        for key in self.followed():
            if key not in self._series:
                holes = self._holes.get(key, frozenset())
                self._series[key] = Series(key.timeframe, self._times(key), holes)
        self._wake_at = {}

    def _times(self, key: Key) -> frozenset[int]:
        if callable(self._known):
            return frozenset(self._known(key.asset, key.timeframe))
        return frozenset(self._known.get((key.asset, key.timeframe), ()))

    def followed(self) -> tuple[Key, ...]:
        """Return the followed series: the short timeframes first, in each the assets' order."""
        return tuple(
            Key(asset, timeframe)
            for timeframe in CANDLE_MS
            for asset in self._listings
            if timeframe in self.timeframes or timeframe in self._more.get(asset, ())
        )

    def listing(self, key: Key) -> Listing | None:
        """Return the market of a series; None if it is no longer followed."""
        return self._listings.get(key.asset)

    def __getitem__(self, key: Key) -> Series:
        """Return what is known of a series; of one that is not followed, nothing."""
        return self._series.get(key) or Series(key.timeframe)

    def __setitem__(self, key: Key, series: Series) -> None:
        if key not in self._series:
            return  # no longer followed: it begins anew when it is again
        self._series[key] = series
        self._wake_at.pop(key, None)

    def due(self, now_ms: int) -> tuple[Key, ...]:
        """Return the series with missing candles that may be requested now."""
        return tuple(
            key
            for key in self.followed()
            if self._wake(key, now_ms) <= now_ms and due(self[key], now_ms, self.count)
        )

    def wake_at(self, now_ms: int) -> int | None:
        """Return when the next series is due, ms; None if none is followed."""
        return min((self._wake(key, now_ms) for key in self.followed()), default=None)

    def _wake(self, key: Key, now_ms: int) -> int:
        wake = self._wake_at.get(key)
        if wake is None:
            wake = self._wake_at[key] = next_due(self[key], now_ms, self.count)
        return wake

    @contextmanager
    def taken(self, key: Key) -> Iterator[bool]:
        """Lock a series for the block; yields False if another task has it."""
        free = key not in self._busy
        self._busy.add(key)
        try:
            yield free
        finally:
            if free:
                self._busy.discard(key)

    def missing(self, now_ms: int) -> int:
        """Return how many candles of the followed series are missing."""
        return sum(len(missing(self[key], now_ms, self.count)) for key in self.followed())

    def holes(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """Return the open times that the exchange has no candles for, by series, as plain data."""
        return {
            (key.asset, key.timeframe): tuple(sorted(series.holes))
            for key, series in self._series.items()
            if series.holes
        }
