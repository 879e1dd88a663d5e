"""Trades by what they have in common, and which engine they are owed to. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from math import fsum

from msgspec.structs import replace

from schemas.signals import Contribution
from schemas.times import DAY_MS, HOUR_MS
from streams.backtest.contents import EnginePart, Group
from streams.backtest.metrics import mean
from streams.backtest.round_trips import RoundTrip
from streams.backtest.run_data import Bar, Prices

REGIME_DAYS = 30
REGIME_PCT = 10.0
"""An asset is up that rose by more than this in the 30 days before, down where it fell by more."""
_STALE_MS = 2 * DAY_MS
RULE, UNKNOWN = "rule", "unknown"


def with_regimes(trips: Sequence[RoundTrip], prices: Mapping[str, Prices]) -> tuple[RoundTrip, ...]:
    """Return the trips with the regime of their asset at their entry."""
    ends = {asset: [bar.at_ms for bar in one.daily] for asset, one in prices.items()}
    none = Prices()
    return tuple(
        replace(
            trip,
            regime=regime(
                prices.get(trip.asset, none).daily, ends.get(trip.asset, []), trip.entered_at
            ),
        )
        for trip in trips
    )


def regime(daily: Sequence[Bar], ends: Sequence[int], at_ms: int) -> str:
    """Return up, down or sideways by the 30 days before a moment; unknown without their closes.

    Only days that were over by then count; `ends` is when they were.
    """
    newest = bisect_right(ends, at_ms) - 1
    if newest < 0 or ends[newest] <= at_ms - _STALE_MS:
        return UNKNOWN
    begin_ms = ends[newest] - REGIME_DAYS * DAY_MS
    before = bisect_right(ends, begin_ms) - 1
    if before < 0 or ends[before] <= begin_ms - _STALE_MS or not daily[before].close_usd > 0.0:
        return UNKNOWN
    change_pct = 100.0 * (daily[newest].close_usd / daily[before].close_usd - 1.0)
    if change_pct > REGIME_PCT:
        return "up"
    return "down" if change_pct < -REGIME_PCT else "sideways"


def by_asset(trips: Sequence[RoundTrip], holding_pct: Mapping[str, float]) -> tuple[Group, ...]:
    """Return a group an asset, those that were held and never traded too, by name."""
    found = {one.name: one for one in _groups(trips, lambda trip: trip.asset)}
    for asset, returned_pct in holding_pct.items():
        found[asset] = replace(found.get(asset, _group(asset, ())), holding_pct=returned_pct)
    return tuple(found[name] for name in sorted(found))


def by_regime(trips: Sequence[RoundTrip]) -> tuple[Group, ...]:
    """Return a group a regime, by name."""
    return _groups(trips, lambda trip: trip.regime)


def by_hour(trips: Sequence[RoundTrip]) -> tuple[Group, ...]:
    """Return a group an hour of the entry in UTC, `00` to `23`."""
    return _groups(trips, lambda trip: f"{trip.entered_at % DAY_MS // HOUR_MS:02d}")


def by_engine(
    trips: Sequence[RoundTrip], contributions: Mapping[str, Sequence[Contribution]]
) -> tuple[EnginePart, ...]:
    """Return the part of each engine in the profit, by name; the parts sum to it.

    An engine has `contribution / sum of contributions` of a trade's profit: one that spoke against
    the purchase is owed the opposite of what came of it.
    """
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for trip in trips:
        for engine, share in _shares(trip, contributions.get(trip.entry_signal_id, ())):
            parts[engine].append(share * trip.profit_usd)
    return tuple(EnginePart(name, len(parts[name]), fsum(parts[name])) for name in sorted(parts))


def _shares(
    trip: RoundTrip, contributions: Sequence[Contribution]
) -> tuple[tuple[str, float], ...]:
    if trip.entry_reason not in {"thresholds", ""}:
        return ((RULE, 1.0),)
    total = fsum(one.contribution for one in contributions)
    if not total > 0.0:
        return ((UNKNOWN, 1.0),)
    shares = ((one.engine, one.contribution / total) for one in contributions if one.contribution)
    return tuple(shares)


def _groups(trips: Sequence[RoundTrip], name_of: Callable[[RoundTrip], str]) -> tuple[Group, ...]:
    found: defaultdict[str, list[RoundTrip]] = defaultdict(list)
    for trip in trips:
        found[name_of(trip)].append(trip)
    return tuple(_group(name, found[name]) for name in sorted(found))


def _group(name: str, trips: Sequence[RoundTrip]) -> Group:
    won = sum(one.profit_usd > 0.0 for one in trips)
    return Group(
        name=name,
        trades=len(trips),
        won=won,
        win_rate_pct=100.0 * won / len(trips) if trips else None,
        profit_usd=fsum(one.profit_usd for one in trips),
        average_pct=mean([one.return_pct for one in trips]),
        average_hours=mean([one.hours for one in trips]),
    )
