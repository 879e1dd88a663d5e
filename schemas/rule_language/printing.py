"""A rule as canonical text: names in capitals, one space, no parenthesis too many."""

from __future__ import annotations

from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.nodes import (
    And,
    Arithmetic,
    Comparison,
    Crossing,
    Function,
    Indicator,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Rule,
    number_text,
    written,
)

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _ATOM = range(8)


def to_text(rule: Rule) -> str:
    """Return a rule's text; parsed again it is the same rule."""
    return node_text(rule.condition)


def node_text(node: Node) -> str:
    """Return the text of a part of a rule."""
    return _text(node, _OR)


def _text(node: Node, within: int) -> str:
    """Return the text, in parentheses where what is around binds more tightly."""
    text, level = _bare(node)
    return f"({text})" if level < within else text


def _bare(node: Node) -> tuple[str, int]:
    if isinstance(node, Or):
        return " OR ".join(_text(one, _AND) for one in node.of), _OR
    if isinstance(node, And):
        return " AND ".join(_text(one, _NOT) for one in node.of), _AND
    if isinstance(node, Not):
        return f"NOT {_text(node.of, _NOT)}", _NOT
    if isinstance(node, Comparison):
        return f"{_text(node.left, _SUM)} {node.operator} {_text(node.right, _SUM)}", _COMPARISON
    if isinstance(node, Crossing):
        word = "CROSSES_ABOVE" if node.is_above else "CROSSES_BELOW"
        return f"{_text(node.left, _SUM)} {word} {_text(node.right, _SUM)}", _COMPARISON
    return _bare_term(node)


def _bare_term(node: Node) -> tuple[str, int]:
    if isinstance(node, Arithmetic):
        level = _SUM if node.operator in "+-" else _PRODUCT
        left, right = _text(node.left, level), _text(node.right, level + 1)
        return f"{left} {node.operator} {right}", level
    if isinstance(node, Negative):
        return f"-{_text(node.of, _SIGN)}", _SIGN
    if isinstance(node, Function):
        return f"{node.name}({', '.join(_text(one, _OR) for one in node.of)})", _ATOM
    if isinstance(node, Number):
        return number_text(node.value), _ATOM
    if isinstance(node, Indicator):
        is_plain = not node.output or INDICATORS[node.name].is_of == node.output
        output = "" if is_plain else f".{node.output}"
        timeframe = f"@{node.timeframe}" if node.timeframe else ""
        return f"{written(node)}{output}{timeframe}", _ATOM
    return str(getattr(node, "name", "")), _ATOM
