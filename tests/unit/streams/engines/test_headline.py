"""The voices of one headline, and how a repetition is known."""

from __future__ import annotations

from math import exp, tanh

import msgspec
import pytest

from streams.engines.headline import (
    ENTRY_BYTES,
    RecordedScores,
    TextScore,
    VoicesConfig,
    entry,
    repeats,
    score_headline,
    text_key,
)
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._records import T0, make_news

GOOD = "Traders turn bullish"
URL = "https://a.example/1"
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


def test_an_entry_ignores_capitals_and_spaces() -> None:
    one, other = make_news("Exchange  Hacked "), make_news("exchange hacked")
    assert entry(one) == entry(other)
    assert len(entry(one)) == len(entry(make_news(BAD, url=URL))) == ENTRY_BYTES


@pytest.mark.parametrize(
    ("later_ms", "expected"),
    [
        pytest.param(0, True, id="at-once"),
        pytest.param(47 * HOUR_MS, True, id="47-hours"),
        pytest.param(48 * HOUR_MS - 60_000, True, id="a-minute-less"),
        pytest.param(48 * HOUR_MS, False, id="48-hours"),
        pytest.param(9 * DAY_MS, False, id="9-days"),
        pytest.param(-9 * DAY_MS, True, id="published-before"),
    ],
)
@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"headline": BAD, "url": "https://b.example/2"}, id="same-headline"),
        pytest.param({"headline": "Another", "url": URL}, id="same-url"),
    ],
)
def test_a_repetition_is_known_for_two_days(
    later_ms: int, expected: bool, again: dict[str, str]
) -> None:
    remembered = entry(make_news(GOOD)) + entry(make_news(BAD, url=URL)) + entry(make_news("x"))
    published_at = T0 + later_ms
    copy = make_news(at=T0 + 10 * DAY_MS, published_at=published_at, **again)
    assert repeats(remembered, entry(copy), 48 * HOUR_MS) is expected


def test_the_newest_of_several_entries_counts() -> None:
    old, newer = (entry(make_news(BAD, T0 + days * DAY_MS)) for days in (0, 3))
    again = entry(make_news(BAD, T0 + 4 * DAY_MS))
    assert repeats(old + newer, again, 2 * DAY_MS)
    assert not repeats(old, again, 2 * DAY_MS)


@pytest.mark.parametrize(
    "when",
    [
        pytest.param({}, id="as-it-was"),
        pytest.param({"published_at": T0 - DAY_MS}, id="published-the-day-before"),
    ],
)
def test_an_article_fetched_again_is_known_however_late(when: dict[str, int]) -> None:
    article = make_news(BAD, **when)
    again = msgspec.structs.replace(article, observed_at=T0 + 90 * DAY_MS)
    assert repeats(entry(article), entry(again), 2 * DAY_MS)


def test_a_time_in_the_future_does_not_block_a_headline() -> None:
    liar = make_news(BAD, published_at=T0 + 9000 * DAY_MS)
    assert not repeats(entry(liar), entry(make_news(BAD, T0 + 3 * DAY_MS)), 2 * DAY_MS)


def test_articles_without_url_are_not_the_same() -> None:
    assert not repeats(entry(make_news(BAD)), entry(make_news(GOOD)), 2 * DAY_MS)


def test_memory_is_searched_entry_by_entry() -> None:
    """Bytes that are the same by chance, across or in another place of an entry, do not count."""
    new = entry(make_news(BAD, url=URL))
    shifted = b"1234" + new + b"0123456789ab"
    swapped = new[6:12] + new[:6] + new[12:]
    assert not repeats(shifted, new, 2 * DAY_MS)
    assert not repeats(swapped, new, 2 * DAY_MS)
    assert repeats(shifted + swapped + new, new, 2 * DAY_MS)
