"""What a simulated world answers with: rows, candles, tickers, books. All prices in USD (USDT)."""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol, TypeAlias

from marketdata.simulated.assets import Asset
from schemas.coins import COINS

Level: TypeAlias = tuple[float, float]
"""A price in USD and the units that stand at it."""


class AssetRow(NamedTuple):
    """What never changes of an asset.

    slug          as CoinMarketCal and LunarCrush spell it, for example avalanche
    coingecko_id  as CoinGecko spells it, for example avalanche-2
    decimals      of its prices in USDT
    """

    symbol: str
    name: str
    slug: str
    coingecko_id: str
    supply: float
    max_supply: float | None
    decimals: int


def asset_row(asset: Asset) -> AssetRow:
    """Return the row of an asset of the simulated market."""
    known = COINS.get(asset.symbol)
    slug = slugged(asset.name)
    return AssetRow(
        symbol=asset.symbol,
        name=asset.name,
        slug=slug,
        coingecko_id=slug if known is None else known.slug,
        supply=asset.supply,
        max_supply=asset.max_supply,
        decimals=asset.decimals,
    )


def slugged(text: str) -> str:
    """Return a text in lower case with hyphens between its words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class Kline(NamedTuple):
    """A candle from `open_time` (ms) on; volume in units. An open one is as far as it has come."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class Ticker(NamedTuple):
    """The price now, and what the 24 closed hours before (and the one under way) were like.

    volume, volume_usd  of the last 24 closed hours
    """

    price: float
    open_24h: float
    high_24h: float
    low_24h: float
    volume: float
    volume_usd: float

    @property
    def change_24h_pct(self) -> float:
        """Change against the price 24 hours before the hour under way, in percent."""
        return (self.price / self.open_24h - 1.0) * 100.0


class Book(NamedTuple):
    """An order book's two sides, best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class UnknownAssetError(LookupError):
    """The world has no asset of this symbol."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the simulated world has no asset {symbol!r}")


class Market(Protocol):
    """Prices of a world at a time: what an exchange needs of a `simulator.world.World`.

    `await ready(now_ms)` first; then reads at `now_ms` (or up to ten minutes later) are quick.
    """

    async def ready(self, now_ms: int) -> None:
        """Compute the market up to `now_ms` and a little further, beside the event loop."""
        ...

    def assets(self) -> tuple[AssetRow, ...]:
        """Return the assets, the largest first, roughly."""
        ...

    def price(self, symbol: str, now_ms: int) -> float:
        """Return the last price in USDT."""
        ...

    def ticker(self, symbol: str, now_ms: int) -> Ticker:
        """Return price, and range and volume of 24 hours."""
        ...

    def candles(
        self, symbol: str, timeframe: str, start_ms: int | None, limit: int, now_ms: int
    ) -> list[Kline]:
        """Return candles of 1m, 1h, 4h or 1d in the order of time, the one under way last.

        With `start_ms`: the first `limit` that open then or later; without: the last `limit`.
        """
        ...

    def book(self, symbol: str, now_ms: int, levels: int) -> Book:
        """Return bids and asks, at most `levels` each (there are 60 at most)."""
        ...
