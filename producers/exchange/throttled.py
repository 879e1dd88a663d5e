"""ccxt's exchanges, throttled: every request they make, also by themselves, passes one breaker.

ccxt has two places for it: `fetch`, through which each request goes, and `on_rest_response`, which
sees each answer's status and headers before anything else does.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Protocol

from producers.exchange.errors import refusal, upstream_error
from producers.http_client.errors import UpstreamError
from producers.http_client.host_breaker import HostBreaker
from schemas.validation import TIMEFRAME_MS
from transport.clock import Clock

SOCKETS = ("binance", "bybit")
"""Exchanges whose websockets are used; of every other one that ccxt has, REST is."""
TIMEOUT_MS = 15_000
_BUSY_S = 5.0  # of a refusal without a time
_LONGEST_PAUSE_S = 60.0


class RateLimiter(Protocol):
    """What counts requests and makes them wait, such as producers.http_client.quota.Quota."""

    async def take(self, cost: int = 1) -> None:
        """Wait for the turn of a request and count it. Raises UpstreamError."""
        ...


class Throttle:
    """The way to one exchange, shared by all instances that talk to it."""

    def __init__(
        self, name: str, breaker: HostBreaker, clock: Clock, quota: RateLimiter | None
    ) -> None:
        self.name = name
        self._breaker = breaker
        self._clock = clock
        self._quota = quota

    async def wait(self) -> None:
        """Wait until a request may be made. UpstreamError if that takes over 60 s or is unknown."""
        self._breaker.refuse_if_open()
        while (seconds := self._breaker.held_s()) > 0.0:
            self._breaker.refuse_if_held(_LONGEST_PAUSE_S)
            await self._clock.sleep(seconds)
        if self._quota is not None:
            await self._quota.take()
            self._breaker.refuse_if_held(0.0)  # asked for by an answer since

    def enter(self) -> bool:
        """Begin a request; return whether it is a trial. Raises UpstreamError; needs `leave`."""
        return self._breaker.enter()

    def leave(self, error: UpstreamError | None, *, trial: bool) -> None:
        """End a request, with an error or an answer."""
        if error is not None and error.kind == "limit":
            self._breaker.hold(_BUSY_S if error.retry_after_s is None else error.retry_after_s)
        self._breaker.leave(error or "answer", trial=trial)

    def abandon(self, *, trial: bool) -> None:
        """End a request that was cancelled."""
        self._breaker.leave(None, trial=trial)

    def refusal(self, status: int, headers: Mapping[str, str], body: str) -> UpstreamError | None:
        """Return the error of an answer that forbids requests for a while, or None."""
        return refusal(self.name, status, headers, body, self._clock.now_ms())


class ThrottledExchange:
    """Mixed into an exchange of ccxt, before it in the order of classes."""

    request_throttle: Throttle  # `throttle` is a method of ccxt's

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:
        """Make one request through the breaker. Raises UpstreamError alone."""
        await self.request_throttle.wait()
        trial = self.request_throttle.enter()
        try:
            answer = await super().fetch(url, method, headers, body)  # type: ignore[misc]
            if not isinstance(answer, dict | list):  # ccxt returns the text, and parses it to None
                text = "an answer is not JSON"
                raise UpstreamError(self.request_throttle.name, "not_json", text)
        except Exception as error:
            failure = upstream_error(self.request_throttle.name, error)
            self.request_throttle.leave(failure, trial=trial)
            raise failure from None  # ccxt's text has the whole address in it
        except BaseException:
            self.request_throttle.abandon(trial=trial)
            raise
        self.request_throttle.leave(None, trial=trial)
        return answer

    def on_rest_response(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        response_headers: Mapping[str, str],
        response_body: str,
        request_headers: Any,
        request_body: Any,
    ) -> str:
        """Check an answer before ccxt does. Raises UpstreamError when it forbids requests."""
        error = self.request_throttle.refusal(code, response_headers, response_body)
        if error is not None:
            raise error
        return response_body.strip()


def throttled_exchange(throttle: Throttle, url: str | None, speed: float) -> Any:
    """Return an instance of ccxt.pro's exchange for spot market data, without keys.

    `url`: address of a stand-in; None: the exchange itself. The rate limiter is ccxt's own, its
    times divided by `speed`.
    """
    bases = (ThrottledExchange, _ccxt_class(throttle.name))
    kind = type(throttle.name, bases, {"request_throttle": throttle})
    exchange = kind(_options(throttle.name, url))
    _only_spot(exchange)
    if url is not None:
        if throttle.name in SOCKETS:
            exchange.set_sandbox_mode(True)
        else:
            exchange.urls["api"] = _moved(exchange.urls["api"], url.rstrip("/"))
        exchange.timeout_on_exit = 1  # ms; the quarter of a second is for TLS
        _as_at_the_real_host(exchange)
    if speed != 1.0:
        exchange.rateLimit /= speed
        exchange.tokenBucket = {}  # it keeps the rate of before
        exchange.init_rest_rate_limiter()
    return exchange


@cache
def ccxt_pro() -> Any:
    """Return ccxt.pro; the first time takes a second, so call it in a thread.

    It brings a hundred exchanges along, which every full garbage collection would walk through and
    stop the event loop for 0.1 s; so what there is by then is taken out of its sight.
    """
    import ccxt.pro  # type: ignore[import-untyped]

    gc.freeze()
    return ccxt.pro


def _ccxt_class(name: str) -> Any:
    """Return ccxt's class of an exchange. ValueError for a name that it does not know."""
    pro = ccxt_pro()
    if name in pro.exchanges:
        return getattr(pro, name)
    from ccxt import async_support

    if name in async_support.exchanges:
        return getattr(async_support, name)
    near = get_close_matches(name, async_support.exchanges, 1)
    meant = f": is {near[0]} meant?" if near else ""
    msg = f"QUANTIVA_EXCHANGES names {name!r}, which ccxt does not know{meant}"
    raise ValueError(msg)


def lacking(exchange: Any) -> list[str]:
    """Return what an exchange of ccxt's does not give, of what candles and books need."""
    needed = {"fetchOHLCV": "candles", "fetchOrderBook": "order books"}
    lacks = [what for method, what in needed.items() if exchange.has.get(method) is not True]
    known = exchange.timeframes or TIMEFRAME_MS
    return lacks + [f"candles of {name}" for name in TIMEFRAME_MS if name not in known]


def _only_spot(exchange: Any) -> None:
    """Leave contracts out of the lists of markets, where ccxt lets one choose."""
    chosen = exchange.options.get("fetchMarkets")
    if isinstance(chosen, dict) and isinstance(chosen.get("types"), list):
        exchange.options["fetchMarkets"] = {**chosen, "types": ["spot"]}


def _options(name: str, url: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "enableRateLimit": True,
        "timeout": TIMEOUT_MS,
        "options": {"defaultType": "spot", "fetchCurrencies": False, "fetchMargins": False},
    }
    if url is not None and name in SOCKETS:
        options["urls"] = {"test": _addresses(name, url.rstrip("/"))}
    return options


def _addresses(name: str, url: str) -> dict[str, Any]:
    """Return the addresses at a stand-in, in the places where sandbox mode takes them from."""
    sockets = "ws" + url.removeprefix("http")
    if name == "binance":
        root = f"{url}/api/v3"
        # Without /stream in it ccxt takes the address for one of futures.
        return {"public": root, "private": root, "ws": {"spot": f"{sockets}/stream/ws"}}
    rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), url)
    return {**rest, "ws": {"public": {"spot": f"{sockets}/v5/public/spot"}}}


def _moved(addresses: Any, url: str) -> Any:
    """Return ccxt's addresses of an exchange at a stand-in: other hosts, the same paths."""
    if isinstance(addresses, dict):
        return {name: _moved(one, url) for name, one in addresses.items()}
    scheme, _, rest = str(addresses).partition("://")
    _, slash, path = rest.partition("/")
    host = url if scheme.startswith("http") else "ws" + url.removeprefix("http")
    return f"{host}{slash}{path}"


def _as_at_the_real_host(exchange: Any) -> None:
    """Know the errors of spot: ccxt looks for them at its own addresses only."""
    spot = exchange.exceptions.get("spot", {})
    for table in ("exact", "broad"):
        exchange.exceptions[table] = {**exchange.exceptions.get(table, {}), **spot.get(table, {})}
