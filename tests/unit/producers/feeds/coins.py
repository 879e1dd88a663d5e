"""Rows of coin lists for the tests."""

from __future__ import annotations

from typing import Any

from producers.upstreams.rows import CoinRow

T0 = 1_767_268_800_000  # 2026-01-01 12:00 UTC
NAMES = {"BTC": "Bitcoin", "ETH": "Ethereum", "SOL": "Solana", "DOGE": "Dogecoin"}


def coin(symbol: str = "BTC", **fields: Any) -> CoinRow:
    """Build a row with a price and a volume."""
    name = NAMES.get(symbol, symbol.capitalize())
    known = {"price_usd": 10.0, "volume_24h_usd": 1e6, "market_cap_usd": 1e9, "name": name}
    return CoinRow(
        **{"source": "lunarcrush", "source_id": symbol.lower(), "symbol": symbol, **known, **fields}
    )
