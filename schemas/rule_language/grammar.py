"""The grammar of rules, and the tree that lark makes of a text before any name is looked up.

LALR: time grows with the length only, nothing is recursive, and nothing is tried twice. Conditions
and numbers share one ladder of precedence, so that `(` needs no looking ahead; which of the two a
part is, `resolving` checks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from schemas.rule_language.errors import RuleError, shown

MOST_NODES, MOST_DEPTH = 300, 60
"""Names, numbers and operators of a rule; how deep they may be nested, not counting AND and OR of
many and parentheses that change nothing."""

GRAMMAR = r"""
start: either
?either: both | either OR both -> joined
?both: contrary | both AND contrary -> joined
?contrary: comparison | NOT contrary -> prefixed
?comparison: sum | sum COMPARE sum -> paired | sum CROSSES sum -> paired
?sum: product | sum PLUS product -> paired | sum MINUS product -> paired
?product: signed | product TIMES signed -> paired
?signed: atom | MINUS signed -> prefixed
?atom: NUMBER -> number
     | NAME [call] [OUTPUT] [TIMEFRAME] -> name
     | LPAR either RPAR -> enclosed
call: LPAR [arguments] RPAR
arguments: either (COMMA either)*

OR.3: /or\b/i
AND.3: /and\b/i
NOT.3: /not\b/i
CROSSES.3: /crosses_(above|below)\b/i
COMPARE: "<=" | ">=" | "==" | "!=" | "<" | ">" | "="
NUMBER: /(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i
NAME: /[a-z_][a-z0-9_]*/i
OUTPUT: /\.\s*[a-z_][a-z0-9_]*/i
TIMEFRAME: /@\s*[a-z0-9_]*/i
PLUS: "+"
MINUS: "-"
TIMES: "*" | "/"
LPAR: "("
RPAR: ")"
COMMA: ","
%ignore /[\s\u00a0\u2000-\u200a\u202f\u3000]+/
"""


class Raw:
    """A part of a rule as it is written.

    kind    number, name, paired (left, right), prefixed (of), joined (two or more)
    token   where it is and what it is: the number, the name, the operator
    parts   what is below; of a name: its arguments
    is_called   of a name: whether parentheses follow
    """

    __slots__ = ("depth", "is_called", "kind", "output", "parts", "size", "timeframe", "token")

    def __init__(self, kind: str, token: Token, parts: list[Raw]) -> None:
        self.kind = kind
        self.token = token
        self.parts = parts
        self.output: Token | None = None
        self.timeframe: Token | None = None
        self.is_called = False
        self.size: int = 1 + sum(one.size for one in parts)
        self.depth: int = 1 + max((one.depth for one in parts), default=0)
        if self.size > MOST_NODES:
            raise too_large(token)
        if self.depth > MOST_DEPTH:
            what = f"nested more than {MOST_DEPTH} deep; write it in fewer steps"
            raise RuleError(*place(token), what)

    def add(self, other: Raw) -> None:
        """Take one more part of a chain of AND or OR."""
        self.parts.append(other)
        self.size += other.size
        self.depth = max(self.depth, 1 + other.depth)
        if self.size > MOST_NODES:
            raise too_large(other.token)


def too_large(token: Token) -> RuleError:
    """Return the error of a rule of too many parts."""
    what = f"more than {MOST_NODES} names, numbers and operators; split the strategy in two"
    return RuleError(*place(token), what)


def place(token: Token) -> tuple[int, int]:
    """Return the line and column of a token, from 1."""
    return token.line or 1, token.column or 1


@v_args(inline=True)
class _Builder(Transformer[Token, Raw]):
    """Makes the tree while lark parses."""

    def start(self, whole: Raw) -> Raw:
        return whole

    def joined(self, left: Raw, operator: Token, right: Raw) -> Raw:
        if left.kind == "joined" and left.token.type == operator.type:
            left.add(right)
            return left
        return Raw("joined", operator, [left, right])

    def paired(self, left: Raw, operator: Token, right: Raw) -> Raw:
        return Raw("paired", operator, [left, right])

    def prefixed(self, operator: Token, of: Raw) -> Raw:
        return Raw("prefixed", operator, [of])

    def number(self, token: Token) -> Raw:
        return Raw("number", token, [])

    def name(
        self,
        token: Token,
        call: list[Raw] | None,
        output: Token | None,
        timeframe: Token | None,
    ) -> Raw:
        made = Raw("name", token, call or [])
        made.is_called = call is not None
        made.output, made.timeframe = output, timeframe
        return made

    def enclosed(self, _left: Token, inside: Raw, _right: Token) -> Raw:
        return inside

    def call(self, _left: Token, arguments: list[Raw] | None, _right: Token) -> list[Raw]:
        return arguments or []

    def arguments(self, *given: Any) -> list[Raw]:
        return [one for one in given if isinstance(one, Raw)]


@lru_cache(1)
def _parser() -> Lark:
    return Lark(
        GRAMMAR,
        parser="lalr",
        lexer="basic",
        transformer=_Builder(),
        maybe_placeholders=True,
        g_regex_flags=re.ASCII,  # else "\u017f" is an s, whose capital is an S
    )


_HINTS = {
    "&": "write AND",
    "|": "write OR",
    "!": "write NOT, or != between two numbers",
    "%": "there are no percent signs; write 0.05 for 5 %",
    "[": "earlier candles have no name; write CROSSES_ABOVE or CROSSES_BELOW",
    "^": "there are no powers; multiply",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "\u00d7": "write *",
    "\u2212": "write -, the minus of the keyboard",
    "\u2013": "write -, the minus of the keyboard",
    "$": "names and numbers have no sign before them",
    "{": "write a parenthesis (",
}
_VALUE = "a name, a number or ("
_WORDS = {
    "NOT": "NOT",
    "MINUS": "-",
    "COMPARE": "a comparison (< <= > >= = !=)",
    "CROSSES": "CROSSES_ABOVE or CROSSES_BELOW",
    "PLUS": "+",
    "TIMES": "* or /",
    "AND": "AND",
    "OR": "OR",
    "COMMA": "a comma",
    "RPAR": ")",
    "$END": "the end",
}


def raw(text: str) -> Raw:
    """Return the tree of a text. Raises RuleError."""
    try:
        found: Any = _parser().parse(text)
    except UnexpectedCharacters as error:
        letter: str = error.char
        hint = _HINTS.get(letter, "no rule has this sign")
        what = f"{shown(letter)!r} cannot stand here: {hint}"
        raise RuleError(error.line, error.column, what) from None
    except UnexpectedToken as error:
        raise _unexpected(text, error) from None
    return found  # type: ignore[no-any-return]


def _unexpected(text: str, error: UnexpectedToken) -> RuleError:
    token: Token = error.token
    expected = set(error.accepts or error.expected)
    if token.type == "$END":
        line, column = place_at(text, len(text.rstrip()))
        what = "the rule ends here" if text.strip() else "the rule is empty"
    else:
        line, column = place(token)
        what = f"{shown(token)!r} cannot stand here"
    if token.type == "COMPARE" and "NOT" not in expected and "NAME" in expected:
        what += ": comparisons are written < <= > >= = !="
    if {"COMPARE", "CROSSES"} >= {token.type} and "AND" in expected:
        what += ": join two comparisons by AND, as in 30 < RSI AND RSI < 70"
    if "NAME" in expected:
        words = (_VALUE, *(_WORDS[one] for one in ("NOT", "RPAR") if one in expected))
    else:
        words = tuple(word for one, word in _WORDS.items() if one in expected and one != "NOT")
    return RuleError(line, column, what, expected=words)


def place_at(text: str, position: int) -> tuple[int, int]:
    """Return the line and column of a position in a text, from 1."""
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")
