"""Why somebody is not let in. The texts are for the client: no secret is ever in them."""

from __future__ import annotations


class AuthError(Exception):
    """The request is refused; `status` is HTTP's."""

    status = 401


class UnauthorizedError(AuthError):
    """No token or ticket, or one that is not valid."""


class ForbiddenError(AuthError):
    """A valid token whose role does not suffice."""

    status = 403


class TooManyRequestsError(AuthError):
    """The token's rate is used up; it has some again after `retry_after_s`."""

    status = 429

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TicketStoreAwayError(AuthError):
    """Whether the ticket was used before cannot be known now. A new one will do."""

    status = 503
