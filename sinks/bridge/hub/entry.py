"""Who may open a websocket, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from sinks.bridge.problems import ProblemError

if TYPE_CHECKING:
    from aiohttp import web


class Authenticator(Protocol):
    """What of `sinks.bridge.auth.Auth` a handshake needs; all three raise a ProblemError."""

    def authenticate(self, request: web.Request) -> Any:
        """Return whose token the header `Authorization: Bearer` has."""

    async def count(self, principal: Any) -> None:
        """Count a request of a token."""

    async def use_ticket(self, ticket: str) -> Any:
        """Return whose ticket it is, and use it up."""


def check_origin(request: web.Request, allowed: tuple[str, ...]) -> None:
    """Refuse a page of another host that is not named; programs send no Origin."""
    origin = request.headers.get("Origin")
    if origin is None or origin in allowed:
        return
    if _host(origin) == request.host.lower():
        return
    message = (
        f"A page of {origin[:200]} may not connect here. "
        "Whoever runs the bridge can allow it: QUANTIVA_BRIDGE_ORIGINS."
    )
    raise ProblemError(403, message)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # half an IPv6 address
        return None


async def admit(request: web.Request, authenticator: Authenticator) -> Any:
    """Return the principal of a handshake: by `?ticket=`, as browsers do, or by its token."""
    ticket = request.query.get("ticket")
    if ticket is not None:
        return await authenticator.use_ticket(ticket)
    principal = authenticator.authenticate(request)
    await authenticator.count(principal)
    return principal
