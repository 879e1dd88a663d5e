"""What became of scores and signals.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

from schemas.times import DAY_MS, HOUR_MS

HORIZON_MS = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS, "7d": 7 * DAY_MS}
"""How long after a score its return is taken, the shortest first."""
OUTCOME_KINDS = frozenset({"score", "signal"})
NO_PRICE, NO_LATER_PRICE = "no_price", "no_later_price"
"""Why an outcome has no return."""


class Outcome(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an asset's price did after a score or a signal, told when it was known."""

    outcome_id: str
    kind: str
    asset: str
    engine: str = ""
    strategy_id: str = ""
    strategy_version: int = 0
    scored_at: int
    cycle: int
    horizon: str
    score: float
    confidence: float
    action: str = ""
    price_usd: float | None = None
    price_at: int | None = None
    later_price_usd: float | None = None
    later_price_at: int | None = None
    return_pct: float | None = None
    no_return: str = ""
    as_of: int
    settings: str | None = None
