"""The score of one headline: the mean of model, lexicon and the source's label. Pure.

score      = mean of the voices' scores by weight * confidence
confidence = 1 - product of (1 - confidence) of the voices
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, NamedTuple

from msgspec import Meta

from schemas.market import NewsArticle
from schemas.platform_checks import MOST_SOURCE_WEIGHT
from schemas.scores import InputPosition, LexiconHit, NewsScore
from streams.constants import Share
from streams.engines.lexicon import (
    SUMMARY_MAX_CHARS,
    SUMMARY_WEIGHT,
    LexiconScore,
    hits,
    score_text,
)
from streams.headlines.probabilities import ModelTexts, Probabilities, text_key

HEADLINE_MAX_CHARS = 1000
"""Only the start of a headline is read: the time stays bounded, and what is longer is none."""
MOST_HITS = 32
"""Hits that are kept of a text: the score stays a small record whatever the text is."""
_ID_BYTES = 6
_SIGNS = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}

PUBLISHER_WEIGHTS: Mapping[str, float] = {
    "associated press": 1.3,
    "bloomberg": 1.3,
    "reuters": 1.3,
    "business wire": 0.7,
    "chainwire": 0.7,
    "globe newswire": 0.7,
    "globenewswire": 0.7,
    "pr newswire": 0.7,
    "prnewswire": 0.7,
    "reddit": 0.5,
    "youtube": 0.5,
}
"""How much a publisher counts, by its name in small letters; 1 for all others. Agencies check what
they write; a wire carries what companies say of themselves; anyone writes on a platform."""


@dataclass(frozen=True, slots=True)
class VoicesConfig:
    """Constants of the voices of a headline."""

    model_weight: Share = 1.0
    """Weight of the model among the voices of a headline. Measured: a larger share of the lexicon
    moves labelled tweets, finance and crypto headlines away from what people say of them."""
    lexicon_weight: Share = 0.17
    """Weight of the lexicon: right on nine of ten texts where it speaks, silent on many."""
    label_weight: Share = 0.11
    """Weight of the source's own label: its method is unknown."""
    label_score: Share = 0.6
    """Score that a positive label stands for (negative: minus it); labels have no strength."""
    label_confidence: Share = 0.6
    """Confidence of a label, 0 to 1."""
    label_above: Share = 0.2
    """Without a model, a score above it is a positive headline, below minus it a negative one."""
    silent_neutral: Share = 0.5
    """How far what the lexicon leaves open counts as neutral beside a model."""
    publisher_weights: Mapping[str, Annotated[float, Meta(ge=0.0, le=MOST_SOURCE_WEIGHT)]] = field(
        default_factory=lambda: PUBLISHER_WEIGHTS
    )
    """How much a publisher counts, by its name in small letters; 1 where it is not named."""


class Voice(NamedTuple):
    """One opinion of a headline: its weight, its score in [-1, 1], its confidence in [0, 1]."""

    weight: float
    score: float
    confidence: float


class Mean(NamedTuple):
    """Score in [-1, 1] and confidence in [0, 1]; both 0 where nobody speaks."""

    score: float
    confidence: float


def mean_of(*voices: Voice) -> Mean:
    """Return what several voices come to; see the module's docstring."""
    behind, said, doubt = 0.0, 0.0, 1.0
    for weight, score, confidence in voices:
        behind += weight * confidence
        said += weight * confidence * score
        doubt *= 1.0 - confidence
    if behind <= 0.0:
        return Mean(0.0, 0.0)
    return Mean(min(1.0, max(-1.0, said / behind)), min(1.0, max(0.0, 1.0 - doubt)))


def label_of(config: VoicesConfig, score: float) -> str:
    """Return a score as a word: positive, neutral or negative."""
    if abs(score) <= config.label_above:
        return "neutral"
    return "positive" if score > 0.0 else "negative"


def label_by_model(
    config: VoicesConfig, said: Probabilities, lexicon: LexiconScore, score: float
) -> str:
    """Return the likeliest label when the lexicon adds its say to the model's probabilities.

    Measured, it agrees better with people than a bound on the score. Never against its sign.
    """
    told = lexicon.confidence * lexicon.score
    model, weight = config.model_weight, config.lexicon_weight
    shares = {
        "negative": model * said.bearish + weight * max(0.0, -told),
        "positive": model * said.bullish + weight * max(0.0, told),
        "neutral": model * said.neutral + weight * config.silent_neutral * (1.0 - abs(told)),
    }
    label = max(shares, key=shares.__getitem__)
    return label if _SIGNS[label] * score > 0.0 else "neutral"


def texts_of(news: NewsArticle) -> tuple[str, ...]:
    """Return what a model reads of an article: the headline, and the start of a summary."""
    summary = (news.summary or "")[:SUMMARY_MAX_CHARS]
    headline = news.headline[:HEADLINE_MAX_CHARS]
    return (headline, summary) if summary.strip() else (headline,)


def probabilities_of(
    news: NewsArticle, known: Mapping[bytes, Probabilities]
) -> Probabilities | None:
    """Return what a model says of an article, headline and summary; None unless it read all."""
    said = [known.get(text_key(news.asset, text)) for text in texts_of(news)]
    head, body = said[0], said[-1]
    if head is None or body is None:
        return None
    if len(said) == 1:
        return head
    total = 1.0 + SUMMARY_WEIGHT
    pairs = zip(head, body, strict=True)
    return Probabilities(*((one + SUMMARY_WEIGHT * other) / total for one, other in pairs))


def score_article(
    config: VoicesConfig,
    news: NewsArticle,
    article: InputPosition,
    model: ModelTexts,
    said: Probabilities | None,
) -> NewsScore:
    """Return the score of an article that stands at a place of the log.

    `said` is what the model says of it, None where it does not; `model` names it, or says why.
    """
    headline = news.headline[:HEADLINE_MAX_CHARS]
    lexicon = score_text(headline, news.summary)
    voices = [Voice(config.lexicon_weight, lexicon.score, lexicon.confidence)]
    if said is not None:
        voices.append(Voice(config.model_weight, said.score, said.confidence))
    label = (news.sentiment_label or "").lower() or None
    if label is not None:
        sign = _SIGNS.get(label, 0.0)
        voices.append(
            Voice(config.label_weight, sign * config.label_score, config.label_confidence)
        )
    mean = mean_of(*voices)
    return NewsScore(
        asset=news.asset,
        event_time=news.event_time,
        observed_at=news.observed_at,
        published_at=news.published_at,
        source=news.source,
        source_id=news.source_id,
        article=article,
        headline_id=_hash(f"h {' '.join(news.headline.lower().split())}"),
        url_id=_hash(f"u {news.url}") if news.url else None,
        model=None if said is None else model.model,
        model_version=None if said is None else model.version,
        no_model=(model.reason or "not read") if said is None else None,
        bearish=None if said is None else said.bearish,
        bullish=None if said is None else said.bullish,
        neutral=None if said is None else said.neutral,
        lexicon_score=lexicon.score,
        lexicon_confidence=lexicon.confidence,
        hits=tuple(LexiconHit(*hit) for hit in hits(headline, news.summary)[:MOST_HITS]),
        source_label=label,
        source_weight=config.publisher_weights.get(news.publisher.strip().lower(), 1.0),
        score=mean.score,
        confidence=mean.confidence,
        label=label_of(config, mean.score)
        if said is None
        else label_by_model(config, said, lexicon, mean.score),
    )


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=_ID_BYTES).hexdigest()
