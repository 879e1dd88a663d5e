"""The account, its coins and its trades as Bybit writes them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.bybit.answers import answer, page, whole
from simulator.bybit.signing import signed
from simulator.exchange.amounts import plain
from simulator.exchange.balances import Balances
from simulator.exchange.matching_engine import FEE
from simulator.exchange.orders import Fill, Order
from simulator.exchange.venue import VENUE

_UNIFIED_2_PRO = 6


async def query_api(request: web.Request) -> web.Response:
    """GET /v5/user/query-api: what the key may do. The account is a unified one."""
    await signed(request)
    return answer(
        request,
        {
            "id": "1",
            "note": "simulated",
            "apiKey": request.app[VENUE].credentials.key,
            "readOnly": 0,
            "secret": "",
            "permissions": {"Spot": ["SpotTrade"], "Wallet": []},
            "ips": ["*"],
            "type": 1,
            "deadlineDay": 90,
            "expiredAt": "2099-01-01T00:00:00Z",
            "createdAt": "2024-01-01T00:00:00Z",
            "unified": 0,
            "uta": 1,
            "userID": 1,
            "inviterID": 0,
            "vipLevel": "No VIP",
            "isMaster": True,
        },
    )


async def info(request: web.Request) -> web.Response:
    """GET /v5/account/info."""
    await signed(request)
    return answer(
        request,
        {
            "unifiedMarginStatus": _UNIFIED_2_PRO,
            "marginMode": "REGULAR_MARGIN",
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
            "updatedTime": str(request.app[VENUE].clock.now_ms()),
            "dcpStatus": "OFF",
            "timeWindow": 0,
            "smpGroup": 0,
        },
    )


async def coins(request: web.Request) -> web.Response:
    """GET /v5/asset/coin/query-info: what may be held; nothing goes in or out."""
    await signed(request)
    listings = request.app[VENUE].listings()
    names = [*(listing.asset for listing in listings), listings[0].quote]
    return answer(request, {"rows": [_coin(name) for name in names]})


async def wallet(request: web.Request) -> web.Response:
    """GET /v5/account/wallet-balance of the unified account; `coin` names some only."""
    parameters = await signed(request)
    held = request.app[VENUE].engine.balances
    wanted = parameters["coin"].split(",") if parameters.get("coin") else held.assets()
    listed = {
        "accountType": parameters.get("accountType", "UNIFIED"),
        "totalEquity": "0",
        "totalWalletBalance": "0",
        "totalAvailableBalance": "0",
        "coin": [_held(held, asset) for asset in wanted],
    }
    return answer(request, {"list": [listed]})


async def executions(request: web.Request) -> web.Response:
    """GET /v5/execution/list: trades, the newest first, by pages."""
    parameters = await signed(request)
    pairs = request.app[VENUE].engine.fills(parameters.get("symbol"))
    listed = [
        _execution(order, fill)
        for order, fill in reversed(pairs)
        if parameters.get("orderId", str(order.number)) == str(order.number)
        and whole(parameters, "startTime", 0) <= fill.at_ms
        and fill.at_ms <= whole(parameters, "endTime", fill.at_ms)
    ]
    return answer(request, page(parameters, listed, 50, 100))


def _held(held: Balances, asset: str) -> dict[str, Any]:
    free, locked = held.free(asset), held.locked(asset)
    total = plain(free + locked)
    return {
        "coin": asset,
        "equity": total,
        "usdValue": "0",
        "walletBalance": total,
        "free": "",  # a unified account does not say it
        "locked": plain(locked),
        "borrowAmount": "0",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "unrealisedPnl": "0",
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
    }


def _coin(name: str) -> dict[str, Any]:
    chain = {
        "chain": name,
        "chainType": name,
        "confirmation": "1",
        "withdrawFee": "0",
        "depositMin": "0",
        "withdrawMin": "0",
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
    }
    return {"name": name, "coin": name, "remainAmount": "0", "chains": [chain]}


def _execution(order: Order, fill: Fill) -> dict[str, Any]:
    draft = order.draft
    return {
        "symbol": order.listing.symbol,
        "orderType": "Market" if draft.price is None else "Limit",
        "orderLinkId": order.client_id,
        "orderId": str(order.number),
        "side": "Buy" if draft.buying else "Sell",
        "stopOrderType": "",
        "leavesQty": plain(order.left),
        "execTime": str(fill.at_ms),
        "isMaker": fill.maker,
        "execFee": plain(fill.fee),
        "feeRate": plain(FEE),
        "feeCurrency": fill.fee_asset,
        "execId": str(fill.number),
        "execPrice": plain(fill.price),
        "execQty": plain(fill.quantity),
        "execValue": plain(fill.value),
        "execType": "Trade",
        "orderPrice": plain(draft.price or fill.price),
        "orderQty": plain(order.quantity),
        "seq": fill.number,
    }
