"""The assets that recorded headlines name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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
