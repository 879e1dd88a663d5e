"""Which asset a text means: the catalogue of known coins.

Tickers are not unique, so the coin ranked best by market cap has the symbol, and the others of
that symbol are unknown here. The same goes for names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Protocol

from marketdata.assets.notation import as_symbol, bases_of, multiple_of
from schemas.coins import MONEY, NICKNAMES, TICKERS, is_money
from schemas.names import in_capitals

_RANKS_APART, _RANKS_APART_SHARE = 3, 0.02


class CoinLike(Protocol):
    """A coin of a list, as the parsers of the upstreams make them."""

    @property
    def symbol(self) -> str:
        """Ticker, in any case."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def slug(self) -> str:
        """Name in addresses; empty where there is none."""

    @property
    def market_cap_rank(self) -> int | None:
        """1 for the largest; None where it is not known."""


@dataclass(frozen=True, slots=True)
class Coin:
    """A known coin: `symbol` in capitals, `names` folded (`fold`), sorted."""

    symbol: str
    name: str
    names: tuple[str, ...]
    market_cap_rank: int | None = None

    @property
    def rank(self) -> float:
        """The rank by market cap; infinity where it is not known."""
        return inf if self.market_cap_rank is None else self.market_cap_rank


def fold(text: str) -> str:
    """Return a name such that spellings of it are equal: small letters, single spaces."""
    if text.isascii() and text.isalnum():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The known coins. Build it with `of`; a newer list makes a new one with `updated`."""

    coins: Mapping[tuple[str, str], Coin]
    """By symbol and folded name: all that were ever listed, money too."""
    by_symbol: Mapping[str, Coin]
    """The assets."""
    by_name: Mapping[str, str]
    """Asset by folded name, slug or alias."""
    money: frozenset[str]
    """Listed symbols that are no assets, and so no pairs either: CRVUSD is not CRV/USD."""
    first_words: frozenset[str]
    """The first word of every name: most words of a text are none of these."""

    @classmethod
    def of(cls, coins: Iterable[CoinLike]) -> Catalogue:
        """Return the catalogue of a list; its order does not matter."""
        return cls({}, {}, {}, frozenset(), frozenset()).updated(coins)

    def updated(self, coins: Iterable[CoinLike]) -> Catalogue:
        """Return the catalogue with a newer list: new coins come in, known ones get its ranks."""
        newer: dict[tuple[str, str], Coin] = {}
        for row in coins:
            coin = _coin(row)
            if coin is not None:
                key = (coin.symbol, fold(coin.name))
                newer[key] = _same_listed_twice(coin, newer.get(key))
        known = dict(self.coins)
        for key, coin in newer.items():
            known[key] = _newer(coin, known.get(key))
        best = _best_by_symbol(known.values())
        money = frozenset(symbol for symbol, coin in best.items() if _listed_money(coin))
        by_symbol = {symbol: coin for symbol, coin in best.items() if not is_money(symbol)}
        by_name = _best_by_name(known.values(), by_symbol)
        first_words = frozenset(name.partition(" ")[0] for name in by_name)
        return Catalogue(known, by_symbol, by_name, money, first_words)

    def resolve(self, text: str) -> str | None:
        """Return the asset that a ticker, market symbol, name or slug means, None if it is none.

        Where it may be a ticker or a name ("BITCOIN" is both), the coin with the better rank.
        """
        named = self.by_name.get(fold(text))
        symbol = self.of_symbol(text)
        if named is None or symbol is None:
            return named or symbol
        return min(symbol, named, key=lambda asset: self.by_symbol[asset].rank)

    def of_symbol(self, text: str) -> str | None:
        """Return the asset of a ticker or a market's symbol; names are not looked at.

        WBTC is WBTC, or nothing where no list has it, never BTC.
        """
        symbol = in_capitals(text)
        if symbol in self.money:
            return None
        asset = self._ticker(symbol)
        if asset is not None or symbol in MONEY:
            return asset
        found = (self._ticker(base) for base in bases_of(symbol))
        return min((base for base in found if base is not None), key=self.rank, default=None)

    def rank(self, asset: str) -> float:
        """Return an asset's rank by market cap; infinity where it is not known."""
        coin = self.by_symbol.get(asset)
        return inf if coin is None else coin.rank

    def _ticker(self, symbol: str) -> str | None:
        choices = (symbol, TICKERS.get(symbol, ""))
        found = [choice for choice in choices if choice in self.by_symbol]
        if found:
            return min(found, key=self.rank)
        multiple = multiple_of(symbol)
        known = multiple is not None and multiple.symbol in self.by_symbol
        return multiple.symbol if multiple is not None and known else None


def _coin(row: CoinLike) -> Coin | None:
    symbol = as_symbol(row.symbol)
    if symbol is None:
        return None
    names = {fold(row.name), fold(row.slug)} - {""}
    return Coin(symbol, row.name.strip() or symbol, tuple(sorted(names)), row.market_cap_rank)


def _same_listed_twice(coin: Coin, other: Coin | None) -> Coin:
    if other is None:
        return coin
    best = min(coin, other, key=_order)
    return replace(best, names=tuple(sorted({*coin.names, *other.names})))


def _newer(coin: Coin, older: Coin | None) -> Coin:
    """Return what a newer list says, with the names of the older, and its rank for want of one."""
    if older is None:
        return coin
    rank = older.market_cap_rank if coin.market_cap_rank is None else coin.market_cap_rank
    names = tuple(sorted({*coin.names, *older.names}))
    return replace(coin, names=names, market_cap_rank=rank)


def _order(coin: Coin) -> tuple[float, str, str, tuple[str, ...]]:
    return coin.rank, coin.name, coin.symbol, coin.names


def _listed_money(coin: Coin) -> bool:
    """Whether it is money by name, not a coin without a rank that is called like a pair."""
    return is_money(coin.symbol) and coin.market_cap_rank is not None


def _best_by_symbol(coins: Iterable[Coin]) -> dict[str, Coin]:
    best: dict[str, Coin] = {}
    for coin in sorted(coins, key=_order):
        best.setdefault(coin.symbol, coin)
    return best


def _best_by_name(coins: Iterable[Coin], by_symbol: Mapping[str, Coin]) -> dict[str, str]:
    """Return the assets by name; a name whose best coin does not have its symbol names none."""
    aliased = [(by_symbol[asset], name) for name, asset in NICKNAMES.items() if asset in by_symbol]
    named = [(coin, name) for coin in coins for name in coin.names]
    best: dict[str, Coin] = {}
    for coin, name in sorted((*aliased, *named), key=lambda pair: (_order(pair[0]), pair[1])):
        best.setdefault(name, coin)
    return {name: coin.symbol for name, coin in best.items() if _has_symbol(coin, by_symbol)}


def _has_symbol(coin: Coin, by_symbol: Mapping[str, Coin]) -> bool:
    """Whether its symbol means this coin: the best of that symbol, or the same by another name.

    Lists differ in names ("BNB", "Binance Coin") and a little in ranks. Two coins of one symbol
    and of nearly the same rank are one.
    """
    best = by_symbol.get(coin.symbol)
    return best is not None and (
        best == coin or coin.rank - best.rank <= _RANKS_APART + _RANKS_APART_SHARE * best.rank
    )
