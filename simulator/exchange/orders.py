"""Orders and their fills, as plain data: every change gives another order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from simulator.exchange.amounts import ZERO
from simulator.exchange.listings import Listing


class Status(StrEnum):
    """Where an order stands, in Binance's words."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


OPEN = (Status.NEW, Status.PARTIALLY_FILLED)


class Rejection(StrEnum):
    """Why an order is not taken."""

    TICK = "the price is no multiple of the tick"
    STEP = "the quantity is no multiple of the step"
    SMALL = "the quantity is below the smallest"
    LARGE = "the quantity is above the largest"
    NOTIONAL = "the value is below the smallest"
    BAND_HIGH = "the price is too far above the market"
    BAND_LOW = "the price is too far below the market"
    FUNDS = "the balance is too small"
    DUPLICATE = "an order has the same client id"
    WOULD_TAKE = "a post-only order would be filled at once"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An order as requested.

    price     None: a market order
    quantity  in units of the base; None: as much as `budget` buys
    budget    what a market order may spend (or, selling, bring), in units of the quote
    lifetime  GTC rests, IOC takes what is there, FOK takes all or nothing
    """

    listing: Listing
    buying: bool
    price: Decimal | None = None
    quantity: Decimal | None = None
    budget: Decimal | None = None
    lifetime: str = "GTC"
    post_only: bool = False
    client_id: str = ""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of an order with the book; the fee is taken from what it brings."""

    number: int
    order_number: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    at_ms: int
    maker: bool

    @property
    def value(self) -> Decimal:
        """Price times quantity, in units of the quote."""
        return self.price * self.quantity


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was taken. `reserved` is what it still locks of what it pays with."""

    number: int
    draft: Draft
    quantity: Decimal
    reserved: Decimal
    created_ms: int
    updated_ms: int
    status: Status = Status.NEW
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fills: tuple[Fill, ...] = ()

    @property
    def listing(self) -> Listing:
        """Its market."""
        return self.draft.listing

    @property
    def client_id(self) -> str:
        """What the client calls it; empty without one."""
        return self.draft.client_id

    @property
    def left(self) -> Decimal:
        """What is not filled, in units of the base."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled."""
        return self.status in OPEN

    @property
    def pays(self) -> str:
        """The asset that it pays with."""
        return self.listing.quote if self.draft.buying else self.listing.asset

    @property
    def fee(self) -> Decimal:
        """All fees, in units of what it receives."""
        return sum((fill.fee for fill in self.fills), ZERO)

    @property
    def receives(self) -> str:
        """The asset that it receives, and that its fees are taken from."""
        return self.listing.asset if self.draft.buying else self.listing.quote

    @property
    def average(self) -> Decimal | None:
        """The average price of its fills, None without one."""
        return self.value / self.filled if self.filled else None


def after_fill(order: Order, fill: Fill) -> tuple[Order, Decimal]:
    """Return the order with the fill and what it no longer reserves."""
    filled = order.filled + fill.quantity
    at = order.draft.price or fill.price
    freed = min(order.reserved, at * fill.quantity if order.draft.buying else fill.quantity)
    changed = msgspec.structs.replace(
        order,
        filled=filled,
        value=order.value + fill.value,
        fills=(*order.fills, fill),
        reserved=order.reserved - freed,
        status=Status.FILLED if filled == order.quantity else Status.PARTIALLY_FILLED,
        updated_ms=fill.at_ms,
    )
    return changed, freed


def ended(order: Order, status: Status, now_ms: int) -> Order:
    """Return the order when it ends with something left: cancelled or expired."""
    return msgspec.structs.replace(order, status=status, reserved=ZERO, updated_ms=now_ms)


def of_market(orders: Sequence[Order], symbol: str | None) -> list[Order]:
    """Return the orders of a market, of every market for None."""
    return [order for order in orders if symbol in (None, order.listing.symbol)]


BAND = Decimal(5)
"""How many times above or below the market a limit price may lie."""


def broken(draft: Draft, market_price: Decimal) -> Rejection | None:
    """Return the first rule that the order breaks, None if it keeps them all."""
    listing = draft.listing
    if draft.price is not None and (draft.price <= ZERO or draft.price % listing.tick):
        return Rejection.TICK
    reason = None if draft.quantity is None else _quantity(draft.quantity, listing)
    if reason is not None:
        return reason
    if draft.quantity is None:
        value = draft.budget or ZERO
    else:
        value = draft.quantity * (draft.price or market_price)
    if value < listing.min_notional:
        return Rejection.NOTIONAL
    return _band(draft.price, market_price)


def _quantity(quantity: Decimal, listing: Listing) -> Rejection | None:
    if quantity < listing.step:
        return Rejection.SMALL
    if quantity > listing.max_quantity:
        return Rejection.LARGE
    return Rejection.STEP if quantity % listing.step else None


def _band(price: Decimal | None, market_price: Decimal) -> Rejection | None:
    if price is None:
        return None
    if price > market_price * BAND:
        return Rejection.BAND_HIGH
    return Rejection.BAND_LOW if price * BAND < market_price else None
