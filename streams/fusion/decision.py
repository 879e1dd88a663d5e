"""From scores to an action: the weighted sum, the thresholds, and what overrides them.

    final  = sum(weight * score), in the order of the engines; a missing or stale one adds 0,
             but a risk whose calendar has fallen silent still counts
    action = BUY if final > buy threshold, SELL if final < sell threshold, else HOLD

Precedence (SPEC 3): a true exit rule -> SELL; else a true entry rule -> BUY; else the action above.
Event risk below the strategy's floor -> HOLD, which an exit rule lifts, and an entry rule only with
`entry_over_event_risk`. `override` names what decided instead of the thresholds.

Silence never lifts a risk: while the engine is missing or its score is too old, the last risk that
it said stands until the last risky date that it knew has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from typing import NamedTuple

import msgspec

from schemas.times import DAY_MS, HOUR_MS
from streams.engines.event_risk import RISK_ENDS_HOURS
from streams.fusion.state import ENGINE_INDEX, LatestScore, Pinned
from streams.rules import Rules

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
    """

    now_ms: int
    held: tuple[LatestScore | None, ...]
    usable: tuple[bool, ...]
    values: tuple[float, ...]
    risk: float | None = None
    known: LatestScore | None = None


class Choice(NamedTuple):
    """What a strategy chooses on the scores of one moment, and why."""

    final_score: float
    action: str
    fused_action: str
    override: str | None


_new = tuple.__new__  # half the time of Choice(...), which does the same


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
    if usable[EVENT_RISK]:
        return View(now_ms, held, tuple(usable), tuple(values), values[EVENT_RISK])
    if one is not None and one.as_of >= oldest_ms and not one.missing and one.score < 0.0:
        # The calendar is silent, and the dates that it gave are still ahead.
        usable[EVENT_RISK], values[EVENT_RISK] = True, one.score
        return View(now_ms, held, tuple(usable), tuple(values), one.score)
    known = last_risk if one is None or one.missing else one
    if known is None or not stands(known, now_ms):
        return View(now_ms, held, tuple(usable), tuple(values))
    return View(now_ms, held, tuple(usable), tuple(values), known.score, known)


def stands(one: LatestScore, now_ms: int) -> bool:
    """Return whether a score of event risk is a risk with a date still ahead."""
    return one.score < 0.0 and now_ms < risk_ends_ms(one)


def risk_ends_ms(one: LatestScore) -> int:
    """Return when the last risky date behind a score passes; the horizon where it names none."""
    hours = one.features.get(RISK_ENDS_HOURS)
    return one.as_of + (_HORIZON_MS if hours is None else round(hours * HOUR_MS))


def decide(pinned: Pinned, seen: View, rules: Rules) -> Choice:
    """Return what the strategy chooses at a view."""
    strategy = pinned.strategy
    final = sum(map(mul, pinned.weights, seen.values), 0.0)
    if final > strategy.buy_threshold:
        fused = "BUY"
    elif final < strategy.sell_threshold:
        fused = "SELL"
    else:
        fused = "HOLD"
    vetoed = seen.risk is not None and seen.risk < strategy.event_risk_floor
    if strategy.entry_rule is not None or strategy.exit_rule is not None:
        ruled = rules.override(strategy, RuleContext(seen, final))
        if ruled == "exit_rule":
            return _new(Choice, (final, "SELL", fused, ruled))
        if ruled == "entry_rule" and (not vetoed or strategy.entry_over_event_risk):
            return _new(Choice, (final, "BUY", fused, ruled))
    if vetoed:
        return _new(Choice, (final, "HOLD", fused, "event_risk"))
    return _new(Choice, (final, fused, fused, None))


def changed_actions(pinned: Sequence[Pinned], seen: View, rules: Rules) -> dict[int, Choice]:
    """Return the choices that turn a strategy's action into another, by place among `pinned`."""
    found = {}
    for place, one in enumerate(pinned):
        choice = decide(one, seen, rules)
        if choice.action != one.action:
            found[place] = choice
    return found


class RuleContext:
    """The values that a rule may name, looked up on demand: most name two or three of a hundred."""

    __slots__ = ("_final", "_seen")

    def __init__(self, seen: View, final_score: float) -> None:
        self._seen = seen
        self._final = final_score

    def __call__(self, name: str) -> float | None:
        """Return a feature, an engine's score, `price_usd` or `final_score`; None: not known."""
        seen = self._seen
        index = ENGINE_INDEX.get(name)
        if index == EVENT_RISK:
            return seen.risk
        if index is not None:
            return seen.values[index] if seen.usable[index] else None
        if name == "price_usd":
            return price_usd(seen)
        if name == "final_score":
            return self._final
        value = None
        for one, usable in zip(seen.held, seen.usable, strict=True):
            if usable and one is not None:
                value = one.features.get(name, value)
        return value


def price_usd(seen: View) -> float | None:
    """Return the newest price in USD; see `priced`. None: not known."""
    newest = priced(seen)
    return None if newest is None else newest.price_usd


def priced(seen: View) -> LatestScore | None:
    """Return the score with the newest price by `as_of`; ties in the order of `_PRICE_ORDER`.

    Engines that are missing or stale do not count: their price may be of last night.
    """
    newest: LatestScore | None = None
    for index in _PRICE_ORDER:
        one = seen.held[index]
        if one is None or one.price_usd is None or not seen.usable[index]:
            continue
        if newest is None or one.as_of > newest.as_of:
            newest = one
    return newest


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
