"""Which market of an exchange is an asset's."""

from __future__ import annotations

from typing import Any

import ccxt
import pytest

from marketdata.assets.markets import choose


def market(symbol: str, **fields: Any) -> dict[str, Any]:
    """Build a market as ccxt has it."""
    pair, _, settle = symbol.partition(":")
    base, quote = pair.split("/")
    kind = "swap" if settle else "spot"
    own = {
        "symbol": symbol,
        "base": base,
        "quote": quote,
        "type": kind,
        "spot": kind == "spot",
        "contract": kind != "spot",
        "active": True,
    }
    return own | fields


def by_symbol(*markets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["symbol"]: each for each in markets}


MARKETS = by_symbol(
    market("BTC/USDT:USDT"),
    market("BTC/USDC"),
    market("BTC/USDT"),
    market("ETH/BTC"),
    market("OLD/USDT", active=False),
    market("NEW/USDT", active=None),
    market("1000SATS/USDT"),
    market("1MBABYDOGE/USDT"),
    market("1INCH/USDT"),
    market("MATIC/USDT"),
    market("BTC3L/USDT"),
)
ASSETS = ["ETH", "BTC", "OLD", "NEW", "SATS", "BABYDOGE", "1INCH", "POL", "XYZ", "BTC"]


def test_one_market_an_asset() -> None:
    assert choose(MARKETS, ASSETS, "USDT").markets == {
        "BTC": "BTC/USDT",
        "NEW": "NEW/USDT",
        "1INCH": "1INCH/USDT",
        "POL": "MATIC/USDT",
    }


def test_says_why_there_is_none() -> None:
    assert choose(MARKETS, ASSETS, "USDT").refused == {
        "ETH": "no spot market of ETH in USDT",
        "OLD": "OLD/USDT is not traded at present",
        "SATS": "1000SATS/USDT is priced for 1,000 SATS",
        "BABYDOGE": "1MBABYDOGE/USDT is priced for 1,000,000 BABYDOGE",
        "XYZ": "no spot market of XYZ in USDT",
    }


def test_quote_is_the_connections() -> None:
    assert choose(MARKETS, ASSETS, "USDC").markets == {"BTC": "BTC/USDC"}
    assert choose(MARKETS, ASSETS, "BTC").markets == {"ETH": "ETH/BTC"}


def test_a_coin_called_like_a_multiple_is_itself() -> None:
    assert choose(MARKETS, ["1000SATS"], "USDT").markets == {"1000SATS": "1000SATS/USDT"}


def test_the_new_ticker_before_the_old() -> None:
    both = MARKETS | by_symbol(market("POL/USDT"))
    assert choose(both, ["POL"], "USDT").markets == {"POL": "POL/USDT"}
    closed = MARKETS | by_symbol(market("POL/USDT", active=False))
    assert choose(closed, ["POL"], "USDT").markets == {"POL": "MATIC/USDT"}


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
def test_of_two_the_active_then_the_plain_one(backwards: bool) -> None:
    two = by_symbol(market("A/USDT"), market("A/USDT") | {"symbol": "A2/USDT"})
    closed = by_symbol(market("A/USDT", active=False), market("A/USDT") | {"symbol": "A2/USDT"})
    for markets, symbol in ((two, "A/USDT"), (closed, "A2/USDT")):
        items = sorted(markets.items(), reverse=backwards)
        assert choose(dict(items), ["A"], "USDT").markets == {"A": symbol}


@pytest.mark.parametrize(
    "odd",
    [{}, {"symbol": "A/USDT"}, {"symbol": None, "base": None, "quote": "USDT", "spot": True}],
    ids=["empty", "no base", "nulls"],
)
def test_odd_markets_are_passed_over(odd: dict[str, Any]) -> None:
    assert choose({"odd": odd}, ["A"], "USDT").markets == {}


@pytest.mark.parametrize("name", ["binance", "bybit"])
def test_understands_the_markets_of_ccxt(name: str) -> None:
    exchange = getattr(ccxt, name)()
    spot = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
    swap = {"id": "BTCUSDT", "symbol": "BTC/USDT:USDT", "base": "BTC", "quote": "USDT"}
    exchange.set_markets(
        [
            exchange.safe_market_structure(
                swap | {"type": "swap", "spot": False, "contract": True, "active": True}
            ),
            exchange.safe_market_structure(
                spot | {"type": "spot", "spot": True, "contract": False, "active": True}
            ),
        ]
    )
    assert choose(exchange.markets, ["BTC"], "USDT").markets == {"BTC": "BTC/USDT"}
