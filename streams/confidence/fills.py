"""Fill prices of the model portfolio: what an order pays beyond the price that was seen (SPEC 4).

    buy   seen price * (1 + (half the spread + slippage) / 10,000)
    sell  seen price * (1 - (half the spread + slippage) / 10,000)

A fill is never better than the price that was seen. With an order book the slippage is that of the
order's size, beyond half the spread, from the market orders that the liquidity engine walked
through the book (`slippage_10k_bps`, `slippage_100k_bps`, `slippage_1m_bps`):

* up to 10,000 USD it grows in proportion to the size, from 0;
* between two walked orders it is linear in the logarithm of the size;
* beyond the largest order that the book fills nothing is known. A purchase is capped to that order;
  a sale, which leaves as a whole, pays in proportion more than that order.
* Where not even 10,000 USD are filled the order walked is the value of the best levels
  (`size_top_usd`), at `thin_book_bps`; without that value nothing is bought.

Without a book the price is the next one after the decision, and `bookless_bps` stands for half the
spread and slippage together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log

import msgspec

from streams.constants import Bps, Positive
from streams.engines.liquidity_book import ORDERS_USD

_PER_BPS = 1e-4
_MOST_BPS = 9_900.0  # a sale brings at least a hundredth of the price that was seen
_MOST_BUYING_BPS = 1e7  # and a purchase costs at most a thousand times as much
_WALKED = tuple((size_usd, f"slippage_{name}_bps") for name, size_usd in ORDERS_USD.items())


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the model portfolio's fills."""

    fee_bps: Bps = 10.0
    """Of the value of a fill: what Binance takes of spot orders without a discount."""
    bookless_bps: Bps = 10.0
    """Half the spread and slippage where there is no order book: 5 each, as the smaller of the top
    50 pairs have for orders of some thousand USD."""
    thin_book_bps: Bps = 100.0
    """Slippage in a book that cannot fill 10,000 USD: as far as its depth is counted first."""
    pending_hours: Positive = 48.0
    """How long a purchase decided without a book waits for its next price; twice the longest
    timeframe. A sale waits for ever."""

    @property
    def fee_share(self) -> float:
        """The fee as a share of the value."""
        return self.fee_bps * _PER_BPS


class Quote(msgspec.Struct, frozen=True, gc=False):
    """What an order would get.

    price_usd         of the fill
    half_spread_bps   of the seen price
    slippage_bps      beyond half the spread, of the seen price
    most_usd          what the book is known to fill, at the seen price; inf without a book
    """

    price_usd: float
    half_spread_bps: float
    slippage_bps: float
    most_usd: float


def quote(
    config: Config,
    side: str,
    seen_price_usd: float,
    value_usd: float,
    spread_bps: float | None,
    features: Mapping[str, float],
) -> Quote:
    """Return what an order of a value at the seen price gets; `spread_bps` None: there is no book.

    Both costs are at least 0, so that a fill is never better than the seen price.
    """
    half, slippage, most_usd = _costs_bps(config, value_usd, spread_bps, features)
    sign, most_bps = (1.0, _MOST_BUYING_BPS) if side == "buy" else (-1.0, _MOST_BPS)
    half = min(half, most_bps)
    slippage = min(slippage, most_bps - half)
    price_usd = seen_price_usd * (1.0 + sign * (half + slippage) * _PER_BPS)
    return Quote(price_usd, half, slippage, most_usd)


def _costs_bps(
    config: Config, value_usd: float, spread_bps: float | None, features: Mapping[str, float]
) -> tuple[float, float, float]:
    """Return half the spread, the slippage beyond it, and how much the book is known to fill."""
    if spread_bps is None:
        return 0.0, config.bookless_bps, inf
    half = spread_bps / 2.0
    known = _walked(config, half, features)
    if not known:
        return half, config.thin_book_bps, 0.0
    most_usd, most_bps = known[-1]
    if value_usd > most_usd:
        return half, (half + most_bps) * (value_usd / most_usd) - half, most_usd
    small_usd, small_bps = known[0]
    if value_usd <= small_usd:
        return half, small_bps * (value_usd / small_usd), most_usd
    for large_usd, large_bps in known[1:]:
        if value_usd <= large_usd:
            share = log(value_usd / small_usd) / log(large_usd / small_usd)
            return half, small_bps + share * (large_bps - small_bps), most_usd
        small_usd, small_bps = large_usd, large_bps
    return half, most_bps, most_usd


def _walked(
    config: Config, half_bps: float, features: Mapping[str, float]
) -> list[tuple[float, float]]:
    """Return the orders that the book fills and their slippage beyond half the spread, rising.

    A larger order never costs less: of two books that complete each other one may say so.
    """
    known: list[tuple[float, float]] = []
    for size_usd, name in _WALKED:
        if name not in features:
            break
        least = known[-1][1] if known else 0.0
        known.append((size_usd, max(least, features[name] - half_bps)))
    if known:
        return known
    top_usd = features.get("size_top_usd", 0.0)
    return [(top_usd, config.thin_book_bps)] if top_usd > 0.0 else []
