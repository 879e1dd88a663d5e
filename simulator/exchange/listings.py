"""The markets of an exchange and their rules, derived from what the world trades."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from simulator.shapes import AssetRow, Market

QUOTE = "USDT"
_LARGEST_USD = 9_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """One market.

    asset         base asset as the world calls it
    symbol        as the exchange calls it, for example BTCUSDT
    decimals      of its prices
    step          step of quantities; also the smallest order, in units of the base
    max_quantity  largest order in units of the base
    min_notional  smallest order in units of the quote
    max_notional  largest order in units of the quote
    """

    asset: str
    quote: str
    symbol: str
    decimals: int
    step: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal

    @property
    def tick(self) -> Decimal:
        """Step of prices; also the lowest price."""
        return Decimal(1).scaleb(-self.decimals)

    @property
    def price_places(self) -> int:
        """Decimals of a price on Binance's wire: eight, or more where the tick is smaller."""
        return max(8, self.decimals)


def listings(market: Market, now_ms: int, quote: str = QUOTE) -> dict[str, Listing]:
    """Return every market against `quote` by its symbol, the largest asset first."""
    rows = (row for row in market.assets() if row.symbol != quote)
    listed = (listing(row, market.price(row.symbol, now_ms), quote) for row in rows)
    return {one.symbol: one for one in listed}


def listing(asset: AssetRow, price: float, quote: str = QUOTE) -> Listing:
    """Return the market of an asset that costs about `price`: a step is worth a dollar or less."""
    step_places = max(0, math.floor(math.log10(price)) + 1)
    return Listing(
        asset=asset.symbol,
        quote=quote,
        symbol=f"{asset.symbol}{quote}",
        decimals=asset.decimals,
        step=Decimal(1).scaleb(-step_places),
        max_quantity=Decimal(10) ** (math.ceil(math.log10(_LARGEST_USD / price)) + 1),
        min_notional=Decimal(5),
        max_notional=Decimal(_LARGEST_USD),
    )
