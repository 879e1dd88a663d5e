from __future__ import annotations

import pytest

from simulator.binance.answers import BinanceError
from simulator.binance.weights import Weights
from simulator.bybit.answers import BybitError
from simulator.bybit.limits import ORDERS_A_SECOND, Limits
from simulator.exchange.limits import WeightWindow

MINUTE_MS = 60_000


def status_of(weights: Weights, now_ms: int, weight: int) -> int:
    try:
        weights.spend(now_ms, weight)
    except BinanceError as error:
        return error.status
    return 200


def test_a_window_begins_anew() -> None:
    window = WeightWindow(MINUTE_MS, most=2)
    assert [window.add(at_ms) for at_ms in (0, 1, 2, MINUTE_MS)] == [True, True, False, True]
    assert window.ends_ms(61_000) == 2 * MINUTE_MS


def test_a_fast_clock_lets_through_what_may_be_late() -> None:
    window = WeightWindow(MINUTE_MS, most=100, speed=600.0)
    allowed = sum(window.add(0) for _ in range(500))
    assert 190 <= allowed <= 210


def test_binance_says_429_until_the_minute_ends() -> None:
    weights = Weights()
    assert status_of(weights, 0, 6_000) == 200
    with pytest.raises(BinanceError) as caught:
        weights.spend(15_000, 1)
    assert (caught.value.status, caught.value.code) == (429, -1003)
    assert caught.value.retry_after_s == 45
    assert status_of(weights, MINUTE_MS, 1) == 200


def test_binance_bans_who_does_not_stop() -> None:
    weights = Weights()
    weights.spend(0, 6_000)
    statuses = [status_of(weights, 1_000, 1) for _ in range(30)]
    assert statuses == sorted(statuses, reverse=True)
    assert set(statuses) == {429, 418}
    assert status_of(weights, MINUTE_MS + 1_000, 1) == 418
    assert status_of(weights, 4 * MINUTE_MS, 1) == 200


def test_binance_counts_orders() -> None:
    weights = Weights()
    for _ in range(100):
        weights.order(0)
    with pytest.raises(BinanceError, match="100 orders per 10 SECOND") as caught:
        weights.order(9_000)
    assert (caught.value.status, caught.value.code) == (429, -1015)
    weights.order(10_000)
    assert weights.order_headers()["X-MBX-ORDER-COUNT-10S"] == "1"


def test_bybit_counts_orders_a_second() -> None:
    limits = Limits()
    for _ in range(ORDERS_A_SECOND):
        limits.order(0)
    assert limits.order_headers(0)["X-Bapi-Limit-Status"] == "0"
    with pytest.raises(BybitError) as caught:
        limits.order(999)
    assert caught.value.code == 10006
    limits.order(1_000)


def test_bybit_refuses_an_address_beyond_600_in_five_seconds() -> None:
    limits = Limits()
    for _ in range(600):
        limits.request(0)
    with pytest.raises(BybitError) as caught:
        limits.request(4_999)
    assert (caught.value.code, caught.value.status) == (10018, 403)
    limits.request(5_000)
