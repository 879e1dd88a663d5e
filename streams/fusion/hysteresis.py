"""Steadies the action of the thresholds: an action that comes and goes with noise costs fees.

    band          BUY stays until final <= buy threshold - band, or < sell threshold
                  SELL stays until final >= sell threshold + band, or > buy threshold
    confirmation  another action replaces it only after it stood for so long without a break
    minimum hold  and not before so long after the last change of the action

All times are event time. The first action of a strategy in an asset is taken at once. Stops,
targets, age, exit rules and event risk wait for nothing. An entry rule neither, but for this: after
a SELL it waits for the minimum hold, or the price that hit a stop would be bought again at once.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.signals import TracePart
from schemas.times import MINUTE_MS
from streams.fusion.position import number
from streams.fusion.state import Pinned
from streams.rules import truth_word

_DIGITS = 12  # of a score at which an action ends


class Steadied(NamedTuple):
    """An action, what kept it from being the one of the thresholds, and which one waits since when.

    waiting "": none waits, `waiting_ms` is then 0.
    """

    action: str
    override: str | None
    waiting: str
    waiting_ms: int


def steadied(pinned: Pinned, final_score: float, fused: str, now_ms: int) -> Steadied:
    """Return the action in place of `fused`, that of the thresholds at `final_score`."""
    action = pinned.action
    if fused == action or not action:
        return Steadied(fused, None, "", 0)
    if in_band(pinned, final_score):
        return Steadied(action, "band", "", 0)
    since_ms = pinned.waiting_ms if pinned.waiting == fused else now_ms
    if now_ms - since_ms < pinned.strategy.confirmation_minutes * MINUTE_MS:
        return Steadied(action, "confirmation", fused, since_ms)
    if is_held(pinned, now_ms):
        return Steadied(action, "minimum_hold", fused, since_ms)
    return Steadied(fused, None, "", 0)


def in_band(pinned: Pinned, final_score: float) -> bool:
    """Say whether the score has not fallen back by the band behind the threshold it had passed.

    Beyond the other threshold no band reaches, however wide.
    """
    strategy = pinned.strategy
    if pinned.action == "BUY":
        return final_score > _edge(pinned) and final_score >= strategy.sell_threshold
    if pinned.action == "SELL":
        return final_score < _edge(pinned) and final_score <= strategy.buy_threshold
    return False


def _edge(pinned: Pinned) -> float:
    """Return the score at which a BUY or SELL ends; as people reckon: 0.3 - 0.1 is 0.2."""
    strategy = pinned.strategy
    if pinned.action == "BUY":
        return round(strategy.buy_threshold - strategy.band, _DIGITS)
    return round(strategy.sell_threshold + strategy.band, _DIGITS)


def _end(pinned: Pinned) -> str:
    """Return in words where a BUY or SELL ends."""
    strategy, edge = pinned.strategy, _edge(pinned)
    if pinned.action == "BUY":
        other, is_nearer = strategy.sell_threshold, edge < strategy.sell_threshold
        sign = "<" if is_nearer else "<="
    else:
        other, is_nearer = strategy.buy_threshold, edge > strategy.buy_threshold
        sign = ">" if is_nearer else ">="
    return f"{pinned.action} ends at FINAL_SCORE {sign} {number(other if is_nearer else edge)}"


def is_held(pinned: Pinned, now_ms: int) -> bool:
    """Say whether the action is younger than the minimum hold."""
    return now_ms - pinned.since_ms < pinned.strategy.minimum_hold_minutes * MINUTE_MS


def trace(pinned: Pinned, final_score: float, fused: str, now_ms: int) -> list[TracePart]:
    """Return what `steadied` asked, in its order, as far as it asked; true lets `fused` through."""
    found = steadied(pinned, final_score, fused, now_ms)
    strategy, action = pinned.strategy, pinned.action
    if fused == action or not action:
        return []
    parts = []
    if strategy.band > 0.0 and action in {"BUY", "SELL"}:
        ended = truth_word(found.override != "band")
        parts.append(TracePart("band", _end(pinned), ended, f"FINAL_SCORE {number(final_score)}"))
        if found.override == "band":
            return parts
    if strategy.confirmation_minutes > 0.0:
        since_ms = pinned.waiting_ms if pinned.waiting == fused else now_ms
        part = f"{fused} for {number(strategy.confirmation_minutes)} minutes"
        stood = f"for {number((now_ms - since_ms) / MINUTE_MS)} minutes"
        parts.append(
            TracePart("confirmation", part, truth_word(found.override != "confirmation"), stood)
        )
        if found.override == "confirmation":
            return parts
    return [*parts, *hold_trace(pinned, now_ms)]


def hold_trace(pinned: Pinned, now_ms: int) -> list[TracePart]:
    """Return whether the action has been held for the minimum; nothing where there is none."""
    minutes = pinned.strategy.minimum_hold_minutes
    if minutes <= 0.0:
        return []
    part = f"{pinned.action} for {number(minutes)} minutes"
    stood = f"for {number((now_ms - pinned.since_ms) / MINUTE_MS)} minutes"
    return [TracePart("minimum_hold", part, truth_word(not is_held(pinned, now_ms)), stood)]
