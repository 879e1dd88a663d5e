"""Crypto keyword lexicon: a score and a confidence of a text, from the words of `lexicon_terms`.

One pass of a precompiled pattern cuts the text into words; one walk over them looks up the longest
term at every word; one walk over the terms found applies negation, intensity and movement:

    S = sum of strengths, M = sum of |strengths|
    score = tanh(S),  confidence = (1 - exp(-M / 0.6)) * (0.4 + 0.6 |S| / M)

So one strong term gives about 0.7, several give more, and terms that contradict each other give
little confidence. A headline without a term gives 0 and 0.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import exp, tanh
from typing import NamedTuple

from streams.engines import lexicon_terms as tables

_TERM, _MOVE, _NOUN, _SHIFT, _AFTER, _BOOST, _BREAK = range(7)
_NUMBER = re.compile(r"\$?\d[\d.,]*(?:%|k\b|m\b|b\b|bn\b|mln\b|bln\b)?")
_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[#,;:.!?]")

SHIFT_REACH_WORDS = 4
"""How many words after its end a negation covers: "not seen as bullish"."""
BOOST_REACH_WORDS = 2
"""How many words after its end an intensifier covers: "very strongly bullish"."""
AFTER_REACH_WORDS = 2
"""How many words a following negation may stand behind its term: "ban was lifted"."""
QUESTION_FACTOR = 0.5
"""A headline that asks does not say."""
SUMMARY_WEIGHT = 0.4
"""Of the summary against the headline: it repeats, hedges and gives the background."""
SUMMARY_MAX_CHARS = 600
"""Only the start of a summary is read: it carries the news, and the time stays bounded."""
CONFIDENCE_SCALE = 0.6
"""Matched strength at which the confidence is 63 % of its most."""


class LexiconScore(NamedTuple):
    """Score in [-1, 1] and confidence in [0, 1]; both 0 where no term matched."""

    score: float
    confidence: float


class Hit(NamedTuple):
    """A term found in a text, as the lexicon has it, and its signed strength there."""

    term: str
    strength: float


class _Term(NamedTuple):
    words: tuple[str, ...]
    kind: int
    value: float


class _Match(NamedTuple):
    start: int
    end: int
    kind: int
    value: float
    term: str


def _words(text: str) -> list[str]:
    plain = text.lower().replace("\u2019", "'")
    return _TOKEN.findall(_NUMBER.sub("#", plain))


def _index() -> dict[str, tuple[_Term, ...]]:
    """Return the terms by first word, longest first; where two tables name one, the first wins."""
    order = (
        (tables.IDIOMS, _TERM),
        (tables.BULLISH, _TERM),
        (tables.BEARISH, _TERM),
        (tables.MOVEMENTS, _MOVE),
        (tables.GOODS, _NOUN),
        (tables.BURDENS, _NOUN),
        (tables.SHIFTERS, _SHIFT),
        (tables.AFTERTHOUGHTS, _AFTER),
        (tables.INTENSIFIERS, _BOOST),
        (tables.BREAKS, _BREAK),
    )
    terms: dict[tuple[str, ...], _Term] = {}
    for table, kind in order:
        for value, line in table:
            for phrase in line.split("; "):
                words = tuple(phrase.split())
                terms.setdefault(words, _Term(words, kind, value))
    by_first: dict[str, list[_Term]] = {}
    for words, term in terms.items():
        by_first.setdefault(words[0], []).append(term)
    return {
        first: tuple(sorted(group, key=lambda term: -len(term.words)))
        for first, group in by_first.items()
    }


_INDEX = _index()


def _matches(words: list[str]) -> list[_Match]:
    found: list[_Match] = []
    end = 0
    for at, word in enumerate(words):
        if word not in _INDEX or at < end:
            continue
        for term in _INDEX[word]:
            length = len(term.words)
            if length == 1 or tuple(words[at : at + length]) == term.words:
                end = at + length
                found.append(_Match(at, end, term.kind, term.value, " ".join(term.words)))
                break
    return found


class _Found(NamedTuple):
    """A term's strength and the factor on it, while the words after it may still change them."""

    end: int
    kind: int
    value: float
    factor: float
    term: str


class _Walk:
    """The terms found so far in one text, and which factors are in force at this word."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.found: list[_Found] = []
        self.shift, self.shift_end = 1.0, -1
        self.boost, self.boost_end = 1.0, -1

    def take(self, match: _Match) -> None:
        """Apply the next match."""
        kind = match.kind
        if kind <= _NOUN:
            self._take_term(match)
        elif kind == _BOOST:
            self.boost, self.boost_end = match.value, match.end + BOOST_REACH_WORDS
        elif kind == _BREAK:
            self.shift_end = -1
        elif kind == _AFTER and self._ended_within(match.start, AFTER_REACH_WORDS):
            last = self.found[-1]
            self.found[-1] = last._replace(factor=last.factor * match.value)
        else:
            self.shift, self.shift_end = match.value, match.end + SHIFT_REACH_WORDS

    def _take_term(self, match: _Match) -> None:
        factor = self.shift if match.start < self.shift_end else 1.0
        if match.start < self.boost_end:
            factor *= self.boost
        value = self._paired(match)
        if value is None:
            self.found.append(_Found(match.end, match.kind, match.value, factor, match.term))
        else:
            pair = f"{self.found[-1].term} {match.term}"
            self.found[-1] = self.found[-1]._replace(end=match.end, value=value, term=pair)

    def _ended_within(self, start: int, reach: int) -> bool:
        return bool(self.found) and start - self.found[-1].end <= reach

    def _paired(self, match: _Match) -> float | None:
        """Return the sentiment of a movement with the noun beside it; None if they are no pair."""
        if not self._ended_within(match.start, 1):
            return None
        last = self.found[-1]
        if match.kind == _MOVE and last.kind == _NOUN and match.start == last.end:
            strength = abs(match.value)
        elif match.kind == _NOUN and last.kind == _MOVE and self._joined(match.start, last.end):
            strength = abs(last.value)
        else:
            return None
        return strength if match.value * last.value > 0.0 else -strength

    def _joined(self, start: int, end: int) -> bool:
        """Return whether a movement acts on the noun after it: "surge in hacks", "rising fees".

        "Crash fears" is no pair: there the movement is what is feared.
        """
        if start > end:
            return self.words[end] in {"in", "of"}
        return self.words[end - 1].endswith(("ing", "er"))


def found_in(text: str) -> tuple[Hit, ...]:
    """Return every term found in a text with its signed strength, its neighbours considered."""
    words = _words(text)
    walk = _Walk(words)
    for match in _matches(words):
        walk.take(match)
    asks = QUESTION_FACTOR if words and words[-1] == "?" else 1.0
    return tuple(Hit(one.term, one.value * one.factor * asks) for one in walk.found)


def strengths(text: str) -> list[float]:
    """Return the signed strength of every term found in a text."""
    return [hit.strength for hit in found_in(text)]


def score_text(headline: str, summary: str | None = None) -> LexiconScore:
    """Score a headline, and its summary with less weight."""
    return _read(headline, summary)[0]


def hits(headline: str, summary: str | None = None) -> tuple[Hit, ...]:
    """Return the terms that a score comes from: the headline's, then the summary's."""
    return _read(headline, summary)[1]


@lru_cache(16)  # a headline comes once for every asset that it names, one after the other
def _read(headline: str, summary: str | None) -> tuple[LexiconScore, tuple[Hit, ...]]:
    told = found_in(headline)
    total, matched = _sums(told)
    background = found_in(summary[:SUMMARY_MAX_CHARS]) if summary else ()
    if background:
        balance, strength = _sums(background)
        total += SUMMARY_WEIGHT * tanh(balance)
        matched += SUMMARY_WEIGHT * tanh(strength)
    found = told + background
    if matched <= 0.0:
        return LexiconScore(0.0, 0.0), found
    agreement = 0.4 + 0.6 * min(1.0, abs(total) / matched)
    confidence = (1.0 - exp(-matched / CONFIDENCE_SCALE)) * agreement
    return LexiconScore(tanh(total), confidence), found


def _sums(found: tuple[Hit, ...]) -> tuple[float, float]:
    """Return the sum of the strengths, and the sum of their sizes."""
    given = [hit.strength for hit in found]
    return sum(given), sum(map(abs, given))
