"""Tickets without a database: once, in time, at the bridge that issued them."""

from __future__ import annotations

import asyncio

import pytest

from sinks.bridge.auth import Principal, Role, UnauthorizedError
from sinks.bridge.auth.errors import TicketStoreAwayError
from sinks.bridge.auth.tickets import MemoryTickets, StoreAwayError, Tickets

DESK = Principal("desk", Role.TRADER)


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


class Breakable(MemoryTickets):
    """A store that can be away."""

    away = False

    async def note(self, nonce: str, expires_at_ms: int, now_ms: int) -> None:
        self._check()
        await super().note(nonce, expires_at_ms, now_ms)

    async def consume(self, nonce: str) -> bool:
        self._check()
        return await super().consume(nonce)

    def _check(self) -> None:
        if self.away:
            raise StoreAwayError


async def test_a_ticket_works_once() -> None:
    tickets = Tickets(b"key", 30, None, Clock())
    ticket = await tickets.issue(DESK)
    assert (ticket.expires_in_s, ticket.scope) == (30, "this_bridge")
    assert await tickets.use(ticket.ticket) == DESK
    with pytest.raises(UnauthorizedError):
        await tickets.use(ticket.ticket)


@pytest.mark.parametrize(("after_ms", "valid"), [(30_000, True), (30_001, False)])
async def test_a_ticket_ends(after_ms: int, valid: bool) -> None:
    clock = Clock()
    tickets = Tickets(b"key", 30, None, clock)
    ticket = await tickets.issue(DESK)
    clock.ms += after_ms
    if valid:
        assert await tickets.use(ticket.ticket) == DESK
    else:
        with pytest.raises(UnauthorizedError):
            await tickets.use(ticket.ticket)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "\udcff", "e30.AAAA", "." * 5000])
async def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(UnauthorizedError):
        await Tickets(b"key", 30, None, Clock()).use(text)


async def test_a_ticket_cannot_be_changed_or_signed_by_others() -> None:
    tickets = Tickets(b"key", 30, None, Clock())
    ticket = (await tickets.issue(DESK)).ticket
    for position in range(0, len(ticket), 7):
        other = "A" if ticket[position] != "A" else "B"
        with pytest.raises(UnauthorizedError):
            await tickets.use(ticket[:position] + other + ticket[position + 1 :])
    forged = (await Tickets(b"other key", 30, None, Clock()).issue(DESK)).ticket
    with pytest.raises(UnauthorizedError):
        await tickets.use(forged)
    assert await tickets.use(ticket) == DESK


async def test_a_ticket_of_one_bridges_memory_is_refused_by_another() -> None:
    one, other = (Tickets(b"key", 30, None, Clock()) for _ in range(2))
    ticket = (await one.issue(DESK)).ticket
    with pytest.raises(UnauthorizedError):
        await other.use(ticket)
    assert await one.use(ticket) == DESK


async def test_of_many_at_once_one_has_success() -> None:
    tickets = Tickets(b"key", 30, MemoryTickets(), Clock())
    ticket = (await tickets.issue(DESK)).ticket
    found = await asyncio.gather(*(tickets.use(ticket) for _ in range(20)), return_exceptions=True)
    assert found.count(DESK) == 1
    assert sum(isinstance(one, UnauthorizedError) for one in found) == 19


async def test_while_the_store_is_away_new_tickets_work_at_their_bridge_and_once() -> None:
    store = Breakable()
    one, other = (Tickets(b"key", 30, store, Clock()) for _ in range(2))
    before = await one.issue(DESK)
    assert before.scope == "every_bridge"
    store.away = True
    with pytest.raises(TicketStoreAwayError):
        await one.use(before.ticket)
    during = await one.issue(DESK)
    assert during.scope == "this_bridge"
    with pytest.raises(UnauthorizedError):
        await other.use(during.ticket)
    assert await one.use(during.ticket) == DESK
    with pytest.raises(UnauthorizedError):
        await one.use(during.ticket)
    store.away = False
    assert await other.use(before.ticket) == DESK
    with pytest.raises(UnauthorizedError):
        await one.use(before.ticket)


async def test_memory_forgets_what_was_never_used() -> None:
    memory = MemoryTickets()
    for number in range(100):
        await memory.note(str(number), number, now_ms=number)
    assert not await memory.consume("0")
    assert await memory.consume("99")
