"""The decision of SPEC's worked example, for tests of what a portfolio makes of it."""

from __future__ import annotations

from typing import Any

from schemas.signals import Decision
from schemas.validation import problem
from tests.factories import START_MS


def decision(asset: str = "BTC", as_of: int = START_MS, **changes: Any) -> Decision:
    """Return the BUY of SPEC 8, between cycles, with a book whose spread and slippage are 0."""
    defaults = {
        "decision_id": f"{asset}-{as_of}",
        "strategy_id": "balanced",
        "asset": asset,
        "as_of": as_of,
        "trigger": "change",
        "final_score": 0.582,
        "action": "BUY",
        "price_usd": 50_000.0,
        "price_at": as_of,
        "spread_bps": 0.0,
        "sentiment_confidence": 0.85,
        "trend_strength": 0.58,
        "data_freshness": 1.0,
        "portfolio_value_usd": 50_000.0,
        "features": {f"slippage_{size}_bps": 0.0 for size in ("10k", "100k", "1m")},
    }
    made = Decision(**(defaults | changes))
    assert problem(made) is None, problem(made)
    return made
