"""A rule as a tree of frozen structs, its names resolved.

Two rules of the same meaning, word by word, are equal, however they are written.
"""

from __future__ import annotations

import msgspec

from schemas.rule_language.indicators import INDICATORS


class Number(msgspec.Struct, frozen=True, tag=True):
    """A number as it is written: finite, 0 or more."""

    value: float


class Value(msgspec.Struct, frozen=True, tag=True):
    """A value without a timeframe, by its name in capitals (`names.VALUES`)."""

    name: str


class Indicator(msgspec.Struct, frozen=True, tag=True, order=True):
    """A value of closed candles.

    name       of `names.CANDLE_VALUES` (then without params and output) or of `INDICATORS`
    params     all of them, in the table's order
    output     name of the output
    timeframe  "": the strategy's
    lag        0: the last closed candle, 1: the one before
    """

    name: str
    params: tuple[float, ...] = ()
    output: str = ""
    timeframe: str = ""
    lag: int = 0

    @property
    def is_parameterised(self) -> bool:
        """Whether it is one of pandas-ta's, computed only where a rule names it."""
        return self.output != ""

    @property
    def feature(self) -> str:
        """Its name in EngineScore.features: `MA20@1h`, `ADX(14).ADX@4h`, `RSI14@1h[1]`."""
        output = f".{self.output}" if self.output else ""
        lag = f"[{self.lag}]" if self.lag else ""
        return f"{written(self)}{output}@{self.timeframe}{lag}"

    @property
    def keywords(self) -> dict[str, float | int | str | bool]:
        """The keywords that pandas-ta's function takes besides the series; {} of a candle value."""
        if not self.output:
            return {}
        row = INDICATORS[self.name]
        given = zip(row.parameters, self.params, strict=True)
        return {
            **{one.name: int(number) if one.is_whole else number for one, number in given},
            **row.fixed,
        }


class Negative(msgspec.Struct, frozen=True, tag=True):
    """Minus a number."""

    of: Term


class Arithmetic(msgspec.Struct, frozen=True, tag=True):
    """Two numbers joined by + - * or /."""

    operator: str
    left: Term
    right: Term


class Function(msgspec.Struct, frozen=True, tag=True):
    """A function of `names.FUNCTIONS`."""

    name: str
    of: tuple[Term, ...]


Term = Number | Value | Indicator | Negative | Arithmetic | Function
"""What has a number for a value."""


class Comparison(msgspec.Struct, frozen=True, tag=True):
    """Two numbers compared by < <= > >= = or !=."""

    operator: str
    left: Term
    right: Term


class Crossing(msgspec.Struct, frozen=True, tag=True):
    """`left` is above (below) `right` at the last closed candle and was not at the one before."""

    is_above: bool
    left: Term
    right: Term


class Not(msgspec.Struct, frozen=True, tag=True):
    """The contrary."""

    of: Condition


class And(msgspec.Struct, frozen=True, tag=True):
    """All of two or more, none of which is an And."""

    of: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True, tag=True):
    """Any of two or more, none of which is an Or."""

    of: tuple[Condition, ...]


Condition = Comparison | Crossing | Not | And | Or
"""What is true, false or unknown."""
Node = Term | Condition


class Rule(msgspec.Struct, frozen=True):
    """A rule."""

    condition: Condition


def written(one: Indicator) -> str:
    """Return an indicator's name with its parameters in parentheses, as it is printed.

    Rare parameters are left out while they, and all behind them, are the defaults.
    """
    if not one.output:
        return one.name
    row = INDICATORS[one.name]
    count = len(one.params)
    while count and row.parameters[count - 1].is_rare:
        default = row.parameters[count - 1].default
        if one.params[count - 1] != (one.params[0] if default is None else default):
            break
        count -= 1
    return f"{one.name}({', '.join(number_text(number) for number in one.params[:count])})"


def number_text(number: float) -> str:
    """Return a finite number as a rule writes it, so that it reads back the very same."""
    text = repr(number)
    return text.removesuffix(".0")


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below one, in the order of the text."""
    if isinstance(node, Arithmetic | Comparison | Crossing):
        return node.left, node.right
    if isinstance(node, Function | And | Or):
        return tuple(node.of)
    if isinstance(node, Negative | Not):
        return (node.of,)
    return ()


def indicators_in(node: Node) -> tuple[Indicator, ...]:
    """Return the indicators in a node, in the order of the text, as often as they are named."""
    if isinstance(node, Indicator):
        return (node,)
    return tuple(one for part in parts_of(node) for one in indicators_in(part))
