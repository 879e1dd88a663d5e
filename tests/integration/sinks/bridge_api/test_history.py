"""What is stored comes back as it was published: filters, one signal, rankings, news."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from quantiva.wiring.strategies import versions
from schemas.control import Strategy
from schemas.market import TrendingAsset
from schemas.signals import Signal
from sinks.bridge.api.route_decorator import Pool
from tests.contract.sink_samples import (
    T0,
    news,
    news_score,
    signal,
    strategy,
    tombstone,
    top,
    trending,
)
from tests.integration.sinks.bench import Rows
from tests.integration.sinks.bridge_api.conftest import Store
from tests.unit.sinks.bridge_api.fixtures import Bridge, Memory, bridge
from tests.unit.sinks.bridge_api.test_document import check

pytestmark = pytest.mark.embedded
HOUR_MS = 3_600_000


async def asked(it: Bridge, route: str, path: str | None = None, **params: Any) -> Any:
    """Return the body of a successful answer, checked against the OpenAPI document."""
    status, body, headers = await it.call("GET", path or route, params=params)
    check("GET", route, status, headers["Content-Type"].partition(";")[0], body)
    assert status == 200, body
    return body


async def test_a_signal_comes_back_as_it_was_published(pool: Pool, store: Store) -> None:
    published = [
        signal(1, signal_id=f"{1:032x}"),
        signal(
            2,
            user_id="trader",
            cycle=None,
            request_id="r",
            trigger="request",
            override="exit_rule",
            entry_price_usd=None,
            stop_loss_usd=None,
            take_profit_usd=None,
            detail={"why": "ä"},
        ),
    ]
    await store(*published)
    async with bridge(Memory(), pool) as it:
        items = (await asked(it, "/api/v1/signals"))["items"]
        assert [msgspec.convert(one, type=Signal) for one in items] == published[::-1]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        pytest.param({"asset": "A3"}, [3, 53], id="asset"),
        pytest.param({"strategy": "strategy-1", "asset": "A5"}, [5], id="strategy"),
        pytest.param({"action": "SELL"}, [7], id="action"),
        pytest.param({"min_confidence": "0.9"}, [8], id="confidence"),
        pytest.param({"trigger": "request"}, [9], id="trigger"),
        pytest.param({"request_id": "r9"}, [9], id="request"),
        pytest.param({"since": T0 + 57}, [57, 58, 59], id="since"),
        pytest.param({"until": T0 + 2}, [0, 1], id="until"),
        pytest.param({"cycle": T0 + 1}, [10], id="cycle"),
        pytest.param({"asset": "A1' OR '1'='1"}, None, id="an injection"),
        pytest.param({"request_id": "' OR 1=1 --"}, [], id="another"),
        pytest.param({"request_id": "\x00"}, None, id="NUL"),
    ],
)
async def test_filters(
    pool: Pool, store: Store, filters: dict[str, Any], numbers: list[int] | None
) -> None:
    special: dict[int, dict[str, Any]] = {
        7: {"action": "SELL"},
        8: {"confidence": 0.95},
        9: {"trigger": "request", "request_id": "r9", "cycle": None},
        10: {"cycle": T0 + 1},
    }
    await store(*(signal(n, **special.get(n, {})) for n in range(60)))
    async with bridge(Memory(), pool) as it:
        if numbers is None:
            assert (await it.call("GET", "/api/v1/signals", params=filters))[0] == 400
            return
        body = await asked(it, "/api/v1/signals", **filters)
        assert [int(one["signal_id"], 16) for one in body["items"]] == numbers[::-1]


async def test_one_signal_with_its_explanation_by_its_first_digits(
    pool: Pool, store: Store, rows: Rows
) -> None:
    ranking = top(places=2)
    ids = [place.signal_id for place in ranking.ranked]
    await store(*(signal(n, signal_id=name) for n, name in enumerate(ids)), ranking)
    await rows.query(
        "UPDATE signal_explanations SET status = 'done', text = 'Why.', model = 'template',"
        " cost_usd = 0.0123, explained_at = cycle WHERE signal_id = $1",
        ids[0],
    )
    route = "/api/v1/signals/{signal_id}"
    async with bridge(Memory(), pool) as it:
        found = await asked(it, route, f"/api/v1/signals/{ids[0]}")
        assert (found["rank"], found["explanation"]["text"]) == (1, "Why.")
        assert (found["explanation"]["cost_usd"], found["explanation"]["cycle"]) == (0.0123, T0)
        assert found["explanation"]["explained_at"] == T0
        assert found["signal"]["contributions"][0]["engine"] == "sentiment"
        status, body, _ = await it.call("GET", f"/api/v1/signals/{ids[0][:31]}")
        assert (status, body["matches"]) == (409, ids)
        assert (await it.call("GET", "/api/v1/signals/" + "f" * 32))[0] == 404
        listed = await asked(it, "/api/v1/explanations", status="done")
        assert [one["signal_id"] for one in listed["items"]] == ids[:1]
        stored = await asked(it, "/api/v1/top", cycle=T0)
        places = stored["items"][0]["ranked"]
        assert [place["signal_id"] for place in places] == ids
        assert [place["explanation"]["status"] for place in places] == ["done", "pending"]


async def test_digits_find_a_signal_wherever_it_is(pool: Pool, store: Store) -> None:
    stored, fresh = "abcdef12" + "0" * 24, "abcdef13" + "0" * 24
    await store(signal(1, signal_id=stored))
    memory = Memory(signals={("A2", "s"): signal(2, signal_id=fresh)})
    async with bridge(memory, pool) as it:
        for digits, whole in (("abcdef12", stored), ("abcdef13", fresh)):
            body = await it.get(f"/api/v1/signals/{digits}")
            assert body["signal"]["signal_id"] == whole
        assert (await it.call("GET", "/api/v1/signals/abcdef1"))[0] == 409


async def test_the_news_of_a_signal_is_what_was_known_then(pool: Pool, store: Store) -> None:
    at = T0 + 100 * HOUR_MS
    made = signal(1, asset="BTC", as_of=at)
    articles = {
        "known": news(1, event_time=at - HOUR_MS, observed_at=at - HOUR_MS),
        "later": news(2, event_time=at + 1, observed_at=at + 1),
        "seen later": news(3, event_time=at - HOUR_MS, observed_at=at + 1),
        "old": news(4, event_time=at - 25 * HOUR_MS, observed_at=at - 25 * HOUR_MS),
        "another's": news(5, asset="ETH", event_time=at - 1, observed_at=at - 1),
        "newest": news(6, event_time=at, observed_at=at),
    }
    await store(made, *articles.values())
    path = f"/api/v1/signals/{made.signal_id}/news"
    route = "/api/v1/signals/{signal_id}/news"
    async with bridge(Memory(), pool) as it:
        for hours, names in ((24, ["newest", "known"]), (26, ["newest", "known", "old"])):
            body = await asked(it, route, path, hours=hours)
            expected = [articles[name].source_id for name in names]
            assert [one["source_id"] for one in body["items"]] == expected


async def test_trending_is_the_latest_cycle_or_the_one_named(pool: Pool, store: Store) -> None:
    before = [trending(n, cycle=T0 - 600_000) for n in range(2)]
    latest = [trending(n, published_at=T0, alt_rank=3.0) for n in range(3)]
    await store(*before, *latest)
    async with bridge(Memory(), pool) as it:
        for params, expected in (({}, latest), ({"cycle": T0 - 600_000}, before)):
            body = await asked(it, "/api/v1/trending", **params)
            assert [msgspec.convert(one, type=TrendingAsset) for one in body["items"]] == expected


async def test_strategies_are_the_stored_ones_until_the_log_is_read(
    pool: Pool, store: Store
) -> None:
    kept = strategy(3, strategy_id="kept")
    gone = strategy(1, strategy_id="gone")
    await store(kept, gone)
    await store(tombstone("gone", T0 + 10))
    async with bridge(Memory(), pool) as it:
        body = await asked(it, "/api/v1/strategies")
        assert [one["strategy"]["strategy_id"] for one in body["items"]] == ["kept"]
        route = "/api/v1/strategies/{strategy_id}"
        assert (await asked(it, route, "/api/v1/strategies/kept"))["strategy"]["version"] == 3
        assert (await it.call("GET", "/api/v1/strategies/gone"))[0] == 404


async def test_status_says_that_the_database_is_there(pool: Pool) -> None:
    async with bridge(Memory(), pool) as it:
        body = await asked(it, "/api/v1/status")
        assert (body["database"], body["tickets"]) == ("ok", "every_bridge")


async def test_an_article_has_our_label_and_score_beside_the_source_s(
    pool: Pool, store: Store
) -> None:
    await store(news(1), news(2, sentiment_label=None), news_score(1, label="negative", score=-0.4))
    async with bridge(Memory(), pool) as it:
        items = (await asked(it, "/api/v1/news"))["items"]
    said = {
        one["source_id"]: (one["sentiment_label"], one["label"], one["score"], one["score_model"])
        for one in items
    }
    assert said == {
        "article-1": ("positive", "negative", -0.4, "small"),
        "article-2": (None, None, None, None),
    }


async def test_versions_of_a_strategy_in_pages(
    pool: Pool, store: Store, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = strategy(2, author="alice", description="late")
    log = [strategy(1, author="alice"), strategy(3, author="bob"), tombstone("momentum", T0 + 50)]
    await store(*log, strategy(1, updated_at=T0 + 90), late, *log)
    expected = [(T0 + 90, 1, None), (T0 + 50, 0, None), (T0 + 3, 3, "bob"), (T0 + 2, 2, "alice")]
    async with bridge(Memory(), pool) as it:
        route, path = (
            f"/api/v1/strategies/{name}/history" for name in ("{strategy_id}", "momentum")
        )
        first = await asked(it, route, path, limit=4)
        found = [(one["changed_at"], one["version"], one["author"]) for one in first["items"]]
        assert found == expected
        assert first["items"][1]["strategy"] is None
        assert msgspec.convert(first["items"][3]["strategy"], type=Strategy) == late
        rest = await asked(it, route, path, limit=4, cursor=first["next"])
        assert [(one["version"], one["author"]) for one in rest["items"]] == [(1, "alice")]
        status, answer, _ = await it.call("GET", "/api/v1/strategies/never/history")
        assert (status, "there was none" in answer["detail"]) == (404, True)
    monkeypatch.setenv("DATABASE_URL", rows.dsn)
    shown, note = await versions("momentum", 3)
    assert [(one.changed_at, one.version, one.author) for one in shown] == expected[:3]
    assert note == ""
