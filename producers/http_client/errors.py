"""The one error of the upstreams."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "limit",  # too many requests for now
    "quota",  # the day's or the month's requests are spent
    "auth",  # no key, a wrong one, or a plan that does not allow it
    "not_found",
    "bad_request",
    "server",
    "timeout",
    "connection",
    "not_json",  # HTML, half a body, or no JSON for another reason
    "bad_answer",  # an answer of another shape than agreed
    "open_circuit",  # not asked: it failed too often
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_PASSING = frozenset(("limit", "server", "timeout", "connection", "not_json"))


class UpstreamError(Exception):
    """A request to an upstream failed. The text is a sentence without secrets.

    upstream       name of the upstream
    kind           one of `KINDS`
    retry_after_s  seconds (of the producers' clock) until the next request; None: unknown
    """

    def __init__(
        self, upstream: str, kind: Kind, text: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{upstream}: {text}")
        self.upstream = upstream
        self.kind = kind
        self.retry_after_s = retry_after_s

    @property
    def retryable(self) -> bool:
        """Return whether the same request may succeed a little later."""
        return self.kind in _PASSING

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by fields: the default would call this class with the text alone."""
        text = str(self).removeprefix(f"{self.upstream}: ")
        return _again, (self.upstream, self.kind, text, self.retry_after_s)


def _again(upstream: str, kind: Kind, text: str, retry_after_s: float | None) -> UpstreamError:
    return UpstreamError(upstream, kind, text, retry_after_s=retry_after_s)
