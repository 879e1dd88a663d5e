"""The upstreams and what they allow, as far as their documentation says."""

from __future__ import annotations

from producers.http_client.upstream import Auth, Limits, Upstream

_TOKEN = Auth("query", "token")

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
    auth=Auth("header", "x-cg-demo-api-key"),
    pro_auth=Auth("header", "x-cg-pro-api-key"),
)
CRYPTONEWS = Upstream(
    "cryptonews",
    "https://cryptonews-api.com/api/v1",
    Limits(per_minute=20, per_month=20_000),
    "CRYPTONEWS_API_KEY",
    auth=_TOKEN,
)
STOCKNEWS = Upstream(
    "stocknews",
    "https://stocknewsapi.com/api/v1",
    Limits(per_minute=20, per_month=20_000),
    "STOCKNEWS_API_KEY",
    auth=_TOKEN,
)
COINMARKETCAL = Upstream(
    "coinmarketcal",
    "https://developers.coinmarketcal.com/v1",
    Limits(per_minute=10, per_day=100),
    "COINMARKETCAL_API_KEY",
    auth=Auth("header", "x-api-key"),
)
RSS = Upstream("rss", "", Limits(per_minute=30))
# Without keys. Each is asked a few times an hour, far below what its vendor allows an address.
ANNOUNCEMENTS = Upstream("announcements", "https://api.bybit.com", Limits(per_minute=10))
COINMETRICS = Upstream(  # ten requests in any six seconds
    "coinmetrics", "https://community-api.coinmetrics.io/v4", Limits(per_minute=10)
)
FEARGREED = Upstream("feargreed", "https://api.alternative.me", Limits(per_minute=10))

UPSTREAMS: tuple[Upstream, ...] = (
    LUNARCRUSH,
    COINGECKO,
    CRYPTONEWS,
    STOCKNEWS,
    COINMARKETCAL,
    RSS,
    ANNOUNCEMENTS,
    COINMETRICS,
    FEARGREED,
)
BY_NAME: dict[str, Upstream] = {upstream.name: upstream for upstream in UPSTREAMS}
