"""The measures of a headline model, worked by hand, and that the product's own function is used."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.headlines.evaluation import Verdict, macro_f1, measure, together, verdicts
from streams.headlines.labelled import Labelled
from streams.headlines.probabilities import NO_TEXTS, ModelTexts, Probabilities

TRUE = ("bullish", "bullish", "bearish", "neutral")
TEXTS = [Labelled(f"text {n}", "", label) for n, label in enumerate(TRUE)]


class Fixed:
    """A model that says the same of every text."""

    name, version = "fixed", "0" * 12

    def __init__(self, said: Probabilities) -> None:
        self.said = said
        self.asked: list[tuple[str, str]] = []

    def probabilities(self, texts: Sequence[tuple[str, str]]) -> list[Probabilities]:
        self.asked += texts
        return [self.said for _ in texts]


def test_measures_by_hand() -> None:
    said = [
        Verdict("bullish", 0.9),
        Verdict("neutral", 0.5),
        Verdict("bearish", 0.9),
        Verdict("neutral", 0.1),
    ]
    found = measure("voice", TEXTS, said)
    assert found.accuracy == 0.75
    # F1: bearish 1, bullish 2 * 1 / (2 + 1), neutral 2 * 1 / (1 + 2)
    assert found.macro_f1 == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    assert found.confusion["bullish"] == {"bearish": 0, "bullish": 1, "neutral": 1}
    bins = [(one.texts, one.confidence, one.right) for one in found.calibration]
    assert bins == [(1, 0.1, 1.0), (1, 0.5, 0.0), (2, 0.9, 1.0)]
    assert found.calibration_error == pytest.approx((0.9 + 0.5 + 2 * 0.1) / 4)


def test_a_label_that_nobody_uses_has_no_f1() -> None:
    none = {"bearish": 0, "bullish": 0, "neutral": 0}
    confusion = {
        "bearish": {**none, "bearish": 3},
        "bullish": {**none, "bullish": 1},
        "neutral": none,
    }
    assert macro_f1(confusion) == 1.0


def test_lexicon_model_and_both_are_measured() -> None:
    sure = Fixed(Probabilities(0.98, 0.01, 0.01))
    found = verdicts([Labelled("Traders turn bullish", "BTC", "bullish")], sure)
    assert list(found) == ["lexicon", "fixed", "together"]
    assert found["lexicon"][0].label == "bullish"
    assert found["fixed"] == [Verdict("bearish", 0.98)]
    assert sure.asked == [("Traders turn bullish", "BTC")]
    assert list(verdicts(TEXTS, None)) == ["lexicon"]


def test_together_is_what_the_product_says() -> None:
    said = Probabilities(0.1, 0.8, 0.1)
    alone = together("A statement", "", NO_TEXTS, None)
    both = together("A statement", "", ModelTexts("m", "v"), said)
    assert (alone.score, alone.label, alone.model) == (0.0, "neutral", None)
    assert both.score == pytest.approx(said.score)
    assert (both.label, both.model_version) == ("positive", "v")
