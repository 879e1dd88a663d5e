"""Which market of an exchange is an asset's: one on a connection, or a sentence why none.

Some exchanges trade cheap coins by the thousand (1000SATS/USDT). Such a price is not the coin's,
and no other source counts in thousands, so these markets are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marketdata.assets.notation import multiple_of
from schemas.coins import TICKERS


@dataclass(frozen=True, slots=True)
class Choice:
    """The markets chosen and the assets without one.

    markets  exchange symbol by asset, for example {"BTC": "BTC/USDT"}, in the assets' order
    refused  a sentence by asset
    """

    markets: dict[str, str]
    refused: dict[str, str]


def choose(markets: Mapping[str, Mapping[str, Any]], assets: Iterable[str], quote: str) -> Choice:
    """Choose each asset's active spot market in a quote currency from ccxt's `markets`.

    Where the exchange still has an asset under an earlier ticker (MATIC for POL), that market is
    taken. The order of `markets` does not matter.
    """
    by_base = _by_base(markets, quote)
    chosen, refused = {}, {}
    for asset in dict.fromkeys(assets):
        found = [by_base[base] for base in _bases(asset) if base in by_base]
        active = [market for market in found if market.get("active") is not False]
        if active:
            chosen[asset] = str(active[0]["symbol"])
        else:
            refused[asset] = _why_not(asset, found, by_base, quote)
    return Choice(chosen, refused)


def _by_base(markets: Mapping[str, Mapping[str, Any]], quote: str) -> dict[str, Mapping[str, Any]]:
    """Return the spot markets of a quote by their base: an active one, then the plainest symbol."""
    spot = [market for market in markets.values() if _is_spot(market, quote)]
    spot.sort(key=lambda market: (market.get("active") is False, _oddness(market)), reverse=True)
    return {str(market["base"]).upper(): market for market in spot}


def _is_spot(market: Mapping[str, Any], quote: str) -> bool:
    return (
        bool(market.get("spot", market.get("type") == "spot"))
        and not market.get("contract")
        and market.get("quote") == quote
        and bool(market.get("base"))
        and bool(market.get("symbol"))
    )


def _oddness(market: Mapping[str, Any]) -> tuple[bool, str]:
    symbol = str(market["symbol"])
    return symbol != f"{market['base']}/{market['quote']}", symbol


def _bases(asset: str) -> tuple[str, ...]:
    """Return the tickers that an exchange may have an asset under, its own first."""
    return (asset, *sorted(old for old, new in TICKERS.items() if new == asset))


def _why_not(
    asset: str,
    inactive: list[Mapping[str, Any]],
    by_base: Mapping[str, Mapping[str, Any]],
    quote: str,
) -> str:
    if inactive:
        return f"{inactive[0]['symbol']} is not traded at present"
    for base in sorted(by_base):
        multiple = multiple_of(base)
        if multiple is not None and multiple.symbol == asset:
            return f"{by_base[base]['symbol']} is priced for {multiple.units:,} {asset}"
    return f"no spot market of {asset} in {quote}"
