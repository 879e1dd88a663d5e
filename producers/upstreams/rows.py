"""What the parsers make of the upstreams' answers: frozen rows, the same for every vendor.

Every number in a row is finite and in the range that `schemas.validation` asks for; what an
upstream gives in another form, or out of range, is None. Times are ms since 1970 UTC.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
LEAST_USABLE = 0.2
"""Of an answer's rows: one of which hardly anything can be used is no success."""


class CoinRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A coin of a list. `symbol` is in capitals and not unique.

    source_id  the vendor's own id of the coin: LunarCrush's number, CoinGecko's slug
    slug       CoinGecko's slug; empty where the vendor has none
    topic      what LunarCrush's topic requests want; empty elsewhere
    priced_at  when the vendor last updated the price; an old one is a stale price
    """

    source: str
    source_id: str
    symbol: str
    name: str
    slug: str = ""
    topic: str = ""
    price_usd: float | None = None
    volume_24h_usd: float | None = None
    market_cap_usd: float | None = None
    market_cap_rank: int | None = None
    change_24h_pct: float | None = None
    circulating_supply: float | None = None
    max_supply: float | None = None
    galaxy_score: float | None = None
    alt_rank: int | None = None
    social_volume: float | None = None
    interactions: float | None = None
    sentiment_pct: float | None = None
    priced_at: int | None = None


class TopicRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What social networks had of a topic in the last 24 hours; percentages 0 to 100.

    votes_up_pct  share of the votes of a coin list's own users that are up
    faults        sentences about the answer as a whole, as in `Parsed`
    """

    source: str
    topic: str
    symbol: str = ""
    social_volume: float | None = None
    interactions: float | None = None
    sentiment_pct: float | None = None
    twitter_volume: float | None = None
    twitter_sentiment_pct: float | None = None
    reddit_volume: float | None = None
    reddit_sentiment_pct: float | None = None
    votes_up_pct: float | None = None
    faults: tuple[str, ...] = ()


class NewsRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A headline, plain text.

    url              without tracking parameters; empty where there is none
    tickers          the source's own list of coins, in capitals
    tags             words that the source filed it under: some are coins, most are not
    sentiment_label  positive, neutral or negative
    """

    source: str
    source_id: str
    headline: str
    summary: str | None = None
    url: str = ""
    publisher: str = ""
    published_at: int | None = None
    tickers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sentiment_label: str | None = None


class EventRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A scheduled event.

    coins      (slug, symbol) of each coin it is about; either may be empty, never both
    category   one of schemas.market.CATEGORIES
    starts_at  when it is due; of a date less exact than a minute, the last ms of the period
    precision  how exact the date is: minute, day, month, quarter, half or year
    deadline   it may come before `starts_at`, too
    impact, certainty  0 to 1, by the rules of `producers.upstreams.event_rules`
    """

    source: str
    source_id: str
    title: str
    coins: tuple[tuple[str, str], ...]
    category: str
    starts_at: int
    precision: str
    impact: float
    certainty: float
    deadline: bool = False
    url: str | None = None
    published_at: int | None = None
    cancelled: bool = False


class DetailRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The fundamentals of a coin, by the names of schemas.market.Fundamentals.

    votes_up_pct  share of the votes of the vendor's users that are up, 0 to 100
    faults        sentences about the answer as a whole, as in `Parsed`
    """

    source: str
    source_id: str
    symbol: str
    name: str
    updated_at: int | None = None
    market_cap_rank: int | None = None
    market_cap_usd: float | None = None
    circulating_supply: float | None = None
    max_supply: float | None = None
    volume_24h_usd: float | None = None
    github_commits_4w: float | None = None
    github_contributors: float | None = None
    github_stars: float | None = None
    github_forks: float | None = None
    github_merged_pull_requests: float | None = None
    github_issues_closed_pct: float | None = None
    twitter_followers: float | None = None
    reddit_subscribers: float | None = None
    telegram_members: float | None = None
    votes_up_pct: float | None = None
    faults: tuple[str, ...] = ()


class ChainRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What happened on an asset's chain, by the names of schemas.market.Fundamentals.

    values       the newest of each measure
    measured_at  by measure: the end of the 24 hours that it is of
    """

    source: str
    symbol: str
    values: dict[str, float]
    measured_at: dict[str, int]


class MoodRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The mood of the whole market: an index of 0 to 100, and since when it holds."""

    source: str
    value: float
    since: int


class Parsed(msgspec.Struct, Generic[T], frozen=True, gc=False):
    """The rows of a response.

    rows     in the answer's order
    skipped  a sentence for each part that could not be used
    pages    number of pages by the upstream; 1 where it gives none
    bare     a sentence for each row that lacks what such rows are asked for, as a price
    faults   sentences about the answer as a whole, such as fields that are gone
    notes    other sentences that a person should know
    """

    rows: tuple[T, ...] = ()
    skipped: tuple[str, ...] = ()
    pages: int = 1
    bare: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def problem(self) -> str:
        """Return why the answer is none, empty for one that is: fewer than a fifth can be used."""
        wrong = (*self.skipped, *self.bare)
        of = len(self.rows) + len(self.skipped)
        usable = of - len(wrong)
        if not wrong or usable >= LEAST_USABLE * of:
            return ""
        how_many = "none" if usable <= 0 else f"only {usable:,}"
        why = "; ".join((wrong[0], *self.faults))
        return f"{how_many} of {of:,} rows could be used: {why}"

    def remarks(self) -> tuple[str, ...]:
        """Return what a person should know although most of it can be used."""
        if not self.skipped:
            return (*self.faults, *self.notes)
        of = len(self.rows) + len(self.skipped)
        counted = f"{len(self.skipped):,} of {of:,} rows skipped: {self.skipped[0]}"
        return (*self.faults, counted, *self.notes)
