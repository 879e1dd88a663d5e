"""Headlines of the same story: equal but for spelling, filling words and publisher.

Nothing that changes the news may differ: no number, no name, no verb, no "not", no order of words.
One story in two wordings is two headlines: better that than a lost one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import inf

from rapidfuzz.distance import DamerauLevenshtein, Opcode
from rapidfuzz.distance.Levenshtein import opcodes

from marketdata.assets.words import is_word, is_word_name
from schemas.coins import COINS, NICKNAMES, TICKERS

_LEAST_LETTERS = 12  # a shorter title is no more than a subject
_LEAST_CUT_WORDS = 5  # of a title cut short; fewer begin too many
_LEAST_TYPO_LETTERS = 8  # of shorter words one letter makes another: backed, hacked
_LEAST_STEM_LETTERS = 3

_LABELS = re.compile(
    r"^\W*(?:(?:just in|breaking(?: news)?|latest|updated?|watch|new|flash|alert|exclusive)"
    r"\s*:\s*)+",
    re.IGNORECASE,
)
_PUBLISHER = re.compile(
    r"\s+[-|\u2013\u2014]\s+(?:the )?(?:ambcrypto|benzinga|bitcoinist|bloomberg|blockworks|cnbc"
    r"|coindesk|coingape|coinpedia|cointelegraph|cryptonews|cryptopotato|cryptoslate|daily hodl"
    r"|decrypt|forbes|fortune|fxstreet|newsbtc|reuters|u\.today|yahoo finance|block|reports?)"
    r"(?:\.com)?\s*$",
    re.IGNORECASE,
)
_CUT = re.compile(r"(?:\.{2,}|\u2026)\s*$")
_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": " ", "\u2212": "-"})
_TOKEN = re.compile(
    r"(?<![^\W_])-?[$€£¥]?\d[\d,]*(?:\.\d+)?(?:[/:-]\d[\d,]*(?:\.\d+)?)*[^\W_]*%?"
    r"|[^\W_]+(?:['.&][^\W_]+)*"
)
_NUMBER = re.compile(r"(-?)([$€£¥]?)(\d[\d,]*(?:\.\d+)?)([^\W\d_]*)(%?)")
_CURRENCIES = {"": "", "$": "", "€": "eur", "£": "gbp", "¥": "jpy"}
_DOLLARS = frozenset(("usd", "usdt", "dollar", "dollars"))
_SCALES = {
    **dict.fromkeys(("k", "thousand"), 3),
    **dict.fromkeys(("m", "mn", "mln", "million"), 6),
    **dict.fromkeys(("b", "bn", "bln", "billion"), 9),
    **dict.fromkeys(("t", "tn", "trn", "trillion"), 12),
}
_PERCENT = frozenset(("percent", "pct"))
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _coin_words() -> Iterator[tuple[str, str]]:
    """Yield the tickers and nicknames that are no other words, with their coins' names."""
    spellings = {asset: asset for asset in COINS} | {**TICKERS, **NICKNAMES}
    for spelling, asset in spellings.items():
        word, name = spelling.casefold(), COINS[asset].name.casefold()
        rank = COINS[asset].market_cap_rank or inf
        is_other = is_word(spelling.upper(), rank) or is_word_name(name, rank)
        if name.isalnum() and name != asset.casefold() and word.isalnum() and not is_other:
            yield word, name


_SAME = {
    **{word: str(value) for value, word in enumerate(_DIGITS)},
    **dict(_coin_words()),
    **{"u.s": "us", "u.k": "uk", "int'l": "international", "gov't": "government"},
    **dict.fromkeys(("introduc", "launch", "unveil", "reveal", "debut"), "announc"),
}
"""One word for several, as they are written or by their stems."""
_FILLING = frozenset(
    (
        *("a", "an", "the", "of", "over", "on", "about", "in", "at", "for", "and", "as", "that"),
        *("is", "are", "was", "were", "has", "have", "had", "it", "its", "this", "here"),
        *("say", "says", "said", "report", "reports", "reportedly", "today", "now", "just", "new"),
    )
)
_ENDINGS = ("ing", "es", "ed", "s", "e")


@dataclass(frozen=True, slots=True)
class Title:
    """What of a headline is compared: its words in their common form, and whether it breaks off."""

    words: tuple[str, ...]
    is_cut: bool = False


def title_of(headline: str) -> Title:
    """Return what of a headline is compared."""
    text = unicodedata.normalize("NFKC", headline.replace("\u2026", "...")).casefold()
    text = text.translate(_PLAIN).strip()
    is_cut = _CUT.search(text) is not None
    text = _PUBLISHER.sub("", _LABELS.sub("", text))
    words = [_common(word) for word in _joined(_TOKEN.findall(text)) if word not in _FILLING]
    if is_cut:
        words = words[:-1]  # it may be half a word
    elif "?" in text:
        words.append("?")  # "Is Bitcoin dead?" is not "Bitcoin is dead"
    once = [word for at, word in enumerate(words) if at == 0 or words[at - 1] != word]
    return Title(tuple(once), is_cut)


def is_same_story(one: Title, other: Title) -> bool:
    """Return whether two titles are of the same story."""
    if one.is_cut or other.is_cut:
        return _begin_alike(one, other)
    if sum(map(len, one.words)) < _LEAST_LETTERS or len(one.words) != len(other.words):
        return False
    return one.words == other.words or all(
        _is_typo_only(step, one.words, other.words) for step in opcodes(one.words, other.words)
    )


def _begin_alike(one: Title, other: Title) -> bool:
    """Compare as far as the one that breaks off goes."""
    if not (one.is_cut and other.is_cut):
        cut, whole = (one, other) if one.is_cut else (other, one)
        length = len(cut.words)
        return length >= _LEAST_CUT_WORDS and whole.words[:length] == cut.words
    length = min(len(one.words), len(other.words))
    return length >= _LEAST_CUT_WORDS and one.words[:length] == other.words[:length]


def _is_typo_only(step: Opcode, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    pairs = zip(
        one[step.src_start : step.src_end], other[step.dest_start : step.dest_end], strict=False
    )
    return step.tag == "equal" or (
        step.tag == "replace" and all(_is_typo(word, written) for word, written in pairs)
    )


def _is_typo(word: str, other: str) -> bool:
    if min(len(word), len(other)) < _LEAST_TYPO_LETTERS or word[0] != other[0]:
        return False
    if not all(part.isascii() and part.isalpha() for part in (word, other)):
        return False
    return DamerauLevenshtein.distance(word, other, score_cutoff=1) <= 1


def _joined(tokens: list[str]) -> Iterator[str]:
    """Yield the tokens with those that belong to a number in it: 150 million, USD 5, 3 percent."""
    for at, token in enumerate(tokens):
        before, after = tokens[at - 1] if at else "", tokens[at + 1] if at + 1 < len(tokens) else ""
        if _is_figure(before) and (token in _SCALES or token in _PERCENT):
            continue
        if token in _DOLLARS and (_is_figure(after) or _is_figure(before) or before in _SCALES):
            continue
        if _is_figure(token) and (after in _SCALES or after in _PERCENT):
            yield token + ("%" if after in _PERCENT else after)
        else:
            yield token


def _is_figure(token: str) -> bool:
    number = _NUMBER.fullmatch(token)
    return number is not None and (not number[4] or number[4] in _SCALES)


def _common(word: str) -> str:
    """Return the form that spellings of a word or number share."""
    number = _NUMBER.fullmatch(word)
    if number is not None:
        return _figure(number) or word.replace(",", "")
    word = _SAME.get(word, word)
    if any(letter.isdigit() for letter in word):
        return word
    stem = _stem(word.removesuffix("'s").removesuffix("s'"))
    return _SAME.get(stem, stem)


def _figure(number: re.Match[str]) -> str | None:
    """Return a number written out ($1.50M is 1500000), None where its unit is no scale."""
    sign, currency, digits, unit, percent = number.groups()
    if unit and unit not in _SCALES:
        return None
    value = Decimal(digits.replace(",", "")).scaleb(_SCALES.get(unit, 0))
    return f"{sign}{value.normalize():f}{_CURRENCIES[currency]}{percent}"


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _LEAST_STEM_LETTERS and not word.endswith("ss"):
            return stem
    return word
