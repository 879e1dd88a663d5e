"""Scheduled events: when they are announced, how sure they are, and how they turn out.

An asset has at most one event a week. All about it follows from seed, asset and week, so nothing
has to be remembered: the same week is asked for again whenever it is needed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from marketdata.simulated.assets import Asset
from schemas.market import CalendarEvent
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

SOURCE = "simulated"
HEARTBEAT_TITLE = "calendar checked"
_WEEK_MS = 7 * DAY_MS
_HORIZON_MS = 30 * DAY_MS
_MOST_CERTAIN = 0.97
_SHOCK_VOLS = 7.0


class _Kind(NamedTuple):
    category: str
    title: str
    weight: float
    impact: tuple[float, float]
    goes_well: float  # chance that the price rises


_KINDS = (
    _Kind("upgrade", "{name} network upgrade", 22, (0.3, 0.7), 0.65),
    _Kind("hard_fork", "{name} hard fork", 8, (0.5, 0.95), 0.45),
    _Kind("unlock", "{name} token unlock for early investors", 18, (0.4, 0.9), 0.22),
    _Kind("partnership", "{name} partnership announcement", 14, (0.2, 0.6), 0.80),
    _Kind("conference", "{name} developer conference", 14, (0.1, 0.3), 0.60),
    _Kind("listing", "{symbol} listing on a large exchange", 12, (0.4, 0.8), 0.85),
    _Kind("delisting", "{symbol} delisting from an exchange", 5, (0.5, 0.9), 0.05),
    _Kind("burn", "{name} token burn", 4, (0.2, 0.5), 0.75),
    _Kind("airdrop", "{name} airdrop to holders", 3, (0.2, 0.5), 0.55),
)


class Planned(NamedTuple):
    """A scheduled event with its outcome. Times in ms; `shock` is the log return it causes."""

    event_id: str
    kind: _Kind
    announced_at: int
    starts_at: int
    cancelled_at: int | None
    impact: float
    first_certainty: float
    shock: float

    def certainty(self, now_ms: int) -> float:
        """Return how sure it is, growing day by day up to 0.97."""
        days = (now_ms - self.announced_at) // DAY_MS
        all_days = max(1, (self.starts_at - self.announced_at) // DAY_MS)
        gained = (_MOST_CERTAIN - self.first_certainty) * max(0.0, min(1.0, days / all_days))
        return round(self.first_certainty + gained, 2)


def planned(seed: int, asset: Asset, from_ms: int, to_ms: int) -> Iterator[Planned]:
    """Yield the asset's events that start in [from_ms, to_ms), cancelled ones too, by time."""
    for week in range(from_ms // _WEEK_MS, (to_ms - 1) // _WEEK_MS + 1):
        event = _of_week(seed, asset, week)
        if event is not None and from_ms <= event.starts_at < to_ms:
            yield event


def _of_week(seed: int, asset: Asset, week: int) -> Planned | None:
    rng = random.Random(f"{seed}:{asset.symbol}:agenda:{week}")
    if rng.random() < 0.45:
        return None
    kind = rng.choices(_KINDS, [kind.weight for kind in _KINDS])[0]
    starts_at = week * _WEEK_MS + rng.randrange(_WEEK_MS // MINUTE_MS) * MINUTE_MS
    announced_at = starts_at - rng.randrange(3 * 24, 28 * 24) * HOUR_MS
    cancelled_at = None
    if rng.random() < 0.07:
        cancelled_at = starts_at - rng.randrange(1, 48) * HOUR_MS
    impact = round(rng.uniform(*kind.impact), 2)
    direction = 1.0 if rng.random() < kind.goes_well else -1.0
    return Planned(
        event_id=f"{asset.symbol}:{kind.category}:{week}",
        kind=kind,
        announced_at=announced_at,
        starts_at=starts_at,
        cancelled_at=cancelled_at,
        impact=impact,
        first_certainty=round(rng.uniform(0.35, 0.85), 2),
        shock=direction * impact * _SHOCK_VOLS * asset.hourly_vol * rng.uniform(0.6, 1.4),
    )


def shocks(seed: int, asset: Asset, from_ms: int, to_ms: int) -> Iterator[Planned]:
    """Yield the events that do take place in [from_ms, to_ms)."""
    return (event for event in planned(seed, asset, from_ms, to_ms) if event.cancelled_at is None)


def calendar(
    seed: int, asset: Asset, now_ms: int, observed_at: int, *, everything: bool
) -> list[CalendarEvent]:
    """Return what an hourly look at the calendar publishes about an asset.

    First a heartbeat, then what is news since the hour before: events announced, events called
    off, and once a day, at midnight UTC, all that is ahead, because it has become more certain.
    `everything`: all that is ahead, as at a start.
    """
    records = [_heartbeat(asset, now_ms, observed_at)]
    midnight = now_ms % DAY_MS == 0
    for event in planned(seed, asset, now_ms, now_ms + _HORIZON_MS):
        off = event.cancelled_at
        if event.announced_at > now_ms or (off is not None and off <= now_ms - HOUR_MS):
            continue
        fresh = event.announced_at > now_ms - HOUR_MS or (off is not None and off <= now_ms)
        if everything or midnight or fresh:
            records.append(_record(asset, event, now_ms, observed_at))
    return sorted(records, key=lambda record: record.source_id)


def _heartbeat(asset: Asset, now_ms: int, observed_at: int) -> CalendarEvent:
    return CalendarEvent(
        asset=asset.symbol,
        event_time=now_ms,
        observed_at=observed_at,
        source=SOURCE,
        source_id=f"{asset.symbol}:checked",
        title=HEARTBEAT_TITLE,
        category="other",
        starts_at=now_ms,
        impact=0.0,
        certainty=1.0,
    )


def _record(asset: Asset, event: Planned, now_ms: int, observed_at: int) -> CalendarEvent:
    off = event.cancelled_at
    return CalendarEvent(
        asset=asset.symbol,
        event_time=event.announced_at,
        observed_at=observed_at,
        published_at=event.announced_at,
        source=SOURCE,
        source_id=event.event_id,
        title=event.kind.title.format(name=asset.name, symbol=asset.symbol),
        category=event.kind.category,
        starts_at=event.starts_at,
        impact=event.impact,
        certainty=event.certainty(now_ms),
        url=f"https://calendar.example/{event.event_id.replace(':', '/')}",
        cancelled=off is not None and off <= now_ms,
    )
