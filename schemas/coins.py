"""The coins that are known without asking anybody, and which symbols are money.

The one place for names, nicknames, tickers and groups of coins. Live tagging has a longer list
(CoinGecko's) and takes the nicknames and tickers from here; recorded data has no other list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_CURRENCIES = """
    AED ARS AUD BDT BHD BRL CAD CHF CLP CNH CNY COP CZK DKK EGP EUR GBP GEL GHS HKD HUF IDR ILS INR
    JPY KES KRW KWD KZT LKR MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RUB SAR SEK SGD THB TRY
    TWD UAH USD UYU UZS VES VND ZAR
"""
# Coins worth a currency that do not have USD in their symbols, or could be read as a pair.
_STABLE_COINS = """
    AEUR BIDR BRLA BRZ BVND CRVUSD DAI DEUSD EURA EURC EURCV EURE EURI EURR EURS EURT FEI FRAX
    FRXUSD GHO GYEN IDRT LISUSD MIM MKUSD MXNB MXNT PYUSD QCAD RLUSD RSV SAI SATUSD SDAI TRYB USTC
    VAI XCHF XIDR XSGD ZCHF
"""
MONEY = frozenset((*_CURRENCIES.split(), *_STABLE_COINS.split()))
"""State currencies and the coins that are worth one; beside them every symbol with USD in it.

Prices are given in money. It moves against no dollar, so it is no asset.
"""


class KnownCoin(NamedTuple):
    """A coin with everything that names it.

    group            of coins that move together, "" for none: see `position_sizing`
    nicknames        what headlines call it beside its name
    tickers          its other tickers, an earlier one among them
    coingecko_id     where it is not the name with hyphens
    market_cap_rank  its place in this list, roughly that by market cap
    """

    symbol: str
    name: str
    group: str = ""
    nicknames: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    coingecko_id: str = ""
    market_cap_rank: int | None = None

    @property
    def slug(self) -> str:
        """The name in addresses of CoinGecko."""
        return self.coingecko_id or "-".join(self.name.lower().split())


_BNB = "binance coin", "bnb chain", "bnb smart chain"
_COINS = (
    KnownCoin("BTC", "Bitcoin", "major", ("bitcoins",), ("XBT", "XXBT")),  # ISO 4217; Kraken
    KnownCoin("ETH", "Ethereum", "major", ("ether",)),
    # Ripple is the company: its news are the coin's.
    KnownCoin("XRP", "XRP", "payment", ("ripple",), (), "ripple"),
    KnownCoin("BNB", "BNB", "exchange", _BNB, (), "binancecoin"),
    KnownCoin("SOL", "Solana", "platform"),
    KnownCoin("DOGE", "Dogecoin", "meme", (), ("XDG",)),  # Kraken
    KnownCoin("ADA", "Cardano", "platform"),
    KnownCoin("STETH", "Lido Staked Ether", "major", (), (), "staked-ether"),
    KnownCoin("TRX", "TRON", "platform"),
    KnownCoin("WBTC", "Wrapped Bitcoin", "major"),
    KnownCoin("LINK", "Chainlink", "defi"),
    KnownCoin("AVAX", "Avalanche", "platform", (), (), "avalanche-2"),
    KnownCoin("SUI", "Sui", "platform"),
    KnownCoin("XLM", "Stellar", "payment"),
    KnownCoin("SHIB", "Shiba Inu", "meme"),
    KnownCoin("TON", "Toncoin", "platform", (), (), "the-open-network"),
    KnownCoin("HBAR", "Hedera", "platform", (), (), "hedera-hashgraph"),
    KnownCoin("BCH", "Bitcoin Cash", "payment", (), ("BCHABC",)),
    KnownCoin("WETH", "WETH", "major"),
    KnownCoin("LEO", "LEO Token", "exchange", (), (), "leo-token"),
    KnownCoin("DOT", "Polkadot", "platform"),
    KnownCoin("LTC", "Litecoin", "payment"),
    KnownCoin("BGB", "Bitget Token", "exchange"),
    KnownCoin("UNI", "Uniswap", "defi"),
    KnownCoin("XMR", "Monero", "payment"),
    KnownCoin("PEPE", "Pepe", "meme"),
    KnownCoin("WLFI", "World Liberty Financial", "", ("world liberty",)),
    KnownCoin("PI", "Pi Network", "", ("pi coin",)),
    KnownCoin("AAVE", "Aave", "defi"),
    KnownCoin("NEAR", "NEAR Protocol", "platform", (), (), "near"),
    KnownCoin("APT", "Aptos", "platform"),
    KnownCoin("ICP", "Internet Computer", "platform"),
    KnownCoin("OKB", "OKB", "exchange"),
    KnownCoin("CRO", "Cronos", "exchange"),
    KnownCoin("MNT", "Mantle", "layer2"),
    KnownCoin("ETC", "Ethereum Classic"),
    KnownCoin("ONDO", "Ondo", "", (), (), "ondo-finance"),
    KnownCoin("POL", "Polygon", "layer2", ("polygon",), ("MATIC",), "polygon-ecosystem-token"),
    KnownCoin("TAO", "Bittensor"),
    KnownCoin("RENDER", "Render", "", (), ("RNDR",), "render-token"),
    KnownCoin("TRUMP", "OFFICIAL TRUMP", "meme"),
    KnownCoin("ATOM", "Cosmos Hub", "platform", ("cosmos",), (), "cosmos"),
    KnownCoin("ALGO", "Algorand", "platform"),
    KnownCoin("FIL", "Filecoin"),
    KnownCoin("ARB", "Arbitrum", "layer2"),
    KnownCoin("VET", "VeChain"),
    KnownCoin("KAS", "Kaspa"),
    KnownCoin("KCS", "KuCoin", "exchange"),
    KnownCoin("FET", "Artificial Superintelligence", "", (), (), "fetch-ai"),
    KnownCoin("MKR", "Maker", "defi"),
    KnownCoin("WLD", "Worldcoin", "", (), (), "worldcoin-wld"),
    KnownCoin("ZEC", "Zcash", "payment"),
    KnownCoin("DASH", "Dash", "payment"),
    KnownCoin("OP", "Optimism", "layer2"),
    KnownCoin("INJ", "Injective", "defi", (), (), "injective-protocol"),
    KnownCoin("STX", "Stacks", "", (), (), "blockstack"),
    KnownCoin("IMX", "Immutable", "layer2", (), (), "immutable-x"),
    KnownCoin("SEI", "Sei", "", (), (), "sei-network"),
    KnownCoin("STRK", "Starknet", "layer2"),
    KnownCoin("GRT", "The Graph"),
    KnownCoin("TIA", "Celestia"),
    KnownCoin("BONK", "Bonk", "meme"),
    KnownCoin("WIF", "dogwifhat", "meme"),
    KnownCoin("FLOKI", "FLOKI", "meme"),
    KnownCoin("LDO", "Lido DAO", "defi", ("lido",)),
    KnownCoin("RUNE", "THORChain", "defi"),
    KnownCoin("QNT", "Quant", "", (), (), "quant-network"),
    KnownCoin("CRV", "Curve DAO", "defi", (), (), "curve-dao-token"),
    KnownCoin("FLOW", "Flow"),
    KnownCoin("SAND", "The Sandbox"),
    KnownCoin("IOTA", "IOTA", "", (), ("MIOTA",)),  # CoinMarketCap, Bitfinex
    KnownCoin("BSV", "Bitcoin SV", "payment", (), ("BCHSV",)),
    KnownCoin("COMP", "Compound", "defi"),
    KnownCoin("SNX", "Synthetix", "defi"),
    KnownCoin("LUNA", "Terra"),
    KnownCoin("THETA", "Theta Network", "", (), (), "theta-token"),
    KnownCoin("MANA", "Decentraland"),
    KnownCoin("AXS", "Axie Infinity"),
    KnownCoin("CELO", "Celo"),
    KnownCoin("CHZ", "Chiliz"),
    KnownCoin("EGLD", "MultiversX", "", (), (), "elrond-erd-2"),
    KnownCoin("ENS", "Ethereum Name Service"),
    KnownCoin("EOS", "EOS"),
    KnownCoin("FTM", "Fantom"),
    KnownCoin("GALA", "GALA"),
    KnownCoin("SUSHI", "Sushi"),
    KnownCoin("CAKE", "PancakeSwap", "", (), (), "pancakeswap-token"),
    KnownCoin("WAVES", "Waves"),
    KnownCoin("XTZ", "Tezos"),
    KnownCoin("XNO", "Nano", "", (), ("XRB",)),
)
COINS: Mapping[str, KnownCoin] = {
    coin.symbol: coin._replace(market_cap_rank=rank) for rank, coin in enumerate(_COINS, start=1)
}
"""By symbol, the largest first, roughly."""
TICKERS: Mapping[str, str] = {ticker: coin.symbol for coin in _COINS for ticker in coin.tickers}
"""Asset by each of its other tickers."""
NICKNAMES: Mapping[str, str] = {name: coin.symbol for coin in _COINS for name in coin.nicknames}
"""Asset by what headlines call it beside its name; in small letters."""


def name_of(symbol: str) -> str:
    """Return the name of a coin for people; its symbol where it is not known."""
    coin = COINS.get(symbol)
    return symbol if coin is None else coin.name


def is_money(symbol: str) -> bool:
    """Return whether a symbol in capitals is a currency or a coin worth one."""
    return "USD" in symbol or symbol in MONEY
