"""One simulated exchange: its markets, books, account and streams, and its place in an app."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from aiohttp import web

from producers.clock import Clock
from producers.simulator.exchange.amounts import exact
from producers.simulator.exchange.balances import START, Balances
from producers.simulator.exchange.desk import Desk
from producers.simulator.exchange.hub import PERIOD_S, Hub, Stream
from producers.simulator.exchange.listings import Listing, listings
from producers.simulator.exchange.livebook import LiveBook
from producers.simulator.exchange.market import Market
from producers.simulator.faults import Faults

_SWEEP_EVERY_S = 60.0  # of the clock's time, as far as the wall's 0.1 to 1 s allow


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one key that an exchange knows, and its secret."""

    key: str = "testkey"
    secret: str = "testsecret"  # noqa: S105  the simulator's own, as documented


class Venue:
    """An exchange over a world. `await ready()` before anything else of it is asked.

    name      as the script of faults calls it
    opened    makes a stream of this venue by its name
    numbers   where the numbers of orders and trades begin
    period_s  wall seconds between two messages of a stream
    """

    def __init__(
        self,
        name: str,
        market: Market,
        clock: Clock,
        faults: Faults,
        opened: Callable[[Venue, str], Stream | None],
        *,
        credentials: Credentials | None = None,
        balances: Mapping[str, Decimal] = START,
        numbers: int = 1,
        ids_return: bool = True,
        period_s: float = PERIOD_S,
    ) -> None:
        self.name = name
        self.market = market
        self.clock = clock
        self.faults = faults
        self.credentials = credentials or Credentials()
        self.hub = Hub(name, lambda stream: opened(self, stream), market, clock, faults, period_s)
        self.desk = Desk(self.book, Balances(balances), first=numbers, ids_return=ids_return)
        self._listings: dict[str, Listing] = {}
        self._books: dict[str, LiveBook] = {}

    @property
    def speed(self) -> float:
        """How many times as fast as the wall's the clock runs."""
        return float(getattr(self.clock, "speed", 1.0))

    @property
    def slack(self) -> float:
        """How many of the clock's ms a client may be off by for each that is allowed.

        The network is as slow as ever, however fast the clock runs.
        """
        return max(1.0, self.speed)

    async def ready(self) -> int:
        """Bring the world to the present and return the time, ms."""
        now_ms = self.clock.now_ms()
        await self.market.ready(now_ms)
        if not self._listings:
            self._listings = listings(self.market, now_ms)
        return now_ms

    def listings(self) -> list[Listing]:
        """Return every market, the largest asset first."""
        return list(self._listings.values())

    def listing(self, symbol: str | None) -> Listing | None:
        """Return a market by its symbol."""
        return self._listings.get(symbol or "")

    def book(self, symbol: str) -> LiveBook:
        """Return the book of a market as it stands now; KeyError for an unknown one."""
        now_ms = self.clock.now_ms()
        book = self._books.get(symbol)
        if book is None:
            book = LiveBook(self._listings[symbol], self.market, update_id=now_ms)
            self._books[symbol] = book
        book.refresh(now_ms)
        return book

    def price(self, listing: Listing) -> Decimal:
        """Return the last price of a market."""
        return exact(self.market.price(listing.asset, self.clock.now_ms()))

    async def sweep(self) -> None:
        """Fill resting orders again and again, until cancelled."""
        while True:
            await asyncio.sleep(min(1.0, max(0.1, _SWEEP_EVERY_S / self.speed)))
            if self.desk.open_orders():
                self.desk.sweep(await self.ready())


VENUE: web.AppKey[Venue] = web.AppKey("venue", Venue)


async def background(app: web.Application) -> AsyncIterator[None]:
    """Run a venue's streams and its sweeps as long as the app runs."""
    venue = app[VENUE]
    tasks = [asyncio.create_task(venue.hub.run()), asyncio.create_task(venue.sweep())]
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def shutdown(app: web.Application) -> None:
    """Close the websockets, which would hold up the server's end."""
    await app[VENUE].hub.close()
