"""Rules of strategies: parsed, given their timeframe, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from msgspec.structs import replace

from schemas.checks import CANDLE_MS
from schemas.control import Strategy
from schemas.names import MOST_RULE
from schemas.rule_language.errors import RuleError
from schemas.rule_language.grammar import place_at, raw
from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.names import ADDED
from schemas.rule_language.nodes import Crossing, Indicator, Node, Rule, indicators_in, parts_of
from schemas.rule_language.printing import node_text, to_text
from schemas.rule_language.resolving import condition

MOST_COST = 60
"""What the indicators of a strategy's two rules may cost together: about so many milliseconds a
candle and asset. Each counts once, with any of its outputs, by its parameters and timeframe."""
_CROSSES = re.compile(r"\bcrosses_(?:above|below)\b", re.IGNORECASE | re.ASCII)
_N = TypeVar("_N")


@lru_cache(1024)
def parse(text: str) -> Rule:
    """Return the rule that a text writes; names without a timeframe are of the strategy's.

    Raises RuleError, whose str() is a sentence with the place.
    """
    if len(text) > MOST_RULE:
        what = f"the rule is {len(text)} characters long, more than {MOST_RULE}"
        raise RuleError(1, 1, what)
    rule = Rule(condition(raw(text)))
    _refuse_mixed_crossings(rule, "", text)
    _refuse_costly([rule])
    return rule


@lru_cache(1024)
def in_timeframe(rule: Rule, timeframe: str) -> Rule:
    """Return a rule with the strategy's timeframe wherever none is said.

    Raises RuleError where a crossing is then of two timeframes.
    """
    _refuse_mixed_crossings(rule, timeframe, to_text(rule))
    return Rule(_in_timeframe(rule.condition, timeframe))


def _in_timeframe(node: _N, timeframe: str) -> _N:
    if isinstance(node, Indicator):
        return node if node.timeframe else replace(node, timeframe=timeframe)
    changed = {}
    for name in getattr(node, "__struct_fields__", ()):
        value = getattr(node, name)
        if isinstance(value, tuple):
            changed[name] = tuple(_in_timeframe(one, timeframe) for one in value)
        elif hasattr(value, "__struct_fields__"):
            changed[name] = _in_timeframe(value, timeframe)
    return replace(node, **changed) if changed else node  # type: ignore[type-var]


def _crossings(node: Node) -> Iterator[Crossing]:
    if isinstance(node, Crossing):
        yield node
    for part in parts_of(node):
        yield from _crossings(part)


def _refuse_mixed_crossings(rule: Rule, timeframe: str, text: str) -> None:
    """Refuse crossings of several timeframes, at the word that crosses in the rule's text."""
    for one, word in zip(_crossings(rule.condition), _CROSSES.finditer(text), strict=True):
        said = {each.timeframe or timeframe for each in indicators_in(one)} - {""}
        if len(said) > 1:
            named = " and ".join(name for name in CANDLE_MS if name in said)
            what = f"{node_text(one)} crosses candles of {named}; both sides have to be of one"
            line, column = place_at(text, word.start())
            raise RuleError(line, column, what)


def cost(rules: Iterable[Rule]) -> int:
    """Return what the indicators of rules cost to compute, in about milliseconds a candle."""
    distinct = {
        (one.name, one.params, one.timeframe)
        for rule in rules
        for one in indicators_in(rule.condition)
        if one.is_parameterised
    }
    return sum(INDICATORS[name].cost for name, _, _ in distinct)


def _refuse_costly(rules: list[Rule]) -> None:
    found = cost(rules)
    if found > MOST_COST:
        what = f"its indicators cost {found}, more than {MOST_COST}; name fewer of them"
        raise RuleError(1, 1, what)


def wrong_rule(text: str, timeframe: str) -> str | None:
    """Return why a text is no rule for a strategy of a timeframe, with the place; None: it is."""
    try:
        _refuse_mixed_crossings(parse(text), timeframe, text)
    except RuleError as error:
        return str(error)
    return None


def wrong_rules(strategy: Strategy) -> str | None:
    """Return what is wrong with a strategy's rules, beginning with the field's name, or None."""
    rules = []
    for field in ("entry_rule", "exit_rule"):
        text = getattr(strategy, field)
        if text is None:
            continue
        wrong = wrong_rule(text, strategy.timeframe)
        if wrong is not None:
            return f"{field}, {wrong}"
        rules.append(in_timeframe(parse(text), strategy.timeframe))
    try:
        _refuse_costly(rules)
    except RuleError as error:
        return f"exit_rule, with entry_rule: {error.what}"
    return None


def _rules(strategy: Strategy) -> Iterator[Rule]:
    """Yield the rules of a strategy, timeframes said; a wrong one, of a record of old, is none."""
    for text in (strategy.entry_rule, strategy.exit_rule):
        if text is not None and wrong_rule(text, strategy.timeframe) is None:
            yield in_timeframe(parse(text), strategy.timeframe)


def wanted(strategy: Strategy) -> tuple[Indicator, ...]:
    """Return what the technical engine has to add for a strategy's rules, sorted.

    Those of pandas-ta, open, high, low and volume of candles, and of all that a crossing names the
    value one candle before (lag 1) too.
    """
    found: set[Indicator] = set()
    for rule in _rules(strategy):
        for one in indicators_in(rule.condition):
            if one.is_parameterised or one.name in ADDED:
                found.add(one)
        for crossing in _crossings(rule.condition):
            found.update(replace(one, lag=1) for one in indicators_in(crossing))
    return tuple(sorted(found))


def timeframes(strategy: Strategy) -> tuple[str, ...]:
    """Return the timeframes that a strategy goes by, its own and its rules', the shortest first."""
    said = {one.timeframe for rule in _rules(strategy) for one in indicators_in(rule.condition)} | {
        strategy.timeframe
    }
    return tuple(name for name in CANDLE_MS if name in said)
