"""What real ccxt reads of the simulated Bybit alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.simulator.exchange.harness import Served, client

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def name() -> str:
    return "bybit"


async def test_the_markets_of_who_has_a_key_come_with_currencies(
    exchange: Any, served: Served
) -> None:
    assert exchange.currencies["PEPE"]["code"] == "PEPE"
    assert "/bybit/v5/asset/coin/query-info" in [path for _, path, _ in served.requests]


async def test_load_markets_of_every_type_finds_the_spot_ones(served: Served) -> None:
    async with client(served, options={}) as one:
        assert len(await one.load_markets()) == 3


async def test_the_wire_has_the_newest_candle_first(exchange: Any) -> None:
    query = {"category": "spot", "symbol": "BTCUSDT", "interval": "60", "limit": "3"}
    answer = await exchange.public_get_v5_market_kline(query)
    opened = [int(row[0]) for row in answer["result"]["list"]]
    assert opened == sorted(opened, reverse=True)
