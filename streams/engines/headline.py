"""The score of one headline: the mean of model, lexicon and the source's label.

    score      = mean of the voices' scores by weight * confidence
    confidence = 1 - product of (1 - confidence) of the voices

And what a headline is known by when it comes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, Protocol

from schemas.market import NewsArticle
from schemas.times import MINUTE_MS
from streams.engines.lexicon import SUMMARY_WEIGHT, score_text

_DIGEST_BYTES, _TIME_BYTES = 6, 4  # of 256 articles one in 10^11 is mistaken for another
ENTRY_BYTES = 2 * _DIGEST_BYTES + _TIME_BYTES
_NO_URL = bytes(_DIGEST_BYTES)
_LABELS = {"positive": 1.0, "neutral": 0.0, "negative": -1.0}


class TextScore(NamedTuple):
    """A model's score of a text: p_positive - p_negative in [-1, 1], confidence in [0, 1]."""

    score: float
    confidence: float


class TextScorer(Protocol):
    """The port of the transformer: a pure function of the text, None for a text not scored.

    The engine does no I/O. Whoever runs the model scores the texts of a batch beforehand and hands
    their results over as a `RecordedScores`; a replay hands over the ones recorded then.
    """

    def __call__(self, text: str) -> TextScore | None:
        """Return the score of a text, None where there is none."""


def text_key(text: str) -> str:
    """Return the key under which the score of a text is recorded: blake2b, 32 hex digits."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class RecordedScores:
    """A `TextScorer` that looks results up by `text_key`."""

    scores: Mapping[str, TextScore]

    def __call__(self, text: str) -> TextScore | None:
        """Return the recorded score of a text, None where there is none."""
        return self.scores.get(text_key(text))


@dataclass(frozen=True, slots=True)
class VoicesConfig:
    """Constants of the voices of a headline."""

    scorer: TextScorer | None = None
    """The transformer's results; None: no weights here, the other voices only."""
    model_weight: float = 0.6
    """Weight of the model among the voices of a headline: it reads sentences."""
    lexicon_weight: float = 0.3
    """Weight of the lexicon: right on nine of ten texts where it speaks, silent on many."""
    label_weight: float = 0.2
    """Weight of the source's own label: its method is unknown."""
    label_score: float = 0.6
    """Score that a positive label stands for (negative: minus it); labels have no strength."""
    label_confidence: float = 0.6
    """Confidence of a label, 0 to 1."""


class HeadlineScore(NamedTuple):
    """Score in [-1, 1], confidence in [0, 1], and whether the model was among the voices."""

    score: float
    confidence: float
    by_model: bool


def score_headline(config: VoicesConfig, news: NewsArticle) -> HeadlineScore:
    """Return the score of a headline with its summary, by all scorers that know it."""
    model = _model_score(config, news)
    lexicon = score_text(news.headline, news.summary)
    voices = [(config.lexicon_weight, lexicon.score, lexicon.confidence)]
    if model is not None:
        voices.append((config.model_weight, model.score, model.confidence))
    sign = _LABELS.get((news.sentiment_label or "").lower())
    if sign is not None:
        voices.append((config.label_weight, sign * config.label_score, config.label_confidence))
    behind, said, doubt = 0.0, 0.0, 1.0
    for weight, score, confidence in voices:
        behind += weight * confidence
        said += weight * confidence * score
        doubt *= 1.0 - confidence
    return HeadlineScore(said / behind if behind > 0.0 else 0.0, 1.0 - doubt, model is not None)


def _model_score(config: VoicesConfig, news: NewsArticle) -> TextScore | None:
    """Return the model's score of headline and summary together, None without any."""
    if config.scorer is None:
        return None
    head = config.scorer(news.headline)
    body = config.scorer(news.summary) if news.summary else None
    if head is None or body is None:
        return head or body
    head_weight, body_weight = head.confidence, SUMMARY_WEIGHT * body.confidence
    if head_weight + body_weight <= 0.0:
        return head
    said = head_weight * head.score + body_weight * body.score
    return TextScore(said / (head_weight + body_weight), head.confidence)


def entry(news: NewsArticle) -> bytes:
    """Return what a repetition is known by, in ENTRY_BYTES: headline, url, minute published."""
    # A time after the article was seen is no time: it would make every later copy an old one.
    published_at = min(news.published_at or news.event_time, news.observed_at)
    url = _digest(f"u {news.url}") if news.url else _NO_URL
    minute = max(0, published_at) // MINUTE_MS
    headline = _digest(f"h {' '.join(news.headline.lower().split())}")
    return headline + url + minute.to_bytes(_TIME_BYTES, "big")


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).digest()


def repeats(entries: bytes, new: bytes, within_ms: float) -> bool:
    """Return whether `new` repeats one of the entries concatenated in `entries`.

    It does if headline or url are the same, unless it was published `within_ms` or more after that
    one. So an old article that is fetched again stays the old one, however late.
    """
    since = _minute(new, 0) - within_ms / MINUTE_MS
    return any(
        _minute(entries, at) > since
        for place in (0, _DIGEST_BYTES)
        for at in _entries_with(entries, new[place : place + _DIGEST_BYTES], place)
    )


def _minute(entries: bytes, at: int) -> int:
    return int.from_bytes(entries[at + 2 * _DIGEST_BYTES : at + ENTRY_BYTES], "big")


def _entries_with(entries: bytes, digest: bytes, place: int) -> Iterator[int]:
    """Yield where the entries begin that have this digest at this place."""
    at = -1 if digest == _NO_URL else entries.find(digest)
    while at >= 0:
        if at % ENTRY_BYTES == place:
            yield at - place
        at = entries.find(digest, at + 1)
