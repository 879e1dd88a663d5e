"""Pages cover everything once, also while rows come in."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from sinks.bridge.api.route_decorator import Pool
from tests.contract.sink_samples import T0, news, signal, top
from tests.integration.sinks.bridge_api.conftest import Store
from tests.unit.sinks.bridge_api.fixtures import Bridge, Memory, bridge

pytestmark = pytest.mark.embedded


async def pages(it: Bridge, path: str, **params: Any) -> Any:
    """Yield the items of each page."""
    cursor: dict[str, str] = {}
    while True:
        body = await it.get(path, **params, **cursor)
        yield body["items"]
        if body["next"] is None:
            return
        cursor = {"cursor": body["next"]}


@pytest.mark.parametrize("limit", [1, 7, 10, 57, 200])
async def test_signals_of_the_same_time_are_covered_once(
    pool: Pool, store: Store, limit: int
) -> None:
    await store(*(signal(n, as_of=T0 + n // 20) for n in range(57)))  # 20 of each ms
    async with bridge(Memory(), pool) as it:
        found = [page async for page in pages(it, "/api/v1/signals", limit=limit)]
        ids = [one["signal_id"] for page in found for one in page]
        assert ids == [f"{n:032x}" for n in reversed(range(57))]
        assert all(len(page) == limit for page in found[:-1])
        assert 0 < len(found[-1]) <= limit


async def test_rows_that_come_in_between_move_nothing(pool: Pool, store: Store) -> None:
    await store(*(signal(n) for n in range(0, 60, 2)))
    async with bridge(Memory(), pool) as it:
        seen: Counter[int] = Counter()
        fresh = iter(range(100, 200))
        between = iter(range(59, 0, -2))
        async for page in pages(it, "/api/v1/signals", limit=7):
            seen.update(int(one["signal_id"], 16) for one in page)
            await store(signal(next(fresh)), signal(next(between)))
        assert max(seen.values()) == 1
        assert set(range(0, 60, 2)) <= set(seen)
        assert max(seen) < 100


async def test_pages_keep_their_filter(pool: Pool, store: Store) -> None:
    await store(*(signal(n) for n in range(40)))
    async with bridge(Memory(), pool) as it:
        path = "/api/v1/signals"
        found = [page async for page in pages(it, path, limit=3, strategy="strategy-1")]
        numbers = [int(one["signal_id"], 16) for page in found for one in page]
        assert numbers == [n for n in reversed(range(40)) if n % 4 == 1]
        cursor = (await it.get(path, limit=3, strategy="strategy-1"))["next"]
        status, body, _ = await it.call("GET", path, params={"cursor": cursor})
        assert (status, body["errors"][0]["parameter"]) == (400, "cursor")


async def test_news_and_explanations_are_covered_once(pool: Pool, store: Store) -> None:
    articles = [
        news(n, event_time=T0 + n // 10, asset=asset) for n in range(25) for asset in ("A", "B")
    ]
    await store(*articles, *(top(n) for n in range(3)))
    async with bridge(Memory(), pool) as it:
        stories = [
            (one["source_id"], one["asset"])
            async for page in pages(it, "/api/v1/news", limit=4)
            for one in page
        ]
        assert Counter(stories) == Counter((one.source_id, one.asset) for one in articles)
        ids = [
            one["signal_id"]
            async for page in pages(it, "/api/v1/explanations", limit=4)
            for one in page
        ]
        assert len(ids) == len(set(ids)) == 30
