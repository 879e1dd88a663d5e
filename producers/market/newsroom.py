"""Headlines of the simulated market, worded after their tone."""

from __future__ import annotations

import random

from producers.market.agenda import Planned
from producers.market.assets import Asset
from schemas.market import NewsArticle

SOURCE = "simulated"
_PUBLISHERS = ("Coin Courier", "Block Gazette", "The Ledger Post", "Chain Herald", "Token Times")
_LABELS = {1: "positive", 0: "neutral", -1: "negative"}
_WORDINGS: dict[int, tuple[str, ...]] = {
    1: (
        "{name} surges as institutional inflows hit a record",
        "{name} rallies after a major bank opens {symbol} custody",
        "Bullish breakout: {symbol} clears resistance on strong volume",
        "{name} adoption grows as payments firm adds {symbol}",
        "Whales accumulate {symbol} ahead of {name} upgrade",
        "{name} partnership with a retail giant lifts {symbol}",
        "Analysts raise {name} targets on record network activity",
        "Fund files for a spot {symbol} product, {name} gains",
        "{name} developers ship a long awaited scaling upgrade",
        "{symbol} soars to the top of the gainers as shorts are squeezed",
    ),
    -1: (
        "{name} plunges as a large holder sells",
        "{symbol} slumps after exploit drains a {name} bridge",
        "Regulator sues a firm over {symbol} sales, {name} drops",
        "{name} outage halts withdrawals, users complain",
        "Bearish signal: {symbol} loses support as volume dries up",
        "{name} faces sell-off fears ahead of token unlock",
        "Exchange to delist {symbol} pairs, liquidity worries grow",
        "Hack of a {name} wallet raises security concerns",
        "{symbol} crashes through key level in a wave of liquidations",
        "{name} network activity falls to a yearly low",
    ),
    0: (
        "{name} trades sideways as markets await rate decision",
        "What to know about {name} this week",
        "{name} foundation publishes its quarterly report",
        "{symbol} open interest unchanged, data show",
        "Interview: a {name} developer on what comes next",
        "{name} community votes on a treasury proposal",
    ),
}
_SUMMARIES: dict[int, tuple[str, ...]] = {
    1: ("Traders cite strong demand and growing confidence.", "Momentum is building, desks say."),
    -1: ("Traders cite heavy selling and weak demand.", "Losses may deepen, desks warn."),
    0: ("The market took no side.", "Volumes are in line with the average."),
}


def article(
    asset: Asset, tone: int, published_at: int, observed_at: int, rng: random.Random
) -> NewsArticle:
    """Return a headline of a tone (+1, 0, -1) about an asset."""
    headline = rng.choice(_WORDINGS[tone]).format(name=asset.name, symbol=asset.symbol)
    summary = rng.choice(_SUMMARIES[tone]) if rng.random() < 0.7 else None
    return _article(asset, tone, headline, summary, published_at, observed_at, rng)


def outcome(
    asset: Asset, event: Planned, published_at: int, observed_at: int, rng: random.Random
) -> NewsArticle:
    """Return the headline about a scheduled event that has just taken place."""
    tone = 1 if event.shock > 0.0 else -1
    title = event.kind.title.format(name=asset.name, symbol=asset.symbol)
    verb = "gains as traders welcome it" if tone > 0 else "drops as traders sell the news"
    headline = f"{title} completed: {asset.symbol} {verb}"
    return _article(asset, tone, headline, None, published_at, observed_at, rng)


def _article(
    asset: Asset,
    tone: int,
    headline: str,
    summary: str | None,
    published_at: int,
    observed_at: int,
    rng: random.Random,
) -> NewsArticle:
    number = f"{asset.symbol.lower()}-{published_at}-{rng.randrange(10_000):04d}"
    return NewsArticle(
        asset=asset.symbol,
        event_time=published_at,
        observed_at=observed_at,
        published_at=published_at,
        source=SOURCE,
        source_id=number,
        headline=headline,
        summary=summary,
        url=f"https://news.example/{number}",
        publisher=rng.choice(_PUBLISHERS),
        sentiment_label=_LABELS[tone] if rng.random() < 0.8 else None,
    )
