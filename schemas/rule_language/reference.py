"""Every name that a rule may use, how it is written and what it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.rule_language.indicator_row import Parameter, Row
from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.names import CANDLE_VALUES, FUNCTIONS, VALUES
from schemas.rule_language.nodes import number_text

_FUNCTIONS = {
    "ABS": "ABS(x): a number without its sign",
    "MIN": "MIN(a, b, ...): the least of 2 to 8 numbers",
    "MAX": "MAX(a, b, ...): the greatest of 2 to 8 numbers",
}
assert _FUNCTIONS.keys() == FUNCTIONS.keys()  # noqa: S101


class Entry(NamedTuple):
    """A name.

    written  with its parameters and their defaults; a parameter alone: the same as the first
    outputs  behind a point, "" where it has one
    cost     of an indicator, 0 of others
    words    what it is
    """

    kind: str
    written: str
    outputs: str
    cost: int
    words: str

    def has(self, word: str) -> bool:
        """Return whether a word is in its name, outputs or meaning, in any case."""
        return word.casefold() in f"{self.written} {self.outputs} {self.words}".casefold()


def entries() -> Iterator[Entry]:
    """Yield all names: of candles, without a timeframe, functions, then indicators, by kind."""
    for name, words in CANDLE_VALUES.items():
        yield Entry("candle", name, "", 0, words)
    for name, words in VALUES.items():
        yield Entry("value", name, "", 0, words)
    for words in _FUNCTIONS.values():
        written, _, what = words.partition(": ")
        yield Entry("function", written, "", 0, what)
    for row in sorted(INDICATORS.values(), key=lambda one: one.name):
        yield Entry("indicator", _written(row), _outputs(row), row.cost, row.words)


def _written(row: Row) -> str:
    given = ", ".join(map(_parameter, row.parameters))
    return f"{row.name}({given})" if given else row.name


def _parameter(one: Parameter) -> str:
    return one.name if one.default is None else f"{one.name}={number_text(one.default)}"


def _outputs(row: Row) -> str:
    return "" if len(row.outputs) == 1 else " ".join(f".{one}" for one in row.outputs)


def markdown() -> str:
    """Return the page of all names."""
    titles = {
        "candle": "Values of candles, with a timeframe or the strategy's",
        "value": "Values without a timeframe",
        "function": "Functions",
    }
    found = list(entries())
    lines = [
        "# Names in rules",
        "",
        "What rules may name. [Strategies](strategies.md#the-language-of-rules) has the rest.",
        "This page is written by `quantiva strategies names --markdown`.",
    ]
    for kind, title in titles.items():
        lines += ["", f"## {title}", "", "| name | what it is |", "|---|---|"]
        lines += [f"| `{one.written}` | {one.words} |" for one in found if one.kind == kind]
    lines += [
        "",
        "## Indicators",
        "",
        "Of pandas-ta-classic, with parameters and defaults; one without a number is as the first.",
        "Where outputs are given, and none has the indicator's own name, a rule has to name one.",
        "",
        "| name | outputs | cost | what it is |",
        "|---|---|---|---|",
    ]
    indicators = [one for one in found if one.kind == "indicator"]
    patterns = [one for one in indicators if _is_pattern(one)]
    lines += [_row(one) for one in indicators if one not in patterns]
    names = " ".join(one.written for one in patterns)
    lines += ["", "Candle patterns (100 bullish, -100 bearish, 0 none; cost 1):", "", "```"]
    return "\n".join([*lines, *_folded(names), "```", ""])


def _row(one: Entry) -> str:
    outputs = f"`{one.outputs}`" if one.outputs else ""
    return f"| `{one.written}` | {outputs} | {one.cost} | {one.words.replace('|', '')} |"


def _is_pattern(one: Entry) -> bool:
    return one.words.startswith("candle pattern")


def _folded(names: str, width: int = 100) -> Iterator[str]:
    line = ""
    for name in names.split():
        if len(line) + len(name) >= width:
            yield line
            line = ""
        line = f"{line} {name}".strip()
    yield line
