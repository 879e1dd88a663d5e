"""Liquidity score in [0, 1] from the order book and the 24 h volume.

    score      = mean of the parts that are present: spread, size, depth, slippage, volume
    confidence = share of the parts that is present, times (0.5 + 0.5 reach)

Each part is in [0, 1], linear in the logarithm between two points of Config (`_scaled`):

    spread      (ask - bid) / mid in bps
    size        USD at the best 10 levels of the thinner side
    depth       USD within 1 % and 2 % of mid, both sides together; mean of the two
    slippage    of market orders of 10k, 100k and 1M USD walked through the book, in bps of mid,
                fees left out, the worse of buying and selling; mean of the three
    volume      24 h volume over its 30-day average, and its 7-day over its 30-day average (the
                trend); mean of the two. Half of this part is present after a day of ticks, all
                of it after a week

A book shows only its top levels. What it does not show counts as not there: an order that it
cannot fill scores 0 and has no feature, depth is a lower bound. `reach` measures how much
that matters: the distance from mid to the last level of the shorter side, 0 at 1 bps, 1 at 200 bps,
and logarithmic in between.

The averages know only ticks: a time-weighted mean at first, then an exponential one. After a pause
of 30 days, or when the price jumps as only another coin's does, they begin anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, log
from typing import Any

import msgspec

from schemas.market import OrderBook, TrendingAsset
from schemas.topics import BOOKS
from streams.engines.base import Engine, EngineReading, clamp, freshness
from streams.engines.indicators import BREAK_FACTOR
from streams.engines.liquidity_book import depth_usd, side_of, slippage_of, top_usd

_MINUTE_MS = 60_000.0
_DAY_MS = 86_400_000.0
_BPS = 10_000.0

ORDERS_USD = {"10k": 10_000.0, "100k": 100_000.0, "1m": 1_000_000.0}
"""The market orders that are walked through the book (SPEC 2), by their name in features."""
_ORDERS = tuple((f"slippage_{name}_bps", size_usd) for name, size_usd in ORDERS_USD.items())
_NOT_FILLED = tuple((f"slippage_{name}_bps", f"slippage_{name}") for name in ORDERS_USD)
_ALL_FILLED = 4 + len(ORDERS_USD)
_RATIOS = ("volume_ratio", "volume_trend")


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the score; the pairs are the values that score 0 and 1.

    spread_bps            100: a token that nobody makes a market in; 1: the large pairs
    size_levels           levels a side that count as the top of the book
    size_usd              from pocket money to an order of a fund without touching level 11
    depth_1pct_usd        from one retail order to what the deepest pairs hold on one exchange
    depth_2pct_usd        twice that, for twice the distance
    slippage_bps          200 eats any edge that a signal could have; 1 is below all fees
    volume_ratio          a quarter and four times the usual volume: 1, the usual, scores 0.5
    month_days            time constant of the 30-day average: an exponential average of 15 days
                          and a plain one of 30 days are equally old on average
    week_days             the same for the 7-day average
    ratio_warm_days, trend_warm_days   days of ticks before the volume, and before the 7-day
                          average, is compared with the 30-day one
    reach_bps             distances of the last level that reach 0 and 1
    shallow_confidence    confidence that a book of reach 0 keeps
    fresh_minutes         age up to which a book is fresh: it comes every minute, one may be lost
    stale_minutes         age from which it no longer stands for the present book
    """

    spread_bps: tuple[float, float] = (100.0, 1.0)
    size_levels: int = 10
    size_usd: tuple[float, float] = (1_000.0, 1_000_000.0)
    depth_1pct_usd: tuple[float, float] = (10_000.0, 10_000_000.0)
    depth_2pct_usd: tuple[float, float] = (20_000.0, 20_000_000.0)
    slippage_bps: tuple[float, float] = (200.0, 1.0)
    volume_ratio: tuple[float, float] = (0.25, 4.0)
    month_days: float = 15.0
    week_days: float = 3.5
    ratio_warm_days: float = 1.0
    trend_warm_days: float = 7.0
    reach_bps: tuple[float, float] = (1.0, 200.0)
    shallow_confidence: float = 0.5
    fresh_minutes: float = 2.0
    stale_minutes: float = 15.0


class Book(msgspec.Struct, frozen=True, gc=False):
    """Measures of the last book, computed once when it comes.

    reach_bps   from mid to the last level of the shorter side
    held_usd    value of all levels of the thinner side
    parts       spread, size, depth and slippage, each 0 to 1
    features    as in `EngineReading`; an order that the book cannot fill has none
    """

    observed_at: int
    offset: int
    mid_usd: float
    reach_bps: float
    held_usd: float
    parts: tuple[float, float, float, float]
    features: dict[str, float]


class Volume(msgspec.Struct, frozen=True, gc=False):
    """24 h volume in USD from the ticks: the last one and its averages.

    first_seen, last_seen   observed_at of the first and the newest tick, ms
    price_usd               of the newest tick; 0: not kept yet
    """

    first_seen: int
    last_seen: int
    now_usd: float
    week_usd: float
    month_usd: float
    price_usd: float = 0.0


class State(msgspec.Struct, frozen=True, gc=False):
    """The newest book and the volume so far; None: not seen yet."""

    book: Book | None = None
    volume: Volume | None = None


def initial(config: Config) -> State:
    """Return the state of an asset without book and volume."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a book or a tick; one that is not newer than the last leaves the state as it is."""
    book, volume = state.book, state.volume
    if type(event) is OrderBook:
        if book is None or event.observed_at > book.observed_at:
            return State(measure(config, event, offset), volume)
    elif type(event) is TrendingAsset and (volume is None or event.observed_at > volume.last_seen):
        return State(book, _averaged(config, volume, event))
    return state


def measure(config: Config, book: OrderBook, offset: int) -> Book:
    """Return the measures of one book."""
    bids = side_of(book.bid_prices, book.bid_sizes)
    asks = side_of(book.ask_prices, book.ask_sizes)
    best_bid, best_ask = bids.prices[0], asks.prices[0]
    mid = (best_bid + best_ask) / 2.0
    spread_bps = (best_ask - best_bid) / mid * _BPS
    top, top_asks = top_usd(bids, config.size_levels), top_usd(asks, config.size_levels)
    top = min(top, top_asks)
    depth_1pct, depth_2pct = depth_usd(bids, asks, mid, 0.01), depth_usd(bids, asks, mid, 0.02)
    features = {
        "spread_bps": spread_bps,
        "size_top_usd": top,
        "depth_1pct_usd": depth_1pct,
        "depth_2pct_usd": depth_2pct,
    }
    slippage = 0.0
    for name, order_usd in _ORDERS:
        bps = slippage_of(bids, asks, mid, order_usd)
        if bps is not None:
            features[name] = bps
            slippage += _scaled(bps, config.slippage_bps) / len(_ORDERS)
    depth = _scaled(depth_1pct, config.depth_1pct_usd) + _scaled(depth_2pct, config.depth_2pct_usd)
    spread, size = _scaled(spread_bps, config.spread_bps), _scaled(top, config.size_usd)
    reach, reach_asks = mid - bids.prices[-1], asks.prices[-1] - mid
    held_usd, held_asks_usd = bids.values_usd[-1], asks.values_usd[-1]
    return Book(
        book.observed_at,
        offset,
        mid,
        (reach if reach <= reach_asks else reach_asks) / mid * _BPS,
        held_usd if held_usd <= held_asks_usd else held_asks_usd,
        (spread, size, depth / 2.0, slippage),
        features,
    )


def _scaled(value: float, points: tuple[float, float]) -> float:
    """Return 0 at the first point, 1 at the second, linear in the logarithm; held within 0 and 1.

    Points and value are above 0; a value of 0 is the smallest of all.
    """
    zero_at, one_at = points
    scaled = log((value if value > 1e-300 else 1e-300) / zero_at) / log(one_at / zero_at)
    return 0.0 if scaled < 0.0 else 1.0 if scaled > 1.0 else scaled


def _averaged(config: Config, before: Volume | None, tick: TrendingAsset) -> Volume:
    """Return the averages after a tick: its volume stands for the time since the last tick.

    The weight of the new is the larger of dt / elapsed, which makes a plain mean over time, and
    1 - exp(-dt / time constant), which makes an exponential one once there is history enough.
    """
    now, volume_usd, price_usd = tick.observed_at, tick.volume_24h_usd, tick.price_usd
    if before is None or _is_another(config, before, tick):
        return Volume(now, now, volume_usd, volume_usd, volume_usd, price_usd)
    dt_ms = now - before.last_seen
    mean = dt_ms / (now - before.first_seen)
    week = max(mean, -expm1(-dt_ms / (config.week_days * _DAY_MS)))
    month = max(mean, -expm1(-dt_ms / (config.month_days * _DAY_MS)))
    return Volume(
        before.first_seen,
        now,
        volume_usd,
        before.week_usd + week * (volume_usd - before.week_usd),
        before.month_usd + month * (volume_usd - before.month_usd),
        price_usd,
    )


def _is_another(config: Config, before: Volume, tick: TrendingAsset) -> bool:
    """Whether the volumes before say nothing of the coin that the tick is of."""
    was, now = before.price_usd, tick.price_usd
    jumped = was > 0.0 and now > 0.0 and not was < BREAK_FACTOR * now < BREAK_FACTOR**2 * was
    return jumped or tick.observed_at - before.last_seen >= 2.0 * config.month_days * _DAY_MS


def _volume_ratios(config: Config, volume: Volume | None) -> dict[str, float]:
    """Return the ratios that there is history enough for, by feature."""
    if volume is None or volume.month_usd <= 0.0:
        return {}
    days = (volume.last_seen - volume.first_seen) / _DAY_MS
    ratios = {}
    if days >= config.ratio_warm_days:
        ratios["volume_ratio"] = volume.now_usd / volume.month_usd
    if days >= config.trend_warm_days:
        ratios["volume_trend"] = volume.week_usd / volume.month_usd
    return ratios


def _score(config: Config, book: Book, ratios: dict[str, float]) -> float:
    spread, size, depth, slippage = book.parts
    total, count = spread + size + depth + slippage, len(book.parts)
    if ratios:
        scaled = 0.0
        for ratio in ratios.values():
            scaled += _scaled(ratio, config.volume_ratio)
        total, count = total + scaled / len(ratios), count + 1
    return clamp(total / count, 0.0)


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the score as of `now`, on which only the freshness and its detail depend."""
    book = state.book
    if book is None:
        return EngineReading(0.0, 0.0, 0.0, detail={"book": "none"})
    ratios = _volume_ratios(config, state.volume)
    share = (len(book.parts) + len(ratios) / 2.0) / (len(book.parts) + 1)
    shallow = config.shallow_confidence
    reach = _scaled(book.reach_bps, config.reach_bps)
    age_minutes = (now - book.observed_at) / _MINUTE_MS
    return EngineReading(
        _score(config, book, ratios),
        clamp(share * (shallow + (1.0 - shallow) * reach), 0.0),
        freshness(age_minutes, config.fresh_minutes, config.stale_minutes),
        book.observed_at,
        book.mid_usd,
        book.features | ratios,
        (book.offset,),
        _detail(config, book, ratios, age_minutes),
    )


def _detail(
    config: Config, book: Book, ratios: dict[str, float], age_minutes: float
) -> dict[str, str]:
    detail = {}
    if age_minutes > config.fresh_minutes:
        detail["stale"] = f"book is {age_minutes:.0f} minutes old"
    if book.reach_bps < config.reach_bps[1]:
        detail["reach"] = f"book ends {book.reach_bps:.3g} bps from mid; depth is a lower bound"
    if len(book.features) < _ALL_FILLED:
        for feature, word in _NOT_FILLED:
            if feature not in book.features:
                detail[word] = f"not filled: the book holds {book.held_usd:,.0f} USD"
    if len(ratios) < len(_RATIOS):
        for name in _RATIOS:
            if name not in ratios:
                detail[name] = "too few days of ticks"
    return detail


ENGINE: Engine[Config, State] = Engine(
    "liquidity",
    BOOKS.name,
    Config(),
    State,
    initial,
    update,
    read,
    min_change=0.01,
)
