"""The upstreams and what they allow, as far as their documentation says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Requests allowed: a minute, a UTC day, a month of 30 days; None where nothing is said."""

    per_minute: int | None = None
    per_day: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream.

    base_url   without a slash at the end
    limits     of the smallest plan; of asking without a key where that is possible
    key_env    environment variable with its key; None where there is none
    with_key   limits of the smallest plan with a key, where asking without one is possible
    timeout_s  of one request, connecting and reading together
    """

    name: str
    base_url: str
    limits: Limits
    key_env: str | None = None
    timeout_s: float = 15.0
    with_key: Limits | None = None


LUNARCRUSH = Upstream(
    "lunarcrush",
    "https://lunarcrush.com/api4/public",
    Limits(per_minute=4, per_day=500),  # the free plan's; plans with a key differ: settings
    "LUNARCRUSH_API_KEY",
)
COINGECKO = Upstream(
    "coingecko",
    "https://api.coingecko.com/api/v3",
    Limits(per_minute=5, per_month=10_000),  # without a key the limit is shared by an IP
    "COINGECKO_API_KEY",
    with_key=Limits(per_minute=30, per_month=10_000),
)
CRYPTONEWS = Upstream(
    "cryptonews",
    "https://cryptonews-api.com/api/v1",
    Limits(per_minute=20, per_month=20_000),
    "CRYPTONEWS_API_KEY",
)
STOCKNEWS = Upstream(
    "stocknews",
    "https://stocknewsapi.com/api/v1",
    Limits(per_minute=20, per_month=20_000),
    "STOCKNEWS_API_KEY",
)
COINMARKETCAL = Upstream(
    "coinmarketcal",
    "https://developers.coinmarketcal.com/v1",
    Limits(per_minute=10, per_day=100),
    "COINMARKETCAL_API_KEY",
)
RSS = Upstream("rss", "", Limits(per_minute=30))

UPSTREAMS: tuple[Upstream, ...] = (
    LUNARCRUSH,
    COINGECKO,
    CRYPTONEWS,
    STOCKNEWS,
    COINMARKETCAL,
    RSS,
)
BY_NAME: dict[str, Upstream] = {upstream.name: upstream for upstream in UPSTREAMS}
