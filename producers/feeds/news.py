"""The news feed: headlines of every source about the followed assets, each published once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from marketdata.assets.asset_tagger import assets_of
from producers.feeds.articles import articles
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.base import Emit
from producers.feeds.request_budget import RequestBudget
from producers.feeds.upstream_clients import UpstreamClient
from producers.upstreams import cryptonews, lunarcrush, rss
from producers.upstreams.rows import NewsRow
from schemas.times import CYCLE_MS
from transport.clock import Clock

_MOST_PAGES = 3

Headlines = Callable[[Sequence[str]], Awaitable[Iterable[NewsRow]]]
"""Asks one source for headlines about assets; nothing when it fails."""


class NewsFeed:
    """See the module's docstring. `sources` by the name of their upstream, tried in their order."""

    name = "news"
    cadence_ms = CYCLE_MS

    def __init__(
        self,
        sources: Sequence[tuple[str, Headlines]],
        universe: AssetUniverse,
        emit: Emit,
        clock: Clock,
    ) -> None:
        self._sources, self._universe, self._emit, self._clock = sources, universe, emit, clock

    async def run(self, cycle_ms: int) -> None:
        """Publish what is new about the cycle's assets."""
        # Side by side: one that takes its time must not keep the others' news back.
        asking = (self._fetch(*source) for source in self._sources)
        for error in await asyncio.gather(*asking, return_exceptions=True):
            if error is not None:  # a defect: raised once the others are done
                raise error

    async def _fetch(self, name: str, headlines: Headlines) -> None:
        rows = await headlines(self._universe.assets)
        seen_ms = self._clock.now_ms()
        followed = frozenset(self._universe.assets)
        events = [
            article
            for row in rows
            for article in articles(row, self._about(row, followed), seen_ms)
        ]
        # The oldest first, so that the first of two articles on a story stays.
        events.sort(key=lambda article: (article.event_time, article.asset, article.source_id))
        await self._emit(name, events)

    def _about(self, row: NewsRow, followed: frozenset[str]) -> list[str]:
        return [asset for asset in assets_of(row, self._universe.catalogue) if asset in followed]


def vendor_headlines(client: UpstreamClient) -> Headlines:
    """Return the headlines of CryptoNews or StockNews: all assets in one request, page by page."""
    seen: set[str] = set()
    asked: set[str] = set()

    async def headlines(assets: Sequence[str]) -> Iterable[NewsRow]:
        rows: list[NewsRow] = []
        told: set[str] = set()
        if not asked.issuperset(assets):
            seen.clear()  # of an asset that is new, older headlines are wanted, too
            asked.update(assets)
        for page in range(1, _MOST_PAGES + 1):
            parsed = await client.call(
                cryptonews.fetch_news, assets, page=page, source=client.name, takes_little=True
            )
            if parsed is None:
                return rows  # `seen` stays, so the next time pages back as far as this one had to
            new = [row for row in parsed.rows if row.source_id not in seen]
            rows += new
            told.update(row.source_id for row in parsed.rows)
            if len(new) < len(parsed.rows) or page >= parsed.pages or not parsed.rows:
                break
        # Only where to stop paging: what was published is in the index.
        seen.clear()
        seen.update(told)
        return rows

    return headlines


def topic_headlines(
    client: UpstreamClient, universe: AssetUniverse, budget: RequestBudget
) -> Headlines:
    """Return LunarCrush's headlines: one asset a request, as many as the day's quota allows."""

    async def headlines(assets: Sequence[str]) -> Iterable[NewsRow]:
        rows: list[NewsRow] = []
        for asset in budget.take(assets):
            coin = universe.coin(asset, client.name)
            topic = (coin.topic if coin is not None else "") or asset.lower()
            parsed = await client.call(lunarcrush.fetch_topic_news, topic, takes_little=True)
            if parsed is None:
                budget.failed(asset)
                break
            budget.done(asset)
            rows += parsed.rows
            await budget.pause()
        return rows

    return headlines


def rss_headlines(client: UpstreamClient, addresses: Sequence[str]) -> Headlines:
    """Return the headlines of public feeds, with ETags, so that only changes are sent."""
    states: dict[str, tuple[str | None, str | None]] = {}
    asked: set[str] = set()

    async def headlines(assets: Sequence[str]) -> Iterable[NewsRow]:
        rows: list[NewsRow] = []
        if not asked.issuperset(assets):
            states.clear()  # what has not changed is news of an asset that is new
            asked.update(assets)
        for address in addresses:
            etag, last_modified = states.get(address, (None, None))
            feed = await client.call(
                rss.fetch_feed, address, etag, last_modified, part=address, takes_little=True
            )
            if feed is not None:
                states[address] = (feed.etag, feed.last_modified)
                rows += feed.parsed.rows
        return rows

    return headlines
