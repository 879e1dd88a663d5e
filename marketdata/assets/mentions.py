"""The assets that a text names, found word by word.

A coin may be named by its name ("Bitcoin Cash" is not Bitcoin: the longest name counts), by a mark
($ETH, Story (IP), ETH/USDT) or by its symbol in capitals. How much of that is needed depends on how
far the word could mean something else, and on how large the coin is: thousands of small coins are
called by everyday words, and next to no headline is about them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from math import inf

from marketdata.assets.notation import bases_of
from marketdata.assets.symbols import Catalogue, fold
from marketdata.assets.words import BODIES, CAPITALS, NAME_WORDS, OTHERS, SYMBOL_WORDS
from schemas.coins import is_money

LARGE_RANK, KNOWN_RANK = 200, 1000
"""Down to these ranks a name or symbol, or a longer name or mark, is enough without a tag."""
_MOST_WORDS = 4
_LEAST_LETTERS = 3
_SHOUTED_LETTERS = 4
_WORD = re.compile(r"[^\W_]+")
_JOINT = re.compile(r"\s{1,2}|[-.'\u2019]")
_AMOUNT = re.compile(r"\d+[KMBT]?N?", re.IGNORECASE)
_FIRST_OF_OTHERS = frozenset(name.partition(" ")[0] for name in OTHERS)
_SMALL_NAMES = ("coin", "coins", "ether", "ethereum")


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    words: tuple[re.Match[str], ...]
    folded: tuple[str, ...]
    shouting: bool

    def before(self, at: int) -> str:
        return self.text[: self.words[at].start()][-1:]

    def after(self, at: int) -> str:
        return self.text[self.words[at].end() :][:1]


def mentioned(text: str, catalogue: Catalogue, tagged: Container[str] = ()) -> tuple[str, ...]:
    """Return the assets that the text names, in the order in which it does.

    `tagged`: assets that the source files the text under; a weaker mention of these is enough.
    """
    read = _read(text, catalogue, tagged)
    found: dict[str, None] = {}
    at = 0
    while at < len(read.words):
        length, asset = _at(read, at, catalogue, tagged)
        if asset is not None:
            found[asset] = None
        at += length
    return tuple(found)


def is_plain(asset: str, catalogue: Catalogue) -> bool:
    """Return whether a symbol means its coin wherever it stands: large, three letters, no word."""
    return (
        len(asset) >= _LEAST_LETTERS
        and not asset.isdigit()
        and asset not in CAPITALS
        and asset not in SYMBOL_WORDS
        and catalogue.rank(asset) <= LARGE_RANK
    )


def is_sure_name(name: str, asset: str, catalogue: Catalogue, *, tagged: bool) -> bool:
    """Return whether a folded name means its coin: a longer one, or a large coin's, no word."""
    if " " in name:
        return catalogue.rank(asset) <= (inf if tagged else KNOWN_RANK)
    if name in NAME_WORDS or len(name) < _LEAST_LETTERS:
        return False
    if name == asset.casefold() and not is_plain(asset, catalogue):
        return False
    return tagged or catalogue.rank(asset) <= LARGE_RANK


def _read(text: str, catalogue: Catalogue, tagged: Container[str]) -> _Text:
    text = unicodedata.normalize("NFKC", text)
    words = tuple(_WORD.finditer(text))
    shouting = any(_is_shout(word[0], catalogue, tagged) for word in words)
    return _Text(text, words, tuple(fold(word[0]) for word in words), shouting)


def _is_shout(word: str, catalogue: Catalogue, tagged: Container[str]) -> bool:
    """Whether a word in capitals is none of those that always are: then any word may be."""
    if len(word) < _SHOUTED_LETTERS or not word.isalpha() or not word.isupper():
        return False
    if word in CAPITALS or is_money(word) or word in tagged:
        return False
    return catalogue.rank(word) > KNOWN_RANK


def _at(
    read: _Text, at: int, catalogue: Catalogue, tagged: Container[str]
) -> tuple[int, str | None]:
    """Return how many words are read at a place, and the asset that they name, if any."""
    first = read.folded[at]
    if first in catalogue.first_words or first in _FIRST_OF_OTHERS:
        for length, name in _names(read, at):
            if name in OTHERS or name in catalogue.by_name:
                asset = catalogue.by_name.get(name)
                if asset is None or _is_named(read, at, length, name, asset, catalogue, tagged):
                    return length, asset
    word = read.words[at][0]
    if word == word.upper() or read.before(at) == "$":
        asset = catalogue.of_symbol(word)
        if asset is not None and _is_symbol(read, at, asset, catalogue, tagged):
            return 1, asset
    return 1, None


def _names(read: _Text, at: int) -> Iterator[tuple[int, str]]:
    """Yield the beginnings from a place that may be names, the longest first."""
    longest = 1
    while longest < _MOST_WORDS and at + longest < len(read.words):
        gap = read.text[read.words[at + longest - 1].end() : read.words[at + longest].start()]
        if not _JOINT.fullmatch(gap):
            break
        longest += 1
    for length in range(longest, 0, -1):
        yield length, " ".join(read.folded[at : at + length])


def _is_named(
    read: _Text,
    at: int,
    length: int,
    name: str,
    asset: str,
    catalogue: Catalogue,
    tagged: Container[str],
) -> bool:
    first = read.words[at][0]
    if first[0].islower() and not name.endswith(_SMALL_NAMES):
        return False
    if is_sure_name(name, asset, catalogue, tagged=asset in tagged):
        return True
    behind = at + length
    if behind >= len(read.words):
        return False
    own_mark = read.words[behind][0] == asset and _is_bracketed(read, behind)
    return own_mark or (name in NAME_WORDS and read.folded[behind] in BODIES and first[0].isupper())


def _is_symbol(
    read: _Text, at: int, asset: str, catalogue: Catalogue, tagged: Container[str]
) -> bool:
    """Whether the word at a place is the asset's symbol, and meant so."""
    word, is_tagged = read.words[at][0], asset in tagged
    if read.before(at) == "$":
        return _is_cashtag(word, asset, catalogue, is_tagged=is_tagged)
    known = is_tagged or catalogue.rank(asset) <= KNOWN_RANK
    if known and _is_pair(read, at, asset):
        return True
    if len(asset) < _LEAST_LETTERS or asset.isdigit() or asset in CAPITALS:
        return False
    if known and _is_bracketed(read, at):
        return True
    if is_plain(asset, catalogue):
        return True
    large = is_tagged or catalogue.rank(asset) <= LARGE_RANK
    return large and not read.shouting


def _is_cashtag(word: str, asset: str, catalogue: Catalogue, *, is_tagged: bool) -> bool:
    if _AMOUNT.fullmatch(word):
        return False
    return is_tagged or (len(word) >= _LEAST_LETTERS and catalogue.rank(asset) <= KNOWN_RANK)


def _is_pair(read: _Text, at: int, asset: str) -> bool:
    """Whether the word is a market's symbol (BTCUSDT), or one's beginning (BTC/USDT)."""
    word = read.words[at][0]
    if word != asset and bases_of(word):
        return True
    is_last = at + 1 >= len(read.words)
    return not is_last and read.after(at) == "/" and is_money(read.words[at + 1][0])


def _is_bracketed(read: _Text, at: int) -> bool:
    return read.before(at) + read.after(at) in {"()", "[]"}
