"""CoinGecko's details of one coin: supply, code, community; and its mean volume."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from producers.upstreams.fields import (
    amount,
    identity,
    known_amount,
    mapping,
    rank,
    share_pct,
    symbol,
    text,
)
from producers.upstreams.rows import LEAST_USABLE, DetailRow
from producers.upstreams.shapes import JsonClient, bad_answer, gone, list_in, object_in
from producers.upstreams.table import COINGECKO
from producers.upstreams.times import time_ms

_NAME = COINGECKO.name
_MEAN_DAYS, _LEAST_DAYS = 30, 7
_FIELDS = (
    *("market_data.market_cap", "market_data.total_volume", "market_data.circulating_supply"),
    *("market_data.max_supply", "community_data.reddit_subscribers"),
    *("community_data.telegram_channel_user_count", "developer_data.commit_count_4_weeks"),
    *("developer_data.stars", "developer_data.forks", "developer_data.pull_requests_merged"),
    *("developer_data.total_issues", "developer_data.pull_request_contributors"),
)
_VOTES = "sentiment_votes_up_percentage"


def parse_detail(raw: Any) -> DetailRow:
    """Parse an answer of /coins/{id}.

    UpstreamError "bad_answer" where it has no id, no symbol or nothing that holds numbers. Of
    followers, subscribers and members 0 means that CoinGecko does not count them (it says 0
    subscribers for Bitcoin), and of code, 0 everywhere that it knows no repository.
    """
    coin = object_in(_NAME, raw)
    slug, ticker = identity(coin.get("id")), symbol(coin.get("symbol"))
    if slug is None or ticker is None:
        raise bad_answer(_NAME, raw, "the coin in the answer has no id or no symbol")
    faults = gone("coingecko coin in detail", [coin], (*_FIELDS, _VOTES))
    if not any(field.partition(".")[0] in coin for field in _FIELDS):
        raise bad_answer(_NAME, raw, f"the coin in the answer has no numbers: {faults[0]}")
    market, community = mapping(coin.get("market_data")), mapping(coin.get("community_data"))
    return DetailRow(
        source=_NAME,
        source_id=slug,
        symbol=ticker,
        name=text(coin.get("name")) or ticker,
        updated_at=time_ms(coin.get("last_updated")),
        market_cap_rank=rank(coin.get("market_cap_rank")) or rank(market.get("market_cap_rank")),
        market_cap_usd=known_amount(_in_usd(market.get("market_cap"))),
        circulating_supply=known_amount(market.get("circulating_supply")),
        max_supply=known_amount(market.get("max_supply")),
        volume_24h_usd=amount(_in_usd(market.get("total_volume"))),
        twitter_followers=known_amount(community.get("twitter_followers")),
        reddit_subscribers=known_amount(community.get("reddit_subscribers")),
        telegram_members=known_amount(community.get("telegram_channel_user_count")),
        votes_up_pct=share_pct(coin.get(_VOTES)),
        faults=faults,
        **_code(mapping(coin.get("developer_data"))),
    )


def _in_usd(value: Any) -> Any:
    return mapping(value).get("usd")


def _code(raw: dict[str, Any]) -> dict[str, float | None]:
    found = {
        "github_commits_4w": amount(raw.get("commit_count_4_weeks")),
        "github_contributors": amount(raw.get("pull_request_contributors")),
        "github_stars": amount(raw.get("stars")),
        "github_forks": amount(raw.get("forks")),
        "github_merged_pull_requests": amount(raw.get("pull_requests_merged")),
    }
    if not any(found.values()):
        return {}
    all_issues, closed = known_amount(raw.get("total_issues")), amount(raw.get("closed_issues"))
    if all_issues is not None and closed is not None:
        found["github_issues_closed_pct"] = min(100.0, 100.0 * closed / all_issues)
    return found


def parse_mean_volume(raw: Any) -> float | None:
    """Return the mean of the last 30 daily volumes in /coins/{id}/market_chart, in USD.

    None for fewer than 7 days. UpstreamError "bad_answer" without a list of volumes, and where
    fewer than a fifth of them are such.
    """
    points = list_in(_NAME, raw, "total_volumes")
    volumes = [amount(point[1]) for point in points if isinstance(point, list) and len(point) == 2]
    said = [volume for volume in volumes if volume is not None][-_MEAN_DAYS:]
    if points and len(said) < LEAST_USABLE * min(len(points), _MEAN_DAYS):
        how_many = f"only {len(said)} of {len(points)}" if said else f"none of {len(points)}"
        raise bad_answer(_NAME, raw, f"{how_many} total_volumes could be used")
    return sum(said) / len(said) if len(said) >= _LEAST_DAYS else None


async def fetch_detail(client: JsonClient, slug: str) -> DetailRow:
    """Fetch the details of the coin with a slug, without what makes the answer 100 kB long."""
    params = {"localization": "false", "tickers": "false", "sparkline": "false"}
    return parse_detail(await client.get_json(f"/coins/{quote(slug, safe='')}", params))


async def fetch_mean_volume(client: JsonClient, slug: str) -> float | None:
    """Fetch the mean daily volume of the last 30 days, USD; it changes once a day."""
    params = {"vs_currency": "usd", "days": str(_MEAN_DAYS), "interval": "daily"}
    path = f"/coins/{quote(slug, safe='')}/market_chart"
    return parse_mean_volume(await client.get_json(path, params))
