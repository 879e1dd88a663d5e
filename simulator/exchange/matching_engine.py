"""The matching engine of an exchange: takes orders, fills them at the book, keeps the account."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from simulator.exchange.amounts import ZERO, cents, floored
from simulator.exchange.balances import Balances
from simulator.exchange.livebook import LiveBook
from simulator.exchange.orders import (
    Draft,
    Fill,
    Order,
    Rejection,
    Status,
    after_fill,
    broken,
    ended,
    of_market,
)

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


FEE = Decimal("0.001")
_KEPT_ORDERS = 5_000


class MatchingEngine:
    """One account's orders at one exchange.

    A market order walks the book; a limit order takes what crosses its price and rests, and
    `sweep` fills it at its own price by as much as the book then offers. What is taken is gone
    from the book until the world's book is another one.

    book_of   the book of a symbol, already refreshed to the time of the call
    first       number of the first order; trades count from there too
    ids_return  a client id may be used again once its order has ended (Binance), or never (Bybit)
    """

    def __init__(
        self,
        book_of: Callable[[str], LiveBook],
        balances: Balances,
        *,
        first: int = 1,
        ids_return: bool = True,
    ) -> None:
        self.balances = balances
        self._book_of = book_of
        self._ids_return = ids_return
        self._orders: dict[int, Order] = {}
        self._numbers = itertools.count(first)
        self._trades = itertools.count(first)

    def place(
        self, draft: Draft, price: Decimal, now_ms: int, *, only_test: bool = False
    ) -> Order | Rejection:
        """Take an order and fill what can be; return it, or the rejection. `price` is the last one.

        With `only_test` everything is checked and nothing is done; the order then has number 0.
        """
        book = self._book_of(draft.listing.symbol)
        reason = self._duplicate(draft) or broken(draft, price)
        if reason is not None:
            return reason
        plan, complete = _plan(draft, book.against(buying=draft.buying))
        if draft.post_only and plan:
            return Rejection.WOULD_TAKE
        if draft.lifetime == "FOK" and not complete:
            plan = []
        order = _order(draft, plan, now_ms)
        if self.balances.free(order.pays) < order.reserved:
            return Rejection.FUNDS
        if only_test:
            return order
        return self._open(order, plan, book, now_ms, complete=complete)

    def cancel(self, number: int, now_ms: int) -> Order | None:
        """End an open order and return it; None if there is no such open one."""
        order = self._orders.get(number)
        if order is None or not order.is_open:
            return None
        return self._end(order, Status.CANCELED, now_ms)

    def sweep(self, now_ms: int) -> None:
        """Fill resting orders, the oldest first, as far as the book crosses their prices."""
        for order in self.open_orders():
            limit = order.draft.price
            book = self._book_of(order.listing.symbol)
            levels = book.against(buying=order.draft.buying)
            plan = walk(levels, quantity=order.left, limit=limit, buying=order.draft.buying)
            if limit is None or not plan:
                continue
            self._fill(order, limit, total(plan), now_ms, maker=True)
            _take(book, plan, now_ms)

    def order(self, number: int) -> Order | None:
        """Return an order by its number."""
        return self._orders.get(number)

    def by_client_id(self, client_id: str) -> Order | None:
        """Return the newest order with this client id."""
        matches = (one for one in reversed(self._orders.values()) if one.client_id == client_id)
        return next(matches, None)

    def orders(self, symbol: str | None = None) -> list[Order]:
        """Return all orders, the oldest first."""
        return of_market(list(self._orders.values()), symbol)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the open orders, the oldest first."""
        return [order for order in self.orders(symbol) if order.is_open]

    def fills(self, symbol: str | None = None) -> list[tuple[Order, Fill]]:
        """Return all trades with their orders, the oldest first."""
        pairs = [(order, fill) for order in self.orders(symbol) for fill in order.fills]
        return sorted(pairs, key=lambda pair: pair[1].number)

    def _duplicate(self, draft: Draft) -> Rejection | None:
        same = self.by_client_id(draft.client_id) if draft.client_id else None
        if same is None or (self._ids_return and not same.is_open):
            return None
        return Rejection.DUPLICATE

    def _open(
        self, order: Order, plan: Sequence[Taken], book: LiveBook, now_ms: int, *, complete: bool
    ) -> Order:
        self._forget()
        order = msgspec.structs.replace(order, number=next(self._numbers))
        self.balances.lock(order.pays, order.reserved)
        self._orders[order.number] = order
        for price, quantity in plan:
            order = self._fill(order, price, quantity, now_ms, maker=False)
        _take(book, plan, now_ms)
        rests = order.draft.price is not None and order.draft.lifetime == "GTC"
        return order if complete or rests else self._end(order, Status.EXPIRED, now_ms)

    def _fill(
        self, order: Order, price: Decimal, quantity: Decimal, now_ms: int, *, maker: bool
    ) -> Order:
        got = quantity if order.draft.buying else price * quantity
        fill = Fill(
            number=next(self._trades),
            order_number=order.number,
            price=price,
            quantity=quantity,
            fee=cents(got * FEE),
            fee_asset=order.receives,
            at_ms=now_ms,
            maker=maker,
        )
        changed, freed = after_fill(order, fill)
        paid = fill.value if order.draft.buying else quantity
        self.balances.pay(order.pays, paid)
        self.balances.unlock(order.pays, freed - paid)
        self.balances.receive(order.receives, got - fill.fee)
        self._orders[order.number] = changed
        return changed

    def _end(self, order: Order, status: Status, now_ms: int) -> Order:
        self.balances.unlock(order.pays, order.reserved)
        order = ended(order, status, now_ms)
        self._orders[order.number] = order
        return order

    def _forget(self) -> None:
        """Forget the oldest order that has ended when there are too many."""
        if len(self._orders) < _KEPT_ORDERS:
            return
        oldest = next((one for one in self._orders.values() if not one.is_open), None)
        if oldest is not None:
            del self._orders[oldest.number]


def _plan(draft: Draft, levels: Sequence[Taken]) -> tuple[list[Taken], bool]:
    """Return what the order takes at once, and whether that is all it wants."""
    if draft.quantity is None:
        return spend(levels, budget=draft.budget or ZERO, step=draft.listing.step)
    plan = walk(levels, quantity=draft.quantity, limit=draft.price, buying=draft.buying)
    return plan, total(plan) == draft.quantity


def _order(draft: Draft, plan: Sequence[Taken], now_ms: int) -> Order:
    """Return the order before its first fill; it reserves the most that it can come to cost."""
    quantity = total(plan) if draft.quantity is None else draft.quantity
    if not draft.buying:
        reserved = quantity
    elif draft.price is None:
        reserved = worth(plan)
    else:
        reserved = draft.price * quantity
    return Order(
        number=0,
        draft=draft,
        quantity=quantity,
        reserved=reserved,
        created_ms=now_ms,
        updated_ms=now_ms,
    )


def _take(book: LiveBook, plan: Sequence[Taken], now_ms: int) -> None:
    for price, quantity in plan:
        book.take(price, quantity)
    if plan:
        book.refresh(now_ms)
