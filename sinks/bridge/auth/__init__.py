"""Who may do what: bearer tokens, roles, tickets for the websocket, a rate for each token."""

from sinks.bridge.auth.auth import Auth
from sinks.bridge.auth.errors import (
    ForbiddenError,
    TicketStoreAwayError,
    TooManyRequestsError,
    UnauthorizedError,
)
from sinks.bridge.auth.roles import Principal, Role
from sinks.bridge.auth.tickets import Ticket

__all__ = [
    "Auth",
    "ForbiddenError",
    "Principal",
    "Role",
    "Ticket",
    "TicketStoreAwayError",
    "TooManyRequestsError",
    "UnauthorizedError",
]
