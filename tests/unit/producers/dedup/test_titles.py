"""Which headlines say the same."""

from __future__ import annotations

import pytest

from producers.dedup.titles import is_same_story, title_of

SAME = {
    "capitals": ("SEC approves Bitcoin futures ETF", "SEC Approves Bitcoin Futures ETF"),
    "quotes": ("Valkyrie\u2019s ETF is approved", "Valkyrie's ETF is approved"),
    "punctuation": ("Bitcoin falls: why, and where to?", "Bitcoin Falls \u2014 Why and Where To?"),
    "plural": ("XRP moves as Ripple announces buyout", "XRP Moves as Ripples Announces Buyout"),
    "tense": ("Coinbase lists a new token", "Coinbase listed new token"),
    "filling words": (
        "MetaMask warns Apple users over iCloud phishing attacks",
        "MetaMask Warns Apple Users of iCloud Phishing Attacks",
    ),
    "telling": (
        "Binance announces crypto card for Ukrainian refugees",
        "Binance Introduces New Crypto Card for Ukrainian Refugees",
    ),
    "label": ("JUST IN: Bitcoin dips below support", "Breaking: Bitcoin dips below support"),
    "publisher": ("Bitcoin dips below support - CoinDesk", "Bitcoin dips below support"),
    "symbol": ("Bitcoin (BTC) dips below support", "BTC dips below support"),
    "symbol of any known coin": ("AVAX dips below support", "Avalanche dips below support"),
    "sums": ("Fund buys $1.50 million of bitcoin", "Fund buys USD 1.5M of BTC"),
    "thousands": ("Bitcoin falls to $94,000", "Bitcoin falls to 94K USDT"),
    "percent": ("Bitcoin up 5.0% this week", "Bitcoin up 5 percent this week"),
    "number words": ("Three altcoins to watch", "3 altcoins to watch"),
    "typing error": ("Etherium developers meet in Paris", "Ethereum developers meet in Paris"),
    "cut": (
        "Trump organization reveals tokenized luxury hotel in Mald...",
        "Trump Organization Reveals Tokenized Luxury Hotel in Maldives This Year",
    ),
}
DIFFERENT = {
    "price": (
        "Bitcoin(BTC) Drops Below 95,000 USDT with a 0.41% Decrease in 24 Hours",
        "Bitcoin(BTC) Drops Below 94,000 USDT with a 0.41% Decrease in 24 Hours",
    ),
    "percentage": (
        "Bitcoin(BTC) Drops Below 95,000 USDT with a 0.41% Decrease in 24 Hours",
        "Bitcoin(BTC) Drops Below 95,000 USDT with a 1.50% Decrease in 24 Hours",
    ),
    "sign": ("Bitcoin -5% in a single day", "Bitcoin 5% in a single day"),
    "scale": ("Fund loses $5 million in hack", "Fund loses $5 billion in hack"),
    "scale alone": ("Fund loses millions in hack", "Fund loses billions in hack"),
    "currency": ("Fund loses $5 million in hack", "Fund loses \u20ac5 million in hack"),
    "date": (
        "Price analysis 1/17: BTC, ETH, BNB, ADA, SOL",
        "Price analysis 1/19: BTC, ETH, BNB, ADA, SOL",
    ),
    "quarter": ("Miner reports results for Q1", "Miner reports results for Q2"),
    "asset": (
        "Bitcoin and Ethereum Consolidate Gains, LUNA and WAVES Rally",
        "Bitcoin and Ethereum Consolidate Gains, AAVE and CHZ Rally",
    ),
    "one asset": ("Cardano slides as traders sell", "Polkadot slides as traders sell"),
    "fork": ("Bitcoin slides as traders sell", "Bitcoin Cash slides as traders sell"),
    "direction": ("Bitcoin rises as Fed holds rates", "Bitcoin falls as Fed holds rates"),
    "way": ("Whale moves 900 BTC to Binance", "Whale moves 900 BTC from Binance"),
    "not": ("SEC approves Bitcoin ETF", "SEC does not approve Bitcoin ETF"),
    "to come": ("Senate passes stablecoin bill", "Senate will pass stablecoin bill"),
    "who whom": ("Ripple sues the SEC in court", "The SEC sues Ripple in court"),
    "court": ("US court rules on XRP sales", "US appeals court rules on XRP sales"),
    "question": ("Bitcoin is dead for good", "Is Bitcoin dead for good?"),
    "month": ("Latest updates, May 23: Davos", "Latest updates, May 24: Davos"),
    "one letter": ("Protocol was backed by a fund", "Protocol was hacked by a fund"),
    "cut too short": ("JUST IN: \U0001f1fa\U0001f1f8 S...", "JUST IN: \U0001f1fa\U0001f1f8 S..."),
    "cut before the number": (
        "Whale sells a large part of holdings...",
        "Whale sells a small part of holdings for $4 million",
    ),
    "subject": ("Market wrap", "Market wrap"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_same(one: str, other: str) -> None:
    assert is_same_story(title_of(one), title_of(other))
    assert is_same_story(title_of(other), title_of(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different(one: str, other: str) -> None:
    assert not is_same_story(title_of(one), title_of(other))
    assert not is_same_story(title_of(other), title_of(one))
