"""Which tickers and names mostly mean something else in a headline.

English has a word for every other short ticker, so a list of them would never be complete. Whether
a ticker or name is one of those goes by how often English uses the word (lines of films, which
have first names, too) and how large the coin is: "eth" is said now and then, but of Ethereum much
is written; "link" is said daily, and of Chainlink less is written.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

_MOST_TIMES_RANK = 20_000
_MOST_TIMES_RANK_NAME = 100_000
"""A word's uses times the coin's rank, from which on it is a word first; a name is longer, and in
small letters where it is none."""
_EVERYDAY = 1_000_000
"""Uses from which on a word is expected in any headline."""
_LEAST_USES, _LONGEST = 100, 12  # rarer words are misspellings and foreign
_LEAST_LETTERS = 3

_CAPITALS = """
    AI AMA AML AMM API APR APY ATH ATL ATM BOE BOJ CBDC CEO CEX CFO CFTC CIA CME COO CPI CTO DAO
    DEFI DEPIN DEX DID DOJ ECB EPS ESG ETF ETFS ETN ETP EUR EVM FAQ FBI FCA FDIC FED FOMC FOMO FTC
    FTX FUD GDP GPT GPU HODL ICO IDO IEO IMF IPO IRA IRS ITS KYC LLC LLM MEV MICA NASA NATO NFT NFTS
    NYSE OCC OFAC OTC P2E P2P PCE PFP PMI POS POW PPI QE REKT ROI RPC RWA RWAS SBF SDK SEC SPAC SPX
    TGE TPS TVL UAE UFC USA VIP VPN WEB3 WEF YOY ZKP
    """
CAPITALS = frozenset(_CAPITALS.split())
"""Short forms of the trade, which headlines are full of: as tickers they need a mark or a name."""

_SHORT_FORMS = """
    ACH AMC AMP ARC ARM ASIC AST AXS CAR CFA COMP CRO CSR DAT ECO EPA EPS EV FET FIS GDPR GMT
    GST HR INJ IQ KPI MEW MIT MOU NBA NFL OKR PSA PR QA RON TAG TEL TRM UMA UPI VAT VC
    """
_SHORT_FORMS_SET = frozenset(_SHORT_FORMS.split())
"""Short forms and brands that are in no dictionary."""

_NAMES = frozenset(("base", "crypto", "defi", "icon", "mantle", "memecoin", "plasma", "quant"))
"""Names that are words, too, though seldom in films."""

_BODIES = """
    blockchain bridge chain ecosystem foundation labs mainnet network protocol testnet token tokens
    """
BODIES = frozenset(_BODIES.split())
"""After a word these say that the coin of that name is meant: Flow Foundation, Story Protocol."""

OTHERS = frozenset(
    {
        "bitcoin cash",
        "bitcoin gold",
        "bitcoin hyper",
        "bitcoin sv",
        "ether fi",
        "ethereum classic",
        "ethereum name service",
        "ethereum pow",
        "terra classic",
        "wrapped bitcoin",
        "wrapped ether",
        "wrapped ethereum",
    }
)
"""Names that begin or end with another coin's: these are not about that one, listed or not."""


def is_word(symbol: str, rank: float) -> bool:
    """Return whether a ticker in capitals of a coin of this rank may as well be a word or a name.

    So is each of one or two letters, and what is no word but a short form.
    """
    if len(symbol) < _LEAST_LETTERS or symbol.isdigit() or symbol in CAPITALS:
        return True
    return symbol in _SHORT_FORMS_SET or _is_often(symbol.lower(), rank, _MOST_TIMES_RANK)


def is_said(word: str) -> bool:
    """Return whether a folded word is an English one at all: an avalanche of lawsuits."""
    return word in _uses()


def is_everyday(symbol: str) -> bool:
    """Return whether a ticker is among the commonest words and short forms: THE, ONE, NFT."""
    return symbol in CAPITALS or symbol.isdigit() or _uses().get(symbol.lower(), 0) >= _EVERYDAY


def is_seldom(symbol: str, rank: float) -> bool:
    """Return whether a ticker is no word, or one that is seldom said beside its coin: UNI."""
    if symbol in CAPITALS or symbol in _SHORT_FORMS_SET or symbol.isdigit():
        return False
    return not _is_often(symbol.lower(), rank, _MOST_TIMES_RANK_NAME)


def is_word_name(name: str, rank: float) -> bool:
    """Return whether a folded name of one word may as well be that word, in a headline."""
    return name in _NAMES or _is_often(name, rank, _MOST_TIMES_RANK_NAME)


def _is_often(word: str, rank: float, limit: int) -> bool:
    uses = _uses().get(word, 0)
    return uses > 0 and uses * rank > limit


@cache
def _uses() -> Mapping[str, int]:
    """Return how often each English word occurs in a large body of films' subtitles."""
    packed = (files("spellchecker") / "resources" / "en.json.gz").read_bytes()
    uses = msgspec.json.decode(gzip.decompress(packed), type=dict[str, int])
    return {
        word: count
        for word, count in uses.items()
        if count >= _LEAST_USES and len(word) <= _LONGEST
    }
