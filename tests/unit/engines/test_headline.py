"""The voices of one headline, and how a repetition is known."""

from __future__ import annotations

from math import exp, tanh

import pytest

from streams.engines.headline import (
    RecordedScores,
    TextScore,
    VoicesConfig,
    digests,
    remembers,
    score_headline,
    text_key,
)
from tests.unit.engines._records import make_news

BAD = "Exchange hacked"
LEXICON_CONFIDENCE = 1 - exp(-0.9 / 0.6)
LEXICON_SCORE = -tanh(0.9)


def with_model(**scores: TextScore) -> VoicesConfig:
    """Return voices with recorded results of a model; `_` stands for a space."""
    recorded = {text_key(text.replace("_", " ")): score for text, score in scores.items()}
    return VoicesConfig(scorer=RecordedScores(recorded))


@pytest.mark.parametrize(
    ("label", "score", "confidence"),
    [
        ("positive", 0.6, 0.6),
        ("negative", -0.6, 0.6),
        ("Negative", -0.6, 0.6),
        ("neutral", 0.0, 0.6),
        ("?", 0.0, 0.0),
        (None, 0.0, 0.0),
    ],
)
def test_label_is_a_voice(label: str | None, score: float, confidence: float) -> None:
    got = score_headline(VoicesConfig(), make_news("A statement", sentiment_label=label))
    assert got.score == pytest.approx(score)
    assert got.confidence == pytest.approx(confidence)
    assert not got.by_model


def test_label_and_lexicon_by_hand() -> None:
    got = score_headline(VoicesConfig(), make_news(BAD, sentiment_label="positive"))
    lexicon, label = 0.3 * LEXICON_CONFIDENCE, 0.2 * 0.6
    assert got.score == pytest.approx((lexicon * LEXICON_SCORE + label * 0.6) / (lexicon + label))
    assert got.confidence == pytest.approx(1 - (1 - LEXICON_CONFIDENCE) * 0.4)


def test_model_outweighs_the_lexicon() -> None:
    got = score_headline(with_model(Exchange_hacked=TextScore(0.5, 1.0)), make_news(BAD))
    lexicon = 0.3 * LEXICON_CONFIDENCE
    assert got.score == pytest.approx((lexicon * LEXICON_SCORE + 0.6 * 0.5) / (lexicon + 0.6))
    assert (got.confidence, got.by_model) == (1.0, True)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param({"A": (1.0, 0.5), "B": (-1.0, 0.5)}, (0.6 / 1.4, 0.5), id="both"),
        pytest.param({"A": (1.0, 0.5)}, (1.0, 0.5), id="headline-only"),
        pytest.param({"B": (-1.0, 0.7)}, (-1.0, 0.7), id="summary-only"),
        pytest.param({"A": (0.3, 0.0), "B": (-1.0, 0.0)}, (0.0, 0.0), id="sure-of-nothing"),
    ],
)
def test_model_reads_headline_and_summary(
    scores: dict[str, tuple[float, float]], expected: tuple[float, float]
) -> None:
    voices = with_model(**{text: TextScore(*score) for text, score in scores.items()})
    got = score_headline(voices, make_news("A", summary="B"))
    assert got.score == pytest.approx(expected[0])
    assert got.confidence == pytest.approx(expected[1])
    assert got.by_model


def test_text_that_the_model_has_not_scored() -> None:
    got = score_headline(with_model(Other=TextScore(1.0, 1.0)), make_news(BAD))
    assert got.score == pytest.approx(LEXICON_SCORE)
    assert not got.by_model


def test_key_of_a_recorded_score_never_changes() -> None:
    """Scores recorded by an earlier release are found again."""
    assert text_key("Exchange hacked") == "2040ce408c478e6ca46348dffbab4962"


def test_digests_ignore_capitals_and_spaces() -> None:
    one, other = make_news("Exchange  Hacked "), make_news("exchange hacked")
    assert digests(one) == digests(other)
    assert len(digests(make_news(BAD, url="https://a.example/1"))) == 2


@pytest.mark.parametrize(
    ("digest", "expected"),
    [(b"abcdefgh", True), (b"ijklmnop", True), (b"efghijkl", False), (b"        ", False)],
)
def test_memory_is_searched_digest_by_digest(digest: bytes, expected: bool) -> None:
    assert remembers(b"abcdefghijklmnop", digest) is expected


def test_memory_finds_a_digest_behind_a_false_match() -> None:
    assert remembers(b"xxxxabababababababxxxxxx" + b"abababab", b"abababab")
