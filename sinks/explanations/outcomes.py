"""What asking the model comes to, apart from any client."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal


class Kind(StrEnum):
    """Kinds of failure, by what follows from them."""

    REFUSED = "refused"
    """Not served, and may be later: 429, 500, 503, no connection."""
    REJECTED = "rejected"
    """Not served, and never will be: this request is wrong."""
    DENIED = "denied"
    """Not served, and no other request would be: quota, key, model."""
    LOST = "lost"
    """Perhaps served: silence, a connection that broke, an answer that nobody can read."""


class ModelError(Exception):
    """No answer that can be used; `str()` is a sentence for people, without any secret."""

    def __init__(self, kind: Kind, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.retry_after_s = retry_after_s


class Written(NamedTuple):
    """The result of asking the model about a signal.

    `text` is None where nothing can be published; `reason` says why then, with a text it says what
    of the request was refused, if anything. `cost_usd` is what was
    paid, or may have been: a request whose tokens nobody counted costs the most it can. Unless
    `served`, no request can have been served, and the model may be asked again later.
    """

    text: str | None
    reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: Decimal
    served: bool
    failure: ModelError | None = None
