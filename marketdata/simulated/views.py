"""What sources would report of the market at a moment: trending ticks and fundamentals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from marketdata.simulated.state import AssetState, cap_ranks, seeded
from schemas.market import Fundamentals, TrendingAsset
from schemas.times import DAY_MS

SOURCE = "simulated"


def ticks(seed: int, states: Sequence[AssetState], cycle_ms: int) -> list[TrendingAsset]:
    """Return a tick an asset for the cycle that starts at `cycle_ms`, most watched first.

    The n-th is observed n ms after the start.
    """
    ranked = sorted(states, key=lambda state: (-_interest(state), state.asset.symbol))
    return [_tick(seed, state, cycle_ms, rank, len(ranked)) for rank, state in enumerate(ranked, 1)]


def _interest(state: AssetState) -> float:
    """Return how much people look: size, turnover of the day, attention."""
    return math.log(state.volume_24h_usd() + 1.0) + 1.5 * state.hidden.attention


def _tick(seed: int, state: AssetState, cycle_ms: int, rank: int, size: int) -> TrendingAsset:
    asset, mood, attention = state.asset, state.hidden.mood, state.hidden.attention
    rng = seeded(seed, asset.symbol, "social", cycle_ms)
    posts = round(4.0 * asset.followers_k * (1.0 + attention) * rng.lognormvariate(0.0, 0.06))
    sentiment = _percent(62.0 + 22.0 * math.tanh(mood) + rng.gauss(0.0, 1.5))
    galaxy = 52.0 + 16.0 * math.tanh(mood) + 14.0 * math.tanh(attention) + rng.gauss(0.0, 1.0)
    return TrendingAsset(
        asset=asset.symbol,
        event_time=cycle_ms,
        observed_at=cycle_ms + rank,
        source=SOURCE,
        source_id=f"{cycle_ms}:{asset.symbol}",
        cycle=cycle_ms,
        cycle_size=size,
        rank=rank,
        name=asset.name,
        price_usd=state.price_usd,
        volume_24h_usd=round(state.volume_24h_usd(), 2),
        market_cap_usd=round(state.market_cap_usd(), 2),
        change_24h_pct=round(state.change_24h_pct(), 4),
        galaxy_score=_percent(galaxy),
        alt_rank=rank,
        social_volume=float(posts),
        interactions=float(round(posts * 85 * rng.lognormvariate(0.0, 0.1))),
        sentiment_pct=sentiment,
        twitter_volume=float(round(posts * 0.82)),
        twitter_sentiment_pct=_percent(sentiment + rng.gauss(0.0, 2.0)),
        reddit_volume=float(round(posts * 0.07)),
        reddit_sentiment_pct=_percent(sentiment - 3.0 + rng.gauss(0.0, 3.0)),
    )


def _percent(value: float) -> float:
    return round(min(100.0, max(0.0, value)), 2)


def fundamentals(
    seed: int, states: Sequence[AssetState], now_ms: int, observed_at: int
) -> list[Fundamentals]:
    """Return the fundamentals of every asset, in the order of symbols."""
    ranks = cap_ranks(states)
    ordered = sorted(states, key=lambda state: state.asset.symbol)
    return [
        _fundamentals(seed, state, now_ms, observed_at, ranks[state.asset.symbol])
        for state in ordered
    ]


def _fundamentals(
    seed: int, state: AssetState, now_ms: int, observed_at: int, rank: int
) -> Fundamentals:
    asset = state.asset
    # Code and community change from day to day, not from hour to hour.
    daily = seeded(seed, asset.symbol, "fundamentals", now_ms // DAY_MS)
    work = asset.commits_4w * daily.lognormvariate(0.0, 0.05)
    crowd = asset.followers_k * 1000.0 * (1.0 + 0.01 * math.tanh(state.hidden.mood))
    days_usd = state.day_volumes_usd
    busy = state.volume_24h_usd() / (asset.volume_24h * asset.price_usd)
    moved = asset.transactions_k * 1000.0 * (0.7 + 0.3 * min(3.0, busy))
    return Fundamentals(
        asset=asset.symbol,
        event_time=now_ms,
        observed_at=observed_at,
        source=SOURCE,
        source_id=f"{asset.symbol}:{now_ms}",
        market_cap_rank=rank,
        market_cap_usd=round(state.market_cap_usd(), 2),
        circulating_supply=asset.supply,
        max_supply=asset.max_supply,
        volume_24h_usd=round(state.volume_24h_usd(), 2),
        volume_30d_avg_usd=round(sum(days_usd) / len(days_usd), 2),
        github_commits_4w=float(round(work)),
        github_contributors=float(round(8 + 1.1 * asset.commits_4w)),
        github_stars=float(round(300 + 60 * asset.commits_4w)),
        github_forks=float(round(90 + 22 * asset.commits_4w)),
        github_merged_pull_requests=float(round(150 + 35 * asset.commits_4w)),
        github_issues_closed_pct=round(70.0 + 25.0 * math.tanh(asset.commits_4w / 150.0), 1),
        twitter_followers=float(round(crowd)),
        reddit_subscribers=float(round(crowd * 0.22)),
        telegram_members=float(round(crowd * 0.06)),
        transactions_24h=float(round(moved)),
        active_addresses_24h=float(round(moved * 0.45)),
        hash_rate=asset.hash_rate or None,
    )
