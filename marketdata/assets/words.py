"""Words that coins are called by and that mostly mean something else in a headline.

None of the lists can be complete, for new coins take new words; so `mentions` asks more of every
small coin than of a large one, and the lists are for the rest.
"""

from __future__ import annotations

_CAPITALS = """
    AI AMA AML AMM API APR APY ATH ATL ATM BANK BEARISH BIG BLOCK BOE BOJ BREAKING BULLISH BUY CAN
    CASH CBDC CEO CEX CFO CFTC CIA CME CODE COO CPI CTO DAO DEFI DEPIN DEX DID DOJ DOLLAR EASY ECB
    EPS ESG ETF ETFS ETN ETP EUR EVM FAST FBI FCA FDIC FED FIRST FOMC FOMO FOR FREE FTC FTX FUD FUND
    GAS GDP GMT GOLD GPT GPU GREEN HIGH HODL HOLD HOME HOT HUGE ICO IDO IEO IMF IPO IRA IRS ITS JUST
    KING KYC LATEST LIVE LLC LLM LOW MAX MEME MEV MICA MORE MOVE NASA NATO NEW NEXT NFT NFTS NOT NOW
    NYSE OCC OFAC ONE ONLY OPEN OTC OUT OVER P2E P2P PAY PCE PFP PLAY PMI POS POW PPI PUMP PUSH QE
    RATE REAL RED REKT RISK ROI RPC RWA RWAS SAFE SAVE SBF SDK SEC SELL SOON SPAC SPX STABLE SUPER
    SWIFT TGE THE THIS TIME TOKEN TOP TPS TRUE TVL UAE USA VIP VPN WAR WATCH WEB3 WEF WHALE WHAT WHY
    WILL WIN WOULD YES YOU YOY ZKP
    """
CAPITALS = frozenset(_CAPITALS.split())
"""Symbols that headlines write in capitals when they mean no coin: short forms and cries."""

_SYMBOL_WORDS = """
    ACE ACT ALPHA ALT APE ARC ARK ATOM BABY BAND BEAM BLUR BOOK BRETT CAKE CAT CHECK COMP COOKIE
    CORE CYBER DASH DEEP DOG DOGS DOT EDGE FARM FIRE FLOW FLR FORM FUN GALA GHOST GRASS HYPE HYPER
    ICE INIT JOE KITE LAYER LEO LIGHT LINK MAGIC MAJOR MASK MINA NEAR NEO NIGHT OCEAN OM ORCA ORDER
    PEOPLE PORTAL POWER PRIME RAIN RARE RAY RENDER ROSE SAND SENT SIGN SKY SOLO SPELL SUN SURGE
    TREE TRUMP TRUST TURBO USUAL VIRTUAL WARD WAVES WILD ZERO
    """
SYMBOL_WORDS = frozenset(_SYMBOL_WORDS.split())
"""Symbols that are words, but in capitals among small letters mean the coin."""

_NAME_WORDS = """
    alpha aster band base beam blast blur book casper chain compound core crypto dash defi dog
    flare flow gala gas ghost gold grass harmony hype hyper ice icon immutable kite layer
    magic maker mantle mask meme memecoin movement near oasis ocean optimism
    origin plasma portal power pump quant rain real render request river safe
    sand scroll secret sign sky sonic soon stable stacks status story sun super
    token trump trust turbo usual virtual virtuals wave waves world zero
    """
NAME_WORDS = frozenset(_NAME_WORDS.split())
"""Names of one word, folded, that are no names in many headlines."""

BODIES = frozenset(
    ("blockchain", "foundation", "labs", "mainnet", "network", "protocol", "testnet")
)
"""After one of NAME_WORDS these say that the coin is meant: Flow Foundation, Story Protocol."""

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
