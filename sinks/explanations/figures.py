"""Numbers in a text: found, with their unit, sign and last written place. Pure.

Such are 1,234.50, -0.21, +0.3, 58 %, $64.2k, 1.3 million, 12 bps, five and twenty-four percent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple


class Figure(NamedTuple):
    """One number of a text.

    `text` as written; `value` as meant, without its sign; `sign` is "+", "-" or ""; `unit` is "%",
    "bps", "usd", the symbol of a unit that no signal has (per mille, another currency), or "";
    `place` is the value of one unit in the last written place, where zeros at the end of a whole
    number count as not written; `end` is where it ends in the text.
    """

    text: str
    value: Decimal
    sign: str
    unit: str
    place: Decimal
    end: int


_MINUS = r"\b(?i:minus|negative)\s"
_STRANGE = "\u2030\u20ac\xa3\xa5\u20bf"  # per mille, euro, pound, yen, bitcoin
_UNIT = (
    rf"(?:[\s-]?(?P<unit>%|[{_STRANGE}]|(?i:per[\s-]?cent(?:age[\s-]points?)?|pct"
    r"|bps?|basis[\s-]points?|USD|dollars?)\b))?"
)
_NUMBER = re.compile(
    rf"""
    (?P<sign>(?<![\w)%.,])[+\-\u2212]|{_MINUS})?
    (?P<money>[${_STRANGE}]|(?i:USD)\s)?
    (?<![\w.])(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?![\d])|\d+)(?P<decimals>\.\d+)?
    (?P<exponent>[eE][+\-]?\d{{1,3}})?
    (?:\s?(?P<scale>k|K|M|bn|B|T|thousand|million|billion|trillion)\b)?
    {_UNIT}
    (?![\w%])
    """,
    re.VERBOSE,
)
_SCALES = {
    **dict.fromkeys(("k", "K", "thousand"), Decimal("1e3")),
    **dict.fromkeys(("M", "million"), Decimal("1e6")),
    **dict.fromkeys(("B", "bn", "billion"), Decimal("1e9")),
    **dict.fromkeys(("T", "trillion"), Decimal("1e12")),
}
_UNITS = {"%": "%", "p": "%", "b": "bps", "$": "usd", "u": "usd", "d": "usd"}
"""By the first letter of how a unit is written."""

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: number for number, word in enumerate(_SMALL)}
_WORDS |= {word: 10 * number for number, word in enumerate(_TENS, start=2)}
_WORD = re.compile(
    rf"(?P<sign>{_MINUS})?\b(?:(?P<tens>{'|'.join(_TENS)})[- ](?P<ones>{'|'.join(_SMALL[1:10])})"
    rf"|(?P<alone>{'|'.join(_WORDS)}))\b{_UNIT}",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:half|halves|thirds?|quarters?|twice|thrice|(?:doubl|tripl|quadrupl)(?:e[sd]?|ing)"
    r"|dozens?|(?:hundred|thousand|million|billion|trillion)(?:s|ths?)?|\w+fold)\b",
    re.IGNORECASE,
)


def written(text: str) -> Iterator[Figure]:
    """Yield the numbers that are written in digits."""
    for found in _NUMBER.finditer(text):
        digits = found["digits"].replace(",", "")
        decimals = found["decimals"] or ""
        scale = Decimal(f"1{found['exponent'] or 'e0'}") * _SCALES.get(found["scale"], Decimal(1))
        exponent = 1 - len(decimals) if decimals else len(digits) - len(digits.rstrip("0"))
        if not digits.strip("0") and not decimals:
            exponent = 0
        yield Figure(
            found[0].strip(),
            Decimal(digits + decimals) * scale,
            _sign(found["sign"]),
            _unit(found["money"] or found["unit"]),
            Decimal(1).scaleb(exponent) * scale,
            found.end(),
        )


def spelled(text: str) -> Iterator[Figure]:
    """Yield the numbers that are written as words; "one" is language more often than a number."""
    for found in _WORD.finditer(text):
        words = (found[name] for name in ("tens", "ones", "alone"))
        number = sum(_WORDS[word.lower()] for word in words if word)
        sign, unit = _sign(found["sign"]), _unit(found["unit"])
        if number != 1 or sign or unit:
            yield Figure(found[0], Decimal(number), sign, unit, Decimal(1), found.end())


def vague(text: str) -> str | None:
    """Return the first word that claims a quantity without a figure ("twice", "dozens"), or None.

    Words that belong to a figure ("1.3 million") do not count.
    """
    found = _VAGUE.search(_NUMBER.sub(" ", text))
    return found[0] if found else None


def leftover(text: str) -> str | None:
    """Return what has a digit (of any script) and is none of the numbers of `written`, or None."""
    rest = _NUMBER.sub(" ", text)
    for word in rest.split():
        if any(letter.isdigit() or letter.isnumeric() for letter in word):
            return word.strip(".,;:!?()\"'")
    return None


def _sign(written: str | None) -> str:
    return "" if not written else "+" if written == "+" else "-"


def _unit(written: str | None) -> str:
    first = (written or "")[:1].lower()
    return _UNITS.get(first, first)
