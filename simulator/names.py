"""How vendors spell the assets, where it is not the name in lower case with hyphens."""

from __future__ import annotations

import re

from marketdata.simulated.assets import Asset
from simulator.shapes import AssetRow

_COINGECKO = {
    "XRP": "ripple",
    "BNB": "binancecoin",
    "AVAX": "avalanche-2",
    "TON": "the-open-network",
    "HBAR": "hedera-hashgraph",
    "NEAR": "near",
    "ONDO": "ondo-finance",
    "POL": "polygon-ecosystem-token",
    "RENDER": "render-token",
    "ATOM": "cosmos",
    "FET": "fetch-ai",
    "WLD": "worldcoin-wld",
    "INJ": "injective-protocol",
    "STX": "blockstack",
    "IMX": "immutable-x",
    "SEI": "sei-network",
    "QNT": "quant-network",
}


def asset_row(asset: Asset) -> AssetRow:
    """Return the row of an asset of the simulated market."""
    slug = slugged(asset.name)
    return AssetRow(
        symbol=asset.symbol,
        name=asset.name,
        slug=slug,
        coingecko_id=_COINGECKO.get(asset.symbol, slug),
        supply=asset.supply,
        max_supply=asset.max_supply,
        decimals=asset.decimals,
    )


def slugged(text: str) -> str:
    """Return a text in lower case with hyphens between its words."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
