"""One simulated exchange: its markets, books, account and streams, and its place in an app."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict, Unpack

from aiohttp import web
from aiohttp.typedefs import Middleware

from simulator.exchange.amounts import exact
from simulator.exchange.balances import START, Balances
from simulator.exchange.hub import PERIOD_S, Hub, Stream
from simulator.exchange.listings import Listing, listings
from simulator.exchange.livebook import LiveBook
from simulator.exchange.matching_engine import MatchingEngine
from simulator.faults import Faults
from simulator.shapes import Market
from transport.clock import Clock

_SWEEP_EVERY_S = 60.0  # of the clock's time, as far as the wall's 0.1 to 1 s allow


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one key that an exchange knows, and its secret."""

    key: str = "testkey"
    secret: str = "testsecret"  # noqa: S105  the simulator's own, as documented


class Choices(TypedDict, total=False):
    """What may be chosen of an exchange.

    credentials  of its one account
    balances     of that account at the start, by currency
    period_s     wall seconds between two messages of a stream
    """

    credentials: Credentials
    balances: Mapping[str, Decimal]
    period_s: float


class Venue:
    """An exchange over a world. `await ready()` before anything else.

    name      as the script of faults calls it
    opened    makes a stream of this venue by its name
    numbers   where the numbers of orders and trades begin
    """

    def __init__(
        self,
        name: str,
        market: Market,
        clock: Clock,
        faults: Faults,
        opened: Callable[[Venue, str], Stream | None],
        *,
        numbers: int = 1,
        ids_return: bool = True,
        **chosen: Unpack[Choices],
    ) -> None:
        self.name = name
        self.market = market
        self.clock = clock
        self.faults = faults
        self.credentials = chosen.get("credentials", Credentials())
        period_s = chosen.get("period_s", PERIOD_S)
        self.hub = Hub(name, lambda stream: opened(self, stream), market, clock, faults, period_s)
        balances = Balances(chosen.get("balances", START))
        self.engine = MatchingEngine(self.book, balances, first=numbers, ids_return=ids_return)
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
            if self.engine.open_orders():
                self.engine.sweep(await self.ready())


VENUE: web.AppKey[Venue] = web.AppKey("venue", Venue)


def application(
    venue: Venue, served: Middleware, routes: Iterable[web.RouteDef]
) -> web.Application:
    """Return a venue's application, which runs its streams and closes them at the end.

    `served` stands before each of its routes.
    """
    app = web.Application(middlewares=[served])
    app[VENUE] = venue
    app.add_routes(routes)
    app.cleanup_ctx.append(_background)
    app.on_shutdown.append(_shutdown)
    return app


async def _background(app: web.Application) -> AsyncIterator[None]:
    """Run a venue's streams and its sweeps as long as the app runs."""
    venue = app[VENUE]
    tasks = [asyncio.create_task(venue.hub.run()), asyncio.create_task(venue.sweep())]
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _shutdown(app: web.Application) -> None:
    """Close the websockets, which would hold up the server's end."""
    await app[VENUE].hub.close()
