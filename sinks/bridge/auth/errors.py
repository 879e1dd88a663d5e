"""Why somebody is not let in. The texts are for the client: no secret is ever in them."""

from __future__ import annotations

from sinks.bridge.problems import ProblemError


class UnauthorizedError(ProblemError):
    """401: no token or ticket, or one that is not valid."""

    def __init__(self, detail: str) -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": 'Bearer realm="quantiva"'})


class ForbiddenError(ProblemError):
    """403: a valid token whose role does not suffice."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, detail)


class TooManyRequestsError(ProblemError):
    """429: the token's rate is used up for `retry_after_s`."""

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(429, detail, retry_after_s=retry_after_s)


class TicketStoreAwayError(ProblemError):
    """503: whether the ticket was used before cannot be known now. A new one works."""

    def __init__(self, detail: str) -> None:
        super().__init__(503, detail, retry_after_s=1)
