"""The rules of a market that an order has to keep."""

from __future__ import annotations

from decimal import Decimal

from simulator.exchange.amounts import ZERO
from simulator.exchange.listings import Listing
from simulator.exchange.orders import Draft, Refusal

BAND = Decimal(5)
"""How many times above or below the market a limit price may lie."""


def broken(draft: Draft, market_price: Decimal) -> Refusal | None:
    """Return the first rule that the order breaks, None if it keeps them all."""
    listing = draft.listing
    if draft.price is not None and (draft.price <= ZERO or draft.price % listing.tick):
        return Refusal.TICK
    reason = None if draft.quantity is None else _quantity(draft.quantity, listing)
    if reason is not None:
        return reason
    if draft.quantity is None:
        value = draft.budget or ZERO
    else:
        value = draft.quantity * (draft.price or market_price)
    if value < listing.min_notional:
        return Refusal.NOTIONAL
    return _band(draft.price, market_price)


def _quantity(quantity: Decimal, listing: Listing) -> Refusal | None:
    if quantity < listing.step:
        return Refusal.SMALL
    if quantity > listing.max_quantity:
        return Refusal.LARGE
    return Refusal.STEP if quantity % listing.step else None


def _band(price: Decimal | None, market_price: Decimal) -> Refusal | None:
    if price is None:
        return None
    if price > market_price * BAND:
        return Refusal.BAND_HIGH
    return Refusal.BAND_LOW if price * BAND < market_price else None
