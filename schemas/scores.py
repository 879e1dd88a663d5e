"""The engines' scores.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

SCORE_STATUSES = ("ok", "missing")


class InputPosition(msgspec.Struct, frozen=True, gc=False):
    """A place in the log."""

    topic: str
    partition: int
    offset: int


class EngineScore(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The score of one engine and asset at one moment."""

    asset: str
    engine: str
    status: str
    cycle: int | None = None
    cycle_size: int = 0
    as_of: int
    sequence: int
    score: float
    confidence: float
    freshness: float
    data_time: int | None = None
    price_usd: float | None = None
    features: dict[str, float] = {}
    evidence: tuple[int, ...] = ()
    detail: dict[str, str] = {}
    settings: str | None = None
    inputs: tuple[InputPosition, ...] = ()
