"""A rule that can be asked, with what it saw."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from schemas.rule_language import Indicator, Rule, in_timeframe, node_text, parse, to_text
from schemas.rule_language.nodes import (
    Arithmetic,
    Comparison,
    Condition,
    Crossing,
    Node,
    Not,
    Number,
    Term,
    Value,
    parts_of,
)
from schemas.signals import TracePart
from streams.rules.closures import Facts, Reading, earlier, fact_of, reading_of, truth_of

_MOST_COMPILED = 16_384
_MOST_KEPT = 128


@lru_cache(_MOST_COMPILED)
def compile_rule(text: str, timeframe: str) -> CompiledRule:
    """Return the rule that a text writes, for a strategy of a timeframe; made once, then kept.

    Raises RuleError.
    """
    return CompiledRule(in_timeframe(parse(text), timeframe))


class CompiledRule:
    """A rule of which every timeframe is said.

    rule   its tree
    text   its canonical text
    facts  the names that it asks the facts for, in the order of the text
    truth  whether it is true of some facts; None: unknown
    """

    __slots__ = ("_leaves", "_whole", "facts", "rule", "text", "truth")

    def __init__(self, rule: Rule) -> None:
        self.rule, self.text = rule, to_text(rule)
        self.truth = truth_of(rule.condition)
        self._leaves = tuple(_Leaf(one) for one in _leaves(rule.condition))
        self._whole = not isinstance(rule.condition, Comparison | Crossing)
        self.facts = tuple(dict.fromkeys(name for leaf in self._leaves for name in leaf.facts))

    def trace(self, facts: Facts, rule: str = "rule") -> tuple[TracePart, ...]:
        """Return its comparisons and crossings, each with its truth and what it saw.

        They are in the order of the text; the whole comes last where it is more than one of them.
        `rule` is what the parts say they are of: entry_rule, exit_rule.
        """
        parts = [leaf.seen(facts, rule) for leaf in self._leaves]
        if self._whole:
            parts.append(TracePart(rule, self.text, truth_word(self.truth(facts))))
        return tuple(parts)


def truth_word(truth: bool | None) -> str:
    """Return true, false or unknown, as a `TracePart` has it."""
    return "unknown" if truth is None else "true" if truth else "false"


def _leaves(node: Condition) -> list[Comparison | Crossing]:
    if isinstance(node, Comparison | Crossing):
        return [node]
    of = (node.of,) if isinstance(node, Not) else node.of
    return [leaf for one in of for leaf in _leaves(one)]


class _Shown:
    """A number as a trace names it, with how it is read now and, in a crossing, one candle before.

    divisors  readings of what it divides by
    """

    __slots__ = ("before", "divisors", "is_named", "now", "text")

    def __init__(self, node: Term, *, is_crossing: bool) -> None:
        self.text, self.now = node_text(node), reading_of(node)
        self.is_named = isinstance(node, Value | Indicator)
        self.divisors = tuple(
            reading_of(one.right)
            for one in _under(node)
            if isinstance(one, Arithmetic) and one.operator == "/"
        )
        changes = is_crossing and earlier(node) != node
        self.before: Reading | None = reading_of(earlier(node)) if changes else None

    def seen(self, facts: Facts, digits: int) -> str:
        value = self.now(facts)
        text = f"{self.text} {self._why(facts) if value is None else number(value, digits)}"
        if self.before is None:
            return text
        earlier_one = self.before(facts)
        said_before = "missing" if earlier_one is None else number(earlier_one, digits)
        return f"{text} (before: {said_before})"

    def _why(self, facts: Facts) -> str:
        if self.is_named:
            return "missing"
        return "divides by 0" if any(one(facts) == 0.0 for one in self.divisors) else "unknown"


class _Leaf:
    """A comparison or a crossing.

    What it saw is kept by the values that it asked for: most of them stay for a candle, and to
    write them out is most of the work of a trace.
    """

    __slots__ = ("_kept", "_left", "_right", "_shown", "_text", "_truth", "facts")

    def __init__(self, node: Comparison | Crossing) -> None:
        self._text, self._truth = node_text(node), truth_of(node)
        self._left, self._right = reading_of(node.left), reading_of(node.right)
        named = [one for one in _under(node) if isinstance(one, Value | Indicator)]
        sides = [one for one in (node.left, node.right) if not isinstance(one, Number)]
        is_crossing = isinstance(node, Crossing)
        self._shown = tuple(
            _Shown(one, is_crossing=is_crossing) for one in dict.fromkeys((*named, *sides))
        )
        names: list[str] = []
        for one in named:
            names.append(fact_of(one))
            if is_crossing and isinstance(one, Indicator):
                names.append(fact_of(replace(one, lag=1)))
        self.facts = tuple(dict.fromkeys(names))
        self._kept: dict[tuple[str | float | None, ...], TracePart] = {}

    def seen(self, facts: Facts, rule: str) -> TracePart:
        """Return what it saw; every value of it is one of `facts`."""
        values = (rule, *map(facts, self.facts))
        part = self._kept.get(values)
        if part is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            part = self._kept[values] = self._part(facts, rule)
        return part

    def _part(self, facts: Facts, rule: str) -> TracePart:
        left, right = self._left(facts), self._right(facts)
        digits = _FEW
        if left is not None and right is not None and left != right:
            digits = _FEW if number(left, _FEW) != number(right, _FEW) else _ALL
        values = "; ".join([one.seen(facts, digits) for one in self._shown])
        return TracePart(rule, self._text, truth_word(self._truth(facts)), values)


def _under(node: Node) -> list[Node]:
    """Return a node and all below it, in the order of the text."""
    return [node, *(one for part in parts_of(node) for one in _under(part))]


_FEW, _ALL = 6, 17
_LEAST_WITH_EXPONENT = 1e15


def number(value: float, digits: int = _FEW) -> str:
    """Return a finite number for people: of 6 digits, or of as many as make the whole number."""
    if digits == _ALL:
        return repr(value + 0.0).removesuffix(".0")
    text = f"{value + 0.0:.{digits}g}"
    if "e+" in text and abs(value) < _LEAST_WITH_EXPONENT:
        return f"{value:.0f}"
    return text
