"""Depth and slippage of an order book: what its levels come to, summed from the best on."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import mul
from typing import NamedTuple

from schemas.market import OrderBook

_BPS = 10_000.0


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
