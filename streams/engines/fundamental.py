"""Fundamental, 0 to 1: size, trade, code, community and chain of an asset.

Nine parts, each in [0, 1] and rising with what is good; the score is the mean of those present,
the confidence is their share. With L(x) = 1 / (1 + e^-x), full(x, top) = ln(1+x) / ln(1+top) held
in [0, 1], and growth(x) = L(ln(x / baseline) / scale):

    market_cap_rank        1 - ln(rank) / ln(1000)
    volume_trend           r / (1 + r), r = volume 24 h / its 30-day mean
    turnover               t / (t + 0.05), t = volume 24 h / market cap
    github_activity        mean of full(commits in 4 weeks), full(merged pull requests)
    developer_engagement   mean of full(contributors), full(stars), full(forks), issues closed
    community_growth       mean of growth(followers), growth(subscribers), growth(members)
    transactions           mean of full and growth
    active_addresses       mean of full and growth
    hash_rate              growth alone: hashes of different chains do not compare

A field counts for 24 hours after it was last given. It sticks with the source that gave it for as
long, so that two sources that count differently make no growth. A baseline is the exponential mean
of the logarithm, by event time, of what came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp2, log, log1p, tanh
from typing import Any

import msgspec

from schemas.market import MEASURES, Fundamentals, TrendingAsset
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import FUNDAMENTALS
from streams.engines.base import Engine, EngineReading, clamp, freshness

_COMMUNITY = ("twitter_followers", "reddit_subscribers", "telegram_members")
_GROWING = {*_COMMUNITY, "transactions_24h", "active_addresses_24h", "hash_rate"}
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


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the fundamental engine. `*_full` is the count at which a part reaches 1."""

    rank_last: float = 1000.0
    """Rank that gives 0: beyond it nothing is traded in size."""
    turnover_half: float = 0.05
    """Daily volume over market cap that gives 0.5: about the median of the top 100."""
    commits_full: float = 400.0
    """Commits in 4 weeks; Bitcoin and Ethereum clients have 150 to 400."""
    pull_requests_full: float = 20_000.0
    """Merged pull requests so far; Bitcoin Core has some 12,000, the largest 20,000."""
    contributors_full: float = 1_000.0
    """Contributors; Bitcoin Core has about 900."""
    stars_full: float = 80_000.0
    """Stars; Bitcoin Core has about 80,000, the most of all chains."""
    forks_full: float = 40_000.0
    """Forks; Bitcoin Core has about 37,000."""
    transactions_full: float = 10_000_000.0
    """Transactions a day; between Ethereum (1 million) and the fastest chains (50 million)."""
    addresses_full: float = 2_000_000.0
    """Active addresses a day; Bitcoin and Ethereum have 0.5 to 1 million."""
    community_scale: float = 0.02
    """ln(now / baseline) that gives 0.73: followers grow by some 1 % a week in good times."""
    chain_scale: float = 0.20
    """The same for transactions, addresses and hash rate: 20 % above normal is much."""
    baseline_half_life_ms: float = 7 * DAY_MS
    """Age at which an observation counts half in a baseline: a week has every weekday once."""
    fresh_ms: float = 2 * HOUR_MS
    """Full freshness up to this age: one hourly record may be missed."""
    stale_ms: float = 24 * HOUR_MS
    """No freshness from this age on; a field is forgotten then."""


class Point(msgspec.Struct, frozen=True, gc=False):
    """The last value of a field, and the log baseline from before it (None: none yet)."""

    value: float
    observed_at: int
    source: str
    baseline: float | None = None


class State(msgspec.Struct, frozen=True, gc=False):
    """The fields that were given, the newest record and the newest tick (0 and -1: none)."""

    points: dict[str, Point] = {}
    record_at: int = 0
    record_offset: int = -1
    tick_at: int = 0
    price_usd: float | None = None
    tick_volume_usd: float | None = None
    tick_market_cap_usd: float | None = None


def initial(config: Config) -> State:
    """Return the state of an asset never seen."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a fundamentals record or a tick; late and repeated ones change nothing."""
    if isinstance(event, Fundamentals):
        return _apply_record(config, state, event, offset)
    if isinstance(event, TrendingAsset) and event.observed_at > state.tick_at:
        return msgspec.structs.replace(
            state,
            tick_at=event.observed_at,
            price_usd=event.price_usd,
            tick_volume_usd=event.volume_24h_usd,
            tick_market_cap_usd=event.market_cap_usd,
        )
    return state


def _apply_record(config: Config, state: State, record: Fundamentals, offset: int) -> State:
    changed: dict[str, Point] = {}
    for name in MEASURES:
        value = getattr(record, name)
        if value is None:
            continue
        last = state.points.get(name)
        if last is not None and _is_refused(config, last, record):
            continue
        baseline = _baseline(config, last, record) if name in _GROWING else None
        changed[name] = Point(float(value), record.observed_at, record.source, baseline)
    if not changed:
        return state
    is_newest = record.observed_at >= state.record_at
    return msgspec.structs.replace(
        state,
        points={**state.points, **changed},
        record_at=max(state.record_at, record.observed_at),
        record_offset=offset if is_newest else state.record_offset,
    )


def _is_refused(config: Config, last: Point, record: Fundamentals) -> bool:
    """Return whether a field keeps its last value: a late record, or another source's."""
    age_ms = record.observed_at - last.observed_at
    return age_ms <= 0 or (record.source != last.source and age_ms < config.stale_ms)


def _baseline(config: Config, last: Point | None, record: Fundamentals) -> float | None:
    """Return the baseline before this record: the last one, moved towards the last value."""
    if last is None or last.source != record.source:
        return None
    value = log1p(last.value)
    if last.baseline is None:
        return value
    weight = exp2(-(record.observed_at - last.observed_at) / config.baseline_half_life_ms)
    return value + (last.baseline - value) * weight


class _Facts:
    """The fields that still count at one moment, and the parts made of them."""

    def __init__(self, config: Config, state: State, now: int) -> None:
        self.config = config
        self.points = {
            name: point
            for name, point in state.points.items()
            if now - point.observed_at < config.stale_ms
        }
        ticks = state.tick_at > 0 and now - state.tick_at < config.stale_ms
        self.volume = self._value("volume_24h_usd", state.tick_volume_usd if ticks else None)
        self.cap = self._value("market_cap_usd", state.tick_market_cap_usd if ticks else None)

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


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the reading at `now` (ms), or at the newest record seen if that is later."""
    now = max(now, state.record_at, state.tick_at)
    parts = _Facts(config, state, now).parts()
    has_record = state.record_offset >= 0 and now - state.record_at < config.stale_ms
    data_time = (state.record_at if has_record else state.tick_at) or None
    return EngineReading(
        score=clamp(sum(parts.values()) / len(parts), 0.0) if parts else 0.0,
        confidence=len(parts) / len(PARTS),
        freshness=freshness(
            None if data_time is None else now - data_time, config.fresh_ms, config.stale_ms
        ),
        data_time=data_time,
        price_usd=state.price_usd,
        features=parts,
        evidence=(state.record_offset,) if has_record else (),
        detail=_detail(parts, state, has_record),
    )


def _detail(parts: dict[str, float], state: State, has_record: bool) -> dict[str, str]:
    detail: dict[str, str] = {}
    if not has_record:
        detail["fundamentals"] = "no record yet" if state.record_offset < 0 else "none in 24 h"
    missing = [name for name in PARTS if name not in parts]
    if missing:
        detail["missing"] = ", ".join(missing)
    return detail


ENGINE = Engine(
    name="fundamental",
    topic=FUNDAMENTALS.name,
    config=Config(),
    state_type=State,
    initial=initial,
    update=update,
    read=read,
    min_change=0.01,
)
