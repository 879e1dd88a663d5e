"""How each vendor says no: its own form, or a proxy's page where nothing of its own is said."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from producers.upstreams.table import UPSTREAMS
from simulator.error_bodies import error_response


@pytest.mark.parametrize(
    ("upstream", "status"),
    [
        ("lunarcrush", 500),
        ("cryptonews", 503),
        ("stocknews", 502),
        ("coingecko", 403),
        ("coingecko", 500),
        ("chat", 502),
        ("binance", 503),
        ("binance", 403),
        ("bybit", 504),
        ("rss", 429),
        ("rss", 500),
    ],
)
def test_a_page_of_the_proxys(upstream: str, status: int) -> None:
    answer = error_response(upstream, status)
    assert (answer.status, answer.content_type) == (status, "text/html")


@pytest.mark.parametrize(
    ("upstream", "status", "code", "said"),
    [
        pytest.param("binance", 503, "-1008", {"code": -1008}, id="binance, 503"),
        pytest.param("binance", 403, "-2015", {"code": -2015}, id="binance, 403"),
        pytest.param("binance", 429, "-1015", {"code": -1015}, id="binance, 429"),
        pytest.param("binance", 429, None, {"code": -1003}, id="binance, 429 alone"),
        pytest.param("bybit", 500, "10016", {"retCode": 10016}, id="bybit, 500"),
        pytest.param("bybit", 403, "10018", {"retCode": 10018}, id="bybit, 403"),
        pytest.param("lunarcrush", 500, "Oops", {"error": "Oops"}, id="lunarcrush, 500"),
        pytest.param("cryptonews", 503, "Later.", {"message": "Later."}, id="cryptonews, 503"),
        pytest.param("coinmarketcal", 500, "Later.", {"message": "Later."}, id="coinmarketcal"),
        pytest.param("announcements", 403, "10018", {"retCode": 10018}, id="announcements"),
        pytest.param("feargreed", 429, None, {"data": []}, id="feargreed"),
    ],
)
def test_an_error_of_its_own(
    upstream: str, status: int, code: str | None, said: dict[str, Any]
) -> None:
    answer = error_response(upstream, status, code)
    assert (answer.status, answer.content_type) == (status, "application/json")
    assert said.items() <= orjson.loads(answer.body).items()


@pytest.mark.parametrize(
    ("upstream", "status", "code", "within", "said"),
    [
        pytest.param("coingecko", 500, "500", "status", {"error_code": 500}, id="coingecko, 500"),
        pytest.param("coingecko", 429, None, "status", {"error_code": 429}, id="coingecko, 429"),
        pytest.param("chat", 502, "overloaded", "error", {"code": "overloaded"}, id="chat, 502"),
    ],
)
def test_an_error_within_its_form(
    upstream: str, status: int, code: str | None, within: str, said: dict[str, Any]
) -> None:
    answer = error_response(upstream, status, code)
    assert said.items() <= orjson.loads(answer.body)[within].items()


def test_a_vendor_without_errors_of_its_own_has_no_code_to_say() -> None:
    assert error_response("rss", 500, "anything").content_type == "text/html"


@pytest.mark.parametrize("upstream", [one.name for one in UPSTREAMS if one.name != "rss"])
def test_who_names_a_code_is_answered_json(upstream: str) -> None:
    for status in (400, 403, 429, 500, 503):
        assert error_response(upstream, status, "1").content_type == "application/json"
