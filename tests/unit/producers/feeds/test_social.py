"""What the networks say: asked for by turns within the quota, carried by the ticks for a day."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from producers.feeds.assembly import half_of_the_rest
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.news import topic_headlines
from producers.feeds.social import SocialFeed
from producers.feeds.trending import TrendingFeed
from producers.feeds.upstream_clients import UpstreamClient
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Limits
from producers.upstreams.rows import CoinRow
from schemas.events import MarketEvent
from schemas.market import TrendingAsset
from tests.unit.producers.feeds.coins import coin
from tests.unit.producers.http_client.harness import (
    Reply,
    Server,
    StepClock,
    asking,
    serving,
    upstream,
)
from tests.unit.producers.upstreams.answers import TOPIC

MIDNIGHT = 1_767_225_600_000
DAY_MS, CYCLE_MS = 86_400_000, 600_000
SAID = Reply(body=json.dumps(TOPIC).encode())
FOUR = ("twitter_volume", "twitter_sentiment_pct", "reddit_volume", "reddit_sentiment_pct")
VALUES, NONE = (200.0, 80.0, 11.0, 40.0), (None, None, None, None)


@dataclass
class Harness:
    """The ticks and what the networks say, of a list that stands still, against a server."""

    clock: StepClock
    server: Server
    lunarcrush: UpstreamClient
    social: SocialFeed
    trending: TrendingFeed
    rows: list[CoinRow]
    ticks: list[TrendingAsset] = field(default_factory=list)

    async def cycle(self) -> dict[str, tuple[Any, ...]]:
        """Publish a cycle's ticks, then ask; return the four values of each tick."""
        self.ticks.clear()
        await self.trending.run(self.clock.at_ms // CYCLE_MS * CYCLE_MS)
        await self.social.run(0)
        return {tick.asset: tuple(getattr(tick, name) for name in FOUR) for tick in self.ticks}

    def asked(self) -> list[str]:
        return [seen.request.path for seen in self.server.seen]


@asynccontextmanager
async def harnessed(assets: int = 1, **limits: int) -> AsyncIterator[Harness]:
    clock = StepClock(MIDNIGHT)
    source = upstream(**limits)
    quota = Quota(Limits(**limits), clock, upstream=source.name)
    async with serving(clock) as server, asking(clock, server.url, source, quota) as client:
        health = SourceHealth(source.name, ("trending",), quota, clock)
        lunarcrush = UpstreamClient(source.name, client, quota, health)
        known = AssetUniverse()
        rows = [coin(f"A{number}", topic=f"topic {number}") for number in range(assets)]
        ticks: list[TrendingAsset] = []

        async def coins() -> Sequence[CoinRow]:
            return rows

        async def emit(source: str, events: Sequence[MarketEvent]) -> int:
            ticks.extend(event for event in events if isinstance(event, TrendingAsset))
            return len(events)

        social = SocialFeed(lunarcrush, half_of_the_rest(lunarcrush, clock), known, clock)
        trending = TrendingFeed([coins], known, emit, clock, 50)
        server.default = SAID
        yield Harness(clock, server, lunarcrush, social, trending, rows, ticks)


async def test_the_next_ticks_carry_what_was_said_until_it_is_a_day_old() -> None:
    async with harnessed() as harness:
        assert await harness.cycle() == {"A0": NONE}
        assert harness.asked() == ["/topic/topic 0/v1"]
        heard_ms = harness.clock.at_ms
        harness.server.default = Reply(500)
        harness.clock.at_ms += CYCLE_MS
        assert await harness.cycle() == {"A0": VALUES}
        harness.clock.at_ms = heard_ms + DAY_MS
        assert await harness.cycle() == {"A0": VALUES}
        harness.clock.at_ms = heard_ms + DAY_MS + 1
        assert await harness.cycle() == {"A0": NONE}


@pytest.mark.parametrize(
    ("reply", "state", "values"),
    [
        pytest.param(Reply(500), "failing", NONE, id="a server's error"),
        pytest.param(Reply(403), "failing", NONE, id="a plan that does not allow it"),
        pytest.param(Reply(body=b"<html>"), "failing", NONE, id="no JSON"),
        pytest.param(Reply(404), "ok", NONE, id="an unknown topic"),
        pytest.param(SAID, "ok", VALUES, id="an answer"),
    ],
)
async def test_ticks_come_whatever_the_topics_do(reply: Reply, state: str, values) -> None:
    async with harnessed(assets=3) as harness:
        harness.server.default = reply
        for _ in range(2):
            found = await harness.cycle()
            harness.clock.at_ms += CYCLE_MS
        assert harness.lunarcrush.health.status().state == state
        assert found == dict.fromkeys(("A0", "A1", "A2"), values)


async def test_ticks_do_not_wait_for_an_answer() -> None:
    async with harnessed(assets=2) as harness:
        harness.server.default = Reply(wait=asyncio.Event())
        await harness.trending.run(0)
        asking_now = asyncio.create_task(harness.social.run(0))
        while not harness.server.seen:
            await asyncio.sleep(0.001)
        await asyncio.wait_for(harness.trending.run(CYCLE_MS), 5.0)
        assert not asking_now.done()
        assert len(harness.ticks) == 4
        harness.server.default.wait.set()
        asking_now.cancel()


async def test_an_asset_that_another_list_brings_is_not_asked_for() -> None:
    async with harnessed() as harness:
        harness.rows[:] = [coin("LINK", source="coingecko")]
        assert await harness.cycle() == {"LINK": NONE}
        assert harness.asked() == []


async def _day(harness: Harness, headlines, assets: Sequence[str]) -> dict[str, int]:
    """Let a day of cycles pass with a list and headlines in each; return the oldest values, ms."""
    oldest, heard = dict.fromkeys(assets, 0), dict.fromkeys(assets, MIDNIGHT)
    for cycle in range(144):
        harness.clock.at_ms = max(harness.clock.at_ms, MIDNIGHT + cycle * CYCLE_MS)
        await harness.lunarcrush.quota.take()  # the coin list
        before = len(harness.server.seen)
        harness.server.default = Reply()
        await headlines(assets)
        harness.server.default = SAID
        await harness.cycle()
        for path in harness.asked()[before:]:
            if "/news/" not in path:
                asset = f"A{path.removesuffix('/v1').rsplit(' ')[-1]}"
                oldest[asset] = max(oldest[asset], harness.clock.at_ms - heard[asset])
                heard[asset] = harness.clock.at_ms
    for asset, at_ms in heard.items():
        oldest[asset] = max(oldest[asset], harness.clock.at_ms - at_ms)
    return oldest


async def test_list_headlines_and_networks_share_a_day_of_the_smallest_plan() -> None:
    async with harnessed(50, per_minute=4, per_day=500) as harness:
        turns = half_of_the_rest(harness.lunarcrush, harness.clock)
        headlines = topic_headlines(harness.lunarcrush, harness.social._universe, turns)
        assets = tuple(f"A{number}" for number in range(50))
        oldest = await _day(harness, headlines, assets)
        assert harness.lunarcrush.quota.used_day() <= 500
        kinds = Counter("news" if "/news/" in path else "said" for path in harness.asked())
        refresh_s = harness.lunarcrush.health.refresh_s
    assert 165 <= kinds["said"] <= kinds["news"] <= 190
    # The documented ages: nobody's values end before they are fetched again.
    assert refresh_s is not None
    assert max(oldest.values()) < DAY_MS
    assert oldest["A0"] < oldest["A49"] < 1.5 * 1000 * refresh_s
