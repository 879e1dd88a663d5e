"""Headlines of the simulated market: hardly ever the same, of the same tone as before."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.headlines import NAMED, SUMMARIES, THEMES, article, details
from schemas.market import NewsArticle
from schemas.validation import problem
from streams.engines.lexicon import score_text, strengths

MINUTE_MS = 60_000
T0 = 1_767_571_200_000
MEAN_SCORE = {1: 0.487, 0: 0.0, -1: -0.792}
"""What the lexicon says of the themes of a tone on average."""
BY_SYMBOL = {asset.symbol: asset for asset in ASSETS}
EVERY_THEME = [
    pytest.param(tone, theme, id=f"{tone:+d}: {theme[:40]}")
    for tone, themes in THEMES.items()
    for theme in themes
]


def headline(theme: str, asset: Asset, number: int) -> str:
    words = details(random.Random(number))
    return theme.format(name=asset.name, symbol=asset.symbol, **words)


def articles(asset: Asset, count: int, seed: int = 1) -> list[NewsArticle]:
    """Return one article a minute, of all tones in turn."""
    rng = random.Random(seed)
    times = range(T0, T0 + count * MINUTE_MS, MINUTE_MS)
    return [article(asset, number % 3 - 1, at, at + 10_000, rng) for number, at in enumerate(times)]


@pytest.mark.parametrize(("tone", "theme"), EVERY_THEME)
def test_the_details_say_nothing_to_the_lexicon(tone: int, theme: str) -> None:
    said = {score_text(headline(theme, ASSETS[0], number)) for number in range(200)}
    assert len(said) == 1
    (score, _) = said.pop()
    assert score * tone >= 0.0
    assert tone or score == 0.0


@pytest.mark.parametrize("tone", [1, 0, -1])
def test_a_tone_is_as_strong_as_it_was(tone: int) -> None:
    scores = [score_text(headline(theme, ASSETS[0], 1)).score for theme in THEMES[tone]]
    assert sum(scores) / len(scores) == pytest.approx(MEAN_SCORE[tone], abs=0.001)
    assert tone or all(score_text(summary).score == 0.0 for summary in SUMMARIES[tone])


def test_the_lexicon_knows_none_of_the_names() -> None:
    assert [name for names in NAMED.values() for name in names if strengths(name)] == []


@pytest.mark.parametrize("symbol", ["BTC", "SAND"])
def test_headlines_hardly_repeat(symbol: str) -> None:
    told = articles(BY_SYMBOL[symbol], 2_000)
    assert all(problem(one) is None for one in told)
    counts = Counter(one.headline for one in told)
    assert len(counts) > 1_800
    assert max(counts.values()) <= 5


def test_the_same_seed_words_the_same_headlines() -> None:
    told = articles(ASSETS[0], 50)
    assert told == articles(ASSETS[0], 50)
    other = articles(ASSETS[0], 50, seed=2)
    assert {one.headline for one in told}.isdisjoint(one.headline for one in other)


def test_labels_follow_the_tone() -> None:
    labels = Counter(
        (number % 3 - 1, one.sentiment_label) for number, one in enumerate(articles(ASSETS[0], 900))
    )
    for tone, label in ((1, "positive"), (0, "neutral"), (-1, "negative")):
        assert 200 < labels[tone, label] < 280
        assert labels[tone, label] + labels[tone, None] == 300
