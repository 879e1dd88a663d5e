"""Portfolios as they are stored: the same answers as out of the memory, and further back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.signals import PortfolioTrade
from sinks.bridge.api.route_decorator import Pool
from tests.contract.sink_samples import T0, equity, strategy, trade
from tests.integration.sinks.bench import Rows
from tests.integration.sinks.bridge_api.conftest import Store
from tests.integration.sinks.bridge_api.test_history import asked
from tests.integration.sinks.bridge_api.test_paging import pages
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge

pytestmark = pytest.mark.embedded
PATH = "/api/v1/portfolios"
ONE = "/api/v1/portfolios/{strategy_id}"


@pytest.fixture(autouse=True)
async def empty(rows: Rows) -> None:
    """Begin without a row in these tables."""
    await rows.query("TRUNCATE portfolio_trades, portfolio_equity")


async def test_what_the_memory_has_no_more_is_stored(pool: Pool, store: Store) -> None:
    await store(equity(0), equity(3), equity(1, strategy_id="gone"))
    memory = Memory(strategies={"momentum": strategy()}, is_whole=True)
    async with bridge(memory, pool) as it:
        found = await asked(it, ONE, f"{PATH}/momentum")
        assert (found["as_of"], found["equity_usd"]) == (T0 + 1_800_000, 50_029.0)
        assert found["positions"][0]["asset"] == "BTC"
        assert (await asked(it, ONE, f"{PATH}/gone"))["strategy_id"] == "gone"
        assert (await it.call("GET", f"{PATH}/nobody"))[0] == 404
        listed = (await asked(it, PATH))["items"]
        assert [one["strategy_id"] for one in listed] == ["momentum"]
        memory.value(equity(9))
        assert (await asked(it, ONE, f"{PATH}/momentum"))["as_of"] == T0 + 9 * 600_000


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        pytest.param({}, [5, 4, 3, 2, 1, 0], id="all"),
        pytest.param({"side": "sell"}, [5, 3, 1], id="side"),
        pytest.param({"asset": "ETH"}, [2], id="asset"),
        pytest.param({"since": T0 + 2, "until": T0 + 4}, [3, 2], id="time"),
        pytest.param({"asset": "A' OR '1'='1"}, None, id="an injection"),
    ],
)
async def test_trades_come_back_as_they_were_published(
    pool: Pool, store: Store, filters: dict[str, Any], numbers: list[int] | None
) -> None:
    published = [trade(n, **({"asset": "ETH"} if n == 2 else {})) for n in range(6)]
    await store(*published, trade(9, strategy_id="other"))
    async with bridge(Memory(), pool) as it:
        if numbers is None:
            params = {"params": filters}
            assert (await it.call("GET", f"{PATH}/momentum/trades", **params))[0] == 400
            return
        found = await asked(it, f"{ONE}/trades", f"{PATH}/momentum/trades", **filters)
    trades = [msgspec.convert(one, type=PortfolioTrade) for one in found["items"]]
    assert trades == [published[n] for n in numbers]


async def test_trades_of_one_time_are_covered_once(pool: Pool, store: Store) -> None:
    await store(*(trade(n, filled_at=T0 + n // 10) for n in range(25)))
    async with bridge(Memory(), pool) as it:
        found = [page async for page in pages(it, f"{PATH}/momentum/trades", limit=4)]
    ids = [int(one["trade_id"], 16) for page in found for one in page]
    assert ids == list(reversed(range(25)))


@pytest.mark.parametrize("limit", [1, 4, 1000])
@pytest.mark.parametrize("step", [None, "10m", "1h", "4h", "1d", "1w"])
async def test_the_stored_curve_is_that_of_the_memory(
    pool: Pool, store: Store, step: str | None, limit: int
) -> None:
    points = [equity(n) for n in range(0, 1_000, 37)]
    points.append(equity(999, kind="deposit", as_of=points[-1].as_of, cycle=None))
    points += [equity(n) for n in range(1_000, 1_003)]
    await store(*points, equity(5, strategy_id="other"))
    memory = Memory()
    for point in points:
        memory.value(point)
    params = {"limit": limit, "since": T0 + 1, "until": points[-1].as_of}
    params |= {"step": step} if step else {}
    found = []
    for database in (pool, None):
        async with bridge(memory, database) as it:
            found.append([page async for page in pages(it, f"{PATH}/momentum/equity", **params)])
    assert found[0] == found[1]
    assert [one for page in found[0] for one in page]


async def test_points_are_described(pool: Pool, store: Store) -> None:
    await store(equity(0), equity(1))
    async with bridge(Memory(), pool) as it:
        found = await asked(it, f"{ONE}/equity", f"{PATH}/momentum/equity", step="1d")
        assert [one["as_of"] for one in found["items"]] == [T0 + 600_000]
