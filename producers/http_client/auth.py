"""How each upstream wants its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Auth:
    """A key's place: a header or a query parameter, its name, and what stands before the key."""

    place: Literal["header", "query"]
    name: str
    prefix: str = ""

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers that carry the key."""
        return {self.name: self.prefix + secret} if self.place == "header" else {}

    def query(self, secret: str) -> dict[str, str]:
        """Return the query parameters that carry the key."""
        return {self.name: self.prefix + secret} if self.place == "query" else {}


BEARER = Auth("header", "Authorization", "Bearer ")
_TOKEN = Auth("query", "token")
_BY_UPSTREAM = {
    "lunarcrush": BEARER,
    "coingecko": Auth("header", "x-cg-demo-api-key"),
    "cryptonews": _TOKEN,
    "stocknews": _TOKEN,
    "coinmarketcal": Auth("header", "x-api-key"),
}


def auth_of(upstream: str, base_url: str) -> Auth:
    """Return where an upstream wants its key; CoinGecko's paid host wants another header."""
    if upstream == "coingecko" and "//pro-api." in base_url:
        return Auth("header", "x-cg-pro-api-key")
    return _BY_UPSTREAM.get(upstream, BEARER)
