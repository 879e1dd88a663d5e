"""The past of the simulated market: as many hours as 300 daily candles need."""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from marketdata.simulated.assets import Asset
from marketdata.simulated.bars import HOUR_MS, Bar, group, traded
from marketdata.simulated.calendar_events import shocks
from marketdata.simulated.hidden_state import HiddenState, advance, market_moves
from marketdata.simulated.state import DAYS_KEPT, HOURS_KEPT, AssetState, seeded
from schemas.times import DAY_MS


class Headline(NamedTuple):
    """A headline of the past: when (ms) and its tone."""

    published_at: int
    tone: int


class Past(NamedTuple):
    """An asset's hourly bars up to now, its headlines of the last day, and its state now."""

    bars: list[Bar]
    headlines: list[Headline]
    state: AssetState


def first_hour_ms(now_ms: int, candles: int) -> int:
    """Return where history begins so that there are `candles` whole days before `now_ms`."""
    return now_ms // DAY_MS * DAY_MS - candles * DAY_MS


def common_past(seed: int, start_ms: int, end_ms: int) -> tuple[HiddenState, list[float]]:
    """Return the market factor at the end, and its log return in every hour."""
    market = HiddenState(0.0)
    hours = (end_ms - start_ms) // HOUR_MS
    return market, market_moves(market, hours, 1.0, seeded(seed, "market", "past"))


def past(seed: int, asset: Asset, common: list[float], start_ms: int) -> Past:
    """Return the history of an asset; its last price is near the reference price."""
    rng = seeded(seed, asset.symbol, "past")
    end_ms = start_ms + len(common) * HOUR_MS
    shock_of_hour = {
        (event.starts_at - start_ms) // HOUR_MS: event.shock
        for event in shocks(seed, asset, start_ms, end_ms)
    }
    hidden = HiddenState(0.0)
    path: list[tuple[float, float, float, float]] = []
    headlines = []
    for number, move in enumerate(common):
        step = advance(asset, hidden, move, 1.0, rng, shock_of_hour.get(number, 0.0))
        reach = 0.35 * asset.hourly_vol * math.sqrt(hidden.heat)
        up, down = abs(rng.gauss(0.0, reach)), abs(rng.gauss(0.0, reach))
        volume = traded(asset, step.surprise, hidden.attention, 1.0, rng)
        path.append((hidden.log_price, up, down, volume))
        hour_ms = start_ms + number * HOUR_MS
        if step.tone is not None and hour_ms >= end_ms - DAY_MS:
            headlines.append(Headline(hour_ms + rng.randrange(HOUR_MS), step.tone))
    bars = _bars(asset, path, start_ms, rng)
    last = bars[-1]
    hidden.log_price = math.log(last.close)
    hour = Bar(end_ms, last.close, last.close, last.close, last.close, 0.0)
    days_usd = [
        sum(bar.volume * bar.close for bar in bars[start : start + 24])
        for start in range(0, len(bars) - 23, 24)
    ][-DAYS_KEPT:]
    return Past(bars, headlines, AssetState(asset, hidden, hour, bars[-HOURS_KEPT:], days_usd))


def _bars(
    asset: Asset, path: list[tuple[float, float, float, float]], start_ms: int, rng: random.Random
) -> list[Bar]:
    """Turn log prices into bars, shifted so that the last price is the reference, give or take."""
    shift = math.log(asset.price_usd) + rng.gauss(0.0, 0.05) - path[-1][0]
    decimals = asset.decimals
    price = _price(shift, decimals)
    bars = []
    for hour, (log_price, up, down, volume) in enumerate(path):
        close = _price(log_price + shift, decimals)
        high = max(price, close, round(max(price, close) * math.exp(up), decimals))
        low = min(price, close, round(min(price, close) * math.exp(-down), decimals))
        bars.append(Bar(start_ms + hour * HOUR_MS, price, high, low, close, volume))
        price = close
    return bars


def _price(log_price: float, decimals: int) -> float:
    # One unit of the last decimal is the least price that there is.
    return max(round(math.exp(log_price), decimals), round(10.0**-decimals, decimals))


def timeframes(bars: list[Bar], count: int) -> dict[str, list[Bar]]:
    """Return the last `count` closed bars of each timeframe; `bars` begin at midnight UTC."""
    return {timeframe: group(bars, timeframe, count) for timeframe in ("1h", "4h", "1d")}
