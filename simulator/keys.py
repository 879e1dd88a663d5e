"""The keys that the stand-ins take, and what they allow. They open nothing but the simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from producers.http_client.upstream import Limits
from producers.upstreams.table import UPSTREAMS
from simulator.error_bodies import error_response

KEYS: dict[str, str] = {
    "lunarcrush": "simulated-lunarcrush-key",
    "coingecko": "simulated-coingecko-key",
    "cryptonews": "simulated-cryptonews-token",
    "stocknews": "simulated-stocknews-token",
    "coinmarketcal": "simulated-coinmarketcal-key",
    "chat": "simulated-chat-key",
}
"""Key by upstream. CoinGecko also answers without one, RSS has none."""

WITH_KEY: dict[str, Limits] = {one.name: one.with_key for one in UPSTREAMS if one.with_key}
"""Limits with a key, where the ones in the table of upstreams are those without."""


def key_given(upstream: str, request: web.Request) -> str | None:
    """Return the key of a request as the vendor reads it, None without one."""
    headers, query = request.headers, request.query
    bearer = headers.get("Authorization", "").removeprefix("Bearer ").strip() or None
    found: Mapping[str, str | None] = {
        "lunarcrush": bearer or query.get("key"),
        "coingecko": headers.get("x-cg-demo-api-key") or query.get("x_cg_demo_api_key"),
        "cryptonews": query.get("token"),
        "stocknews": query.get("token"),
        "coinmarketcal": headers.get("x-api-key"),
        "chat": bearer,
    }
    return found.get(upstream)


def limits_with_key(upstream: str, request: web.Request) -> Limits | None:
    """Return the limits where the key changes them, else None."""
    return WITH_KEY.get(upstream) if key_given(upstream, request) == KEYS.get(upstream) else None


def keyed(
    upstream: str, status: int, code: str | None = None, *, optional: bool = False
) -> Middleware:
    """Return the middleware that refuses a wrong key with `status`, and none unless `optional`."""

    @web.middleware
    async def check(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        key = key_given(upstream, request)
        if key == KEYS[upstream] or (optional and key is None):
            return await handler(request)
        return error_response(upstream, status, code)

    return check
