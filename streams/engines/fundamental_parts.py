"""What the parts of the fundamental score are made of: constants, fields, and their ages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log1p, tanh
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.times import DAY_MS, HOUR_MS
from streams.constants import Positive
from streams.engines.base import clamp

_COMMUNITY = ("twitter_followers", "reddit_subscribers", "telegram_members")
GROWING = {*_COMMUNITY, "transactions_24h", "active_addresses_24h", "hash_rate"}
PARTS = (
    "market_cap_rank",
    "volume_trend",
    "turnover",
    "github_activity",
    "developer_engagement",
    "community_growth",
    "transactions",
    "active_addresses",
    "hash_rate",
)
"""Names of the sub-scores, also those of the features."""
_FIELDS_OF = {
    "market_cap_rank": ("market_cap_rank",),
    "volume_trend": ("volume_30d_avg_usd",),
    "github_activity": ("github_commits_4w", "github_merged_pull_requests"),
    "developer_engagement": (
        *("github_contributors", "github_stars", "github_forks", "github_issues_closed_pct"),
    ),
    "community_growth": _COMMUNITY,
    "transactions": ("transactions_24h",),
    "active_addresses": ("active_addresses_24h",),
    "hash_rate": ("hash_rate",),
}
"""The fields whose age is a part's."""
MINED = (
    *("BTC", "BCH", "BSV", "XEC", "LTC", "DOGE", "ETC", "ETHW", "XMR", "ZEC", "DASH", "DCR"),
    *("KAS", "RVN", "DGB", "CKB", "ERG", "CFX", "ALPH"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the fundamental engine. `*_full` is the count at which a part reaches 1."""

    rank_last: Annotated[float, Meta(gt=1.0, le=1e6)] = 1000.0
    """Rank that gives 0: beyond it nothing is traded in size."""
    turnover_half: Positive = 0.05
    """Daily volume over market cap that gives 0.5: about the median of the top 100."""
    commits_full: Positive = 400.0
    """Commits in 4 weeks; Bitcoin and Ethereum clients have 150 to 400."""
    pull_requests_full: Positive = 20_000.0
    """Merged pull requests so far; Bitcoin Core has some 12,000, the largest 20,000."""
    contributors_full: Positive = 1_000.0
    """Contributors; Bitcoin Core has about 900."""
    stars_full: Positive = 80_000.0
    """Stars; Bitcoin Core has about 80,000, the most of all chains."""
    forks_full: Positive = 40_000.0
    """Forks; Bitcoin Core has about 37,000."""
    transactions_full: Positive = 10_000_000.0
    """Transactions a day; between Ethereum (1 million) and the fastest chains (50 million)."""
    addresses_full: Positive = 2_000_000.0
    """Active addresses a day; Bitcoin and Ethereum have 0.5 to 1 million."""
    community_scale: Positive = 0.02
    """ln(now / baseline) that gives 0.73: followers grow by some 1 % a week in good times."""
    chain_scale: Positive = 0.20
    """The same for transactions, addresses and hash rate: 20 % above normal is much."""
    baseline_half_life_ms: Positive = 7 * DAY_MS
    """Age at which an observation counts half in a baseline: a week has every weekday once."""
    fresh_ms: Positive = 2 * HOUR_MS
    """Full freshness up to this age: one hourly record may be missed."""
    stale_ms: Positive = 24 * HOUR_MS
    """No freshness from this age on; a field that was not given for so long is forgotten."""
    old_ms: Positive = 36 * HOUR_MS
    """A part whose newest measure is older is named as old: figures of a day come when it is over,
    some hours late."""
    forget_ms: Positive = 8 * DAY_MS
    """A field that was measured so long ago counts no more: details of a coin come once in some
    days."""
    mined: tuple[str, ...] = MINED
    """Assets that can have a hash rate: secured by proof of work."""


class Point(msgspec.Struct, frozen=True, gc=False):
    """The last value of a field, and the log baseline from before it (None: none yet).

    measured_at  when the value is of; 0: of observed_at
    """

    value: float
    observed_at: int
    source: str
    baseline: float | None = None
    measured_at: int = 0


def can_have(config: Config, asset: str, part: str) -> bool:
    """Return whether an asset can have a part: any can, but for a hash rate it must be mined.

    Of an asset not yet known ("") nothing is ruled out.
    """
    return part != "hash_rate" or not asset or asset in config.mined


def measured_at(point: Point) -> int:
    """Return when a value is of, ms."""
    return point.measured_at or point.observed_at


class Facts:
    """The fields that still count at one moment, and the parts made of them."""

    def __init__(
        self,
        config: Config,
        points: Mapping[str, Point],
        volume_usd: float | None,
        cap_usd: float | None,
        now: int,
    ) -> None:
        self.config = config
        self.points = {
            name: point
            for name, point in points.items()
            if now - point.observed_at < config.stale_ms
            and now - measured_at(point) < config.forget_ms
        }
        self.now = now
        self.volume = self._value("volume_24h_usd", volume_usd)
        self.cap = self._value("market_cap_usd", cap_usd)

    def parts(self) -> dict[str, float]:
        """Return the parts that are present, by name, each in [0, 1]."""
        config = self.config
        found = {
            "market_cap_rank": self._rank(),
            "volume_trend": self._volume_trend(),
            "turnover": self._turnover(),
            "github_activity": _mean(
                self._full("github_commits_4w", config.commits_full),
                self._full("github_merged_pull_requests", config.pull_requests_full),
            ),
            "developer_engagement": _mean(
                self._full("github_contributors", config.contributors_full),
                self._full("github_stars", config.stars_full),
                self._full("github_forks", config.forks_full),
                self._closed_issues(),
            ),
            "community_growth": _mean(
                *(self._growth(name, config.community_scale) for name in _COMMUNITY)
            ),
            "transactions": _mean(
                self._full("transactions_24h", config.transactions_full),
                self._growth("transactions_24h", config.chain_scale),
            ),
            "active_addresses": _mean(
                self._full("active_addresses_24h", config.addresses_full),
                self._growth("active_addresses_24h", config.chain_scale),
            ),
            "hash_rate": self._growth("hash_rate", config.chain_scale),
        }
        return {name: value for name, value in found.items() if value is not None}

    def old(self) -> dict[str, int]:
        """Return the age in ms of the parts of which no measure is young enough."""
        ages = {}
        for part, names in _FIELDS_OF.items():
            measured = [measured_at(self.points[name]) for name in names if name in self.points]
            if measured and self.now - max(measured) > self.config.old_ms:
                ages[part] = self.now - max(measured)
        return ages

    def _value(self, name: str, other: float | None = None) -> float | None:
        point = self.points.get(name)
        return point.value if point is not None else other

    def _rank(self) -> float | None:
        rank = self._value("market_cap_rank")
        if rank is None:
            return None
        return clamp(1.0 - log(max(rank, 1.0)) / log(self.config.rank_last), 0.0)

    def _volume_trend(self) -> float | None:
        usual = self._value("volume_30d_avg_usd")
        if self.volume is None or not usual:
            return None
        return _saturated(self.volume, usual)

    def _turnover(self) -> float | None:
        if self.volume is None or not self.cap:
            return None
        return _saturated(self.volume, self.config.turnover_half * self.cap)

    def _closed_issues(self) -> float | None:
        closed_pct = self._value("github_issues_closed_pct")
        return None if closed_pct is None else clamp(closed_pct / 100.0, 0.0)

    def _full(self, name: str, full: float) -> float | None:
        value = self._value(name)
        return None if value is None else min(1.0, log1p(value) / log1p(full))

    def _growth(self, name: str, scale: float) -> float | None:
        point = self.points.get(name)
        if point is None or point.baseline is None:
            return None
        return 0.5 + 0.5 * tanh((log1p(point.value) - point.baseline) / scale / 2.0)


def _saturated(value: float, half: float) -> float:
    """Return value / (value + half), 0 for 0, where the sum may be more than a float holds."""
    return 1.0 / (1.0 + half / value) if value > 0.0 else 0.0


def _mean(*values: float | None) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
