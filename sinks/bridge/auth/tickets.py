"""Tickets: a browser cannot send a header with a websocket, so it shows one of these instead.

A ticket is signed, short-lived and works once. It is noted in PostgreSQL when it is issued and
removed when it is used, so it works at any bridge, at one of them. Without a database (or while
it is away) it is noted in the memory of the bridge that issued it, works there alone, and says so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from sinks.bridge.auth.errors import TicketStoreAwayError, UnauthorizedError
from sinks.bridge.auth.roles import Principal, Role

Scope: TypeAlias = Literal["every_bridge", "this_bridge"]
_REFUSED = "The ticket is not valid: ask for a new one at POST /api/v1/tickets."


class Ticket(msgspec.Struct, frozen=True):
    """A ticket for one websocket. `scope` says which bridges take it."""

    ticket: str
    expires_in_s: float
    scope: Scope


class StoreAwayError(Exception):
    """The store of tickets cannot be asked now."""


class TicketStore(Protocol):
    """Which tickets are issued and not used."""

    async def note(self, nonce: str, expires_at_ms: int, now_ms: int) -> None:
        """Note an issued ticket; StoreAwayError when that cannot be done."""

    async def consume(self, nonce: str) -> bool:
        """Remove a ticket; return whether it was there. StoreAwayError when nobody can tell."""


class MemoryTickets:
    """Tickets of this process."""

    def __init__(self) -> None:
        self._expiries: dict[str, int] = {}

    async def note(self, nonce: str, expires_at_ms: int, now_ms: int) -> None:
        """Note a ticket, and forget those that were never used."""
        for old in [key for key, expiry in self._expiries.items() if expiry < now_ms]:
            del self._expiries[old]
        self._expiries[nonce] = expires_at_ms

    async def consume(self, nonce: str) -> bool:
        """Remove a ticket; return whether it was there."""
        return self._expiries.pop(nonce, None) is not None


class _Claims(msgspec.Struct, frozen=True):
    nonce: str
    name: str
    role: Role
    expires_at_ms: int
    bridge: str | None = None


class Tickets:
    """Issues and takes tickets; `shared` is the store of all bridges, None: there is none."""

    def __init__(
        self, key: bytes, valid_s: float, shared: TicketStore | None, now_ms: Callable[[], int]
    ) -> None:
        self._signed = URLSafeSerializer(
            key,
            salt="quantiva.bridge.ticket",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        self._valid_s = valid_s
        self._shared = shared
        self._own = MemoryTickets()
        self._bridge = secrets.token_hex(8)
        self._now_ms = now_ms

    @property
    def scope(self) -> Scope:
        """Say which bridges take a ticket of this one, while the database is there."""
        return "this_bridge" if self._shared is None else "every_bridge"

    async def issue(self, principal: Principal) -> Ticket:
        """Return a new ticket of somebody."""
        nonce, now_ms = secrets.token_urlsafe(16), self._now_ms()
        expires_at_ms = now_ms + round(self._valid_s * 1000)
        bridge = None if await self._note_shared(nonce, expires_at_ms, now_ms) else self._bridge
        if bridge is not None:
            await self._own.note(nonce, expires_at_ms, now_ms)
        claims = _Claims(nonce, principal.name, principal.role, expires_at_ms, bridge)
        text = self._signed.dumps(msgspec.to_builtins(claims))
        scope: Scope = "every_bridge" if bridge is None else "this_bridge"
        return Ticket(str(text), self._valid_s, scope)

    async def use(self, ticket: str) -> Principal:
        """Return whose ticket it is, and use it up.

        Raises UnauthorizedError, or TicketStoreAwayError: then a new ticket works.
        """
        claims = self._read(ticket)
        if claims.bridge is None:
            valid = await self._consume_shared(claims.nonce)
        else:
            valid = claims.bridge == self._bridge and await self._own.consume(claims.nonce)
        if not valid or claims.expires_at_ms < self._now_ms():
            raise UnauthorizedError(_REFUSED)
        return Principal(claims.name, claims.role)

    def _read(self, ticket: str) -> _Claims:
        try:
            return msgspec.convert(self._signed.loads(ticket), type=_Claims)
        except (BadData, ValueError, msgspec.ValidationError):
            raise UnauthorizedError(_REFUSED) from None

    async def _note_shared(self, nonce: str, expires_at_ms: int, now_ms: int) -> bool:
        if self._shared is None:
            return False
        try:
            await self._shared.note(nonce, expires_at_ms, now_ms)
        except StoreAwayError:
            return False
        return True

    async def _consume_shared(self, nonce: str) -> bool:
        if self._shared is None:
            return False
        try:
            return await self._shared.consume(nonce)
        except StoreAwayError:
            msg = "The database is away, so nobody can tell whether the ticket was used: ask again."
            raise TicketStoreAwayError(msg) from None
