"""From a rule's tree to closures: each takes the facts and returns a number or a truth.

Three-valued logic of Kleene: None is unknown. A number is unknown where a name of it is, where it
divides by 0 and where it is too large for a float. A comparison of an unknown number is unknown.
AND is false where any part is, else unknown where any part is; OR and NOT accordingly.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from msgspec.structs import replace

from schemas.rule_language.names import fact
from schemas.rule_language.nodes import (
    And,
    Arithmetic,
    Comparison,
    Condition,
    Crossing,
    Function,
    Indicator,
    Negative,
    Not,
    Number,
    Term,
    Value,
)

Facts = Callable[[str], float | None]
"""Looks up what a rule may name, None: not known now. Indicators by their name among the features
of the technical engine (`RSI14@1h`), features of the other engines by theirs (`spread_bps`), and
what fusion knows by its name in capitals (`PRICE`, `names.OF_FUSION`)."""
Truth = Callable[[Facts], bool | None]
Reading = Callable[[Facts], float | None]

_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_RECKONED: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def truth_of(node: Condition) -> Truth:
    """Return the closure of a condition of which every timeframe is said."""
    if isinstance(node, Comparison):
        return _comparison(_COMPARED[node.operator], node.left, node.right)
    if isinstance(node, Crossing):
        return _crossing(node)
    if isinstance(node, Not):
        return _not(truth_of(node.of))
    parts = tuple(truth_of(one) for one in node.of)
    return _and(parts) if isinstance(node, And) else _or(parts)


def fact_of(node: Value | Indicator) -> str:
    """Return the name by which a named value is asked of the facts."""
    return node.feature if isinstance(node, Indicator) else fact(node.name)


def _comparison(compared: Callable[[float, float], bool], one: Term, other: Term) -> Truth:
    if isinstance(one, Value | Indicator) and isinstance(other, Number):
        return _with_number(compared, fact_of(one), other.value)
    left, right = reading_of(one), reading_of(other)

    def compare(facts: Facts) -> bool | None:
        a = left(facts)
        if a is None:
            return None
        b = right(facts)
        return None if b is None else compared(a, b)

    return compare


def _with_number(compared: Callable[[float, float], bool], name: str, number: float) -> Truth:
    """Return the comparison that most rules are made of, in one call."""

    def compare(facts: Facts) -> bool | None:
        value = facts(name)
        if value is None or value - value != 0.0:
            return None
        return compared(value, number)

    return compare


def _crossing(node: Crossing) -> Truth:
    """Return "is beyond now, and was not one candle before"; `(a > b) & (a' <= b')` in pandas."""
    before, now = (">=", "<") if not node.is_above else ("<=", ">")
    return _and(
        (
            _comparison(_COMPARED[now], node.left, node.right),
            _comparison(_COMPARED[before], earlier(node.left), earlier(node.right)),
        )
    )


def earlier(node: Term) -> Term:
    """Return a number as it was one candle before."""
    if isinstance(node, Indicator):
        return replace(node, lag=1)
    if isinstance(node, Arithmetic):
        return Arithmetic(node.operator, earlier(node.left), earlier(node.right))
    if isinstance(node, Negative):
        return Negative(earlier(node.of))
    if isinstance(node, Function):
        return Function(node.name, tuple(earlier(one) for one in node.of))
    return node


def _not(of: Truth) -> Truth:
    def contrary(facts: Facts) -> bool | None:
        truth = of(facts)
        return None if truth is None else not truth

    return contrary


def _and(parts: tuple[Truth, ...]) -> Truth:
    def all_of(facts: Facts) -> bool | None:
        found: bool | None = True
        for part in parts:
            truth = part(facts)
            if truth is False:
                return False
            if truth is None:
                found = None
        return found

    return all_of


def _or(parts: tuple[Truth, ...]) -> Truth:
    def any_of(facts: Facts) -> bool | None:
        found: bool | None = False
        for part in parts:
            truth = part(facts)
            if truth is True:
                return True
            if truth is None:
                found = None
        return found

    return any_of


def reading_of(node: Term) -> Reading:
    """Return the closure of a number."""
    if isinstance(node, Number):
        return _number(node.value)
    if isinstance(node, Value | Indicator):
        return _named(fact_of(node))
    if isinstance(node, Arithmetic):
        return _arithmetic(node)
    if isinstance(node, Negative):
        return _of_all((reading_of(node.of),), operator.neg)
    parts = tuple(reading_of(one) for one in node.of)
    if node.name == "ABS":
        return _of_all(parts, abs)
    return _of_all(parts, min if node.name == "MIN" else max)


def _number(value: float) -> Reading:
    def read(facts: Facts) -> float | None:
        return value

    return read


def _named(name: str) -> Reading:
    def read(facts: Facts) -> float | None:
        value = facts(name)
        return None if value is None or value - value != 0.0 else value

    return read


def _arithmetic(node: Arithmetic) -> Reading:
    left, right, reckoned = reading_of(node.left), reading_of(node.right), _RECKONED[node.operator]
    divides = node.operator == "/"

    def read(facts: Facts) -> float | None:
        a = left(facts)
        if a is None:
            return None
        b = right(facts)
        if b is None or (divides and b == 0.0):
            return None
        value = reckoned(a, b)
        return value if value - value == 0.0 else None

    return read


def _of_all(parts: tuple[Reading, ...], made: Callable[..., float]) -> Reading:
    def read(facts: Facts) -> float | None:
        values = [part(facts) for part in parts]
        return None if None in values else made(*values)

    return read
