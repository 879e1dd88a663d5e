"""A rule in words, for who wrote it and for who wonders what it does."""

from __future__ import annotations

from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.names import CANDLE_VALUES, VALUES
from schemas.rule_language.nodes import (
    And,
    Comparison,
    Condition,
    Indicator,
    Node,
    Not,
    Or,
    Rule,
    Value,
    parts_of,
)
from schemas.rule_language.printing import node_text

_COMPARED = {
    "<": "is below",
    "<=": "is not above",
    ">": "is above",
    ">=": "is not below",
    "=": "is exactly",
    "!=": "is not exactly",
}


def in_words(rule: Rule) -> str:
    """Return what makes a rule true, in words: a line, or an outline of one line a part."""
    return "\n".join(_lines(rule.condition))


def _lines(node: Condition) -> list[str]:
    if isinstance(node, And | Or):
        head = "all of these:" if isinstance(node, And) else "at least one of these:"
        parts = [_lines(one) for one in node.of]
        return [head, *(line for part in parts for line in _indented(part))]
    if isinstance(node, Not):
        inside = _lines(node.of)
        if len(inside) == 1:
            return [f"not: {inside[0]}"]
        return ["not:", *_indented(inside)]
    left, right = node_text(node.left), node_text(node.right)
    if isinstance(node, Comparison):
        return [f"{left} {_COMPARED[node.operator]} {right}"]
    side = "above" if node.is_above else "below"
    return [f"{left} has just come {side} {right}: it is, and one closed candle before it was not"]


def _indented(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def meanings(rule: Rule) -> dict[str, str]:
    """Return what each name in a rule stands for, in the order of the text."""
    found: dict[str, str] = {}
    for one in _named(rule.condition):
        if isinstance(one, Value):
            found.setdefault(one.name, VALUES[one.name])
        elif one.is_parameterised:
            row = INDICATORS[one.name]
            given = zip(row.parameters, one.params, strict=True)
            params = ", ".join(f"{each.name} {value:g}" for each, value in given)
            whole = f"{row.words} ({params})" if params else row.words
            found.setdefault(node_text(one), f"{whole}{_candles(one)}")
        else:
            found.setdefault(node_text(one), f"{CANDLE_VALUES[one.name]}{_candles(one)}")
    return found


def _candles(one: Indicator) -> str:
    return f"; candles of {one.timeframe or 'the timeframe of the strategy'}"


def _named(node: Node) -> list[Value | Indicator]:
    if isinstance(node, Value | Indicator):
        return [node]
    return [named for one in parts_of(node) for named in _named(one)]
