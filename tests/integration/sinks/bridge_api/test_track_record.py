"""Track records out of a database: the same figures as out of the memory, with prices."""

from __future__ import annotations

import pytest

from sinks.bridge.api import track_record as served
from sinks.bridge.api.route_decorator import Pool
from tests.contract.sink_samples import T0, equity, strategy, trade, trending
from tests.integration.sinks.bench import Rows
from tests.integration.sinks.bridge_api.conftest import Store
from tests.integration.sinks.bridge_api.test_history import asked
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge

pytestmark = pytest.mark.embedded
CYCLE_MS, COUNT = 600_000, 60
ROUTE = "/api/v1/strategies/{strategy_id}/track-record"
PATH = "/api/v1/strategies/momentum/track-record"


@pytest.fixture(autouse=True)
async def empty(rows: Rows) -> None:
    """Begin without a row in these tables."""
    await rows.query(
        "TRUNCATE portfolio_trades, portfolio_equity, trending_assets, strategies,"
        " strategy_versions"
    )


def remembered() -> Memory:
    """Return a memory of the whole record."""
    memory = Memory(strategies={"momentum": strategy()}, is_whole=True)
    memory.trades = {one.trade_id: one for one in map(trade, range(6))}
    for number in range(COUNT):
        memory.value(equity(number))
    return memory


async def test_it_is_what_the_memory_has_and_holding_beside_it(
    pool: Pool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "_PAGE", 7)  # more than one page
    await store(*map(equity, range(COUNT)), equity(9, strategy_id="other"))
    await store(*map(trade, range(6)), trade(9, strategy_id="other"), strategy())
    await store(
        *(
            trending(0, asset="BTC", cycle=T0 + n * CYCLE_MS, price_usd=100.0 + n)
            for n in range(COUNT)
        )
    )
    async with bridge(remembered(), pool) as it:
        found = await asked(it, ROUTE, PATH)
    async with bridge(remembered()) as it:
        expected = await it.get(PATH)
    for name in ("metrics", "monthly", "equity", "from_ms", "until_ms", "began_at", "records"):
        assert found[name] == expected[name], name
    assert found["notes"] == []
    assert [one["name"] for one in found["benchmarks"]] == ["holding", "equal weight"]
    holding = found["benchmarks"][0]
    assert holding["assets"] == ["BTC"]
    assert holding["total_return_pct"] > 40.0
    assert [one["version"] for one in found["versions"]] == [strategy().version]


async def test_a_part_says_when_the_whole_began_and_none_is_not_found(
    pool: Pool, store: Store
) -> None:
    await store(*map(equity, range(COUNT)))
    async with bridge(remembered(), pool) as it:
        found = await asked(it, ROUTE, PATH, since=T0 + 5 * CYCLE_MS)
        assert (found["began_at"], found["from_ms"]) == (T0, T0 + 5 * CYCLE_MS)
        assert (await it.call("GET", f"{PATH}?since={T0 + 99 * CYCLE_MS}"))[0] == 404


async def test_what_is_not_read_is_said(
    pool: Pool, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "_PAGE", 10)
    monkeypatch.setattr(served, "MOST_RECORDS", 20)
    monkeypatch.setattr(served, "MOST_TRADES", 2)
    await store(*map(equity, range(COUNT)), *(trade(n, filled_at=T0 + n) for n in range(6)))
    async with bridge(remembered(), pool) as it:
        found = await asked(it, ROUTE, PATH)
    assert found["records"] == 20
    assert found["from_ms"] == T0 + (COUNT - 20) * CYCLE_MS
    assert len(found["notes"]) == 2
    assert "newest 20 moments" in found["notes"][0]
