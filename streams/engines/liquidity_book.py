"""What an order book proves: spread, size, depth and slippage, and the score's parts from them.

A book shows only its top levels, so what it says is a lower bound: there is at least so much. It is
judged as one. A level more, or a larger one, can only raise a part.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate
from math import log
from operator import mul
from typing import NamedTuple

import msgspec

from schemas.market import OrderBook
from streams.constants import Count, Positive, Span

_BPS = 10_000.0
_MINUTE_MS = 60_000.0

ORDERS_USD = {"10k": 10_000.0, "100k": 100_000.0, "1m": 1_000_000.0}
"""The market orders that are walked through the book (SPEC 2), by their name in features."""
_ORDERS = tuple((f"slippage_{name}_bps", size_usd) for name, size_usd in ORDERS_USD.items())
_DEPTHS = (("depth_1pct_usd", 0.01), ("depth_2pct_usd", 0.02))
NOT_FILLED = tuple((f"slippage_{name}_bps", f"slippage_{name}") for name in ORDERS_USD)
ALL_FILLED = 2 + len(_DEPTHS) + len(ORDERS_USD)
WANTED_BPS = _DEPTHS[-1][1] * _BPS
"""A book that ends before this distance from mid gives a lower bound of its depth."""


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the liquidity score; a pair is the values that score 0 and 1."""

    spread_bps: Span = (100.0, 1.0)
    """100: a token that nobody makes a market in; 1: the large pairs."""
    size_levels: Count = 10
    """Levels a side that count as the top of the book."""
    size_usd: Span = (1_000.0, 1_000_000.0)
    """From pocket money to an order of a fund that does not touch level 11."""
    depth_1pct_usd: Span = (10_000.0, 10_000_000.0)
    """From one retail order to what the deepest pairs hold on one exchange."""
    depth_2pct_usd: Span = (20_000.0, 20_000_000.0)
    """Twice that, for twice the distance."""
    slippage_bps: Span = (200.0, 1.0)
    """200 eats any edge that a signal could have; 1 is below all fees."""
    volume_ratio: Span = (0.25, 4.0)
    """A quarter and four times the usual volume: 1, the usual, scores 0.5."""
    month_days: Positive = 15.0
    """Time constant of our 30-day average: an exponential average of 15 days and a plain one of 30
    days are equally old on average."""
    week_days: Positive = 3.5
    """The same for the 7-day average."""
    ratio_warm_days: Positive = 1.0
    """Days of ticks before the volume is compared with our own 30-day average."""
    trend_warm_days: Positive = 7.0
    """Days of ticks before our 7-day average is compared with a 30-day one."""
    own_average_days: Positive = 30.0
    """Days of ticks from which our own 30-day average takes the place of the source's (SPEC)."""
    deep_minutes: Positive = 25.0
    """How long the deepest book of late stands in for what a shallow one does not show: twice the
    cadence at which the exchange's full depth is requested, and a bit."""
    fresh_minutes: Positive = 2.0
    """Age up to which a book is fresh: it comes every minute, one may be lost."""
    stale_minutes: Positive = 15.0
    """Age from which it no longer stands for the present book."""

    def __post_init__(self) -> None:
        spans = ("spread_bps", "size_usd", "depth_1pct_usd", "depth_2pct_usd", "slippage_bps")
        for name in (*spans, "volume_ratio"):
            zero_at, one_at = getattr(self, name)
            if zero_at == one_at:
                msg = f"{name} {zero_at:g} twice; what scores 0 and what scores 1 must differ"
                raise ValueError(msg)


class Side(NamedTuple):
    """One side of a book, best level first: prices, and sizes and values summed from the best."""

    prices: tuple[float, ...]
    sizes: list[float]
    values_usd: list[float]


def side_of(prices: tuple[float, ...], sizes: tuple[float, ...]) -> Side:
    """Return a side with its running sums."""
    sums = (prices, list(accumulate(sizes)), list(accumulate(map(mul, prices, sizes))))
    return tuple.__new__(Side, sums)  # half the time of Side(...), which does the same


def top_usd(side: Side, levels: int) -> float:
    """Return the value of the best levels, of all where there are fewer, in USD."""
    return side.values_usd[levels - 1 if levels <= len(side.prices) else -1]


def depth_usd(bids: Side, asks: Side, mid: float, share: float) -> float:
    """Return the value of all orders within `share` of mid, both sides together, in USD."""
    far = mid * share
    prices, _, values_usd = bids
    # Best first, so what is near enough is a beginning. The keys are mid - price, price - mid.
    levels = len(prices) if mid - prices[-1] <= far else bisect_right(prices, far, key=mid.__sub__)
    near_usd = values_usd[levels - 1] if levels else 0.0
    prices, _, values_usd = asks
    levels = len(prices) if prices[-1] - mid <= far else bisect_right(prices, far, key=mid.__rsub__)
    return near_usd + (values_usd[levels - 1] if levels else 0.0)


def slippage_bps(book: OrderBook, mid: float, order_usd: float) -> float | None:
    """Return how far from mid a market order fills on average, the worse of buying and selling.

    In bps of mid, half the spread included; None when one side cannot fill it.
    """
    bids = side_of(book.bid_prices, book.bid_sizes)
    return slippage_of(bids, side_of(book.ask_prices, book.ask_sizes), mid, order_usd)


def slippage_of(bids: Side, asks: Side, mid: float, order_usd: float) -> float | None:
    """Return the same for sides whose sums are there already."""
    bid_prices, bid_sizes, bids_usd = bids
    ask_prices, ask_sizes, asks_usd = asks
    if order_usd > bids_usd[-1] or order_usd > asks_usd[-1]:
        return None
    # From the best level on; the level that the order ends in is taken in part.
    bought, sold = ask_prices[0], bid_prices[0]
    if level := bisect_left(asks_usd, order_usd):
        left_usd = order_usd - asks_usd[level - 1]
        bought = order_usd / (ask_sizes[level - 1] + left_usd / ask_prices[level])
    if level := bisect_left(bids_usd, order_usd):
        left_usd = order_usd - bids_usd[level - 1]
        sold = order_usd / (bid_sizes[level - 1] + left_usd / bid_prices[level])
    worse = bought - mid if bought - mid >= mid - sold else mid - sold
    return (worse if worse > 0.0 else 0.0) / mid * _BPS


class Book(msgspec.Struct, frozen=True, gc=False):
    """Measures of a book, computed once when it comes.

    reach_bps   from mid to the last level of the shorter side
    held_usd    value of all levels of the thinner side
    parts       spread, size, depth and slippage, each 0 to 1
    features    as in `EngineReading`; an order that the book cannot fill has none
    exchange    whose book it is; empty: not kept yet
    """

    observed_at: int
    offset: int
    mid_usd: float
    reach_bps: float
    held_usd: float
    parts: tuple[float, float, float, float]
    features: dict[str, float]
    exchange: str = ""


def measure(config: Config, book: OrderBook, offset: int) -> Book:
    """Return the measures of one book."""
    bids = side_of(book.bid_prices, book.bid_sizes)
    asks = side_of(book.ask_prices, book.ask_sizes)
    best_bid, best_ask = bids.prices[0], asks.prices[0]
    mid = (best_bid + best_ask) / 2.0
    top, top_asks = top_usd(bids, config.size_levels), top_usd(asks, config.size_levels)
    features = {
        "spread_bps": (best_ask - best_bid) / mid * _BPS,
        "size_top_usd": min(top, top_asks),
    }
    for name, share in _DEPTHS:
        features[name] = depth_usd(bids, asks, mid, share)
    for name, order_usd in _ORDERS:
        bps = slippage_of(bids, asks, mid, order_usd)
        if bps is not None:
            features[name] = bps
    reach, reach_asks = mid - bids.prices[-1], asks.prices[-1] - mid
    held_usd, held_asks_usd = bids.values_usd[-1], asks.values_usd[-1]
    return Book(
        book.observed_at,
        offset,
        mid,
        (reach if reach <= reach_asks else reach_asks) / mid * _BPS,
        held_usd if held_usd <= held_asks_usd else held_asks_usd,
        _parts(config, features),
        features,
        book.exchange,
    )


def _parts(config: Config, features: dict[str, float]) -> tuple[float, float, float, float]:
    depth = scaled(features["depth_1pct_usd"], config.depth_1pct_usd)
    depth += scaled(features["depth_2pct_usd"], config.depth_2pct_usd)
    slippage = 0.0
    for name, _ in _ORDERS:
        if name in features:
            slippage += scaled(features[name], config.slippage_bps) / len(_ORDERS)
    return (
        scaled(features["spread_bps"], config.spread_bps),
        scaled(features["size_top_usd"], config.size_usd),
        depth / 2.0,
        slippage,
    )


def completes(config: Config, deep: Book, new: Book) -> bool:
    """Return whether a book of late shows more than a newer one, of the same market and price."""
    is_late = 0.0 < new.observed_at - deep.observed_at < config.deep_minutes * _MINUTE_MS
    is_alike = abs(new.mid_usd - deep.mid_usd) <= _DEPTHS[-1][1] * new.mid_usd
    is_deeper = deep.reach_bps > new.reach_bps
    return is_late and is_alike and is_deeper and deep.exchange in ("", new.exchange)


def completed(config: Config, book: Book, deep: Book) -> Book:
    """Return a book with what it does not show taken from a deeper one of some minutes before."""
    features = book.features.copy()
    for name, share in _DEPTHS:
        if book.reach_bps < share * _BPS:
            features[name] = max(features[name], deep.features[name])
    for name, _ in _ORDERS:
        if name not in features and name in deep.features:
            features[name] = deep.features[name]
    return Book(
        book.observed_at,
        book.offset,
        book.mid_usd,
        max(book.reach_bps, deep.reach_bps),
        max(book.held_usd, deep.held_usd),
        _parts(config, features),
        features,
    )


def scaled(value: float, points: Span) -> float:
    """Return 0 at the first point, 1 at the second, linear in the logarithm; held within 0 and 1.

    Points and value are above 0; a value of 0 is the smallest of all.
    """
    zero_at, one_at = points
    share = log((value if value > 1e-300 else 1e-300) / zero_at) / log(one_at / zero_at)
    return 0.0 if share < 0.0 else 1.0 if share > 1.0 else share
