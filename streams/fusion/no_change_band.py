"""How far one engine's score may move before the action of any strategy turns.

While one engine speaks and the others are silent, a strategy's sum moves with that one score alone:
its action stays until the sum passes a threshold. Once these bounds are known, a reading between
them needs no weighing.
"""

from __future__ import annotations

from math import inf
from operator import mul

import msgspec

from schemas.control import Strategy
from streams.fusion.decision import EVENT_RISK, View, view
from streams.fusion.state import FusionState

_ROUNDING = 1e-9
"""What a sum of weights may be wrong by, many times over: so near a threshold nobody is calm."""


class Calm(msgspec.Struct, frozen=True, gc=False):
    """Scores strictly between `low` and `high` of engine `index` turn nothing until `until_ms`.

    That holds as long as no other engine speaks, and for scores that count (freshness above 0).
    `until_ms` is included: after it another engine is stale.
    """

    index: int
    low: float
    high: float
    until_ms: float


def calm_of(state: FusionState, index: int, stale_after_ms: int) -> Calm | None:
    """Return where an engine that spoke last may move; None where nothing can be said.

    Rules may look at anything, and the event risk has a floor of its own: then it is None.
    """
    held = state.held[index]
    if held is None or held.as_of != state.clock_ms or index == EVENT_RISK:
        return None
    if not state.pinned:
        return Calm(index, -inf, inf, inf)
    seen = view(state.held, state.clock_ms, stale_after_ms)
    others = [*seen.values[:index], 0.0, *seen.values[index + 1 :]]
    is_risky = seen.usable[EVENT_RISK]
    low, high = -inf, inf
    for one in state.pinned:
        strategy, weights = one.strategy, one.weights
        weight = weights[index]
        if strategy.entry_rule is not None or strategy.exit_rule is not None or weight < 0.0:
            return None
        if is_risky and others[EVENT_RISK] < strategy.event_risk_floor:
            if one.action != "HOLD":
                return None
            continue
        base = sum(map(mul, weights, others))
        margin = _ROUNDING * (1.0 + sum(weights))
        lowest, highest = _sums(strategy, one.action)
        lowest, highest = lowest - base + margin, highest - base - margin
        if weight == 0.0:
            if not lowest < 0.0 < highest:
                return None
            continue
        low, high = max(low, lowest / weight), min(high, highest / weight)
    return Calm(index, low, high, _oldest_ms(state, seen, index) + stale_after_ms)


def _sums(strategy: Strategy, action: str) -> tuple[float, float]:
    """Return the sums between which the thresholds give an action."""
    if action == "BUY":
        return strategy.buy_threshold, inf
    if action == "SELL":
        return -inf, strategy.sell_threshold
    return strategy.sell_threshold, strategy.buy_threshold


def _oldest_ms(state: FusionState, seen: View, index: int) -> float:
    """Return when the first of the other engines that count has spoken; infinity: none counts."""
    spoken = [
        one.as_of
        for place, one in enumerate(state.held)
        if seen.usable[place] and place != index and one is not None
    ]
    return min(spoken, default=inf)
