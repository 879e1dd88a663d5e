"""Two hundred coins with the usual ranks, a third of them called by words."""

from __future__ import annotations

from marketdata.assets.symbols import Catalogue
from tests.unit.marketdata.assets._catalogue import coin

_COINS = """
    1 BTC Bitcoin; 2 ETH Ethereum; 4 XRP XRP ripple; 5 BNB BNB binancecoin; 6 SOL Solana;
    8 DOGE Dogecoin; 9 TRX TRON; 10 ADA Cardano; 12 STETH Lido_Staked_Ether staked-ether;
    13 WBTC Wrapped_Bitcoin; 14 BCH Bitcoin_Cash; 15 XLM Stellar; 16 LEO LEO_Token;
    17 LINK Chainlink; 18 AVAX Avalanche avalanche-2; 19 SUI Sui; 20 ZEC Zcash;
    21 HBAR Hedera hedera-hashgraph; 22 LTC Litecoin; 23 XMR Monero; 24 SHIB Shiba_Inu;
    25 CRO Cronos crypto-com-chain; 27 MNT Mantle; 28 TAO Bittensor;
    29 WLFI World_Liberty_Financial; 31 DOT Polkadot; 32 APT Aptos; 33 M MemeCore;
    34 TON Toncoin the-open-network; 35 UNI Uniswap; 36 AAVE Aave; 37 OKB OKB;
    38 BGB Bitget_Token; 39 NEAR NEAR_Protocol near; 40 PEPE Pepe; 41 HYPE Hyperliquid;
    42 ETC Ethereum_Classic; 43 ICP Internet_Computer; 44 ENA Ethena; 45 ONDO Ondo ondo-finance;
    46 POL POL_(ex-MATIC) polygon-ecosystem-token; 47 WLD Worldcoin worldcoin-wld;
    48 PI Pi_Network; 49 KAS Kaspa; 50 ASTER Aster aster-2; 51 ICE Ice_Open_Network ice;
    52 ARB Arbitrum; 53 ALGO Algorand; 54 ATOM Cosmos_Hub cosmos; 55 VET VeChain; 56 FIL Filecoin;
    57 RENDER Render render-token; 58 TRUMP OFFICIAL_TRUMP; 59 PUMP Pump.fun pump-fun;
    60 QNT Quant quant-network; 61 SEI Sei sei-network; 62 BONK Bonk; 63 SKY Sky;
    64 FLR Flare flare-networks; 65 JUP Jupiter jupiter-exchange-solana;
    66 CAKE PancakeSwap pancakeswap-token; 67 IP Story story-2;
    68 INJ Injective injective-protocol; 69 XDC XDC_Network; 70 STX Stacks blockstack;
    71 OP Optimism; 72 CRV Curve_DAO curve-dao-token; 73 LDO Lido_DAO;
    74 FET Artificial_Superintelligence_Alliance fetch-ai; 75 PEOPLE ConstitutionDAO;
    76 IMX Immutable immutable-x; 77 GRT The_Graph; 78 TIA Celestia; 79 S Sonic sonic-3;
    80 FLOKI FLOKI; 81 PYTH Pyth_Network; 82 ENS Ethereum_Name_Service; 83 WIF dogwifhat;
    84 STRK Starknet; 85 MORPHO Morpho; 86 ETHFI ether.fi; 87 CFX Conflux conflux-token;
    88 PENDLE Pendle; 89 DASH Dash; 90 SAND The_Sandbox; 91 GALA GALA; 92 XTZ Tezos; 93 FLOW Flow;
    94 THETA Theta_Network theta-token; 95 IOTA IOTA; 96 BSV Bitcoin_SV;
    97 VIRTUAL Virtuals_Protocol; 98 A Vaulta; 99 JASMY JasmyCoin; 100 RAY Raydium;
    101 HNT Helium; 102 RUNE THORChain; 103 MANA Decentraland; 104 NEO NEO; 105 AXS Axie_Infinity;
    106 ZK ZKsync; 107 W Wormhole; 108 APE ApeCoin; 109 COMP Compound compound-governance-token;
    110 EGLD MultiversX elrond-erd-2; 111 CHZ Chiliz; 112 EIGEN EigenCloud eigenlayer;
    113 AR Arweave; 114 KAIA Kaia; 115 DYDX dYdX; 116 BEAM Beam beam-2;
    117 LUNC Terra_Luna_Classic terra-luna; 118 1INCH 1inch; 119 SNX Synthetix havven;
    120 GNO Gnosis; 121 CELO Celo; 122 LUNA Terra terra-luna-2; 123 MINA Mina_Protocol;
    124 ROSE Oasis oasis-network; 125 KAVA Kava; 126 ZIL Zilliqa; 127 YFI yearn.finance;
    128 EOS EOS; 129 SUPER SuperVerse; 130 AKT Akash_Network; 131 GMT GMT stepn;
    132 CVX Convex_Finance; 133 BAT Basic_Attention_Token; 134 LRC Loopring; 135 TURBO Turbo;
    136 MEW cat_in_a_dogs_world; 137 ZRO LayerZero; 138 SUSHI Sushi; 139 NEXO NEXO;
    140 FTT FTX_Token; 141 MASK Mask_Network; 142 BLUR Blur; 143 ANKR Ankr_Network;
    144 FXS Frax_Share; 145 AMP Amp amp-token; 146 MOVE Movement; 147 HOT Holo holotoken;
    148 WAVES Waves; 149 ENJ Enjin_Coin; 150 KSM Kusama; 151 DCR Decred; 152 QTUM Qtum;
    153 BTT BitTorrent; 154 ZRX 0x_Protocol; 155 OM MANTRA mantra-dao; 156 SLP Smooth_Love_Potion;
    157 CEL Celsius celsius-degree-token; 158 FTM Fantom; 159 OCEAN Ocean_Protocol; 160 GMX GMX;
    161 SSV SSV_Network; 162 YGG Yield_Guild_Games; 163 AUDIO Audius; 164 RON Ronin;
    165 GLMR Moonbeam; 166 OSMO Osmosis; 167 COTI COTI; 168 KNC Kyber_Network_Crystal;
    169 ONT Ontology; 170 RVN Ravencoin; 171 ICX ICON icon; 172 KCS KuCoin kucoin-shares;
    173 MAGIC Treasure; 174 OMG OMG_Network; 175 UMA UMA; 176 STORJ Storj; 177 JST JUST;
    178 IQ IQ everipedia; 179 GST Green_Satoshi_Token; 180 ANC Anchor_Protocol;
    181 MIR Mirror_Protocol; 182 LEASH Doge_Killer; 183 SPELL Spell_Token; 184 OHM Olympus;
    185 TIME Wonderland; 186 XCN Onyxcoin; 187 HIVE Hive; 188 KEY SelfKey; 189 FUN FUNToken;
    190 PRO Propy; 191 BAND Band_Protocol; 192 SCRT Secret; 193 JOE JOE; 194 LAND Landshare;
    195 TLOS Telos; 196 SOS OpenDAO; 197 LOOKS LooksRare; 198 QUICK Quickswap;
    199 OG OG_Fan_Token; 350 ONE Harmony; 400 AST AirSwap; 420 ACH Alchemy_Pay; 430 WAX WAX;
    440 API3 API3; 450 DAO DAO_Maker; 460 NFT APENFT; 500 CAR CarChain; 600 GAS Gas;
    700 TAG Tagger; 800 US Talus; 810 IN Infinit;
    """


def _usual() -> Catalogue:
    rows = []
    for line in filter(None, map(str.split, _COINS.split(";"))):
        rank, symbol, name, *slug = line
        rows.append(coin(symbol, name.replace("_", " "), int(rank), *slug))
    return Catalogue.of(rows)


USUAL = _usual()
"""Rank, symbol, name (blanks as _) and, where it is another, slug of each."""
