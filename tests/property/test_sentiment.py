"""Laws of the sentiment engine over random headlines and ticks."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.engines.lexicon import score_text
from streams.engines.sentiment import ENGINE
from tests.factories import DAY_MS
from tests.property.engine_streams import headlines, news, ticks
from tests.unit.streams.engines._records import T0, fed, make_news, make_tick


@given(st.text(), st.none() | st.text())
def test_lexicon_is_bounded_on_any_text(headline: str, summary: str | None) -> None:
    score, confidence = score_text(headline, summary)
    assert -1.0 <= score <= 1.0
    assert 0.0 <= confidence <= 1.0


@given(headlines, st.integers(0, 3))
def test_lexicon_ignores_capitals_and_spaces(headline: str, spaces: int) -> None:
    pad = " " * spaces
    plain = " ".join(headline.split())
    if plain.isascii():
        assert score_text(pad + plain.upper() + pad) == score_text(plain)


@given(st.lists(news, min_size=1, max_size=15), st.integers(1, DAY_MS))
def test_a_feed_fetched_again_changes_nothing(given_news: list[Any], later_ms: int) -> None:
    state = fed(ENGINE, *given_news)
    for offset, one in enumerate(given_news, 100):
        again = msgspec.structs.replace(one, observed_at=one.observed_at + later_ms)
        assert ENGINE.update(ENGINE.config, state, again, offset) is state


@given(
    st.lists(news, unique_by=lambda one: " ".join(one.headline.lower().split()), max_size=12),
    st.data(),
)
def test_mean_of_news_does_not_depend_on_the_order(given_news: list[Any], data: Any) -> None:
    """Late or in time, a headline weighs the same in the end; the smoothing may differ."""
    distinct = [msgspec.structs.replace(one, url="") for one in given_news]
    shuffled = data.draw(st.permutations(distinct))
    one, other = fed(ENGINE, *distinct), fed(ENGINE, *shuffled)
    assert abs(one.news_sum - other.news_sum) < 1e-9
    assert abs(one.news_weight - other.news_weight) < 1e-9
    counts = [
        ENGINE.read(ENGINE.config, state, state.clock).features["news_count_24h"]
        for state in (one, other)
    ]
    assert counts[0] == counts[1]


@given(st.lists(ticks, max_size=10), headlines)
def test_good_news_is_never_worse_than_bad(given_ticks: list[Any], text: str) -> None:
    """The same stream with a good label instead of a bad one."""
    at = T0 + 2 * DAY_MS
    good, bad = (
        fed(ENGINE, *given_ticks, make_news(text, at, sentiment_label=label), make_tick(at + 600))
        for label in ("positive", "negative")
    )
    assert good.raw >= bad.raw
    assert good.ema >= bad.ema
