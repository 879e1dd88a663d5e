"""What the table of indicators says of one, and how its lines are read."""

from __future__ import annotations

import re

import msgspec

CANDLES_KEPT = 300
"""Closed candles of a timeframe that an indicator is computed from."""
_SERIES = {"o": "open_", "h": "high", "l": "low", "c": "close", "v": "volume"}
_PARAMETER = re.compile(r"(?P<name>\w+)=(?P<default>[\d.-]*):(?P<least>\S+)\.\.(?P<most>[^]\s]+)")


class Parameter(msgspec.Struct, frozen=True):
    """A number in the parentheses behind an indicator's name.

    name     keyword of the library's function
    default  where a rule leaves it out; None: the same as the first parameter
    least, most, is_whole   what it may be
    is_rare  printed only where it, or one behind it, is not the default
    """

    name: str
    default: float | None
    least: float
    most: float
    is_whole: bool
    is_rare: bool


class Row(msgspec.Struct, frozen=True):
    """An indicator.

    name        as in a rule
    function    name in pandas_ta_classic
    inputs      keywords of the series that the function takes
    parameters  in its order
    outputs     names by column of the result; a single series has one
    is_of       the output that is meant where a rule names none; "": a rule has to name one
    sometimes   outputs that have a value in one direction of the market only
    fixed       further keywords, the same for all
    cost        1 for about a millisecond on 300 candles, and as often more
    words       what it is
    """

    name: str
    function: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    is_of: str
    sometimes: tuple[str, ...]
    fixed: dict[str, str | bool]
    cost: int
    words: str


def row_of(line: str) -> Row:
    """Return the row that a line of the table writes: `NAME|inputs|parameters|outputs|cost|words`.

    Inputs are first letters of open, high, low, close and volume. A parameter is
    `name=default:least..most`, whole without a point, in brackets when it is rare. An output that
    is not always there ends in `?`. `{keyword=value}` behind the words is fixed.
    """
    name, inputs, parameters, outputs, cost, words = line.split("|")
    names = tuple(one.rstrip("?") for one in outputs.split())
    words, _, fixed = words.partition(" {")
    pairs = [one.split("=") for one in fixed.rstrip("}").split()]
    is_pattern = name.startswith("CDL_") and not parameters
    return Row(
        name,
        "cdl_pattern" if is_pattern else name.lower(),
        tuple(_SERIES[letter] for letter in inputs),
        tuple(_parameter(one) for one in parameters.split()),
        names,
        names[0] if len(names) == 1 else name if name in names else "",
        tuple(one.rstrip("?") for one in outputs.split() if one.endswith("?")),
        {key: value == "True" if value in {"True", "False"} else value for key, value in pairs},
        int(cost),
        words,
    )


def _parameter(text: str) -> Parameter:
    found = _PARAMETER.match(text.strip("[]"))
    if found is None:
        msg = f"{text} is no parameter"
        raise ValueError(msg)
    name, default, least, most = found.group("name", "default", "least", "most")
    return Parameter(
        name,
        float(default) if default else None,
        float(least),
        float(most),
        is_whole="." not in default,
        is_rare=text.startswith("["),
    )
