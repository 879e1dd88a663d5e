"""Opens what the settings allow to ask: a client, a quota and a health for each upstream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from producers.clock import Clock
from producers.live.link import Link
from producers.manners.client import Client
from producers.manners.health import Health
from producers.manners.quota import Quota
from producers.settings import SourceSettings
from producers.upstreams.table import UPSTREAMS, Upstream

_FEEDS = {
    "lunarcrush": ("trending", "news", "fundamentals"),
    "coingecko": ("trending", "fundamentals"),
    "cryptonews": ("news", "calendar"),
    "stocknews": ("news",),
    "coinmarketcal": ("calendar",),
    "rss": ("news",),
}
_HOURLY = frozenset({"coinmarketcal"})
_WITHOUT_KEY = frozenset({"coingecko", "rss"})


@dataclass(frozen=True, slots=True)
class Links:
    """The upstreams that are asked, by name, and the health of all, the others' too."""

    open: Mapping[str, Link]
    health: Mapping[str, Health]


def open_links(
    settings: SourceSettings, session: aiohttp.ClientSession, clock: Clock, state_dir: Path
) -> Links:
    """Return a link for each upstream that can be asked.

    One that wants a key and has none is off, which its health says with what to do about it.
    Counts of requests are kept in `state_dir`.
    """
    links, healths = {}, {}
    for upstream in UPSTREAMS:
        secret: SecretStr | None = getattr(settings, f"{upstream.name}_key", None)
        if secret is None and upstream.name not in _WITHOUT_KEY:
            healths[upstream.name] = _off(upstream, clock)
            continue
        link = _link(upstream, settings, secret, session, clock, state_dir)
        links[upstream.name], healths[upstream.name] = link, link.health
    return Links(links, healths)


def _off(upstream: Upstream, clock: Clock) -> Health:
    health = Health(upstream.name, _FEEDS[upstream.name], None, clock)
    health.off(f"no key: set {upstream.key_env} to use it")
    return health


def _link(
    upstream: Upstream,
    settings: SourceSettings,
    secret: SecretStr | None,
    session: aiohttp.ClientSession,
    clock: Clock,
    state_dir: Path,
) -> Link:
    name = upstream.name
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
    # CoinGecko is the coin list only where LunarCrush is not.
    is_hourly = name in _HOURLY or (name == "coingecko" and settings.lunarcrush_key is not None)
    health = Health(
        name,
        _FEEDS[name],
        quota,
        clock,
        cadence_s=3600.0 if is_hourly else 600.0,
        circuit=lambda: client.circuit,
    )
    return Link(name, client, quota, health)
