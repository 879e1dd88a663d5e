"""What is traded and by which rules, and what time it is, as Bybit writes it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.bybit.answers import answer
from simulator.exchange.amounts import plain
from simulator.exchange.listings import Listing
from simulator.exchange.venue import VENUE


async def time(request: web.Request) -> web.Response:
    """GET /v5/market/time."""
    now_ms = request.app[VENUE].clock.now_ms()
    result = {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}
    return answer(request, result)


async def instruments(request: web.Request) -> web.Response:
    """GET /v5/market/instruments-info: spot; there is nothing in the other categories."""
    category, symbol = request.query.get("category", "spot"), request.query.get("symbol")
    listings = request.app[VENUE].listings() if category == "spot" else []
    listed = [_instrument(one) for one in listings if symbol in (None, one.symbol)]
    return answer(request, {"category": category, "list": listed, "nextPageCursor": ""})


def _instrument(listing: Listing) -> dict[str, Any]:
    step, most = plain(listing.step), plain(listing.max_quantity)
    return {
        "symbol": listing.symbol,
        "baseCoin": listing.asset,
        "quoteCoin": listing.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": step,
            "quotePrecision": "0.00000001",
            "minOrderQty": step,
            "maxOrderQty": most,
            "minOrderAmt": plain(listing.min_notional),
            "maxOrderAmt": plain(listing.max_notional),
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": most,
        },
        "priceFilter": {"tickSize": plain(listing.tick)},
        "riskParameters": {"priceLimitRatioX": "5", "priceLimitRatioY": "5"},
    }
