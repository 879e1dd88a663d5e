"""Checks that every number in a text is in the signal. Pure.

A number passes when it is one of the facts:
* rounded at its last written place, and off by 5 % at most (1 % where zeros at its end stand for
  digits: $64,200): 0.58 or 0.6 for 0.582, but not 1, and not 0 for 0.004;
* a score, weight or confidence in percent (58 %), a named unit in that unit ($, %, bps), in digits
  and in words ("twelve percent");
* with its sign, where one is written; "a loss of 0.21" may leave the sign to the words;
* as it stands in a note of the signal ("12 of 50 candles");
* a count of engines, near the word: "five engines", "3 of the 5 scores";
* part of a name (the asset, the strategy, RSI14, MA200, the 4h chart), the span "24 h", or the
  signal's own date and time.
"One" and ordinals in words are language. Words that claim a quantity (twice, dozens) do not pass.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from sinks.explanations.facts import Facts, shown, values
from sinks.explanations.figures import Figure, leftover, spelled, vague, written
from sinks.explanations.prompt import MOST_CHARACTERS

_LOOSE, _TIGHT = Decimal("0.05"), Decimal("0.01")
_ENGINES_NEAR = re.compile(r"(?:\W+\w+){0,3}?\W+(?:engines?|scores?)\b", re.IGNORECASE)
_NAMES = (
    r"\b(?:RSI|MA|SMA|EMA|ATR)[\s-]?\(?(?:14|20|30|50|200)\)?(?!\w|[.,]\d)",  # an indicator
    r"\b(?:1|4|one|four)[\s-]?(?:h|hours?)(?=[\s-]+(?:chart|candle|time))",  # a chart
    r"\b(?:24[\s-]?(?:h|hours?|hrs?)|twenty-four[\s-]hours?)\b",  # the span of the readings
)
_ADDRESS = re.compile(r"https?:|www\.|[*#`|]|^\s*[-•]", re.IGNORECASE | re.MULTILINE)


def rejection(text: str, facts: Facts) -> str | None:
    """Return why a model's text cannot be published, as a sentence; None when it can."""
    if not text.strip():
        return "There is no text."
    if len(text) > MOST_CHARACTERS:
        return f"The text has {len(text)} characters, more than {MOST_CHARACTERS}."
    if any(not letter.isprintable() and letter != "\n" for letter in text):
        return "The text has letters that nobody can print."
    if _ADDRESS.search(text):
        return "The text has markup or an address in it."
    return unsupported_number(text, facts)


def unsupported_number(text: str, facts: Facts) -> str | None:
    """Name the first number that is not in the signal, in a sentence; None when all are."""
    text = _without_names(unicodedata.normalize("NFKC", text), facts)
    for figure in written(text):
        if not _is_known(figure, facts, text):
            return f"The number {figure.text} is not in the signal."
    rest = leftover(text)
    if rest is not None:
        return f"The number in {rest} is not in the signal."
    for figure in spelled(text):
        if not _is_known(figure, facts, text):
            return f"The number {figure.text} is not in the signal."
    word = vague(text)
    return f"The word {word} claims a number that is not in the signal." if word else None


def _is_known(figure: Figure, facts: Facts, text: str) -> bool:
    if any(_agrees(figure, name, value) for name, value in values(facts)):
        return True
    if any(_same(figure, other) for note in facts.detail.values() for other in written(note)):
        return True
    is_count = not figure.unit and not figure.sign and figure.value in _counts(facts)
    return is_count and _ENGINES_NEAR.match(text, figure.end) is not None


def _agrees(figure: Figure, name: str, value: float) -> bool:
    """Return whether a figure is this value, rounded or in another unit; or the value as shown."""
    if (figure.sign == "-" and value > 0.0) or (figure.sign == "+" and value < 0.0):
        return False
    factor = _factor(figure.unit, name)
    if factor is None:
        return False
    exact = abs(Decimal(repr(value))) * factor
    return _is_rounded(figure, exact) or _is_rounded(
        figure, abs(Decimal(shown(name, value))) * factor
    )


def _factor(unit: str, name: str) -> Decimal | None:
    """Return the factor from a value to a unit, None where the unit does not fit."""
    if unit == "%":
        return Decimal(100) if _is_share(name) else None
    return Decimal(1) if unit == "" or name.endswith(f"_{unit}") else None


def _is_share(name: str) -> bool:
    """Return whether a value is a score, confidence, weight or contribution."""
    return name.rpartition(".")[2] in ("score", "confidence", "weight", "contribution") or (
        name in ("final_score", "sentiment_news", "sentiment_social")
    )


def _is_rounded(figure: Figure, value: Decimal) -> bool:
    error = abs(figure.value - value)
    if not error:
        return True
    most = _TIGHT if figure.place > 1 else _LOOSE
    return error <= figure.place / 2 and error <= most * value


def _same(figure: Figure, noted: Figure) -> bool:
    return figure.value == noted.value and figure.unit == noted.unit


def _counts(facts: Facts) -> frozenset[int]:
    """Return what can be counted of the engines: all, by status, for and against the score."""
    statuses = [part.status for part in facts.contributions]
    counted = [part.contribution for part in facts.contributions if part.status == "ok"]
    positive, negative = sum(one > 0 for one in counted), sum(one < 0 for one in counted)
    out = len(statuses) - len(counted)
    by_status = (statuses.count(status) for status in ("ok", "missing", "stale"))
    return frozenset((len(statuses), out, positive, negative, *by_status))


def _without_names(text: str, facts: Facts) -> str:
    """Blank out what has digits and states none: names, timeframes, the signal's time.

    In one pass, the leftmost first: an asset may be called H, and "24 h" stays the span.
    """
    own = (unicodedata.normalize("NFKC", name) for name in (facts.asset, facts.strategy_id))
    words = (*sorted(own, key=len, reverse=True), *_moments(facts.as_of, facts.cycle))
    patterns = (*(rf"(?<![\w.,]){re.escape(word)}(?!\w|[.,]\d)" for word in words), *_NAMES)
    return re.sub("|".join(patterns), " ", text, flags=re.IGNORECASE)


def _moments(*times_ms: int | None) -> Iterator[str]:
    """Yield how people write the day and the time of day of these moments, in UTC."""
    for time_ms in times_ms:
        if time_ms is None:
            continue
        try:
            at = datetime.fromtimestamp(time_ms / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            continue
        yield from (at.strftime("%Y-%m-%dT%H:%M"), at.strftime("%Y-%m-%d"))
        yield from (at.strftime("%H:%M:%S"), at.strftime("%H:%M"))
        for month in (at.strftime("%B"), at.strftime("%b")):
            for day in (f"{at.day} {month}", f"{month} {at.day}"):
                yield from (f"{day}, {at.year}", f"{day} {at.year}", day)
