"""What requests weigh, what of the limits is used, and what happens beyond them."""

from __future__ import annotations

import math
from collections.abc import Callable

import orjson
from aiohttp import web

from schemas.times import DAY_MS, MINUTE_MS
from simulator.binance.answers import BinanceError
from simulator.exchange.limits import WeightWindow

WEIGHT_A_MINUTE = 6_000
ORDERS_IN_TEN_S = 100
ORDERS_A_DAY = 200_000
_REFUSED_BEFORE_A_BAN = 20
_BAN_MS = 120_000


def _depth(request: web.Request) -> int:
    limit = int(request.query.get("limit", "100"))
    return next((weight for most, weight in _DEPTHS if limit <= most), 250)


def _by_symbols(one: int, some: int, many: int) -> Callable[[web.Request], int]:
    def weight(request: web.Request) -> int:
        if "symbol" in request.query:
            return one
        try:
            count = len(orjson.loads(request.query.get("symbols", "")))
        except (orjson.JSONDecodeError, TypeError):
            return many
        return one if count <= 20 else some if count <= 100 else many

    return weight


def _with(name: str, there: int, missing: int) -> Callable[[web.Request], int]:
    return lambda request: there if name in request.query else missing


_DEPTHS = ((100, 5), (500, 25), (1_000, 50))
_WEIGHTS: dict[tuple[str, str], int | Callable[[web.Request], int]] = {
    ("GET", "exchangeInfo"): 20,
    ("GET", "klines"): 2,
    ("GET", "depth"): _depth,
    ("GET", "24hr"): _by_symbols(2, 40, 80),
    ("GET", "price"): _by_symbols(2, 4, 4),
    ("GET", "bookTicker"): _by_symbols(2, 4, 4),
    ("GET", "account"): 20,
    ("GET", "order"): 4,
    ("GET", "openOrders"): _with("symbol", 6, 80),
    ("GET", "allOrders"): 20,
    ("GET", "myTrades"): _with("orderId", 5, 20),
}


def weight_of(request: web.Request) -> int:
    """Return what a request weighs; 1 where it is not listed."""
    weight = _WEIGHTS.get((request.method, request.path.rpartition("/")[2]), 1)
    if isinstance(weight, int):
        return weight
    try:
        return weight(request)
    except ValueError:
        return 1


class Weights:
    """The one client's use of the limits: the simulator knows no addresses apart."""

    def __init__(self, speed: float = 1.0) -> None:
        """`speed` of the clock, in whose minutes is counted."""
        self.minute = WeightWindow(MINUTE_MS, WEIGHT_A_MINUTE, speed)
        self.ten_s = WeightWindow(10_000, ORDERS_IN_TEN_S, speed)
        self.day = WeightWindow(DAY_MS, ORDERS_A_DAY)
        self._refused = 0
        self._banned_until_ms = 0

    def spend(self, now_ms: int, weight: int) -> None:
        """Count a request; BinanceError 429 beyond the limit, 418 for going on after that."""
        if now_ms < self._banned_until_ms:
            raise self._ban(now_ms)
        if self.minute.add(now_ms, weight):
            self._refused = 0
            return
        self._refused += 1
        if self._refused > _REFUSED_BEFORE_A_BAN:
            self._banned_until_ms = now_ms + _BAN_MS
            raise self._ban(now_ms)
        text = (
            f"Too much request weight used; current limit is {WEIGHT_A_MINUTE} request weight per "
            "1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API."
        )
        raise BinanceError(429, -1003, text, _seconds(self.minute.ends_ms(now_ms) - now_ms))

    def order(self, now_ms: int) -> None:
        """Count an order; BinanceError 429 beyond the limits."""
        short, long = self.ten_s.add(now_ms), self.day.add(now_ms)
        if short and long:
            return
        limit = f"{ORDERS_A_DAY} orders per 1 DAY" if short else "100 orders per 10 SECOND"
        ends_ms = (self.day if short else self.ten_s).ends_ms(now_ms)
        text = f"Too many new orders; current limit is {limit}."
        raise BinanceError(429, -1015, text, _seconds(ends_ms - now_ms))

    def headers(self) -> dict[str, str]:
        """Return the limit headers of every answer."""
        return {
            "X-MBX-USED-WEIGHT": str(self.minute.used),
            "X-MBX-USED-WEIGHT-1M": str(self.minute.used),
        }

    def order_headers(self) -> dict[str, str]:
        """Return the limit headers of answers to new orders."""
        return {
            "X-MBX-ORDER-COUNT-10S": str(self.ten_s.used),
            "X-MBX-ORDER-COUNT-1D": str(self.day.used),
        }

    def _ban(self, now_ms: int) -> BinanceError:
        text = (
            f"Way too much request weight used; IP banned until {self._banned_until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return BinanceError(418, -1003, text, _seconds(self._banned_until_ms - now_ms))


def _seconds(wait_ms: int) -> int:
    return max(1, math.ceil(wait_ms / 1000.0))


WEIGHTS: web.AppKey[Weights] = web.AppKey("weights", Weights)
