"""From scores to an action: the weighted sum, the thresholds, and what overrides them.

    final  = sum(weight * score), in the order of the engines; a missing or stale one adds 0,
             but a risk whose calendar has fallen silent still counts
    action = BUY if final > buy threshold, SELL if final < sell threshold, else HOLD

The first of these that holds decides, and `override` names it (SPEC 3):

1. stop_loss, trailing_stop, take_profit or max_age of the position -> SELL
2. exit_rule true -> SELL, whether there is a position or not
3. entry_rule true -> BUY, where the event risk is not below the floor or the strategy lets an entry
   lift that; after a SELL not before the minimum hold
4. event_risk below the floor -> HOLD
5. the thresholds' action, as hysteresis lets it through: band, confirmation, minimum_hold

A rule that names an unknown value is not true; one that cannot be read never is.
"""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from typing import NamedTuple

from msgspec.structs import replace

from schemas.signals import OpenPosition, TracePart
from streams.confidence.position_sizing import Config as Sizing
from streams.fusion import hysteresis, position
from streams.fusion.facts import Facts
from streams.fusion.position import number
from streams.fusion.state import Pinned
from streams.fusion.view import View
from streams.rules import CompiledRule, RuleError, compile_rule, truth_word

LEAVES = frozenset({"stop_loss", "trailing_stop", "take_profit", "max_age"})
"""Overrides by which a position is left, whatever the scores say."""


class Choice(NamedTuple):
    """What a strategy chooses on the scores of one moment, and why.

    waiting, waiting_ms  as in `Pinned`, after it
    facts                what its rules were asked of; None where none was asked
    """

    final_score: float
    action: str
    fused_action: str
    override: str | None
    waiting: str = ""
    waiting_ms: int = 0
    facts: Facts | None = None


_new = tuple.__new__  # half the time of Choice(...), which does the same


def choose(pinned: Pinned, seen: View, sizing: Sizing) -> Choice:
    """Return what the strategy chooses at a view."""
    strategy, holding = pinned.strategy, pinned.holding
    final = sum(map(mul, pinned.weights, seen.values), 0.0)
    fused = fused_action(pinned, final)
    if holding is not None:
        left = position.left_for(strategy, holding, seen.price_usd, seen.now_ms)
        if left is not None:
            return _new(Choice, (final, "SELL", fused, left, "", 0, None))
    vetoed = _vetoed(pinned, seen)
    facts = None
    if strategy.entry_rule is not None or strategy.exit_rule is not None:
        facts = Facts(pinned, seen, final, sizing)
        if _holds(strategy.exit_rule, strategy.timeframe, facts):
            return _new(Choice, (final, "SELL", fused, "exit_rule", "", 0, facts))
        may_enter = not vetoed or strategy.entry_over_event_risk
        if may_enter and _holds(strategy.entry_rule, strategy.timeframe, facts):
            if _cools(pinned, seen):
                return _new(Choice, (final, "SELL", fused, "minimum_hold", "", 0, facts))
            return _new(Choice, (final, "BUY", fused, "entry_rule", "", 0, facts))
    if vetoed:
        return _new(Choice, (final, "HOLD", fused, "event_risk", "", 0, facts))
    if fused == pinned.action:
        return _new(Choice, (final, fused, fused, None, "", 0, facts))
    action, override, waiting, since_ms = hysteresis.steadied(pinned, final, fused, seen.now_ms)
    return _new(Choice, (final, action, fused, override, waiting, since_ms, facts))


def fused_action(pinned: Pinned, final_score: float) -> str:
    """Return the action of the thresholds alone."""
    if final_score > pinned.strategy.buy_threshold:
        return "BUY"
    return "SELL" if final_score < pinned.strategy.sell_threshold else "HOLD"


def _vetoed(pinned: Pinned, seen: View) -> bool:
    return seen.risk is not None and seen.risk < pinned.strategy.event_risk_floor


def _cools(pinned: Pinned, seen: View) -> bool:
    """Say whether the last SELL is so new that no rule may enter again."""
    return pinned.action == "SELL" and hysteresis.is_held(pinned, seen.now_ms)


def _holds(text: str | None, timeframe: str, facts: Facts) -> bool:
    if text is None:
        return False
    rule = _read(text, timeframe)
    return not isinstance(rule, RuleError) and rule.truth(facts.__getitem__) is True


@lru_cache(16_384)
def _read(text: str, timeframe: str) -> CompiledRule | RuleError:
    """Return the compiled rule, or what is wrong with one from before rules were checked."""
    try:
        return compile_rule(text, timeframe)
    except RuleError as error:
        return error


def unwatched(pinned: Pinned, seen: View) -> Choice:
    """Return the last word of a strategy that does not watch the asset any more: it leaves it."""
    final = sum(map(mul, pinned.weights, seen.values), 0.0)
    action = "HOLD" if pinned.holding is None else "SELL"
    return Choice(final, action, fused_action(pinned, final), "unwatched")


def watched(pinned: Pinned, seen: View) -> Pinned:
    """Return the strategy after a price was seen; the same object if nothing moved."""
    holding, price_usd = pinned.holding, seen.price_usd
    if holding is None or price_usd is None or price_usd <= holding.highest_usd:
        return pinned
    return replace(pinned, holding=position.at_price(holding, price_usd))


def looked(pinned: Pinned, choice: Choice, seen: View) -> Pinned:
    """Return the strategy after a look on which nothing goes out; the same if nothing moved."""
    after = watched(pinned, seen)
    if choice.waiting == pinned.waiting and choice.waiting_ms == pinned.waiting_ms:
        return after
    return replace(after, waiting=choice.waiting, waiting_ms=choice.waiting_ms)


class Settled(NamedTuple):
    """Where a strategy stands after a decision went out, and what the decision says of it.

    shown    the position after it; of a SELL the one that it closes; None: none
    lacking  which levels the position that it enters lacks, for people
    """

    pinned: Pinned
    shown: OpenPosition | None
    lacking: dict[str, str]


def settled(
    pinned: Pinned, choice: Choice, seen: View, as_of: int, atr_usd: float | None
) -> Settled:
    """Return where the strategy stands after its decision of `as_of`: entered, in, left or out.

    A BUY enters where it is out and a price is known, at that price. `atr_usd` is ATR 14 of the
    strategy's timeframe.
    """
    action, price_usd, holding = choice.action, seen.price_usd, pinned.holding
    lacking: dict[str, str] = {}
    if holding is not None and price_usd is not None:
        holding = position.at_price(holding, price_usd)
    elif action == "BUY" and price_usd is not None and price_usd > 0.0:
        holding, lacking = position.enter(pinned.strategy, price_usd, as_of, atr_usd)
    since_ms = pinned.since_ms if action == pinned.action else seen.now_ms
    after = Pinned(
        pinned.strategy,
        pinned.offset,
        pinned.weights,
        action,
        since_ms,
        choice.waiting,
        choice.waiting_ms,
        None if action == "SELL" else holding,
    )
    return Settled(after, None if holding is None else position.open_position(holding), lacking)


def trace(pinned: Pinned, seen: View, choice: Choice, sizing: Sizing) -> tuple[TracePart, ...]:
    """Return the way to a choice, step by step: what was asked, as far as it was asked."""
    strategy, holding = pinned.strategy, watched(pinned, seen).holding
    parts = _thresholds(pinned, choice.final_score)
    if choice.override == "unwatched":
        part = f"{strategy.strategy_id} watches the asset"
        return (*parts, TracePart("unwatched", part, truth_word(False)))
    if holding is not None:
        parts += position.trace(strategy, holding, seen.price_usd, seen.now_ms)
        if choice.override in LEAVES:
            return tuple(parts)
    facts = choice.facts
    if facts is None:
        facts = Facts(pinned, seen, choice.final_score, sizing)
    parts += _rule("exit_rule", strategy.exit_rule, strategy.timeframe, facts)
    if choice.override == "exit_rule":
        return tuple(parts)
    floor = number(strategy.event_risk_floor)
    vetoed = None if seen.risk is None else _vetoed(pinned, seen)
    risk = f"EVENT_RISK {number(seen.risk)}"
    parts.append(TracePart("event_risk", f"EVENT_RISK < {floor}", truth_word(vetoed), risk))
    if not vetoed or strategy.entry_over_event_risk:
        entry = _rule("entry_rule", strategy.entry_rule, strategy.timeframe, facts)
        parts += entry
        if choice.override == "entry_rule":
            return tuple(parts)
        if entry and _holds(strategy.entry_rule, strategy.timeframe, facts):
            return (*parts, *hysteresis.hold_trace(pinned, seen.now_ms))
    if not vetoed:
        parts += hysteresis.trace(pinned, choice.final_score, choice.fused_action, seen.now_ms)
    return tuple(parts)


def _thresholds(pinned: Pinned, final: float) -> list[TracePart]:
    strategy, saw = pinned.strategy, f"FINAL_SCORE {number(final)}"
    buy, sell = strategy.buy_threshold, strategy.sell_threshold
    return [
        TracePart("thresholds", f"FINAL_SCORE > {number(buy)}", truth_word(final > buy), saw),
        TracePart("thresholds", f"FINAL_SCORE < {number(sell)}", truth_word(final < sell), saw),
    ]


def _rule(name: str, text: str | None, timeframe: str, facts: Facts) -> list[TracePart]:
    if text is None:
        return []
    rule = _read(text, timeframe)
    if isinstance(rule, RuleError):
        return [TracePart(name, text, truth_word(None), f"cannot be read: {rule}")]
    return list(rule.trace(facts.__getitem__, name))
