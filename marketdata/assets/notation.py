"""How markets write their symbols: pairs, contracts and multiples of a coin."""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.coins import is_money
from schemas.names import in_capitals, is_symbol

_QUOTES = frozenset({"BTC", "ETH", "BNB", "XBT", "SOL", "TRX"})
# What follows the pair in the symbols of contracts: BTC-PERP, BTC-USD-SWAP, BTC-27DEC24-90000-C.
_CONTRACT = re.compile(
    r"PERP(?:ETUAL)?|SWAP|SPOT|FUTURES?|P|C|\d{6}|\d{1,2}[A-Z]{3}\d{2}|\d+(?:D\d+)?"
)
_PARTS = re.compile(r"[/\-_:.@]")
# The quotes of symbols that are written without a sign between.
_ENDINGS = ("USD", "USDT", "USDC", "EUR", "BUSD", "TUSD", "FDUSD", "PERP")
_MULTIPLE = re.compile(r"(1(?:0{3,9})|1M)(?=[^\W\d])")
_LEAST_BASE = 2  # SUSDT may be S/USDT as well as a coin of that name


class Multiple(NamedTuple):
    """What 1000SHIB means: a number of units of a symbol, traded as one."""

    units: int
    symbol: str


def as_symbol(text: str) -> str | None:
    """Return the text as the symbol of a coin, in capitals, or None where it cannot be one."""
    symbol = in_capitals(text)
    return symbol if is_symbol(symbol) else None


def bases_of(symbol: str) -> tuple[str, ...]:
    """Return what may be the base of a market's symbol in capitals; nothing where it is none.

    Understood are BTC/USDT, BTC-USD, BTC_USDT, BTC/USDT:USDT, BTC-PERP, BTC-USD-SWAP, BTCUSDT and
    BTCUSDT.P. Without a sign between, BTC and ETH are no quotes (STETH is not ST/ETH), and there
    may be two ways to read it: XBT/USD, XB/TUSD.
    """
    base, *rest = _PARTS.split(symbol)
    if not rest:
        return _without_quote(symbol)
    if not base or not all(_is_tail(part) for part in rest):
        return ()
    quoted = any(is_money(part) or part in _QUOTES for part in rest)
    return (base,) if quoted else (base, *_without_quote(base))


def multiple_of(symbol: str) -> Multiple | None:
    """Return what a symbol such as 1000SHIB or 1MBABYDOGE is a multiple of, None if of nothing.

    It may be a coin of that very name nonetheless: look for one first.
    """
    match = _MULTIPLE.match(symbol)
    if match is None:
        return None
    units = 1_000_000 if match[1] == "1M" else int(match[1])
    return Multiple(units, symbol[match.end() :])


def _is_tail(part: str) -> bool:
    return is_money(part) or part in _QUOTES or _CONTRACT.fullmatch(part) is not None


def _without_quote(symbol: str) -> tuple[str, ...]:
    return tuple(
        symbol.removesuffix(ending)
        for ending in _ENDINGS
        if symbol.endswith(ending) and len(symbol) - len(ending) >= _LEAST_BASE
    )
