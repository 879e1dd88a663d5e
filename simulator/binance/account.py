"""What the account holds, and what it has traded, as Binance writes it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.binance.answers import answer, limit_of, listing_of, whole
from simulator.binance.signing import signed
from simulator.exchange.amounts import fixed
from simulator.exchange.matching_engine import FEE
from simulator.exchange.orders import Fill, Order
from simulator.exchange.venue import VENUE

_MOST = 1_000


async def account(request: web.Request) -> web.Response:
    """GET /api/v3/account."""
    await signed(request)
    venue = request.app[VENUE]
    held = venue.engine.balances
    return answer(
        {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {
                "maker": fixed(FEE),
                "taker": fixed(FEE),
                "buyer": "0.00000000",
                "seller": "0.00000000",
            },
            "canTrade": True,
            "canWithdraw": False,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": venue.clock.now_ms(),
            "accountType": "SPOT",
            "balances": [
                {
                    "asset": asset,
                    "free": fixed(held.free(asset)),
                    "locked": fixed(held.locked(asset)),
                }
                for asset in held.assets()
            ],
            "permissions": ["SPOT"],
            "uid": 1,
        }
    )


async def my_trades(request: web.Request) -> web.Response:
    """GET /api/v3/myTrades of a symbol: oldest first; orderId, startTime, endTime, fromId."""
    parameters = await signed(request)
    listing = listing_of(request, parameters)
    limit = limit_of(parameters, 500, _MOST)
    pairs = [
        pair
        for pair in request.app[VENUE].engine.fills(listing.symbol)
        if _wanted(pair[1], parameters)
    ]
    first_ones = "fromId" in parameters or "startTime" in parameters
    chosen = pairs[:limit] if first_ones else pairs[-limit:]
    return answer([_trade(order, fill) for order, fill in chosen])


def _wanted(fill: Fill, parameters: dict[str, str]) -> bool:
    if whole(parameters, "orderId", fill.order_number) != fill.order_number:
        return False
    return (
        fill.number >= whole(parameters, "fromId", 0)
        and fill.at_ms >= whole(parameters, "startTime", 0)
        and fill.at_ms <= whole(parameters, "endTime", fill.at_ms)
    )


def _trade(order: Order, fill: Fill) -> dict[str, Any]:
    return {
        "symbol": order.listing.symbol,
        "id": fill.number,
        "orderId": order.number,
        "orderListId": -1,
        "price": fixed(fill.price, order.listing.price_places),
        "qty": fixed(fill.quantity),
        "quoteQty": fixed(fill.value),
        "commission": fixed(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": order.draft.buying,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }
