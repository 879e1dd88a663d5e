"""Where the feeds' events go: to the topics, each once, however long the broker is away."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from producers.dedup.deduplicating_publisher import DeduplicatingPublisher
from producers.feeds.asset_universe import AssetUniverse
from producers.feeds.ticks import Price
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.upstreams.rows import LEAST_USABLE
from schemas.events import MarketEvent
from schemas.market import Candle, OrderBook
from schemas.registry_client import RegistryError
from transport.admin import BrokerError
from transport.publisher import PublishError

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0  # wall seconds
_MOST_LOGGED = 3
_PUBLISHED = "events"


class EventPublisher:
    """Publishes events of a source, and counts them.

    While the broker is away it waits: an upstream would not give the same news twice.
    """

    def __init__(
        self,
        publisher: DeduplicatingPublisher,
        universe: AssetUniverse,
        health: Mapping[str, SourceHealth],
        report: Callable[[str], None],
    ) -> None:
        self._publisher, self._universe, self._health, self._report = (
            publisher,
            universe,
            health,
            report,
        )
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def __call__(self, source: str, events: Sequence[MarketEvent]) -> int:
        """Publish what is new and valid of a source; return how many that were."""
        if not events:
            return 0
        for event in events:
            self._price(event)
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                emitted = await self._publisher.emit(events)
                break
            except (PublishError, BrokerError, RegistryError) as error:
                self._report(f"waiting for the broker: {error}")
                await asyncio.sleep(pause_s)
                pause_s = min(2.0 * pause_s, _LONGEST_PAUSE_S)
        self.counts[source] += emitted.published
        self._refuse(source, emitted.refused)
        if source in self._health:
            self._health[source].published(emitted.published)
            self._judge(self._health[source], source, len(events), emitted.refused)
        return emitted.published

    def _judge(
        self, health: SourceHealth, source: str, events: int, refused: Sequence[str]
    ) -> None:
        """Tell the source's health of what breaks the contract."""
        if not refused:
            health.forget(_PUBLISHED)
            return
        counted = f"{len(refused):,} of {events:,} events refused: {refused[0]}"
        if events - len(refused) < LEAST_USABLE * events:
            health.failure(UpstreamError(source, "bad_answer", counted), _PUBLISHED)
        else:
            health.judge(_PUBLISHED, (counted,))

    def _refuse(self, source: str, refused: Sequence[str]) -> None:
        """Count and log what breaks the contract: an upstream's mistake."""
        self.refused[source] += len(refused)
        for sentence in refused[:_MOST_LOGGED]:
            _log.warning("%s: not published: %s", source, sentence)

    def _price(self, event: MarketEvent) -> None:
        if isinstance(event, OrderBook) and event.bid_prices and event.ask_prices:
            usd = (event.bid_prices[0] + event.ask_prices[0]) / 2.0
        elif isinstance(event, Candle) and not event.closed:
            usd = event.close
        else:
            return
        self._universe.prices[event.asset] = Price(event.observed_at, usd)
