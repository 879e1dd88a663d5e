"""Tickers and names that are words: made-up headlines, and recorded ones labelled by reading."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import pytest

from marketdata.assets.asset_tagger import assets_of
from marketdata.assets.clean_text import clean_text
from marketdata.assets.words import is_everyday, is_word, is_word_name
from tests.unit.marketdata.assets._catalogue import row
from tests.unit.marketdata.assets._usual_coins import USUAL
from tests.unit.marketdata.assets.test_real_news import recorded

HERE = Path(__file__).parent
Labelled = tuple[str, frozenset[str]]


def about(headline: str, tags: tuple[str, ...] = ()) -> frozenset[str]:
    return frozenset(assets_of(row(headline, tags=tags), USUAL))


def lines_of(file: str) -> list[str]:
    lines = (HERE / file).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def made_up() -> list[Labelled]:
    pairs = (line.rsplit("|", 1) for line in lines_of("ambiguous_headlines.txt"))
    return [(headline.strip(), frozenset(assets.split())) for headline, assets in pairs]


def measured(headlines: Iterable[Labelled]) -> tuple[float, float]:
    """Return precision and recall."""
    right = found = wanted = 0
    for headline, assets in headlines:
        named = about(headline)
        right, found, wanted = right + len(named & assets), found + len(named), wanted + len(assets)
    print(f"precision {right / found:.3f}, recall {right / wanted:.3f}, {wanted} mentions")
    return right / found, right / wanted


CASE = [
    ("US DOT audits a carrier paid in stablecoins", ""),
    ("LINK in profile: the weekly podcast", ""),
    ("Chainlink's LINK drops 5%", "LINK"),
    ("APT group Kimsuky phishes wallet users", ""),
    ("Aptos (APT) staking opens", "APT"),
    ("A TON of Ether left exchanges", "ETH"),
    ("UNI lecturers warn of crypto scam", ""),
    ("The HYPE over Bitcoin treasuries is over", "BTC"),
    ("ICE officers seize crypto ATM", ""),
    ("PEOPLE do not trust exchanges", ""),
    ("Only ONE wallet was drained", ""),
    ("Harmony (ONE) restores its bridge", "ONE"),
]


@pytest.mark.parametrize(("headline", "assets"), CASE, ids=[text[:25] for text, _ in CASE])
def test_case_ticker_is_a_word(headline: str, assets: str) -> None:
    assert about(headline) == frozenset(assets.split())


@pytest.mark.shared_data
def test_case_ticker_is_a_word_as_given(shared_data: Path) -> None:
    path = shared_data.parent / "cases" / "ticker-is-a-word" / "headlines.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    wrong = [
        one["headline"]
        for one in json.loads(path.read_text("utf-8"))
        if about(one["headline"]) != frozenset(one["assets"])
    ]
    assert wrong == []


SIGNS = [
    ("$LINK", "cashtag"),
    ("LINK/USDT", "pair"),
    ("Chainlink (LINK)", "brackets"),
    ("Why Chainlink matters to LINK", "its name"),
    ("LINK gains 8%", "price verb"),
    ("LINK slides after the vote", "price verb without an amount"),
    ("LINK price", "what coins have"),
    ("LINK's holders vote", "the same, possessive"),
    ("Whale buys LINK", "trade"),
    ("Exchange moves 2,400,000 LINK", "amount"),
    ("BTC, LINK and UNI", "other coins beside it"),
    ("LINK and UNI rally", "two tickers whose prices move"),
    ("LINK-based loans", "joined"),
    ("LINK at $20", "its price"),
    ("LINK up 4%", "its course"),
    ("Fund adds LINK", "what funds do"),
]


@pytest.mark.parametrize("headline", [text for text, _ in SIGNS], ids=[sign for _, sign in SIGNS])
def test_one_sign_beside_the_capitals_is_enough(headline: str) -> None:
    assert "LINK" in about(headline)


@pytest.mark.parametrize(
    "headline",
    [
        pytest.param("The weak LINK drops out", id="an article"),
        pytest.param("DOT drops case against broker", id="a verb with an object"),
        pytest.param("ICE and DOT sue a token issuer", id="two offices"),
        pytest.param("Department of Transportation (DOT) rules", id="its first letters"),
        pytest.param("Advanced persistent threat, APT, explained", id="commas"),
        pytest.param("LINK GOES MISSING AT MT. GOX", id="all in capitals"),
        pytest.param("Memo on P2P, NFT and BTC", id="a short form in a row"),
    ],
)
def test_what_is_no_sign(headline: str) -> None:
    assert about(headline) <= {"BTC"}


def test_a_feeds_tag_is_a_sign_too() -> None:
    assert about("Why LINK is different", tags=("LINK",)) == {"LINK"}
    assert about("Why LINK is different") == frozenset()
    assert about("Fees of exchanges fall", tags=("UNI",)) == {"UNI"}
    assert about("UNI students build a wallet", tags=("UNI",)) == {"UNI"}
    assert about("ONE risk stands out", tags=("ONE", "BTC")) == {"BTC"}


@pytest.mark.parametrize(
    ("symbol", "rank", "word"),
    [
        ("ETH", 2, False),
        ("ADA", 10, False),
        ("ADA", 900, True),
        ("LINK", 17, True),
        ("OP", 71, True),
        ("XRP", 150, False),
        ("GMT", 131, True),
        ("NFT", 460, True),
    ],
)
def test_a_ticker_is_a_word_by_its_use_and_the_coins_rank(
    symbol: str, rank: int, word: bool
) -> None:
    assert is_word(symbol, rank) is word


def test_names_may_be_rarer_words_than_tickers() -> None:
    assert not is_word_name("avalanche", 18)
    assert is_word_name("story", 67)
    assert is_everyday("ONE")
    assert not is_everyday("LINK")


def test_made_up_headlines() -> None:
    """They are harder than recorded ones: every third means the word."""
    precision, recall = measured(made_up())
    assert precision >= 0.96
    assert recall >= 0.93


@pytest.mark.shared_data
@pytest.mark.parametrize("half", [0, 1], ids=["tuned on", "measured"])
def test_recorded_headlines_labelled_by_reading(shared_data: Path, half: int) -> None:
    """The rules were made with one half, by the parity of the hash; the other only measures."""
    labels = {line.split()[0]: frozenset(line.split()[1:]) for line in lines_of(_REAL)}
    titles = {
        blake2b(title.encode(), digest_size=6).hexdigest(): title
        for file in ("crypto_headlines_2021_2022.csv.gz", "cryptopanic_tagged.csv.gz")
        for title in (" ".join(line["title"].split()) for line in recorded(shared_data, file))
    }
    assert labels.keys() <= titles.keys()
    chosen = [name for name in labels if int(name[-1], 16) % 2 == half]
    assert len(chosen) > 250
    precision, recall = measured((clean_text(titles[name]), labels[name]) for name in chosen)
    assert precision >= 0.97
    assert recall >= 0.90


_REAL = "real_headline_assets.txt"
