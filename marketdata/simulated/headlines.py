"""Headlines of the simulated market, worded after their tone."""

from __future__ import annotations

import random

from marketdata.simulated.assets import Asset
from marketdata.simulated.calendar_events import Planned
from marketdata.simulated.headline_templates import SUMMARIES, THEMES, details
from schemas.market import NewsArticle

SOURCE = "simulated"
_PUBLISHERS = ("Coin Courier", "Block Gazette", "The Ledger Post", "Chain Herald", "Token Times")
_LABELS = {1: "positive", 0: "neutral", -1: "negative"}


def article(
    asset: Asset, tone: int, published_at: int, observed_at: int, rng: random.Random
) -> NewsArticle:
    """Return a headline of a tone (+1, 0, -1) about an asset."""
    theme = rng.choice(THEMES[tone])
    summary = rng.choice(SUMMARIES[tone]) if rng.random() < 0.7 else None
    return _article(asset, tone, theme, summary, published_at, observed_at, rng)


def outcome(
    asset: Asset, event: Planned, published_at: int, observed_at: int, rng: random.Random
) -> NewsArticle:
    """Return the headline about a scheduled event that has just taken place."""
    tone = 1 if event.shock > 0.0 else -1
    verb = "gains as traders welcome it" if tone > 0 else "drops as traders sell the news"
    theme = f"{event.kind.title} completed: {{symbol}} {verb}"
    return _article(asset, tone, theme, None, published_at, observed_at, rng)


def _article(
    asset: Asset,
    tone: int,
    theme: str,
    summary: str | None,
    published_at: int,
    observed_at: int,
    rng: random.Random,
) -> NewsArticle:
    number = f"{asset.symbol.lower()}-{published_at}-{rng.randrange(10_000):04d}"
    # A generator of its own: how a headline is worded must not move the market.
    words = details(random.Random(number))
    return NewsArticle(
        asset=asset.symbol,
        event_time=published_at,
        observed_at=observed_at,
        published_at=published_at,
        source=SOURCE,
        source_id=number,
        headline=theme.format(name=asset.name, symbol=asset.symbol, **words),
        summary=summary,
        url=f"https://news.example/{number}",
        publisher=rng.choice(_PUBLISHERS),
        sentiment_label=_LABELS[tone] if rng.random() < 0.8 else None,
    )
