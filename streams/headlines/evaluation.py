"""How well headlines are labelled: by the lexicon, by a model, and by both as the product does it.

The product's own function scores (`score_article`), so what is measured is what signals get.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from schemas.market import NewsArticle
from schemas.scores import InputPosition, NewsScore
from streams.headlines.labelled import Labelled
from streams.headlines.model import LABELS, TextModel, label_of, likeliest
from streams.headlines.probabilities import ModelTexts, Probabilities
from streams.headlines.scoring import VoicesConfig, score_article

LEXICON, TOGETHER = "lexicon", "together"
_BINS = 5
_ALONE = ModelTexts(reason="the lexicon alone was asked for")


class Verdict(NamedTuple):
    """A label, and the confidence in it, 0 to 1."""

    label: str
    confidence: float


class Bin(msgspec.Struct, frozen=True):
    """Texts of about the same confidence: how many, the mean confidence, the share right."""

    texts: int
    confidence: float
    right: float


class Measured(msgspec.Struct, frozen=True):
    """How one voice did over a file.

    confusion    by true label, then by the label given: how many
    calibration  by confidence, lowest first; `calibration_error` is the mean distance of the two
    """

    voice: str
    texts: int
    accuracy: float
    macro_f1: float
    confusion: dict[str, dict[str, int]]
    calibration: list[Bin]
    calibration_error: float


def together(
    text: str,
    asset: str,
    model: ModelTexts,
    said: Probabilities | None,
    voices: VoicesConfig | None = None,
) -> NewsScore:
    """Return the product's score of a text; `said` is what the model says, None for no model."""
    news = NewsArticle(
        asset=asset or "?",
        event_time=0,
        observed_at=0,
        source="text",
        source_id="text",
        headline=text,
        url="",
        publisher="",
    )
    place = InputPosition("", 0, 0)
    return score_article(voices or VoicesConfig(), news, place, model, said)


def verdicts(
    texts: Sequence[Labelled], model: TextModel | None, voices: VoicesConfig | None = None
) -> dict[str, list[Verdict]]:
    """Return what each voice says of every text: lexicon, and with a model it and both."""
    found = {LEXICON: [_product(one, _ALONE, None, voices) for one in texts]}
    if model is not None:
        known = ModelTexts(model.name, model.version)
        said = model.probabilities([(one.text, one.asset) for one in texts])
        found[model.name] = [Verdict(likeliest(one), max(one)) for one in said]
        pairs = zip(texts, said, strict=True)
        found[TOGETHER] = [_product(one, known, row, voices) for one, row in pairs]
    return found


def _product(
    one: Labelled, model: ModelTexts, said: Probabilities | None, voices: VoicesConfig | None
) -> Verdict:
    score = together(one.text, one.asset, model, said, voices)
    return Verdict(label_of(score.label) or "", score.confidence)


def measure(voice: str, texts: Sequence[Labelled], said: Sequence[Verdict]) -> Measured:
    """Return how a voice did; the texts are at least one."""
    confusion = {true: dict.fromkeys(LABELS, 0) for true in LABELS}
    for one, verdict in zip(texts, said, strict=True):
        confusion[one.label][verdict.label] += 1
    bins = _calibration(texts, said)
    apart = sum(one.texts * abs(one.confidence - one.right) for one in bins)
    return Measured(
        voice=voice,
        texts=len(texts),
        accuracy=sum(confusion[label][label] for label in LABELS) / len(texts),
        macro_f1=macro_f1(confusion),
        confusion=confusion,
        calibration=bins,
        calibration_error=apart / len(texts),
    )


def macro_f1(confusion: dict[str, dict[str, int]]) -> float:
    """Return the mean F1 of the labels that occur, as truth or as answer."""
    scores = []
    for label in LABELS:
        true = sum(confusion[label].values())
        given = sum(row[label] for row in confusion.values())
        if true + given:
            scores.append(2 * confusion[label][label] / (true + given))
    return sum(scores) / len(scores)


def _calibration(texts: Sequence[Labelled], said: Sequence[Verdict]) -> list[Bin]:
    """Return the bins of equal width that hold a text."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(_BINS)]
    for one, verdict in zip(texts, said, strict=True):
        place = min(_BINS - 1, int(verdict.confidence * _BINS))
        bins[place].append((verdict.confidence, verdict.label == one.label))
    return [
        Bin(
            len(held),
            sum(confidence for confidence, _ in held) / len(held),
            sum(right for _, right in held) / len(held),
        )
        for held in bins
        if held
    ]
