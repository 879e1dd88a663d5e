"""The engines of an asset as they count at one moment.

A missing or stale engine counts 0. Silence never lifts a risk: while the engine is missing or its
score is too old, the last risk that it said stands until the last risky date that it knew has
passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import mul

import msgspec

from schemas.times import DAY_MS, HOUR_MS
from streams.engines.event_risk import RISK_ENDS_HOURS
from streams.fusion.state import ENGINE_INDEX, LatestScore, Pinned

EVENT_RISK = ENGINE_INDEX["event_risk"]
_HORIZON_MS = 30 * DAY_MS  # no date further ahead was counted
# Which price to take among equally new ones: the book's mid, the last candle's close, the ticks'.
_PRICE_ORDER = tuple(
    ENGINE_INDEX[engine] for engine in dict.fromkeys(("liquidity", "technical", *ENGINE_INDEX))
)


class View(msgspec.Struct, frozen=True, gc=False):
    """The engines as they count at one moment.

    now_ms  the moment
    held    as in the state
    usable  whether an engine counts: neither missing nor stale
    values  its score, 0 where it does not count
    risk    the event risk, the last one known where the engine does not count; None: none known
    known   the score that such a last risk is of, None where the engine itself counts
    newest  the score with the newest price; None: no price is known
    """

    now_ms: int
    held: tuple[LatestScore | None, ...]
    usable: tuple[bool, ...]
    values: tuple[float, ...]
    risk: float | None = None
    known: LatestScore | None = None
    newest: LatestScore | None = None

    @property
    def price_usd(self) -> float | None:
        """The newest price in USD; None: not known."""
        return None if self.newest is None else self.newest.price_usd


def view(
    held: tuple[LatestScore | None, ...],
    now_ms: int,
    stale_after_ms: int,
    last_risk: LatestScore | None = None,
) -> View:
    """Look at the engines at a moment: which ones count, and with what.

    `last_risk` is the last score of event risk before it went missing.
    """
    oldest_ms = now_ms - stale_after_ms
    usable = []
    values = []
    for one in held:
        if one is None or one.as_of < oldest_ms or one.missing or one.freshness <= 0.0:
            usable.append(False)
            values.append(0.0)
        else:
            usable.append(True)
            values.append(one.score)
    one = held[EVENT_RISK]
    risk: float | None = None
    known: LatestScore | None = None
    if usable[EVENT_RISK]:
        risk = values[EVENT_RISK]
    elif one is not None and one.as_of >= oldest_ms and not one.missing and one.score < 0.0:
        # The calendar is silent, and the dates that it gave are still ahead.
        usable[EVENT_RISK], values[EVENT_RISK] = True, one.score
        risk = one.score
    else:
        last = last_risk if one is None or one.missing else one
        if last is not None and stands(last, now_ms):
            risk, known = last.score, last
    newest = _priced(held, usable)
    return View(now_ms, held, tuple(usable), tuple(values), risk, known, newest)


def _priced(held: tuple[LatestScore | None, ...], usable: Sequence[bool]) -> LatestScore | None:
    """Return the score whose price was seen last; ties in the order of `_PRICE_ORDER`.

    A headline makes a new score with the price of the last tick: not with a newer price. Engines
    that are missing or stale do not count: their price may be of last night.
    """
    newest: LatestScore | None = None
    for index in _PRICE_ORDER:
        one = held[index]
        if one is None or one.price_usd is None or not usable[index]:
            continue
        if newest is None or one.price_at > newest.price_at:
            newest = one
    return newest


def stands(one: LatestScore, now_ms: int) -> bool:
    """Return whether a score of event risk is a risk with a date still ahead."""
    return one.score < 0.0 and now_ms < risk_ends_ms(one)


def risk_ends_ms(one: LatestScore) -> int:
    """Return when the last risky date behind a score passes; the horizon where it names none."""
    hours = one.features.get(RISK_ENDS_HOURS)
    return one.as_of + (_HORIZON_MS if hours is None else round(hours * HOUR_MS))


def features(seen: View) -> dict[str, float]:
    """Return the features of the engines that count, by name; a later engine's wins a tie."""
    merged: dict[str, float] = {}
    for one, usable in zip(seen.held, seen.usable, strict=True):
        if usable and one is not None:
            merged |= one.features
    return {name: merged[name] for name in _in_order(tuple(merged))}


@lru_cache(4096)  # the same names moment after moment: sorting them was half of the time
def _in_order(names: tuple[str, ...]) -> list[str]:
    return sorted(names)


def freshness(seen: View) -> tuple[float, ...]:
    """Return each engine's freshness, 0 where it does not count."""
    return tuple(
        [
            one.freshness if usable and one is not None else 0.0
            for one, usable in zip(seen.held, seen.usable, strict=True)
        ]
    )


def data_freshness(pinned: Pinned, fresh: tuple[float, ...]) -> float:
    """Return the engines' freshness by the strategy's weights, 0 to 1; one that is out has 0."""
    total = sum(pinned.weights, 0.0)
    return sum(map(mul, pinned.weights, fresh), 0.0) / total if total > 0.0 else 0.0
