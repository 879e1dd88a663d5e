"""The scores of engines and of headlines.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec

SCORE_STATUSES = ("ok", "missing")
MOST_RETURNS = 60
"""Daily returns that a score, a decision and a held asset have at most."""
LABELS = ("positive", "neutral", "negative")
"""What a headline may be."""


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
    daily_returns: tuple[float, ...] = ()
    returns_until: int | None = None
    price_at: int | None = None


class LexiconHit(msgspec.Struct, frozen=True, gc=False):
    """A term of the lexicon in a text, with its signed strength there."""

    term: str
    strength: float


class NewsScore(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one headline says of one asset."""

    asset: str
    event_time: int
    observed_at: int
    published_at: int | None = None
    source: str
    source_id: str
    article: InputPosition
    headline_id: str
    url_id: str | None = None
    model: str | None = None
    model_version: str | None = None
    no_model: str | None = None
    bearish: float | None = None
    bullish: float | None = None
    neutral: float | None = None
    lexicon_score: float
    lexicon_confidence: float
    hits: tuple[LexiconHit, ...] = ()
    source_label: str | None = None
    source_weight: float
    score: float
    confidence: float
    label: str
