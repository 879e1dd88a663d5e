"""What is traded and by which rules: exchangeInfo; and the calls for the time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from simulator.binance.answers import BinanceError, answer, listing_called
from simulator.binance.signing import signed
from simulator.binance.weights import ORDERS_A_DAY, ORDERS_IN_TEN_S, WEIGHT_A_MINUTE
from simulator.exchange.amounts import fixed
from simulator.exchange.listings import Listing
from simulator.exchange.orders import BAND
from simulator.exchange.venue import VENUE

_ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]


async def ping(request: web.Request) -> web.Response:
    """GET /api/v3/ping."""
    return answer({})


async def time(request: web.Request) -> web.Response:
    """GET /api/v3/time."""
    return answer({"serverTime": request.app[VENUE].clock.now_ms()})


async def exchange_info(request: web.Request) -> web.Response:
    """GET /api/v3/exchangeInfo: every market, or those of `symbol` or `symbols`."""
    venue = request.app[VENUE]
    return answer(
        {
            "timezone": "UTC",
            "serverTime": venue.clock.now_ms(),
            "rateLimits": [
                _limit("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_A_MINUTE),
                _limit("ORDERS", "SECOND", 10, ORDERS_IN_TEN_S),
                _limit("ORDERS", "DAY", 1, ORDERS_A_DAY),
                _limit("RAW_REQUESTS", "MINUTE", 5, 61_000),
            ],
            "exchangeFilters": [],
            "symbols": [_symbol(listing) for listing in asked_for(request)],
        }
    )


async def currencies(request: web.Request) -> web.Response:
    """GET /sapi/v1/capital/config/getall: what may be held; asked for with a key only."""
    await signed(request)
    listings = request.app[VENUE].listings()
    coins = [*(listing.asset for listing in listings), listings[0].quote]
    return answer([_coin(coin) for coin in coins])


async def none(request: web.Request) -> web.Response:
    """Answer a call about margin trading, which is not simulated."""
    return answer([])


def asked_for(request: web.Request) -> Sequence[Listing]:
    """Return the markets of `symbol` or `symbols`, every one without; BinanceError if unknown."""
    if "symbol" in request.query:
        return [listing_called(request, request.query["symbol"])]
    if "symbols" not in request.query:
        return request.app[VENUE].listings()
    try:
        symbols = orjson.loads(request.query["symbols"])
    except orjson.JSONDecodeError:
        text = "Data sent for parameter 'symbols' is not valid."
        raise BinanceError(400, -1130, text) from None
    return [listing_called(request, symbol) for symbol in symbols]


def _limit(kind: str, interval: str, count: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def _symbol(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "status": "TRADING",
        "baseAsset": listing.asset,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def _filters(listing: Listing) -> list[dict[str, Any]]:
    tick = fixed(listing.tick, listing.price_places)
    step = fixed(listing.step)
    up, down = str(BAND), str(1 / BAND)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": "10000000.00000000",
            "tickSize": tick,
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": step,
            "maxQty": fixed(listing.max_quantity),
            "stepSize": step,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": fixed(listing.min_notional),
            "applyMinToMarket": True,
            "maxNotional": fixed(listing.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]


def _coin(coin: str) -> dict[str, Any]:
    network = {
        "network": coin,
        "coin": coin,
        "name": coin,
        "isDefault": True,
        "depositEnable": False,
        "withdrawEnable": False,
        "withdrawFee": "0",
        "withdrawMin": "0",
        "withdrawMax": "0",
        "withdrawIntegerMultiple": "0.00000001",
    }
    return {
        "coin": coin,
        "name": coin,
        "trading": True,
        "isLegalMoney": False,
        "depositAllEnable": False,
        "withdrawAllEnable": False,
        "free": "0",
        "locked": "0",
        "networkList": [network],
    }
