"""Where a strategy stood in the asset before a decision, as far as the decision itself says. Pure.

Fusion knows it of all the scores before; a decision has what came of it: the position, and what
kept the action. That is taken at its word here, and everything else follows from the records.
"""

from __future__ import annotations

from msgspec.structs import replace

from schemas.signals import Decision, OpenPosition, Signal, TracePart
from streams.confidence.position_sizing import Config as Sizing
from streams.fusion.choice import Choice, choose, unwatched
from streams.fusion.position import Holding
from streams.fusion.state import Pinned
from streams.fusion.view import View

_HYSTERESIS = frozenset({"band", "confirmation", "minimum_hold"})
_TRUE = "POSITION > -1"


def stood(pinned: Pinned, said: Decision | Signal, position: OpenPosition | None) -> Pinned:
    """Return the strategy with the action and the position that it had before a decision.

    `position` is the one that the decision shows. What kept an action began with it.
    """
    before = pinned
    if said.override in _HYSTERESIS:
        waiting = said.fused_action if said.override == "minimum_hold" else ""
        before = replace(before, action=said.action, since_ms=said.as_of, waiting=waiting)
    if position is None or (said.action == "BUY" and position.entered_at == said.as_of):
        return before
    price_usd = said.price_usd if isinstance(said, Decision) else said.entry_price_usd
    highest_usd = max(position.entry_price_usd, price_usd or 0.0)
    trailing_usd = position.trailing_stop_usd
    return replace(
        before,
        holding=Holding(
            position.entry_price_usd,
            position.entered_at,
            highest_usd,
            position.stop_loss_usd,
            position.take_profit_usd,
            None,
            None if trailing_usd is None else highest_usd - trailing_usd,
        ),
    )


def chosen(before: Pinned, seen: View, said: Decision | Signal, sizing: Sizing) -> Choice:
    """Return what the strategy chooses; that it does not watch the asset any more is believed."""
    if said.override == "unwatched":
        return unwatched(before, seen)
    return choose(before, seen, sizing)


def believed(pinned: Pinned, said: Signal) -> Pinned:
    """Return the strategy with the rule true that decided, and the others false.

    An entry rule shows in a SELL as well: one that only the minimum hold keeps.
    """
    strategy = pinned.strategy
    kept = said.override == "minimum_hold" and said.fused_action == said.action == "SELL"
    entered, left = said.override == "entry_rule" or kept, said.override == "exit_rule"
    return replace(
        pinned,
        strategy=replace(
            strategy,
            entry_rule=_TRUE if entered and strategy.entry_rule is not None else None,
            exit_rule=_TRUE if left and strategy.exit_rule is not None else None,
        ),
    )


def reproducible(trace: tuple[TracePart, ...]) -> tuple[TracePart, ...]:
    """Return the steps that the records give again: those of hysteresis tell of times before."""
    return tuple(one for one in trace if one.rule not in _HYSTERESIS)
