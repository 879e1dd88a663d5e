"""A small catalogue of real coins, many of them called by words, and builders of news."""

from __future__ import annotations

from marketdata.assets.symbols import Catalogue
from producers.upstreams.rows import CoinRow, NewsRow
from schemas.market import NewsArticle

T0 = 1_700_000_000_000
HOUR_MS = 3_600_000

_COINS = """
    1 BTC Bitcoin bitcoin
    2 ETH Ethereum ethereum
    3 USDT Tether tether
    4 XRP XRP ripple
    5 BNB BNB binancecoin
    6 SOL Solana solana
    7 USDC USDC usd-coin
    9 DOGE Dogecoin dogecoin
    11 ADA Cardano cardano
    15 WBTC Wrapped_Bitcoin wrapped-bitcoin
    17 LINK Chainlink chainlink
    18 BCH Bitcoin_Cash bitcoin-cash
    20 SHIB Shiba_Inu shiba-inu
    24 UNI Uniswap uniswap
    25 ZEC Zcash zcash
    30 NEAR NEAR_Protocol near
    40 PI Pi_Network pi-network
    45 M MemeCore memecore
    60 AAVE Aave aave
    70 POL POL_(ex-MATIC) polygon-ecosystem-token
    80 ONDO Ondo ondo-finance
    85 S Sonic sonic-3
    90 IP Story story-2
    95 CRV Curve_DAO curve-dao-token
    130 OP Optimism optimism
    150 SUN Sun_Token sun-token
    160 FLOW Flow flow
    170 A Vaulta vaulta
    190 1INCH 1inch 1inch
    220 ATH Aethir aethir
    300 CRVUSD crvUSD crvusd
    350 ONE Harmony harmony
    400 4 4 four
    500 HOT Holo holotoken
    600 SONIC Sonic_SVM sonic-svm
    700 BITCOIN HarryPotterObamaSonic10Inu harrypotterobamasonic10inu
    800 IN Infinit infinit
    900 US Talus talus
    950 PM PumpMeme pumpmeme
    1200 RWA RWA_Inc rwa-inc
    2000 GHOST Ghostware ghostware
    2500 WOULD would would
    3000 MKTS Markets markets
    - US Usher usher
    - XBT Xbit xbit
    - MATIC Polygon matic-network
"""


def coin(
    symbol: str, name: str = "", rank: int | None = None, slug: str = "", source: str = "list"
) -> CoinRow:
    """Build a row of a coin list."""
    return CoinRow(
        source=source,
        source_id=slug or symbol,
        symbol=symbol,
        name=name or symbol,
        slug=slug,
        market_cap_rank=rank,
    )


def coins() -> list[CoinRow]:
    """Return the list."""
    fields = [line.split() for line in _COINS.strip().splitlines()]
    return [
        coin(symbol, name.replace("_", " "), None if rank == "-" else int(rank), slug)
        for rank, symbol, name, slug in fields
    ]


CATALOGUE = Catalogue.of(coins())


def row(
    headline: str,
    tags: tuple[str, ...] = (),
    tickers: tuple[str, ...] = (),
    source: str = "rss",
    summary: str | None = None,
) -> NewsRow:
    """Build a row of a news feed."""
    return NewsRow(
        source=source,
        source_id=headline,
        headline=headline,
        summary=summary,
        tickers=tickers,
        tags=tags,
    )


def article(
    headline: str,
    observed_at: int = T0,
    *,
    published_at: int | None = None,
    url: str = "",
    asset: str = "BTC",
) -> NewsArticle:
    """Build an article as it goes to the topic."""
    return NewsArticle(
        asset=asset,
        event_time=observed_at,
        observed_at=observed_at,
        published_at=published_at,
        source="rss",
        source_id=f"{url}{headline}",
        headline=headline,
        url=url,
        publisher="Wire",
    )
