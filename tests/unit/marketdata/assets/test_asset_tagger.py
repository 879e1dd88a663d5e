"""Which assets a headline is about: tickers, tags, words."""

from __future__ import annotations

import pytest

from marketdata.assets.asset_tagger import assets_of, assets_of_tags
from marketdata.assets.mentions import mentioned
from marketdata.assets.symbols import Catalogue
from marketdata.simulated.assets import ASSETS
from tests.unit.marketdata.assets._catalogue import CATALOGUE, coin, row

NAMED = [
    ("Bitcoin rises", "BTC"),
    ("bitcoin-backed loans return", "BTC"),
    ("Why ether and bitcoin fell", "ETH BTC"),
    ("Bitcoin\u2019s halving", "BTC"),
    ("#Bitcoin dips", "BTC"),
    ("BITCOIN CASH TO THE MOON", "BCH"),
    ("Bitcoin Cash surges as Bitcoin reclaims $70,000", "BCH BTC"),
    ("Ethereum Classic miners leave", ""),
    ("Wrapped Bitcoin supply falls", "WBTC"),
    ("Ripple wins in court", "XRP"),
    ("A $zec whale wakes", "ZEC"),
    ("He lost $100M, $4B and $1", ""),
    ("BTC/USDT and ETH/USDT lead", "BTC ETH"),
    ("BTCUSDT breaks out", "BTC"),
    ("Tether mints USDT on Tron", ""),
    ("NEAR drops to support", "NEAR"),
    ("NEAR COLLAPSE OF THE BANKING SYSTEM", ""),
    ("Solana, Polygon, and NEAR Surge", "SOL POL NEAR"),
    ("End Is Near for Miners", ""),
    ("NEAR Protocol raises funds", "NEAR"),
    ("ETF Flow Turns Negative", ""),
    ("Flow Foundation responds", "FLOW"),
    ("Story (IP) unlocks tokens", "IP"),
    ("The Story of Dogecoin", "DOGE"),
    ("Optimism Returns to Markets", ""),
    ("Sonic Labs ships", "S"),
    ("In Talus's words", ""),
    ("JUSTIN SUN: I AM NOT LEAVING", ""),
    ("S&P 500 falls", ""),
    ("COIN-M futures resume", ""),
    ("SEC sues (ONE) more exchange in the US", ""),
    ("WOULD you buy?", ""),
    ("Markets fall", ""),
]


@pytest.mark.parametrize(("headline", "assets"), NAMED, ids=[text[:30] for text, _ in NAMED])
def test_headline_names(headline: str, assets: str) -> None:
    assert assets_of(row(headline), CATALOGUE) == tuple(assets.split())


TAGGED = [
    ("words", "A US IN 4 PM ATH RWA", "China Cracks Down on 4 Miners in the US, a First", ""),
    ("cry", "IN BTC", "JUST IN: $100 MILLION #Bitcoin longs liquidated", "BTC"),
    ("emphasis", "BTC ONE", "But THIS time ONE risk stands out", "BTC"),
    ("emphasis alone", "ONE", "The ONE risk that stands out", ""),
    ("one named", "ONE", "Harmony [ONE] halts its bridge", "ONE"),
    ("one by name", "ONE", "Hackers drain bridge of Harmony Protocol", "ONE"),
    ("us by name", "US", "Talus raises a round", "US"),
    ("us by cashtag", "US", "Traders pile into $US", "US"),
    ("us by market", "US", "Binance lists US/USDT", "US"),
    ("letter in brackets", "M", "Memecore\u2019s [M] rally wipes out bears", "M"),
    ("letter in a word", "M", "COIN-M system maintenance", ""),
    ("large, not named", "LTC BTC", "3 Altcoins Posting Major Gains", "BTC"),
    ("word, not named", "LINK", "Altcoin news: gainers", ""),
    ("word, named", "LINK", "Chainlink expands", "LINK"),
    ("small, not named", "HOT", "Altcoin news: gainers", ""),
    ("small in capitals", "GHOST", "Traders flock to GHOST after listing", "GHOST"),
    ("small among cries", "GHOST", "TRADERS FLOCK TO GHOST", ""),
    ("small as a word", "WOULD", "Why traders would leave", ""),
    ("money", "USDT USDC BTC", "BTC at 95,000 USDT", "BTC"),
    ("pair", "BTCUSD", "Price prediction", "BTC"),
    ("unknown", "MSTR", "MSTR falls", ""),
    ("name", "Bitcoin Markets", "Prices today", "BTC"),
    ("name of a word", "Markets", "Markets fall", ""),
    ("twice", "BTC BITCOIN Bitcoin", "Bitcoin falls", "BTC"),
    ("order", "ETH BTC", "Bitcoin and Solana fall", "ETH BTC SOL"),
]


@pytest.mark.parametrize(
    ("tags", "headline", "assets"), [case[1:] for case in TAGGED], ids=[case[0] for case in TAGGED]
)
def test_tags(tags: str, headline: str, assets: str) -> None:
    news = row(headline, tags=tuple(tags.split()), source="cryptopanic")
    assert assets_of(news, CATALOGUE) == tuple(assets.split())


def test_a_summary_may_name_what_a_tag_means() -> None:
    silent, named = "A bridge was drained.", "The bridge of Harmony (ONE) was drained."
    assert assets_of_tags(("ONE",), "Hack of the week", silent, CATALOGUE) == ()
    assert assets_of_tags(("ONE",), "Hack of the week", named, CATALOGUE) == ("ONE",)
    assert assets_of(row("Hack of the week", summary=named), CATALOGUE) == ()


def test_a_sources_own_list_is_trusted() -> None:
    news = row("Bitcoin gains", tickers=("ONE", "IN", "usdt", "FOO"), source="cryptonews")
    assert assets_of(news, CATALOGUE) == ("ONE", "IN")


def test_stock_tickers_are_not() -> None:
    news = row("Agilent beats, Bitcoin gains", tickers=("A", "BTC"), source="stocknews")
    assert assets_of(news, CATALOGUE) == ("BTC",)


def test_small_coins_called_by_its_words_change_nothing() -> None:
    headline = "Harvard Significantly Increases ETF Holdings as BTC and Solana Dip, WHO KNEW"
    jokes = [coin(word.upper(), word, 1500) for word in headline.split()]
    assert assets_of(row(headline), CATALOGUE.updated(jokes)) == ("BTC", "SOL")


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.symbol)
def test_every_asset_is_found_where_it_is_marked(asset) -> None:
    catalogue = Catalogue.of(
        [coin(each.symbol, each.name, rank) for rank, each in enumerate(ASSETS, 1)]
    )
    assert mentioned(f"Why {asset.name} ({asset.symbol}) moved", catalogue) == (asset.symbol,)
    assert mentioned(f"{asset.symbol}/USDT breaks out", catalogue) == (asset.symbol,)
