"""CoinGecko's answer about one coin: a hundred fields, of which most are null for most coins."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from schemas.market import Fundamentals
from simulator.listing import Changes, Listed, number_or_int

_Row: TypeAlias = dict[str, Any]
_EUR = 0.92


def detail(
    coin: Listed,
    known: Fundamentals | None,
    changed: Changes,
    bitcoin_usd: float,
    parts: Collection[str],
    last_updated: str,
) -> _Row:
    """Return the answer with those of market_data, community_data, developer_data asked for."""
    row, votes = coin.row, _votes(coin)
    body: _Row = {
        "id": row.coingecko_id,
        "symbol": row.symbol.lower(),
        "name": row.name,
        "web_slug": row.slug,
        "asset_platform_id": None,
        "platforms": {"": ""},
        "detail_platforms": {"": {"decimal_place": None, "contract_address": ""}},
        "block_time_in_minutes": 10 if row.symbol == "BTC" else 0,
        "hashing_algorithm": "SHA-256" if row.symbol in ("BTC", "BCH") else None,
        "categories": ["Layer 1 (L1)"] if coin.tick is not None else ["Stablecoins"],
        "preview_listing": False,
        "public_notice": None,
        "additional_notices": [],
        "description": {"en": f"{row.name} ({row.symbol})."},
        "links": _links(coin),
        "image": {"thumb": "", "small": "", "large": ""},
        "country_origin": "",
        "genesis_date": "2009-01-03" if row.symbol == "BTC" else None,
        "sentiment_votes_up_percentage": votes,
        "sentiment_votes_down_percentage": None if votes is None else round(100.0 - votes, 2),
        "watchlist_portfolio_users": 1_541_900 // coin.rank,
        "market_cap_rank": coin.rank,
        "status_updates": [],
        "last_updated": last_updated,
    }
    if "localization" in parts:
        body["localization"] = {"en": row.name, "de": row.name}
    if "market_data" in parts:
        body["market_data"] = _market(coin, changed, bitcoin_usd, last_updated)
    if "community_data" in parts:
        body["community_data"] = _community(coin, known)
    if "developer_data" in parts:
        body["developer_data"] = _developers(coin, known)
    return body


def _votes(coin: Listed) -> float | None:
    """Return the share of users who voted it up: most do, a little more where talk is good."""
    talk = None if coin.tick is None else coin.tick.sentiment_pct
    if coin.number % 4 == 3:
        return None
    return 84.07 if talk is None else round(60.0 + 0.4 * talk, 2)


def _links(coin: Listed) -> _Row:
    slug = coin.row.slug
    repository = [f"https://github.com/{slug}/{slug}"] if coin.tick is not None else []
    return {
        "homepage": [f"https://{slug}.example", "", ""],
        "whitepaper": "",
        "chat_url": ["", "", ""],
        "twitter_screen_name": slug,
        "telegram_channel_identifier": "",
        "subreddit_url": None if coin.number % 3 == 0 else f"https://www.reddit.com/r/{slug}/",
        "repos_url": {"github": repository, "bitbucket": []},
    }


def _market(coin: Listed, changed: Changes, bitcoin_usd: float, last_updated: str) -> _Row:
    row, price = coin.row, coin.price
    before = price / (1.0 + coin.change_24h_pct / 100.0)

    def currencies(usd: float) -> dict[str, float | int]:
        return {
            "btc": number_or_int(usd / bitcoin_usd),
            "eur": number_or_int(round(usd * _EUR, 8)),
            "usd": number_or_int(usd),
        }

    most = row.max_supply
    return {
        "current_price": currencies(price),
        "total_value_locked": None,
        "mcap_to_tvl_ratio": None,
        "fdv_to_tvl_ratio": None,
        "roi": None,
        "market_cap": currencies(round(coin.market_cap, 2)),
        "market_cap_rank": coin.rank,
        "fully_diluted_valuation": {} if most is None else currencies(round(price * most, 2)),
        "total_volume": currencies(coin.volume_usd),
        "high_24h": currencies(coin.high_24h),
        "low_24h": currencies(coin.low_24h),
        "price_change_24h": round(price - before, 10),
        "price_change_percentage_24h": round(coin.change_24h_pct, 5),
        "price_change_percentage_7d": changed.week,
        "price_change_percentage_30d": changed.month,
        "market_cap_change_percentage_24h": round(coin.change_24h_pct, 5),
        "total_supply": number_or_int(most or row.supply),
        "max_supply": None if most is None else number_or_int(most),
        "circulating_supply": number_or_int(row.supply),
        "last_updated": last_updated,
    }


def _community(coin: Listed, known: Fundamentals | None) -> _Row:
    # The largest one's Reddit numbers have been 0 for years.
    reddit = None if known is None or coin.row.symbol == "BTC" else known.reddit_subscribers
    telegram = None if known is None else known.telegram_members
    return {
        "facebook_likes": None,
        "reddit_average_posts_48h": 0,
        "reddit_average_comments_48h": 0,
        "reddit_subscribers": int(reddit or 0),
        "reddit_accounts_active_48h": 0,
        "telegram_channel_user_count": None
        if telegram is None or coin.number % 3 == 1
        else int(telegram),
    }


def _developers(coin: Listed, known: Fundamentals | None) -> _Row:
    if known is None or known.github_commits_4w is None:
        return _no_developers()
    commits = int(known.github_commits_4w)
    issues = int((known.github_merged_pull_requests or 0.0) * 1.4)
    closed = round(issues * (known.github_issues_closed_pct or 0.0) / 100.0)
    lines: _Row = {"additions": None, "deletions": None}
    if coin.number % 5:
        lines = {"additions": commits * 12, "deletions": -commits * 9}
    return {
        "forks": int(known.github_forks or 0),
        "stars": int(known.github_stars or 0),
        "subscribers": int((known.github_stars or 0) // 18),
        "total_issues": issues,
        "closed_issues": closed,
        "pull_requests_merged": int(known.github_merged_pull_requests or 0),
        "pull_request_contributors": int(known.github_contributors or 0),
        "code_additions_deletions_4_weeks": lines,
        "commit_count_4_weeks": commits,
        "last_4_weeks_commit_activity_series": [],
    }


def _no_developers() -> _Row:
    names = (
        "forks stars subscribers total_issues closed_issues pull_requests_merged "
        "pull_request_contributors"
    )
    return {
        **dict.fromkeys(names.split(), 0),
        "code_additions_deletions_4_weeks": {"additions": None, "deletions": None},
        "commit_count_4_weeks": 0,
        "last_4_weeks_commit_activity_series": [],
    }
