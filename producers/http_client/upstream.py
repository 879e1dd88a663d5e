"""What an upstream is to the client: its address, its limits, and how it wants its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests allowed: a minute, a UTC day, a month of 30 days; None: no limit is documented."""

    per_minute: int | None = None
    per_day: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Auth:
    """A key's place: a header or a query parameter, its name, and what stands before the key."""

    place: Literal["header", "query"]
    name: str
    prefix: str = ""

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers that carry the key; empty where it goes into the query."""
        return {self.name: self.prefix + secret} if self.place == "header" else {}

    def query(self, secret: str) -> dict[str, str]:
        """Return the query parameters that carry the key; empty where it goes into a header."""
        return {self.name: self.prefix + secret} if self.place == "query" else {}


BEARER = Auth("header", "Authorization", "Bearer ")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream.

    base_url   without a slash at the end
    limits     of the smallest plan; of asking without a key where that is possible
    key_env    environment variable with its key; None where there is none
    with_key   limits of the smallest plan with a key, where asking without one is possible
    timeout_s  of one request, connecting and reading together
    auth       how it wants its key
    pro_auth   how it wants the key at a paid host (`//pro-api.`), where that is another way
    """

    name: str
    base_url: str
    limits: Limits
    key_env: str | None = None
    timeout_s: float = 15.0
    with_key: Limits | None = None
    auth: Auth = BEARER
    pro_auth: Auth | None = None

    def auth_at(self, base_url: str) -> Auth:
        """Return how the upstream wants its key at an address."""
        return (self.pro_auth if "//pro-api." in base_url else None) or self.auth
