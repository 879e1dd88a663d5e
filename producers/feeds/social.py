"""What people say: of the assets, a few a cycle, and of the market as a whole, every hour.

LunarCrush's coin list has one sentiment for all networks; Twitter and Reddit take a request an
asset. Nothing is published here: the next ticks carry it (`AssetUniverse.topics`, `mood`).
"""

from __future__ import annotations

from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.request_budget import RequestBudget
from producers.feeds.upstream_clients import UpstreamClient
from producers.upstreams import feargreed, lunarcrush
from schemas.times import CYCLE_MS, HOUR_MS
from transport.clock import Clock


class MoodFeed:
    """The fear and greed index, which is renewed at midnight UTC. Ticks never wait for it."""

    name = "mood"
    cadence_ms = HOUR_MS

    def __init__(self, client: UpstreamClient, universe: AssetUniverse) -> None:
        self._client, self._universe = client, universe

    async def run(self, cycle_ms: int) -> None:
        """Learn the newest value."""
        parsed = await self._client.call(feargreed.fetch_index)
        if parsed is not None:
            self._universe.learn_mood(max(parsed.rows, key=lambda row: row.since))


class SocialFeed:
    """LunarCrush's summary of each asset's topic, by turns. Ticks never wait for it, either."""

    name = "social"
    cadence_ms = CYCLE_MS

    def __init__(
        self, client: UpstreamClient, budget: RequestBudget, universe: AssetUniverse, clock: Clock
    ) -> None:
        self._client, self._budget, self._universe, self._clock = client, budget, universe, clock

    async def run(self, cycle_ms: int) -> None:
        """Request the assets that are due; a failure ends the cycle's requests."""
        # A ticker alone is a word like "link": without the list's topic it may mean anything.
        coins = {
            asset: self._universe.coin(asset, self._client.name) for asset in self._universe.assets
        }
        topics = {asset: coin.topic for asset, coin in coins.items() if coin is not None}
        for asset in self._budget.take(tuple(topics)):
            topic = await self._client.call(lunarcrush.fetch_topic, topics[asset])
            if topic is None:
                self._budget.failed(asset)
                return
            self._universe.learn_topic(asset, topic, self._clock.now_ms())
            self._budget.done(asset)
            await self._budget.pause()
