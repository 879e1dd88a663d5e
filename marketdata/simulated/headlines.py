"""Headlines of the simulated market, worded after their tone."""

from __future__ import annotations

import random
from collections.abc import Iterable

from marketdata.simulated.assets import Asset
from marketdata.simulated.calendar_events import Planned
from schemas.market import NewsArticle

THEMES: dict[int, tuple[str, ...]] = {
    1: (
        "{name} surges {pct} as institutional inflows hit a record {usd}",
        "{name} rallies {pct} after {bank}, a major bank, opens {symbol} custody",
        "Bullish breakout: {symbol} clears {days}-day resistance on strong volume of {usd}",
        "{name} adoption grows as {firm} adds {symbol} at {count} tills",
        "Whales accumulate {count} {symbol} ahead of {name} {version} upgrade",
        "{name} partnership with {firm} of {city} lifts {symbol} {pct}",
        "Analysts of {bank} raise {name} targets {pct} on record network activity",
        "{firm} files for a spot {symbol} product in {city}, {name} gains {pct}",
        "{name} developers of {city} ship {version}, a long awaited scaling upgrade",
        "{symbol} soars {pct} to the top of the gainers as shorts are squeezed on {exchange}",
    ),
    -1: (
        "{name} plunges {pct} as a holder of {count} {symbol} sells",
        "{symbol} slumps {pct} after exploit drains {usd} of a {name} bridge",
        "Regulator of {city} sues {firm} over {symbol} sales, {name} drops {pct}",
        "{name} outage on {exchange} halts withdrawals of {usd}, users complain",
        "Bearish signal: {symbol} loses support of {days} days as volume dries up by {pct}",
        "{name} faces sell-off fears ahead of {month} token unlock of {usd}",
        "{exchange} to delist {symbol} pairs in {month}, {days}-day liquidity worries grow",
        "Hack of a {name} wallet with {usd} raises security concerns",
        "{symbol} crashes {pct} through key level in a wave of liquidations on {exchange}",
        "{name} network activity falls {pct} to a {days}-day low",
    ),
    0: (
        "{name} trades sideways for {days} hours as markets await {month} rate decision",
        "What to know about {name} in {month}, by {firm} of {city}",
        "{name} foundation publishes its {quarter} report on {count} wallets",
        "{symbol} open interest unchanged at {usd}, {exchange} data show",
        "Interview: a {name} developer of {city} on what comes after {version}",
        "{name} community votes on a treasury proposal of {usd} for {quarter}",
    ),
}
SUMMARIES: dict[int, tuple[str, ...]] = {
    1: ("Traders cite strong demand and growing confidence.", "Momentum is building, desks say."),
    -1: ("Traders cite heavy selling and weak demand.", "Losses may deepen, desks warn."),
    0: ("The market took no side.", "Volumes are in line with the average."),
}
NAMED: dict[str, tuple[str, ...]] = {
    "bank": ("Alder Bank", "Banque Corvin", "Straits Bank", "Norrland Bank", "Bank of Tamar"),
    "firm": (
        "Pinecone Pay",
        "Corvin Capital",
        "Quillhouse",
        "Tamar Retail",
        "Bluefin Partners",
        "Ostrava Payments",
        "Larkspur Funds",
        "Seventh Street",
    ),
    "exchange": ("Northbay", "Kitex", "Harborline", "Spotmere", "Tidewater", "Kranich", "Ubique"),
    "city": ("Singapore", "Zurich", "Austin", "Dubai", "Seoul", "Lisbon", "Toronto", "Nairobi"),
    # No May: to the lexicon that is a doubt.
    "month": ("January", "March", "April", "June", "July", "September", "October", "December"),
}


def samples(assets: Iterable[Asset]) -> list[str]:
    """Return every theme once for each asset, worded the same at every call."""
    rng = random.Random(0)
    return [
        theme.format(name=asset.name, symbol=asset.symbol, **details(rng))
        for asset in assets
        for themes in THEMES.values()
        for theme in themes
    ]


def details(rng: random.Random) -> dict[str, str]:
    """Return one draw of everything that a theme may name, besides the asset."""
    drawn = {slot: rng.choice(names) for slot, names in NAMED.items()}
    return drawn | {
        "pct": f"{rng.randrange(11, 99) / 10}%",
        "usd": f"${rng.randrange(20, 990)} million",
        "count": f"{rng.randrange(11, 990) * 100:,}",
        "days": str(rng.randrange(20, 80)),
        "version": f"v{rng.randrange(1, 9)}.{rng.randrange(30)}",
        "quarter": f"Q{rng.randrange(1, 5)}",
    }


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
