"""Symbols, ids and texts: what they may hold and how long they may be. One rule for everybody.

Coin lists, exchanges, REST, the command line, websockets and the contract ask here. The lengths are
such that every key fits into an index of PostgreSQL (2,704 bytes a row) and a record into Kafka.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from hashlib import sha256

MOST_SYMBOL, MOST_ID, MOST_SOURCE_ID = 20, 64, 512
"""Characters of an asset's symbol; of a strategy's, request's, signal's, user's or source's id; of
a source's own id of a record."""
MOST_NAME, MOST_RULE = 120, 4_000
"""Characters of a strategy's name, of a rule. Other texts end where the record does, at 1 MB."""
MOST_ASSETS = 500
"""Assets in the list of a strategy."""
SYMBOL_PATTERN = rf"^(?![.\-$#])[^\s/:,|a-z\x00-\x1f\x7f]{{1,{MOST_SYMBOL}}}$(?!\n)"
"""What a symbol looks like, for those who know regular expressions only; `is_symbol` decides.

$ of Python lets a line end follow, that of ECMAScript does not: hence (?!\\n).
"""
_symbol = re.compile(SYMBOL_PATTERN)
_DIGEST = 32  # hex digits, 128 bits


def in_capitals(text: str) -> str:
    """Return a symbol as it is compared: in capitals, without a cashtag's sign before it."""
    return unicodedata.normalize("NFKC", text).strip().lstrip("$#").upper()


def is_symbol(text: str) -> bool:
    """Return whether a text is the symbol of an asset: BTC, 1INCH, USDC.E, 币安人生.

    Any script, in capitals where it has them, one spelling (NFKC); no spaces, nothing that no
    screen shows, and none of / : , | which stand between symbols elsewhere.
    """
    return len(text) <= MOST_SYMBOL and _is_symbol(text)


@lru_cache(4096)  # the same assets again and again: a third of the time to check a candle
def _is_symbol(text: str) -> bool:
    looks = _symbol.match(text) is not None and text.isprintable()
    return looks and text == in_capitals(text)


def wrong_symbol(text: str) -> str | None:
    """Return why a text is no symbol, to be put behind the name of its field, or None."""
    if is_symbol(text):
        return None
    long = f" of at most {MOST_SYMBOL} letters" if len(text) > MOST_SYMBOL else ""
    return f"{text[:MOST_SYMBOL]!r} is not a symbol in capitals{long}"


def wrong_id(text: str) -> str | None:
    """Return why a text is no id or short name, to be put behind the name of its field, or None."""
    if not 0 < len(text) <= MOST_ID:
        return f"is {len(text)} characters long, not 1 to {MOST_ID}" if text else "is empty"
    return None if text.isprintable() else f"{text!r} holds what cannot be printed"


def wrong_text(text: str, most: int | None = None) -> str | None:
    """Return why a text can be stored nowhere, to be put behind the name of its field, or None."""
    if most is not None and len(text) > most:
        return f"is {len(text)} characters long, more than {most}"
    if "\0" in text:
        return "holds a NUL, which no database takes"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "holds half a character (a lone surrogate)"
    return None


def short_id(text: str) -> str:
    """Return a source's own id of a record such that it fits: too long a one ends in its digest.

    The same text gives the same id, different ones different ids.
    """
    text = text.encode(errors="backslashreplace").decode().replace("\0", "")
    if len(text) <= MOST_SOURCE_ID - MOST_SYMBOL - 1:  # the asset follows, in ids of news
        return text
    digest = sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{text[: MOST_SOURCE_ID - MOST_SYMBOL - 2 - _DIGEST]}#{digest}"


_ALIKE, _CANDIDATES, _MOST_COMPARED = 0.6, 8, 40


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another one; None when none is alike.

    Of those that are equally alike the one that is known first.
    """
    written, names = name[:_MOST_COMPARED], list(known)

    def likeness(one: str) -> tuple[float, int]:
        return SequenceMatcher(None, one, written).ratio(), -names.index(one)

    return max(get_close_matches(written, names, _CANDIDATES, _ALIKE), key=likeness, default=None)
