"""Order books of the simulated market: twenty levels a side, out to about two percent."""

from __future__ import annotations

import math
import random

from marketdata.simulated.bars import EXCHANGE
from marketdata.simulated.state import AssetState
from schemas.market import OrderBook

LEVELS = 20
_BPS = 1e-4
_MILLION = 1e6


def spread_bps(state: AssetState) -> float:
    """Return the spread: narrow where much is traded, wide where it is hot."""
    volume_usd = state.asset.volume_24h * state.asset.price_usd
    ordinary = 0.4 + 25.0 / math.sqrt(volume_usd / _MILLION)
    return ordinary * state.hidden.heat


def order_book(state: AssetState, observed_at: int, rng: random.Random) -> OrderBook:
    """Return the book around the last price; heat takes size out of it."""
    asset = state.asset
    ticks = round(state.price_usd * 10**asset.decimals)
    half = spread_bps(state) / 2.0
    volume_usd = asset.volume_24h * asset.price_usd
    level_usd = (1_500.0 + 4e-6 * volume_usd) / math.sqrt(state.hidden.heat)
    lean = max(-0.5, min(0.5, 0.15 * math.tanh(state.hidden.mood) + rng.gauss(0.0, 0.08)))
    bids = _side(asset.decimals, ticks, half, level_usd * (1.0 + lean), -1, rng)
    asks = _side(asset.decimals, ticks, half, level_usd * (1.0 - lean), 1, rng)
    return OrderBook(
        asset=asset.symbol,
        event_time=observed_at,
        observed_at=observed_at,
        source=EXCHANGE,
        source_id=f"{asset.market}:{observed_at}",
        exchange=EXCHANGE,
        symbol=asset.market,
        bid_prices=bids[0],
        bid_sizes=bids[1],
        ask_prices=asks[0],
        ask_sizes=asks[1],
    )


def _side(
    decimals: int, mid_ticks: int, half_bps: float, level_usd: float, sign: int, rng: random.Random
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return prices and sizes, best first; `sign` is -1 for bids, 1 for asks."""
    prices, sizes = [], []
    previous = mid_ticks
    for level in range(LEVELS):
        away = (half_bps + 0.5 * level * level * (0.9 + 0.2 * rng.random())) * _BPS
        # At least one tick from the level before, so that prices are strictly ordered.
        ticks = mid_ticks + sign * max(round(mid_ticks * away), sign * (previous - mid_ticks) + 1)
        price = round(ticks / 10**decimals, decimals)
        prices.append(price)
        sizes.append(float(f"{level_usd * (1 + level) * (0.6 + 0.8 * rng.random()) / price:.6g}"))
        previous = ticks
    return tuple(prices), tuple(sizes)
