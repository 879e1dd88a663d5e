"""Whether a signal is what its parts make of it. Pure.

    sum       weight * score is each contribution, and they add up to the final score
    action    thresholds, event risk and the strategy's rules lead to the action
    records   made again from the records in the log, decision and signal are the same in every
              field
    trade     one of the signal, at a price that was seen, with the costs that it names

The last two ask the functions that fusion and the confidence agent decide with; nothing of them is
written twice.
"""

from __future__ import annotations

from math import isclose
from typing import Any

import msgspec

from schemas.engines import ENGINES
from schemas.scores import InputPosition
from schemas.signals import Contribution, Decision, PortfolioTrade, Signal
from schemas.topics import REQUESTS, STRATEGIES
from streams.confidence.confidence_stage import ConfidenceStage, make_signal
from streams.confidence.position_sizing import (
    PURCHASE_TERMS,
    Config,
    Sizing,
    conviction,
    multiplier,
    wanted_usd,
)
from streams.fusion.choice import settled
from streams.fusion.decision_builder import Trigger, build, moment
from streams.fusion.fusion_stage import FusionStage
from streams.fusion.state import LatestScore, latest_missing, latest_score, pin
from streams.fusion.view import EVENT_RISK, View, stands, view
from streams.provenance.standing import believed, chosen, reproducible, stood
from streams.provenance.trade import wrong_trade
from streams.provenance.tree import Cited, Tree
from streams.stage import NOWHERE, StrategyAt
from streams.topology import stage

_MOST_DIFFERENCES = 5


class Check(msgspec.Struct, frozen=True, gc=False):
    """One check: its name, whether it holds (None: it cannot be checked), and a sentence."""

    name: str
    ok: bool | None
    said: str


def checks(tree: Tree) -> tuple[Check, ...]:
    """Return the checks of a tree: sum, action, records, and trade where there is one."""
    found = (check_sum(tree.signal), check_action(tree), check_records(tree))
    return found if tree.trade is None else (*found, check_trade(tree.trade.event, tree))


def check_trade(trade: PortfolioTrade, tree: Tree) -> Check:
    """Check that the trade is one of the signal, at the price and the costs that it names."""
    cited = tree.filled or tree.decision
    seen = None if cited is None else cited.event
    if wrong := wrong_trade(trade, tree.signal, seen):
        return Check("trade", False, f"the trade does not follow: {wrong}")
    if seen is None:
        return Check("trade", None, "the decision whose price filled the trade is not there")
    return Check("trade", True, "the trade follows from the signal and the price that filled it")


def check_sum(signal: Signal) -> Check:
    """Check weight, score and contribution of each engine, and their sum."""
    for part in signal.contributions:
        due = part.weight * part.score if part.status == "ok" else 0.0
        if not _same(due, part.contribution):
            said = (
                f"{part.engine} is {part.status} with {part.weight:g} x {part.score:+.6g}, which "
                f"makes {due:+.6g}; its contribution says {part.contribution:+.6g}"
            )
            return Check("sum", False, said)
    total = sum(part.contribution for part in signal.contributions)
    if not _same(total, signal.final_score):
        said = f"the contributions add up to {total:+.6g}, not to {signal.final_score:+.6g}"
        return Check("sum", False, said)
    return Check("sum", True, "the contributions add up to the final score")


def check_action(tree: Tree) -> Check:
    """Check that the action follows; a rule that decided is taken at its word here."""
    signal, at = tree.signal, _strategy(tree)
    if at is None:
        why = "no strategy is named" if tree.strategy is None else tree.strategy.missing
        return Check("action", None, f"the thresholds are not known: the strategy is {why}")
    by_engine = {part.engine: part for part in signal.contributions}
    if tuple(by_engine) != ENGINES:
        return Check("action", None, f"it was made with other engines: {', '.join(by_engine)}")
    said_weights = tuple(part.weight for part in signal.contributions)
    pinned = pin(at, "")
    if not all(map(_same, said_weights, pinned.weights)):
        said = (
            f"the weights are {_numbers(said_weights)}, the strategy's {_numbers(pinned.weights)}"
        )
        return Check("action", False, said)
    usable = tuple(part.status == "ok" for part in signal.contributions)
    values = tuple(part.score if part.status == "ok" else 0.0 for part in signal.contributions)
    risk = values[EVENT_RISK] if usable[EVENT_RISK] else _risk_that_stands(tree)
    fusion = stage(FusionStage.name)
    sizing = fusion.sizing if isinstance(fusion, FusionStage) else Config()
    nothing = (None,) * len(ENGINES)
    seen = View(signal.as_of, nothing, usable, values, risk, None, _price(signal))
    decided = None if tree.decision is None else tree.decision.event
    position = None if decided is None else decided.position
    before = stood(believed(pinned, signal), signal, position)
    _, action, fused, override, *_ = chosen(before, seen, signal, sizing)
    if (action, fused, override) == (signal.action, signal.fused_action, signal.override):
        return Check("action", True, f"the {action} follows from the strategy and the scores")
    said = (
        f"the strategy makes {_decision(action, fused, override)} of it, the signal says "
        f"{_decision(signal.action, signal.fused_action, signal.override)}"
    )
    return Check("action", False, said)


def check_records(tree: Tree) -> Check:
    """Make decision and signal again from the records that they name; compare every field."""
    if tree.decision is None:
        said = "it cannot be made again: an earlier version made it, without a decision in the log"
        return Check("records", None, said)
    lost = [one for one in _needed(tree) if one.event is None]
    if lost or tree.strategy is None:
        said = f"it cannot be made again: {len(lost)} of {len(_needed(tree))} records are not there"
        return Check("records", None, said)
    decision: Decision = tree.decision.event
    decided_again = _decided_again(tree, decision)
    if decided_again is None:
        return Check("records", None, "it cannot be made again: it was made with other engines")
    signal_again = _signal_again(tree.decision, tree.signal)
    for what, ours, again in (
        ("decision", _without_times(decision), _without_times(decided_again)),
        ("signal", tree.signal, signal_again),
    ):
        if differing := _differences(ours, again):
            shown = "; ".join(differing[:_MOST_DIFFERENCES])
            more = len(differing) - _MOST_DIFFERENCES
            rest = f" and {more} more" if more > 0 else ""
            said = f"the {what}, made again by this version, differs: {shown}{rest}"
            return Check("records", False, said)
    said = "made again from the records in the log, decision and signal are the same in every field"
    said += ", by the portfolio that the signal names"
    return Check("records", True, said)


def _price(signal: Signal) -> LatestScore | None:
    """Return a score that says the signal's price, and nothing else."""
    price_usd, at = signal.entry_price_usd, signal.as_of
    if price_usd is None:
        return None
    return LatestScore(False, 0, 0, -1, at, 0.0, 0.0, 0.0, None, price_usd, {}, {})


def _strategy(tree: Tree) -> StrategyAt | None:
    cited = tree.strategy
    if cited is None or cited.event is None:
        return None
    return StrategyAt(cited.event, cited.offset if cited.topic == STRATEGIES.name else NOWHERE)


def _needed(tree: Tree) -> list[Cited]:
    scores = [part.score for part in tree.parts]
    several = (tree.decision, tree.strategy, tree.request, tree.known_risk, *scores)
    return [one for one in several if one is not None]


def _decided_again(tree: Tree, decision: Decision) -> Decision | None:
    signal, at = tree.signal, _strategy(tree)
    fusion = stage(FusionStage.name)
    if at is None or not isinstance(fusion, FusionStage):
        return None
    if tuple(part.engine for part in tree.parts) != ENGINES:
        return None
    held = tuple(_held(part.contribution, part.score) for part in tree.parts)
    asked_ms = tree.request.event.requested_at if tree.request is not None else 0
    clock_ms = max([asked_ms, *(one.as_of for one in held if one is not None)])
    # as_of may lie some ms after the clock: no two decisions on an asset share one.
    now_ms = min(clock_ms, signal.as_of)
    seen = view(held, now_ms, fusion.config.stale_after_ms, _last_risk(tree))
    before = stood(pin(at, ""), decision, decision.position)
    now = moment(_occasion(tree), seen)
    choice = chosen(before, seen, decision, fusion.sizing)
    atr_usd = now.features.get(f"ATR14@{before.strategy.timeframe}")
    after = settled(before, choice, seen, decision.as_of, atr_usd)
    return build(now, before, choice, after, fusion.sizing, fusion.settings, decision.cycle_size)


def _without_times(decision: Decision) -> Decision:
    return msgspec.structs.replace(decision, trace=reproducible(decision.trace))


def _signal_again(cited: Cited, signal: Signal) -> Signal | None:
    """Return the signal made of its decision, with the portfolio's numbers that it names.

    What the portfolio was is known from the whole log before it, which `quantiva verify` replays.
    Here its value, what it held and Kelly's numbers are taken as the signal has them; confidence
    and value are worked out of them again.
    """
    agent = stage(ConfidenceStage.name)
    if not isinstance(agent, ConfidenceStage):
        return None
    decision: Decision = cited.event
    terms, sizing = signal.sizing, agent.trading.sizing
    weight = terms.get("diversification_weight", 1.0)
    is_bought = decision.action == "BUY" and signal.position_size > 0.0
    is_purchase = is_bought and terms.keys() >= PURCHASE_TERMS
    value_usd = wanted_usd(terms) if is_purchase else signal.position_value_usd
    sized = Sizing(
        multiplier(sizing, conviction(decision), weight),
        value_usd,
        value_usd / (decision.price_usd or 1.0) if is_purchase else signal.position_size,
        signal.held_size,
        terms,
        {name: said for name, said in signal.detail.items() if name not in decision.detail},
    )
    place = InputPosition(cited.topic, cited.partition, cited.offset)
    return make_signal(decision, sized, place, agent.settings)


def _occasion(tree: Tree) -> Trigger:
    signal = tree.signal
    partitions = [part.score.partition for part in tree.parts if part.score is not None]
    return Trigger(
        asset=signal.asset,
        as_of=signal.as_of,
        trigger=signal.trigger,
        partition=partitions[0] if partitions else 0,
        cycle=signal.cycle,
        request_id=signal.request_id,
        extra=tuple(place for place in signal.inputs if place.topic == REQUESTS.name),
    )


def _held(contribution: Contribution, score: Cited | None) -> LatestScore | None:
    if score is None:
        return None
    make = latest_missing if score.event.status == "missing" else latest_score
    return make(score.event, score.offset, None)


def _risk_that_stands(tree: Tree) -> float | None:
    """Return the risk of a score of event risk that does not count itself."""
    own = {part.engine: part.score for part in tree.parts}
    cited = tree.known_risk or own.get(ENGINES[EVENT_RISK])
    if cited is None or cited.event is None or cited.event.status == "missing":
        return None
    one = latest_score(cited.event, cited.offset, None)
    return one.score if stands(one, tree.signal.as_of) else None


def _last_risk(tree: Tree) -> LatestScore | None:
    known = tree.known_risk
    return None if known is None else latest_score(known.event, known.offset, None)


def _differences(ours: msgspec.Struct, theirs: Any) -> list[str]:
    differing = []
    for name in ours.__struct_fields__:
        one, again = getattr(ours, name), getattr(theirs, name, None)
        if _equal(one, again):
            continue
        brief = isinstance(one, float | str) or one is None
        differing.append(f"{name} {one!r}, again {again!r}" if brief else name)
    return differing


def _equal(ours: Any, theirs: Any) -> bool:
    """Compare two values; numbers up to rounding, for another machine may add in other steps."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return _same(ours, theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(
            _equal(value, theirs[key]) for key, value in ours.items()
        )
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(map(_equal, ours, theirs))
    if isinstance(ours, msgspec.Struct) and type(ours) is type(theirs):
        return _equal(msgspec.structs.astuple(ours), msgspec.structs.astuple(theirs))
    return bool(ours == theirs)


def _same(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _decision(action: str, fused: str, override: str | None) -> str:
    return f"{action} ({f'{override} over ' if override else ''}{fused} of the thresholds)"
