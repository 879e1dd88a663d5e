"""The voices of one headline by hand, and what a score of a headline carries."""

from __future__ import annotations

from math import exp, tanh

import pytest

from schemas.scores import InputPosition, LexiconHit
from streams.engines.lexicon import LexiconScore
from streams.headlines.probabilities import Probabilities, single, text_key
from streams.headlines.scoring import (
    VoicesConfig,
    label_by_model,
    label_of,
    probabilities_of,
    score_article,
)
from tests.unit.streams.engines._records import MODEL, NO_MODEL, T0, make_news, scored

BAD = "Exchange hacked"
LEXICON_CONFIDENCE = 1 - exp(-0.9 / 0.6)
LEXICON_SCORE = -tanh(0.9)
HALF = Probabilities(0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("label", "score", "confidence"),
    [
        ("positive", 0.6, 0.6),
        ("negative", -0.6, 0.6),
        ("Negative", -0.6, 0.6),
        ("neutral", 0.0, 0.6),
        (None, 0.0, 0.0),
    ],
)
def test_label_is_a_voice(label: str | None, score: float, confidence: float) -> None:
    got = scored(make_news("A statement", sentiment_label=label))
    assert got.score == pytest.approx(score)
    assert got.confidence == pytest.approx(confidence)
    assert got.source_label == (label.lower() if label else None)
    assert (got.model, got.no_model) == (None, "not loaded")


def test_label_and_lexicon_by_hand() -> None:
    got = scored(make_news(BAD, sentiment_label="positive"))
    lexicon, label = 0.17 * LEXICON_CONFIDENCE, 0.11 * 0.6
    assert got.score == pytest.approx((lexicon * LEXICON_SCORE + label * 0.6) / (lexicon + label))
    assert got.confidence == pytest.approx(1 - (1 - LEXICON_CONFIDENCE) * 0.4)


def test_model_outweighs_the_lexicon() -> None:
    got = scored(make_news(BAD), 0, HALF)
    lexicon = 0.17 * LEXICON_CONFIDENCE
    assert got.score == pytest.approx((lexicon * LEXICON_SCORE + 1.0) / (lexicon + 1.0))
    assert (got.confidence, got.model, got.model_version) == (1.0, MODEL.model, MODEL.version)
    assert (got.bearish, got.bullish, got.neutral, got.no_model) == (0.0, 1.0, 0.0, None)


def test_a_headline_and_its_summary_are_read_together() -> None:
    news = make_news("A", summary="B")
    good, bad = single(0.1, 0.8, 0.1), single(0.7, 0.1, 0.2)
    known = {text_key("BTC", "A"): good, text_key("BTC", "B"): bad}
    said = probabilities_of(news, known)
    assert said is not None
    assert said.score == pytest.approx((good.score + 0.4 * bad.score) / 1.4)
    assert sum(said) == pytest.approx(1.0)
    assert probabilities_of(make_news("A"), known) == good
    for key, one in known.items():
        assert probabilities_of(news, {key: one}) is None, "half of it would be another text"


def test_a_text_is_another_one_for_another_asset() -> None:
    """A headline is good for one coin and bad for another."""
    assert text_key("BTC", "Bitcoin beats Ether") != text_key("ETH", "Bitcoin beats Ether")
    assert text_key("BTC", "x").hex() == text_key("BTC", "x").hex() != text_key("BTC", "y").hex()


@pytest.mark.parametrize(
    "given",
    [
        pytest.param((float("nan"), 0.5, 0.5), id="nan"),
        pytest.param((float("inf"), 0.0, 0.0), id="infinite"),
        pytest.param((-0.5, 1.0, 0.5), id="below-0"),
        pytest.param((0.9, 0.9, 0.9), id="more-than-1"),
        pytest.param((0.0, 0.0, 0.0), id="nothing"),
    ],
)
def test_what_are_no_probabilities_is_refused(given: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        single(*given)


@pytest.mark.parametrize(
    ("score", "label"),
    [(0.21, "positive"), (0.2, "neutral"), (-0.2, "neutral"), (-0.21, "negative"), (0, "neutral")],
)
def test_a_score_as_a_word(score: float, label: str) -> None:
    assert label_of(VoicesConfig(), score) == label


@pytest.mark.parametrize(
    ("said", "lexicon", "score", "label"),
    [
        pytest.param((0.1, 0.5, 0.4), (0.0, 0.0), 0.4, "positive", id="model"),
        pytest.param((0.1, 0.45, 0.45), (0.0, 0.0), 0.35, "neutral", id="a silent lexicon"),
        pytest.param((0.1, 0.45, 0.45), (0.9, 0.9), 0.5, "positive", id="one that agrees"),
        pytest.param((0.42, 0.48, 0.1), (-0.9, 0.9), -0.2, "negative", id="one that does not"),
        pytest.param((0.42, 0.48, 0.1), (0.0, 0.0), -0.1, "neutral", id="against the score"),
    ],
)
def test_a_label_of_model_and_lexicon(
    said: tuple[float, float, float], lexicon: tuple[float, float], score: float, label: str
) -> None:
    got = label_by_model(VoicesConfig(), Probabilities(*said), LexiconScore(*lexicon), score)
    assert got == label


def test_every_hit_is_kept_with_its_strength_there() -> None:
    got = scored(make_news("Exchange not hacked", summary="Traders turn bullish"))
    assert [hit.term for hit in got.hits] == ["hacked", "bullish"]
    assert got.hits[0].strength > 0.0, "it was not hacked"
    assert got.hits[1] == LexiconHit("bullish", 0.7)


def test_a_movement_and_its_noun_are_one_hit() -> None:
    (hit,) = scored(make_news("Fees surge")).hits
    assert (hit.term, hit.strength < 0.0) == ("fees surge", True)


def test_a_score_names_its_article_and_times() -> None:
    news = make_news(BAD, T0 + 5, published_at=T0, url="https://a.example/1", publisher="Reuters")
    place = InputPosition("market.news", 3, 77)
    got = score_article(VoicesConfig(), news, place, NO_MODEL, None)
    assert (got.article, got.observed_at, got.published_at) == (place, T0 + 5, T0)
    assert (got.asset, got.source, got.source_id) == ("BTC", "test", str(T0 + 5))
    assert got.source_weight == 1.3
    same = scored(make_news("exchange  HACKED", url="https://a.example/2"))
    assert got.headline_id == same.headline_id
    assert got.url_id != same.url_id
    assert scored(make_news(BAD)).url_id is None


def test_a_text_of_a_megabyte_gives_a_small_record() -> None:
    got = scored(make_news("hacked " * 150_000, summary="bullish " * 100_000))
    assert len(got.hits) == 32
    assert got.label == "negative"
