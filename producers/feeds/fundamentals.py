"""The fundamentals feed, hourly: coin lists, chains, and details of as many coins as quota allows.

A coin's code and community change from day to day, so a detail that is a day old is none the worse;
each measure that is not of now says of when it is (`measured_at`).
"""

from __future__ import annotations

from collections.abc import Sequence

from producers.feeds.articles import fundamentals, on_chain
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.feeds.request_budget import RequestBudget
from producers.feeds.upstream_clients import UpstreamClient
from producers.upstreams import coingecko, coingecko_detail, coinmetrics
from producers.upstreams.rows import DetailRow, TopicRow
from schemas.events import MarketEvent
from schemas.times import HOUR_MS
from transport.clock import Clock

_NEWS_MS = 2 * HOUR_MS
_DETAIL_MS = 7 * 24 * HOUR_MS


class FundamentalsFeed:
    """See the module's docstring; no details without `client`, no chains without `chains`."""

    name = "fundamentals"
    cadence_ms = HOUR_MS

    def __init__(
        self,
        client: UpstreamClient | None,
        budget: RequestBudget | None,
        universe: AssetUniverse,
        emit: Emit,
        clock: Clock,
        chains: UpstreamClient | None = None,
    ) -> None:
        self._client, self._budget, self._chains = client, budget, chains
        self._universe, self._emit, self._clock = universe, emit, clock
        self._details: dict[str, tuple[int, DetailRow]] = {}
        self._listed = False

    async def run(self, cycle_ms: int) -> None:
        """Publish what is known of the cycle's assets, then each detail as it comes."""
        self._listed = False
        await self._publish(self._universe.assets)
        if self._chains is not None:
            await self._publish_chains(self._chains, self._universe.assets)
        if self._client is None or self._budget is None:
            return
        for asset in self._budget.take(self._universe.assets):
            if not await self._fetch(self._client, self._budget, asset):
                self._budget.failed(asset)
                return
            await self._publish((asset,))

    async def _publish(self, assets: Sequence[str]) -> None:
        by_source: dict[str, list[MarketEvent]] = {}
        for asset in assets:
            now_ms = self._clock.now_ms()
            at_ms, detail = self._details.get(asset, (0, None))
            coin = self._universe.coin(asset, since_ms=now_ms - _NEWS_MS)
            if coin is None and now_ms - at_ms > _NEWS_MS:
                continue  # published again, what is old would pass for new
            event = fundamentals(
                asset,
                now_ms,
                coin,
                detail if now_ms - at_ms <= _DETAIL_MS else None,
                self._universe.mean_volumes.get(asset),
                at_ms or None,
            )
            if event is not None:
                by_source.setdefault(event.source, []).append(event)
        for source, events in by_source.items():
            await self._emit(source, events)

    async def _publish_chains(self, chains: UpstreamClient, assets: Sequence[str]) -> None:
        most = coinmetrics.MOST_ASSETS
        for batch in (assets[place : place + most] for place in range(0, len(assets), most)):
            now_ms = self._clock.now_ms()
            parsed = await chains.call(coinmetrics.fetch_metrics, batch, now_ms)
            if parsed is None:
                return
            seen_ms = self._clock.now_ms()
            events = (
                on_chain(row.symbol, seen_ms, row) for row in parsed.rows if row.symbol in batch
            )
            await self._emit(chains.name, [event for event in events if event is not None])

    async def _fetch(self, client: UpstreamClient, budget: RequestBudget, asset: str) -> bool:
        """Request an asset's detail; return whether to go on with the next one."""
        slug = await self._slug(client, asset)
        if slug is not None:
            detail = await client.call(coingecko_detail.fetch_detail, slug)
            if detail is None:
                return False
            now_ms = self._clock.now_ms()
            self._details[asset] = (now_ms, detail)
            if detail.votes_up_pct is not None:
                said = TopicRow(source=detail.source, topic=slug, votes_up_pct=detail.votes_up_pct)
                self._universe.learn_topic(asset, said, now_ms)
            await budget.pause()
            volume = await client.call(coingecko_detail.fetch_mean_volume, slug)
            if volume is not None:
                self._universe.mean_volumes[asset] = volume
            await budget.pause()
        budget.done(asset)
        return True

    async def _slug(self, client: UpstreamClient, asset: str) -> str | None:
        """Return CoinGecko's name of an asset; its list is requested when it is not known."""
        coin = self._universe.coin(asset, client.name)
        if coin is None and not self._listed:
            self._listed = True
            markets = await client.call(coingecko.fetch_markets)
            if markets is not None:
                self._universe.learn(markets.rows, self._clock.now_ms())
                coin = self._universe.coin(asset, client.name)
        return None if coin is None else coin.slug
