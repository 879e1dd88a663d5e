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
from math import inf
from typing import NamedTuple

from marketdata.assets.notation import bases_of
from marketdata.assets.signs import Text, abbreviates, is_linked, is_meant, is_proper, move
from marketdata.assets.symbols import Catalogue, fold
from marketdata.assets.words import (
    BODIES,
    CAPITALS,
    OTHERS,
    is_everyday,
    is_said,
    is_word,
    is_word_name,
)
from schemas.coins import NICKNAMES, is_money

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


def mentioned(text: str, catalogue: Catalogue, tagged: Container[str] = ()) -> tuple[str, ...]:
    """Return the assets that the text names, in the order in which it does.

    `tagged`: assets that the source files the text under; a weaker mention of these is enough.
    """
    return _Reading(text, catalogue, tagged).assets()


def is_large(asset: str, catalogue: Catalogue) -> bool:
    """Return whether headlines are likely about a coin: three letters, among the largest."""
    return len(asset) >= _LEAST_LETTERS and catalogue.rank(asset) <= LARGE_RANK


def is_plain(asset: str, catalogue: Catalogue) -> bool:
    """Return whether a symbol means its coin wherever it stands: large, three letters, no word."""
    rank = catalogue.rank(asset)
    return rank <= LARGE_RANK and not is_word(asset, rank)


def is_sure_name(name: str, asset: str, catalogue: Catalogue, *, tagged: bool) -> bool:
    """Return whether a folded name means its coin: a longer one, or a large coin's, no word."""
    rank = catalogue.rank(asset)
    if " " in name:
        return rank <= (inf if tagged else KNOWN_RANK)
    is_word_too = is_word_name(name, min(rank, LARGE_RANK) if tagged else rank)
    if len(name) < _LEAST_LETTERS or (is_word_too and name not in NICKNAMES):
        return False
    if name == asset.casefold() and not is_plain(asset, catalogue):
        return False
    return tagged or rank <= LARGE_RANK


class _Mention(NamedTuple):
    """Words `at` up to `behind` that may be an asset's symbol or name; `sure`: that are."""

    at: int
    behind: int
    asset: str
    is_name: bool
    sure: bool


class _Reading:
    """A text read once: first all that may be a coin, then which of it is, by the others."""

    def __init__(self, text: str, catalogue: Catalogue, tagged: Container[str]) -> None:
        self._catalogue, self._tagged = catalogue, tagged
        text = unicodedata.normalize("NFKC", text)
        words = tuple(_WORD.finditer(text))
        self._read = Text(text, words, tuple(fold(word[0]) for word in words))
        loud = sum(self._is_shout(word[0]) for word in words)
        self._shouting = 2 * loud > sum(_is_long(word[0]) for word in words)

    def assets(self) -> tuple[str, ...]:
        """Return what is named, each once."""
        found = self._mentions()
        while True:
            checked = [one._replace(sure=one.sure or self._is_one(one, found)) for one in found]
            if checked == found:
                return tuple(dict.fromkeys(one.asset for one in found if one.sure))
            found = checked

    def _mentions(self) -> list[_Mention]:
        found: list[_Mention] = []
        at = 0
        while at < len(self._read.words):
            length, mention = self._at(at)
            found += mention
            at += length
        return found

    def _at(self, at: int) -> tuple[int, list[_Mention]]:
        """Return how many words are read at a place, and the coin that they may name, if any."""
        read, catalogue = self._read, self._catalogue
        first = read.folded[at]
        weak: list[_Mention] = []
        if first in catalogue.first_words or first in _FIRST_OF_OTHERS:
            for length, name in _names(read, at):
                if name in OTHERS or name in catalogue.by_name:
                    asset = catalogue.by_name.get(name)
                    if asset is None:
                        return length, []
                    if not self._is_written(at, name, asset):
                        continue
                    sure = self._is_named(at, length, name, asset)
                    mention = _Mention(at, at + length, asset, is_name=True, sure=sure)
                    if sure:
                        return length, [mention]
                    weak = weak or [mention]
        word = read.words[at][0]
        if word == word.upper() or read.before(at) == "$":
            asset = catalogue.of_symbol(word)
            if asset is not None:
                sure = self._is_symbol(at, asset)
                mention = _Mention(at, at + 1, asset, is_name=False, sure=sure)
                return 1, [mention]
        return 1, weak

    def _is_written(self, at: int, name: str, asset: str) -> bool:
        """Whether a name has its capital letter, or is written as the coin writes it (dYdX)."""
        word = self._read.words[at][0]
        if not word[0].islower() or name.endswith(_SMALL_NAMES):
            return True
        return not word.islower() and word == self._catalogue.by_symbol[asset].name

    def _is_named(self, at: int, length: int, name: str, asset: str) -> bool:
        read, behind = self._read, at + length
        is_of = behind < len(read.words) and read.folded[behind] == "of" and is_said(name)
        if not is_of and is_sure_name(name, asset, self._catalogue, tagged=asset in self._tagged):
            return True
        if behind >= len(read.words):
            return False
        if read.words[behind][0] == asset and read.is_bracketed(behind):
            return True
        body = read.folded[behind] in BODIES and read.words[at][0][0].isupper()
        return body and " " not in name and self._is_known(asset)

    def _is_symbol(self, at: int, asset: str) -> bool:
        """Whether the word at a place is the asset's symbol, and sure to be meant so."""
        read, word = self._read, self._read.words[at][0]
        if read.before(at) == "$":
            return self._is_cashtag(word, asset)
        if self._is_known(asset) and _is_pair(read, at, asset):
            return True
        if len(asset) < _LEAST_LETTERS or asset.isdigit() or asset in CAPITALS:
            return False
        rank = self._catalogue.rank(asset)
        if rank <= LARGE_RANK and not is_word(word, rank) and not read.gap(at).endswith("-"):
            return True
        bracketed = self._is_known(asset) and read.is_bracketed(at) and not abbreviates(read, at)
        if is_everyday(asset):
            return False
        return bracketed or (asset in self._tagged and not self._shouting)

    def _is_cashtag(self, word: str, asset: str) -> bool:
        if _AMOUNT.fullmatch(word):
            return False
        return asset in self._tagged or (len(word) >= _LEAST_LETTERS and self._is_known(asset))

    def _is_one(self, one: _Mention, found: list[_Mention]) -> bool:
        """Whether a word beside other words is a coin, by what stands around it."""
        read, asset = self._read, one.asset
        if not self._is_known(asset) or (len(asset) < 2 and not one.is_name):
            return False
        if any(two.asset == asset and two.is_name != one.is_name for two in found):
            return not self._shouting  # its name and its ticker, which alone are words both
        if asset in CAPITALS and not one.is_name:
            return False
        row = self._row(one, found)
        coins = sum(two.sure for two in row)
        if self._shouting or (is_everyday(asset) and not one.is_name):
            return coins > 1 or is_meant(read, one.at, one.behind, by="amount")
        if coins or is_meant(read, one.at, one.behind, by="name" if one.is_name else "ticker"):
            return True
        if one.is_name:
            return is_proper(read, one.at, one.behind)
        return len(row) > 2 or (len(row) > 1 and move(read, row[-1].behind))

    def _row(self, one: _Mention, found: list[_Mention]) -> list[_Mention]:
        """Return what stands in one row with a word, itself among it: "BTC, LINK and ONE"."""
        row = [one]
        place = found.index(one)
        for two in reversed(found[:place]):
            if not is_linked(self._read, two.behind, row[0].at):
                break
            row.insert(0, two)
        for two in found[place + 1 :]:
            if not is_linked(self._read, row[-1].behind, two.at):
                break
            row.append(two)
        return row

    def _is_known(self, asset: str) -> bool:
        return asset in self._tagged or self._catalogue.rank(asset) <= KNOWN_RANK

    def _is_shout(self, word: str) -> bool:
        """Whether a word in capitals is none of those that always are: then any word may be."""
        if not _is_long(word) or not word.isupper():
            return False
        if word in CAPITALS or is_money(word) or word in self._tagged:
            return False
        return self._catalogue.rank(word) > KNOWN_RANK


def _is_long(word: str) -> bool:
    return len(word) >= _SHOUTED_LETTERS and word.isalpha()


def _names(read: Text, at: int) -> Iterator[tuple[int, str]]:
    """Yield the beginnings from a place that may be names, the longest first."""
    longest = 1
    while longest < _MOST_WORDS and at + longest < len(read.words):
        if not _JOINT.fullmatch(read.gap(at + longest)):
            break
        longest += 1
    for length in range(longest, 0, -1):
        yield length, " ".join(read.folded[at : at + length])


def _is_pair(read: Text, at: int, asset: str) -> bool:
    """Whether the word is a market's symbol (BTCUSDT), or one's beginning (BTC/USDT)."""
    word = read.words[at][0]
    if word != asset and bases_of(word):
        return True
    is_last = at + 1 >= len(read.words)
    return not is_last and read.after(at) == "/" and is_money(read.words[at + 1][0])
