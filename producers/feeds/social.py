"""What social networks have of the assets, a few a cycle: LunarCrush's summary of each one's topic.

The coin list has one sentiment for all networks; Twitter and Reddit take a request an
asset. Nothing is published here: the next ticks carry it (`AssetUniverse.topics`).
"""

from __future__ import annotations

from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.request_budget import RequestBudget
from producers.feeds.upstream_clients import UpstreamClient
from producers.upstreams import lunarcrush
from schemas.times import CYCLE_MS
from transport.clock import Clock


class SocialFeed:
    """See the module's docstring. It runs beside the ticks, which never wait for it."""

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
