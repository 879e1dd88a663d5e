"""What needs no key, from answers to events: announcements, chains, votes, the market's mood."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.fundamentals import FundamentalsFeed
from producers.feeds.request_budget import RequestBudget
from producers.feeds.scheduled_events import (
    CalendarFeed,
    Checked,
    announced_events,
    coinmarketcal_events,
    file_events,
)
from producers.feeds.social import MoodFeed
from producers.feeds.trending import TrendingFeed
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from schemas.events import MarketEvent
from schemas.market import CalendarEvent, Fundamentals
from schemas.validation import problem
from tests.unit.producers.feeds.coins import coin
from tests.unit.producers.http_client.harness import (
    Reply,
    Server,
    StepClock,
    asking,
    serving,
    upstream,
)
from tests.unit.producers.upstreams import answers

NOW = 1_790_000_100_000  # 2026-09-21
MIDNIGHT, DAY_MS, HOUR_MS = 1_789_948_800_000, 86_400_000, 3_600_000
LISTINGS = answers.announcements(
    title="New Listing: Solana (SOL)", type={"title": "New Listings", "key": "new_crypto"}
)


@dataclass
class Harness:
    """One upstream at a server, a universe of three coins, and what was published of a source."""

    server: Server
    clock: StepClock
    client: UpstreamClient
    universe: AssetUniverse
    events: list[MarketEvent] = field(default_factory=list)

    async def emit(self, source: str, events: Sequence[MarketEvent]) -> int:
        assert [text for event in events if (text := problem(event))] == []
        assert {event.source for event in events} <= {source}
        self.events += events
        return len(events)

    def answer(self, *given: Any) -> None:
        """Answer so; an int is a status."""
        self.server.script += [
            Reply(one) if isinstance(one, int) else Reply(body=json.dumps(one).encode())
            for one in given
        ]

    async def calendar(self, *more: Any) -> tuple[set[str], list[CalendarEvent]]:
        """Run the calendar; return the assets with a heartbeat and the other events."""
        self.events.clear()
        sources = [(self.client.name, announced_events(self.client)), *more]
        await CalendarFeed(sources, self.universe, self.emit, self.clock).run(NOW)
        events = [event for event in self.events if isinstance(event, CalendarEvent)]
        beats = [event for event in events if event.title == "calendar checked"]
        assert len({one.asset for one in beats}) == len(beats)
        return {one.asset for one in beats}, [one for one in events if one not in beats]


@asynccontextmanager
async def harness(name: str) -> AsyncIterator[Harness]:
    clock, source = StepClock(NOW), upstream(name)
    quota = Quota(Limits(), clock, upstream=name)
    universe = AssetUniverse()
    universe.learn([coin("BTC"), coin("ETH"), coin("SOL"), coin("DOGE")], NOW)
    universe.follow(("BTC", "ETH", "SOL"))
    async with serving(clock) as server, asking(clock, server.url, source, quota) as client:
        health = SourceHealth(name, ("calendar",), quota, clock)
        yield Harness(server, clock, UpstreamClient(name, client, quota, health), universe)


def markets(*coins: str) -> dict[str, Any]:
    answer = answers.markets_of_bybit()
    (one,) = answer["result"]["list"]
    answer["result"]["list"] = [{**one, "baseCoin": name} for name in coins]
    return answer


async def test_an_exchange_covers_what_it_trades_and_no_more() -> None:
    async with harness("announcements") as here:
        delistings = answers.announcements(title="Delisting of ETH, DOGE")
        here.answer(delistings, LISTINGS, markets("BTC", "ETH", "XYZ"))
        covered, events = await here.calendar()
    assert covered == {"BTC", "ETH"}
    found = {(one.asset, one.category, one.impact, one.certainty) for one in events}
    assert found == {("ETH", "delisting", 0.8, 0.95), ("SOL", "listing", 0.6, 0.95)}


async def test_while_delistings_cannot_be_read_nothing_is_calm() -> None:
    unusable = answers.announcements(title="Bybit to Delist 4 Token(s) on Oct 5, 2026")
    for delistings in (unusable, {"retCode": 10016, "retMsg": "busy"}):
        async with harness("announcements") as here:
            here.answer(delistings, LISTINGS)
            covered, events = await here.calendar()
            state = here.client.health.status().state
        assert (covered, [one.asset for one in events]) == (set(), ["SOL"])
        assert state in ("degraded", "failing")


async def test_while_markets_cannot_be_read_events_come_all_the_same() -> None:
    async with harness("announcements") as here:
        here.answer(answers.announcements(title="Delisting of ETH"), LISTINGS, {"retCode": 1})
        covered, events = await here.calendar()
    assert (covered, {one.asset for one in events}) == (set(), {"ETH", "SOL"})


async def test_what_has_passed_is_not_published_again() -> None:
    async with harness("announcements") as here:
        past = answers.announcements(
            title="Delisting of ETH", publishTime=NOW - 30 * DAY_MS, description="Sep 1, 2026"
        )
        here.answer(past, LISTINGS, markets("BTC"))
        covered, events = await here.calendar()
    assert (covered, {one.asset for one in events}) == ({"BTC"}, {"SOL"})


async def test_an_asset_has_the_heartbeat_of_the_first_source_that_covers_it() -> None:
    async def other(assets: Sequence[str], now_ms: int) -> Checked:
        return Checked((), ("BTC", "SOL", "DOGE"))

    async def silent(assets: Sequence[str], now_ms: int) -> None:
        return None

    async with harness("announcements") as here:
        here.answer(answers.announcements(), LISTINGS, markets("BTC"))
        covered, _ = await here.calendar(("silent", silent), ("other", other))
        sources = {one.asset: one.source for one in here.events if one.source_id[:9] == "heartbeat"}
    assert covered == {"BTC", "SOL"}
    assert sources == {"BTC": "announcements", "SOL": "other"}


async def test_coinmarketcal_covers_the_coins_that_it_is_asked_about() -> None:
    async with harness("coinmarketcal") as here:
        here.universe.learn([coin("BTC", source="coingecko", slug="bitcoin")], NOW)
        events = coinmarketcal_events(here.client, here.universe)
        one_page = {**answers.calendar_events(), "_metadata": {"page_count": 1}}
        here.answer(one_page)
        checked = await events(here.universe.assets, NOW)
        assert checked is not None
        assert set(checked.covered) == {"BTC"}
        here.answer(answers.calendar_events(), 404)
        checked = await events(here.universe.assets, NOW)
    assert checked is not None
    assert (len(checked.rows), set(checked.covered)) == (1, set()), "half a calendar is not calm"


@pytest.mark.parametrize(
    ("rows", "covered"),
    [
        pytest.param([], set(), id="an empty file says nothing of any asset"),
        pytest.param(["btc", "Solana"], {"BTC", "SOL"}, id="symbols and names"),
        pytest.param(["BTC", "NOSUCH"], {"BTC", ""}, id="an unknown one"),
    ],
)
async def test_a_file_covers_what_it_names(
    tmp_path: Path, rows: list[str], covered: set[str]
) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([{**answers.FILE_EVENT, "asset": asset} for asset in rows]))
    universe = AssetUniverse()
    universe.learn([coin("BTC"), coin("SOL")], NOW)
    health = SourceHealth("file", ("calendar",), None, StepClock(NOW))
    checked = await file_events(path, health, universe)((), 0)
    assert checked is not None
    assert set(checked.covered) == covered


async def test_chains_are_their_own_record_with_the_time_of_each_measure() -> None:
    async with harness("coinmetrics") as here:
        chains, universe = here.client, here.universe
        feed = FundamentalsFeed(None, None, universe, here.emit, here.clock, chains)
        today = {**answers.CHAIN_DAY, "time": "2026-09-21T00:00:00Z", "asset": "eth"}
        unasked = {**answers.CHAIN_DAY, "asset": "usdt"}
        here.answer({"data": [answers.CHAIN_DAY, today, unasked]})
        await feed.run(NOW)
        asked = here.server.seen[0].request.query["assets"]
    assert asked == "btc,eth,sol"
    (record,) = [one for one in here.events if one.source == "coinmetrics"]
    assert isinstance(record, Fundamentals)
    assert (record.asset, record.observed_at, record.event_time) == ("BTC", NOW, MIDNIGHT)
    assert record.measured_at == dict.fromkeys(
        ("transactions_24h", "active_addresses_24h", "hash_rate"), MIDNIGHT
    )
    assert (record.transactions_24h, record.market_cap_usd) == (412345.0, None)
    lists = [one for one in here.events if one.source == "lunarcrush"]
    assert {one.asset for one in lists} == {"BTC", "ETH", "SOL"}
    assert {one.measured_at for one in lists if isinstance(one, Fundamentals)} == {None}


async def test_without_chains_the_lists_and_details_go_on() -> None:
    async with harness("coinmetrics") as here:
        feed = FundamentalsFeed(None, None, here.universe, here.emit, here.clock, here.client)
        here.server.default = Reply(500)
        await feed.run(NOW)
        assert {one.source for one in here.events} == {"lunarcrush"}
        assert here.client.health.status().state == "failing"


async def test_many_assets_are_asked_for_in_batches() -> None:
    async with harness("coinmetrics") as here:
        here.universe.follow(f"A{number}" for number in range(230))
        feed = FundamentalsFeed(None, None, here.universe, here.emit, here.clock, here.client)
        here.answer(*[{"data": [answers.CHAIN_DAY]}] * 3)
        await feed.run(NOW)
        asked = [one.request.query["assets"].split(",") for one in here.server.seen]
    assert [len(names) for names in asked] == [100, 100, 30]
    assert here.events == []


async def test_details_that_are_said_again_say_of_when_they_are() -> None:
    async with harness("coingecko") as here:
        rows = [coin("BTC", source="coingecko", slug="bitcoin", market_cap_rank=1)]
        here.universe.leading = "coingecko"
        here.universe.learn(rows, NOW)
        here.universe.follow(("BTC",))
        here.clock.at_ms = MIDNIGHT + 20 * HOUR_MS
        here.universe.learn(rows, here.clock.at_ms)
        budget = RequestBudget(here.client, here.clock, 3600.0, reserved=0, cost=2)
        feed = FundamentalsFeed(here.client, budget, here.universe, here.emit, here.clock)
        here.answer(answers.detail(), answers.chart())
        await feed.run(NOW)
        fetched_ms = MIDNIGHT + 20 * HOUR_MS
        assert here.universe.topics(fetched_ms)["BTC"].votes_up_pct == 84.07
        here.clock.at_ms += HOUR_MS
        here.events.clear()
        await feed._publish(("BTC",))
    (record,) = here.events
    assert isinstance(record, Fundamentals)
    assert record.measured_at is not None
    assert set(record.measured_at.values()) == {fetched_ms}
    assert {"github_stars", "circulating_supply", "volume_30d_avg_usd"} <= set(record.measured_at)
    assert record.measured_at.keys().isdisjoint({"market_cap_rank", "volume_24h_usd"})


async def test_the_mood_is_in_every_tick_for_two_days_and_of_no_coin_alone() -> None:
    async with harness("feargreed") as here:
        rows = [coin("BTC"), coin("ETH")]

        async def listed() -> Any:
            return rows

        trending = TrendingFeed([listed], here.universe, here.emit, here.clock, 9)

        async def moods() -> set[float | None]:
            here.events.clear()
            await trending.run(here.clock.at_ms)
            assert len(here.events) == 2
            return {getattr(event, "fear_greed", None) for event in here.events}

        assert await moods() == {None}
        yesterday = {**answers.MOOD_DAY, "value": "9", "timestamp": str(MIDNIGHT // 1000 - 86_400)}
        answer = answers.mood()
        answer["data"].insert(0, yesterday)
        here.answer(answer)
        feed = MoodFeed(here.client, here.universe)
        await feed.run(NOW)
        assert await moods() == {40.0}
        here.server.default = Reply(500)
        await feed.run(NOW)
        rows.clear()
        assert await moods() == {40.0}, "also while no list answers"
        here.clock.at_ms = MIDNIGHT + 2 * DAY_MS + 1
        assert await moods() == {None}
