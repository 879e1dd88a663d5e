"""Coin lists as vendors have them: the world's assets, and what else is listed beside them.

Beside the assets stand stablecoins, a wrapped and a staked coin, and a bridged coin that has the
symbol of a larger one: symbols are not unique, and not everything listed can be traded.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketdata.simulated.bars import HOUR_MS
from schemas.market import TrendingAsset
from schemas.times import DAY_MS
from simulator.price_history import LENGTH_MS
from simulator.shapes import AssetRow
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes against 1 hour, 1, 7 and 30 days ago, in percent; None where history is shorter."""

    hour: float | None
    day: float | None
    week: float | None
    month: float | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a coin list. `tick` has its social numbers, None without any.

    number  the vendor's id of it, the same for the life of the world
    rank    by market cap, 1 is largest
    """

    number: int
    row: AssetRow
    price: float
    volume_usd: float
    change_24h_pct: float
    high_24h: float
    low_24h: float
    rank: int
    tick: TrendingAsset | None

    @property
    def market_cap(self) -> float:
        """Price times supply, in USD."""
        return self.price * self.row.supply


@dataclass(frozen=True, slots=True)
class _Beside:
    row: AssetRow
    follows: str | None  # the asset whose price it has
    turnover: float


_BESIDE = (
    _Beside(AssetRow("USDT", "Tether", "tether", "tether", 138e9, None, 6), None, 0.62),
    _Beside(AssetRow("USDC", "USDC", "usdc", "usd-coin", 44e9, None, 6), None, 0.21),
    _Beside(
        AssetRow("STETH", "Lido Staked Ether", "lido-staked-ether", "staked-ether", 9.6e6, None, 2),
        "ETH",
        0.004,
    ),
    _Beside(
        AssetRow("WBTC", "Wrapped Bitcoin", "wrapped-bitcoin", "wrapped-bitcoin", 129e3, None, 1),
        "BTC",
        0.02,
    ),
    _Beside(
        AssetRow("PEPE", "Pepe (Bridged)", "pepe-bridged", "pepe-bridged", 1.9e11, None, 10),
        "PEPE",
        0.0004,
    ),
)


def listed(world: World, now_ms: int) -> tuple[Listed, ...]:
    """Return every listed coin at a moment, the largest first."""
    rows = {row.symbol: row for row in world.assets()}
    numbers = {symbol: number for number, symbol in enumerate(rows, start=1)}
    ticks = {tick.asset: tick for tick in world.coins(now_ms)}
    coins = [
        _coin(world, row, numbers[row.symbol], ticks.get(row.symbol), now_ms)
        for row in rows.values()
    ]
    for number, beside in enumerate(_BESIDE, start=len(rows) + 1):
        if beside.follows is None or beside.follows in rows:
            coins.append(_beside(world, beside, number, now_ms))
    coins.sort(key=lambda coin: (-coin.market_cap, coin.number))
    return tuple(_ranked(coin, rank) for rank, coin in enumerate(coins, start=1))


def _coin(
    world: World, row: AssetRow, number: int, tick: TrendingAsset | None, now_ms: int
) -> Listed:
    day = world.ticker(row.symbol, now_ms)
    return Listed(
        number=number,
        row=row,
        price=day.price,
        volume_usd=round(day.volume_usd, 2),
        change_24h_pct=round(day.change_24h_pct, 6),
        high_24h=day.high_24h,
        low_24h=day.low_24h,
        rank=0,
        tick=tick,
    )


def _beside(world: World, beside: _Beside, number: int, now_ms: int) -> Listed:
    price, change = 1.0, 0.0
    if beside.follows is not None:
        day = world.ticker(beside.follows, now_ms)
        price, change = day.price, round(day.change_24h_pct, 6)
    volume_usd = round(price * beside.row.supply * beside.turnover, 2)
    return Listed(number, beside.row, price, volume_usd, change, price, price, 0, None)


def _ranked(coin: Listed, rank: int) -> Listed:
    return Listed(
        coin.number,
        coin.row,
        coin.price,
        coin.volume_usd,
        coin.change_24h_pct,
        coin.high_24h,
        coin.low_24h,
        rank,
        coin.tick,
    )


def changes(world: World, coin: Listed, now_ms: int) -> Changes:
    """Return how the price of a coin has changed; nothing but the day for what has no candles."""
    if coin.tick is None:
        return Changes(None, coin.change_24h_pct, None, None)
    symbol = coin.row.symbol

    def since(ago_ms: int, timeframe: str) -> float | None:
        length_ms = LENGTH_MS[timeframe]
        start_ms = (now_ms - ago_ms) // length_ms * length_ms
        rows = world.candles(symbol, timeframe, start_ms, 1, now_ms)
        known = rows and rows[0].open_time - start_ms <= DAY_MS
        return round((coin.price / rows[0].open - 1.0) * 100.0, 12) if known else None

    return Changes(
        since(HOUR_MS, "1h"),
        coin.change_24h_pct,
        since(7 * DAY_MS, "1d"),
        since(30 * DAY_MS, "1d"),
    )


def number_or_int(value: float) -> float | int:
    """Return a whole number without a decimal point, as vendors write it."""
    return int(value) if value.is_integer() else value


def whole(text: str | None, default: int) -> int:
    """Return a whole number from 0 on; the default without one, and for anything else."""
    return int(text) if text is not None and text.isdecimal() else default
