"""What a ticker, a market's symbol or a name means."""

from __future__ import annotations

import pytest

from marketdata.assets.symbols import Catalogue
from tests.unit.marketdata.assets._catalogue import CATALOGUE, coin, coins

MEANINGS = {
    "BTC": "BTC",
    "btc": "BTC",
    " BTC ": "BTC",
    "$btc": "BTC",
    "XBT": "BTC",
    "bitcoin": "BTC",
    "Bitcoin": "BTC",
    "BITCOIN": "BTC",
    "BTC/USDT": "BTC",
    "BTC/USDT:USDT": "BTC",
    "BTC-USD": "BTC",
    "BTC_USDC": "BTC",
    "BTCUSDT": "BTC",
    "btcusdt": "BTC",
    "XBTUSD": "BTC",
    "BNBUSD": "BNB",
    "ETHFDUSD": "ETH",
    "BTC-PERP": "BTC",
    "BTCUSDT.P": "BTC",
    "BTC-USD-SWAP": "BTC",
    "BTCUSDT-27DEC24": "BTC",
    "BTC-27DEC24-90000-C": "BTC",
    "ETH/BTC": "ETH",
    "ether": "ETH",
    "ripple": "XRP",
    "Binance Coin": "BNB",
    "shiba-inu": "SHIB",
    "Shiba Inu": "SHIB",
    "1000SHIB": "SHIB",
    "1000SHIBUSDT": "SHIB",
    "1INCH": "1INCH",
    "1INCHUSDT": "1INCH",
    "WBTC": "WBTC",
    "WBTCUSDT": "WBTC",
    "Wrapped Bitcoin": "WBTC",
    "bitcoin-cash": "BCH",
    "S/USDT": "S",
    "SONIC": "S",  # Sonic (S) is the larger of two that may be meant
    "MATIC": "POL",
    "polygon": "POL",
    "CRV/USD": "CRV",
}
NO_ASSETS = (
    *("", " ", "$", "/", "///", "-PERP", "USDT", "usdc", "tether", "EUR", "USD", "USDT/BRL", "DAI"),
    *("USDCUSDT", "CRVUSD", "USDX", "STETH", "CBBTC", "ETHBTC", "SUSDT", "unknown", "BTC news"),
    *("bitcoin-gold", "BTC-x", "usher", "A B", "x" * 500),
)


@pytest.mark.parametrize(("text", "asset"), MEANINGS.items(), ids=MEANINGS)
def test_means(text: str, asset: str) -> None:
    assert CATALOGUE.resolve(text) == asset


@pytest.mark.parametrize("text", NO_ASSETS, ids=[repr(text)[:20] for text in NO_ASSETS])
def test_means_no_asset(text: str) -> None:
    assert CATALOGUE.resolve(text) is None


def test_a_list_of_tickers_has_no_names() -> None:
    assert CATALOGUE.of_symbol("BITCOIN") == "BITCOIN"
    assert CATALOGUE.of_symbol("bitcoin-cash") is None


def test_a_symbol_is_the_largest_coins() -> None:
    small, large, unknown = coin("GAS", "Gasoline", 900), coin("gas", "Gas", 80), coin("GAS", "Gaz")
    catalogue = Catalogue.of([small, large, unknown])
    assert catalogue.by_symbol["GAS"].name == "Gas"
    assert catalogue.rank("GAS") == 80
    assert catalogue.resolve("Gasoline") is None


def test_money_is_no_asset_wherever_it_ranks() -> None:
    catalogue = Catalogue.of([coin("EURC", "Euro Coin", 2), coin("NEWUSD", "New Dollar", 5)])
    assert catalogue.resolve("EURC") is None
    assert catalogue.resolve("Euro Coin") is None
    assert catalogue.resolve("NEWUSD") is None


def test_a_listed_dollar_is_no_pair() -> None:
    pair_only = Catalogue.of([coin("ABC", "Abc", 5)])
    assert pair_only.resolve("ABCUSD") == "ABC"
    assert pair_only.updated([coin("ABCUSD", "Abc Dollar", 50)]).resolve("ABCUSD") is None
    assert pair_only.updated([coin("ABCUSD", "A Joke")]).resolve("ABCUSD") == "ABC"


def test_of_two_coins_alike_the_order_of_the_list_decides_nothing() -> None:
    two = [coin("BBB", "Same Name", 7), coin("AAA", "Same Name", 7)]
    assert Catalogue.of(two).resolve("same name") == "AAA"
    assert Catalogue.of(two[::-1]).resolve("same name") == "AAA"


def test_two_lists_of_other_names_are_of_one_coin() -> None:
    catalogue = Catalogue.of([coin("TON", "Toncoin", 16, "the-open-network")])
    both = catalogue.updated([coin("TON", "The Open Net", 17), coin("TON", "Tontine", 2000)])
    assert both.resolve("toncoin") == both.resolve("the open net") == "TON"
    assert both.resolve("tontine") is None


def test_a_newer_list_ranks_anew() -> None:
    old = Catalogue.of([coin("UP", "Uptown", 50), coin("UP", "Upwards", 60)])
    new = old.updated([coin("UP", "Uptown", 500)])
    assert (old.by_symbol["UP"].name, new.by_symbol["UP"].name) == ("Uptown", "Upwards")
    assert old.rank("UP") == 50


def test_a_list_without_ranks_takes_none_away() -> None:
    catalogue = Catalogue.of([coin("UP", "Uptown", 50)])
    assert catalogue.updated([coin("UP", "Uptown")]).rank("UP") == 50


def test_the_same_list_again_changes_nothing() -> None:
    assert CATALOGUE.updated(coins()) == CATALOGUE


def test_what_cannot_be_a_symbol_is_left_out() -> None:
    odd = ["", " ", "TWO WORDS", "A/B", "A:B", "\u0000", "VERYLONGSYMBOLINDEEDTOOLONG"]
    assert Catalogue.of([coin(symbol, "Name", 1) for symbol in odd]).by_symbol == {}


def test_an_empty_catalogue_knows_nothing() -> None:
    assert Catalogue.of([]).resolve("BTC") is None
