"""The upstreams that the settings allow to ask: each with its client, quota and health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from pydantic import SecretStr

from producers.http_client.client import Client
from producers.http_client.errors import UpstreamError
from producers.http_client.health import SourceHealth
from producers.http_client.quota import Quota
from producers.http_client.upstream import Upstream
from producers.settings import SourceSettings
from producers.upstreams.shapes import verdict
from producers.upstreams.table import UPSTREAMS
from transport.clock import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UpstreamClient:
    """A client, its quota, and the health of its upstream."""

    name: str
    client: Client
    quota: Quota
    health: SourceHealth

    async def call(
        self,
        fetch: Callable[..., Awaitable[T]],
        *args: Any,
        within_s: float = 60.0,
        part: str = "",
        takes_little: bool = False,
        **options: Any,
    ) -> T | None:
        """Return `fetch(client, *args, **options)`; None when it failed: see its health.

        An answer of which hardly anything can be used has failed; it is returned all the same if
        the caller `takes_little`. `part` says of what kind it is, by default the name of `fetch`.
        `within_s` bounds it with all its retries and waits, in wall seconds: a cycle must go on.
        """
        part = part or getattr(fetch, "__name__", "")
        try:
            async with asyncio.timeout(within_s):
                answer = await fetch(self.client, *args, **options)
        except UpstreamError as error:
            self.health.failure(error, part)
            return None
        except TimeoutError:
            text = f"nothing usable came within {within_s:g} s"
            self.health.failure(UpstreamError(self.name, "timeout", text))
            return None
        if getattr(answer, "not_modified", False):
            self.health.unchanged(part)
            return answer
        found = verdict(answer)
        if found.problem:
            unusable = UpstreamError(self.name, "bad_answer", found.problem)
            self.health.failure(unusable, part, is_of_answer=True)
            return answer if takes_little else None
        self.health.success(part, found.remarks, is_partial=found.is_partial)
        return answer


FEEDS_OF = {
    "lunarcrush": ("trending", "news", "fundamentals"),
    "coingecko": ("trending", "fundamentals"),
    "cryptonews": ("news", "calendar"),
    "stocknews": ("news",),
    "coinmarketcal": ("calendar",),
    "rss": ("news",),
    "announcements": ("calendar",),
    "coinmetrics": ("fundamentals",),
    "feargreed": ("trending",),
    "file": ("calendar",),
}
"""The feeds that each upstream serves. `file`: the calendar's own."""
_HOURLY = frozenset({"coinmarketcal", "announcements", "coinmetrics", "feargreed"})
_WITHOUT_KEY = frozenset({"coingecko", "rss", "announcements", "coinmetrics", "feargreed"})


@dataclass(frozen=True, slots=True)
class UpstreamClients:
    """The clients of the usable upstreams by name, and the health of all upstreams."""

    open: Mapping[str, UpstreamClient]
    health: Mapping[str, SourceHealth]


def open_clients(
    names: Sequence[str],
    settings: SourceSettings,
    session: aiohttp.ClientSession,
    clock: Clock,
    state_dir: Path,
) -> UpstreamClients:
    """Return a client for each upstream that can be used; `names` are the feeds that run.

    One that wants a key and has none, or that the settings leave out, is off; its health says why.
    Counts of requests are kept in `state_dir`.
    """
    clients, healths = {}, {}
    if settings.calendar_file is not None:
        healths["file"] = SourceHealth("file", FEEDS_OF["file"], None, clock, cadence_s=3600.0)
    for upstream in UPSTREAMS:
        secret: SecretStr | None = getattr(settings, f"{upstream.name}_key", None)
        off = f"no key: set {upstream.key_env} to use it"
        if upstream.name in settings.sources_off:
            off = "left out by QUANTIVA_SOURCES_OFF"
        elif secret is not None or upstream.name in _WITHOUT_KEY:
            off = ""
        if off:
            healths[upstream.name] = _off(upstream.name, off, clock)
            continue
        client = _client_of(names, upstream, settings, secret, session, clock, state_dir)
        clients[upstream.name], healths[upstream.name] = client, client.health
    return UpstreamClients(clients, healths)


def _off(name: str, why: str, clock: Clock) -> SourceHealth:
    health = SourceHealth(name, FEEDS_OF[name], None, clock)
    health.off(why)
    return health


def _client_of(
    names: Sequence[str],
    upstream: Upstream,
    settings: SourceSettings,
    secret: SecretStr | None,
    session: aiohttp.ClientSession,
    clock: Clock,
    state_dir: Path,
) -> UpstreamClient:
    name = upstream.name
    if settings.source_timeout_s is not None:
        upstream = replace(upstream, timeout_s=settings.source_timeout_s)
    allowed = upstream.limits if secret is None else upstream.with_key or upstream.limits
    limits = replace(
        allowed,
        per_minute=settings.per_minute.get(name, allowed.per_minute),
        per_day=settings.per_day.get(name, allowed.per_day),
    )
    if name in settings.per_day:
        limits = replace(limits, per_month=None)  # whoever knows the day's limit means that one
    quota = Quota(limits, clock, state_dir / "quota" / f"{name}.json", upstream=name)
    base_url: str | None = getattr(settings, f"{name}_url", None)
    client = Client(upstream, session, quota, clock, base_url=base_url, secret=secret)
    health = SourceHealth(
        name,
        FEEDS_OF[name],
        quota,
        clock,
        cadence_s=_cadence_s(name, names, settings),
        circuit=lambda: client.circuit,
    )
    return UpstreamClient(name, client, quota, health)


def _cadence_s(name: str, names: Sequence[str], settings: SourceSettings) -> float:
    """Return how often an upstream is expected to answer; infinity where it only stands by."""
    if name == "coingecko" and settings.lunarcrush_key is not None:
        return 3600.0 if "fundamentals" in names else inf
    return 3600.0 if name in _HOURLY else 600.0
