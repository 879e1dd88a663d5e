"""Matching an order with a book: pure, level by level."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from simulator.exchange.amounts import ZERO, floored

Taken = tuple[Decimal, Decimal]
"""A price and how much was taken there, or is there to be taken."""


def walk(
    levels: Sequence[Taken], *, quantity: Decimal, limit: Decimal | None, buying: bool
) -> list[Taken]:
    """Return what an order takes, the best level first: no more than `quantity`.

    Levels worse than `limit` are left alone; None takes any price.
    """
    taken, left = [], quantity
    for price, size in levels:
        if left <= ZERO or (limit is not None and not crosses(price, limit, buying=buying)):
            break
        amount = min(size, left)
        taken.append((price, amount))
        left -= amount
    return taken


def spend(levels: Sequence[Taken], *, budget: Decimal, step: Decimal) -> tuple[list[Taken], bool]:
    """Return what a budget in the quote takes, in whole steps, and whether the book had enough."""
    taken, left = [], budget
    for price, size in levels:
        amount = min(size, floored(left / price, step))
        if amount > ZERO:
            taken.append((price, amount))
            left -= price * amount
        if amount < size:
            return taken, True
    return taken, False


def crosses(price: Decimal, limit: Decimal, *, buying: bool) -> bool:
    """Return whether an order with this limit trades at this price."""
    return price <= limit if buying else price >= limit


def total(taken: Sequence[Taken]) -> Decimal:
    """Return the quantity, in units of the base."""
    return sum((amount for _, amount in taken), ZERO)


def worth(taken: Sequence[Taken]) -> Decimal:
    """Return the value, in units of the quote."""
    return sum((price * amount for price, amount in taken), ZERO)
