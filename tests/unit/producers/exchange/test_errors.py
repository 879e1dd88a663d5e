"""What ccxt and the network raise, as the upstreams' one error."""

from __future__ import annotations

import aiohttp
import ccxt
import pytest

from producers.exchange.errors import refusal, upstream_error
from producers.http_client.errors import UpstreamError

NOON = 1_767_614_400_000


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        pytest.param(ccxt.RequestTimeout("binance GET x"), "timeout", True, id="timeout"),
        pytest.param(ccxt.DDoSProtection("binance 429"), "limit", True, id="429 in ccxt's table"),
        pytest.param(ccxt.RateLimitExceeded("bybit 10006"), "limit", True, id="bybit's 10006"),
        pytest.param(ccxt.ExchangeNotAvailable("binance 502"), "server", True, id="502"),
        pytest.param(ccxt.OnMaintenance("bybit"), "server", True, id="maintenance"),
        pytest.param(ccxt.OperationFailed("binance -1008"), "server", True, id="-1008"),
        pytest.param(ccxt.ExchangeError('bybit {"retCode":10016}'), "server", True, id="10016"),
        pytest.param(
            ccxt.ExchangeError('binance {"code": -1008, "msg": "x"}'), "server", True, id="busy"
        ),
        pytest.param(ccxt.NetworkError("closed 1012"), "connection", True, id="websocket closed"),
        pytest.param(ccxt.ChecksumError("gap"), "connection", True, id="skipped message"),
        pytest.param(ccxt.AuthenticationError("-2015"), "auth", False, id="key"),
        pytest.param(ccxt.PermissionDenied("10005"), "auth", False, id="permission"),
        pytest.param(ccxt.BadSymbol("-1121"), "not_found", False, id="unknown market"),
        pytest.param(ccxt.BadRequest("-1100"), "bad_request", False, id="bad request"),
        pytest.param(ccxt.ExchangeError("binance odd"), "bad_answer", False, id="anything else"),
        pytest.param(KeyError("symbols"), "bad_answer", False, id="ccxt fell over the answer"),
        pytest.param(TimeoutError(), "timeout", True, id="asyncio's timeout"),
        pytest.param(ConnectionResetError(), "connection", True, id="reset"),
    ],
)
def test_kinds(error: Exception, kind: str, retryable: bool) -> None:
    failure = upstream_error("binance", error)
    assert (failure.kind, failure.retryable) == (kind, retryable)
    assert failure.upstream == "binance"


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        pytest.param(aiohttp.ClientPayloadError("x"), "middle of an answer", id="half a body"),
        pytest.param(aiohttp.ServerDisconnectedError(), "cannot be reached", id="disconnected"),
        pytest.param(ConnectionRefusedError(), "cannot be reached", id="refused"),
    ],
)
def test_the_cause_of_ccxts_error_counts(cause: Exception, says: str) -> None:
    error = ccxt.ExchangeError("binance GET https://api.binance.com/api/v3/klines")
    error.__cause__ = cause
    failure = upstream_error("binance", error)
    assert failure.kind == "connection"
    assert says in str(failure)
    assert "api.binance.com" not in str(failure)


def test_a_known_error_stays_as_it_is() -> None:
    error = UpstreamError("binance", "limit", "slow down", retry_after_s=3.0)
    assert upstream_error("binance", error) is error


def test_a_long_or_secret_text_is_not_told() -> None:
    error = ccxt.ExchangeError("binance ?signature=0123456789abcdef&x=1 " + 5_000 * "x")
    text = str(upstream_error("binance", error))
    assert "0123456789abcdef" not in text
    assert len(text) < 300


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "pause_s"),
    [
        pytest.param(429, {"Retry-After": "7"}, "", "limit", 7.0, id="429 says how long"),
        pytest.param(418, {"retry-after": "3600"}, "", "limit", 3600.0, id="418 for an hour"),
        pytest.param(
            429,
            {"Retry-After": "Mon, 05 Jan 2026 12:02:00 GMT"},
            "",
            "limit",
            120.0,
            id="429 until a date",
        ),
        pytest.param(429, {}, "", "limit", 10.0, id="429 does not say"),
        pytest.param(418, {}, "", "limit", 120.0, id="418 does not say"),
        pytest.param(403, {}, "access too frequent", "limit", 600.0, id="bybit's ban"),
        pytest.param(403, {}, "block access from your country", "auth", None, id="country"),
        pytest.param(403, {}, "Service unavailable in your region", "auth", None, id="region"),
        pytest.param(403, {}, "<script>window.location=x</script>", "limit", 600.0, id="a page"),
        pytest.param(451, {}, "restricted location", "auth", None, id="451"),
    ],
)
def test_refusals(
    status: int, headers: dict[str, str], body: str, kind: str, pause_s: float | None
) -> None:
    error = refusal("binance", status, headers, body, NOON)
    assert error is not None
    assert (error.kind, error.retry_after_s) == (kind, pause_s)


@pytest.mark.parametrize("status", [200, 400, 404, 500, 503])
def test_other_answers_are_ccxts_business(status: int) -> None:
    assert refusal("binance", status, {"Retry-After": "5"}, "", NOON) is None
