"""Headlines as people should read them, and the assets that they name."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
# A UTF-8 sequence whose bytes were each taken for a Latin-1 letter, such as "Ã¶" for "ö".
_MISREAD = re.compile("[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}")
# What is left of "â\x80\x93" (a dash) and its like where the first two bytes were lost.
_LAST_BYTE = re.compile("[\u0080-\u009f]")
# What is left of a no-break space where its second byte was lost.
_LONE_LEAD = re.compile(r"Â(?=\s|$)")

SUBJECTS = {"bitcoin": "BTC", "ethereum": "ETH"}
"""Asset by the subject column of the recorded headlines; the other subjects name no asset."""

# Beside its name and its symbol in capitals, what headlines call an asset.
_NICKNAMES = {
    "BTC": ("bitcoin", "bitcoins"),
    "ETH": ("ethereum", "ether"),
    "BNB": ("binance coin", "bnb chain"),
    "SOL": ("solana",),
    "XRP": ("ripple",),
}


def clean_text(text: str) -> str:
    r"""Return the text without the marks that wrong decoding left in it.

    Escapes such as `\x93` written out, UTF-8 read as Latin-1, HTML entities, no-break spaces; runs
    of white space become one space. Right text stays as it is.
    """
    if "\\x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    text = _MISREAD.sub(_reread, text)
    text = _LAST_BYTE.sub(lambda match: chr(0x2000 + ord(match[0]) - 0x80), text)
    text = _LONE_LEAD.sub("", text)
    return " ".join(html.unescape(text).split())


def _reread(match: re.Match[str]) -> str:
    try:
        return match[0].encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return match[0]


class Mentions:
    """Finds the assets of a fixed list in a text, by name, nickname or symbol in capitals."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """`names` gives the name of each asset's symbol, for example {"BTC": "Bitcoin"}."""
        self._patterns = {asset: _pattern(asset, name) for asset, name in names.items()}

    def knows(self, asset: str) -> bool:
        """Whether the asset is one of the list."""
        return asset in self._patterns

    def find(self, text: str) -> set[str]:
        """Return the symbols of the assets that the text names."""
        return {asset for asset, pattern in self._patterns.items() if pattern.search(text)}


def _pattern(asset: str, name: str) -> re.Pattern[str]:
    words: Iterable[str] = {name.lower(), *_NICKNAMES.get(asset, ())} - {asset.lower()}
    choices = [rf"(?i:{re.escape(word)})" for word in sorted(words)]
    return re.compile(rf"(?<![\w$])\$?(?:{'|'.join([re.escape(asset), *choices])})(?!\w)")
