"""Publishes how each upstream does, for `quantiva status` and the page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec.structs import replace

from schemas.sources import SourceStatus
from transport.publisher import BadEventError, Publisher, PublishError

_log = logging.getLogger(__name__)
_EVERY_S = 0.5  # wall seconds: somebody may wait to hear whether an asset is known
_AT_LEAST_S = 60.0
_COUNTED = ("observed_at", "last_success_at", "requests_minute", "requests_day", "events")


class HasStatus(Protocol):
    """A source: `producers.http_client.health.SourceHealth` is one."""

    def status(self) -> SourceStatus:
        """Return how the source does now."""
        ...


class StatusPublisher:
    """Publishes a source's status when its state changes, else once a minute of wall time."""

    def __init__(
        self, publisher: Publisher, health: Mapping[str, HasStatus], missed: Callable[[], str]
    ) -> None:
        self._publisher, self._health, self._missed = publisher, health, missed
        self._last: dict[str, tuple[float, SourceStatus]] = {}

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self.publish(only_news=True)
            await asyncio.sleep(_EVERY_S)

    async def publish(self, *, only_news: bool = False) -> None:
        """Publish the status of every source, or of those that have news."""
        now_s = asyncio.get_running_loop().time()
        for name, health in self._health.items():
            status = health.status()
            missed = self._missed()
            if missed and "trending" in status.feeds:
                status = replace(status, detail=f"{status.detail}; {missed}".removeprefix("; "))
            if only_news and not self._is_news(name, status, now_s):
                continue
            self._last[name] = (now_s, status)
            try:
                await self._publisher.publish(status)
            except (PublishError, BadEventError) as error:
                _log.warning("the status of %s was not published: %s", name, error)
        try:
            await self._publisher.flush()
        except PublishError as error:
            _log.warning("statuses were not published: %s", error)

    def _is_news(self, name: str, status: SourceStatus, now_s: float) -> bool:
        published_s, last = self._last.get(name, (0.0, None))
        if last is None or now_s - published_s >= _AT_LEAST_S:
            return True
        same = {field: getattr(last, field) for field in _COUNTED}
        return replace(status, **same) != last
