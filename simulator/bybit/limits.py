"""Bybit's limits: 600 requests in five seconds from an address, and orders a second."""

from __future__ import annotations

from aiohttp import web

from simulator.bybit.answers import BybitError
from simulator.exchange.limits import WeightWindow

ADDRESS_IN_FIVE_S = 600
ORDERS_A_SECOND = 20


class Limits:
    """The one client's use of the limits: the simulator knows no addresses apart."""

    def __init__(self, speed: float = 1.0) -> None:
        """`speed` of the clock, in whose seconds is counted."""
        self._address = WeightWindow(5_000, ADDRESS_IN_FIVE_S, speed)
        self._orders = WeightWindow(1_000, ORDERS_A_SECOND, speed)

    def request(self, now_ms: int) -> None:
        """Count a request; BybitError with HTTP 403 beyond the limit."""
        if not self._address.add(now_ms):
            raise BybitError(10018, "access too frequent", 403)

    def order(self, now_ms: int) -> None:
        """Count a new or cancelled order; BybitError beyond the limit."""
        if not self._orders.add(now_ms):
            raise BybitError(10006, "Too many visits. Exceeded the API Rate Limit.")

    def order_headers(self, now_ms: int) -> dict[str, str]:
        """Return the limit headers of answers to orders."""
        return {
            "X-Bapi-Limit": str(ORDERS_A_SECOND),
            "X-Bapi-Limit-Status": str(max(0, ORDERS_A_SECOND - self._orders.used)),
            "X-Bapi-Limit-Reset-Timestamp": str(self._orders.ends_ms(now_ms)),
        }


LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)
