"""Spreads the few requests that an upstream allows over the day and over the assets; pure."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from schemas.times import DAY_MS, HOUR_MS

LAST_TO_FIRST = 4.0
"""How many times as long the last-ranked asset waits as the first."""

NEW_AGE_MS = 6 * HOUR_MS
"""An asset that was never fetched counts as so much older than it has been listed."""

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_MOST_AHEAD = 2.0  # after hours of silence not all that was saved is spent at once


def chosen(
    assets: Sequence[str],
    fetched_at_ms: Mapping[str, int],
    requests: int,
    now_ms: int,
    listed_at_ms: Mapping[str, int] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Return which assets to fetch now, at most `requests`, the most urgent first.

    `assets` come in the order of their rank, `fetched_at_ms` says when each was last fetched.
    Urgent is who is old for its rank; equals go by rank. Who was never fetched is the first, but
    where `listed_at_ms` says since when it is among the assets, it competes by age: so that those
    who come and go in numbers cannot keep one that stays from its turn.
    """

    def urgency(place: int) -> tuple[float, int]:
        asset = assets[place]
        fetched_ms, listed_ms = fetched_at_ms.get(asset), listed_at_ms.get(asset)
        if fetched_ms is None and listed_ms is None:
            return -math.inf, place
        since_ms = (listed_ms or 0) - NEW_AGE_MS if fetched_ms is None else fetched_ms
        return -max(now_ms - since_ms, 0) / _patience(place, len(assets)), place

    order = sorted(range(len(assets)), key=urgency)
    return tuple(assets[place] for place in order[: max(requests, 0)])


def expected_refresh_s(rank: int, assets: int, requests_a_cycle: float, cadence_s: float) -> float:
    """Return how old the data of the asset at `rank` (from 0) of so many gets, seconds.

    `requests_a_cycle` may be a fraction. ValueError unless rank < assets and requests are above 0.
    """
    if not 0 <= rank < assets or not requests_a_cycle > 0.0:
        msg = f"no refresh of rank {rank} of {assets} at {requests_a_cycle} requests a cycle"
        raise ValueError(msg)
    if requests_a_cycle >= assets:
        return cadence_s
    return cadence_s * max(_cycles(assets, requests_a_cycle) * _patience(rank, assets), 1.0)


def _cycles(assets: int, requests: float) -> float:
    """Return the unit: an asset waits unit * patience cycles, and one cycle at least.

    Those who would wait less are fetched each cycle; the others share what is left.
    """
    unit = 0.0
    for every_cycle in range(assets):
        shares = sum(1.0 / _patience(place, assets) for place in range(every_cycle, assets))
        unit = shares / (requests - every_cycle)
        if unit * _patience(every_cycle, assets) >= 1.0:
            break
    return unit


def _patience(place: int, assets: int) -> float:
    """Return how long the asset at a place waits, as a multiple of the first one's wait."""
    return 1.0 + (LAST_TO_FIRST - 1.0) * place / max(assets - 1, 1)


def allowance(
    now_ms: int,
    used_day: int,
    per_day: int | None,
    cadence_s: float,
    reserved: int = 0,
    *,
    per_minute: int | None = None,
) -> int:
    """Return how many requests this cycle may make so that the UTC day's quota lasts the day.

    used_day   made today, for whatever
    per_day    allowed; None: as many as fit
    reserved   of the day's, for others of the same upstream that ask evenly over the day; those of
               this cycle have asked already
    per_minute allowed; a cycle's requests fit into its cadence

    Unused ones are spread over the rest of the day, at most twice the even share at once.
    """
    fits = sys.maxsize if per_minute is None else max(int(per_minute * cadence_s / 60.0), 1)
    if per_day is None:
        return fits
    cadence_ms = round(cadence_s * 1000)
    into_ms = now_ms % DAY_MS
    cycles = max(DAY_MS // cadence_ms, 1)
    left_cycles = max(-((into_ms - DAY_MS) // cadence_ms), 1)
    index = into_ms // cadence_ms
    kept = -(-reserved * (left_cycles - 1) // cycles)
    left = max(per_day - used_day - kept, 0)
    whole, rest = divmod(left, left_cycles)
    now = whole + (index * _GOLDEN % 1.0 < rest / left_cycles)  # spreads the rest evenly
    most = max(int(_MOST_AHEAD * (per_day - reserved) / cycles), 1)
    return max(min(now, most, fits), 0)
