"""Records of one moment have no order: neither a score nor what is behind it depends on it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.market import NewsArticle
from streams.engines.sentiment import ENGINE
from tests.factories import HOUR_MS, MINUTE_MS, tick
from tests.property.engine_streams import maybe, news, probabilities, ticks
from tests.unit.streams.engines._records import T0, fed, make_news, scored

MOMENTS = (T0, T0 + 1, T0 + 10 * MINUTE_MS, T0 + 2 * HOUR_MS, T0 + 9 * HOUR_MS)
copied = st.builds(
    make_news,
    st.sampled_from(["Bitcoin bullish", "bitcoin  Bullish", "Exchange hacked", "A statement"]),
    url=st.sampled_from(["", "u1", "u2"]),
    published_at=maybe(st.integers(T0 - 60 * HOUR_MS, T0 + HOUR_MS)),
    source_id=st.sampled_from("abc"),
    sentiment_label=st.sampled_from([None, "positive", "negative"]),
    publisher=st.sampled_from(["CoinDesk", "Reuters"]),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Any]:
    """Draw records of a few moments, in the order of time; copies of articles among them."""
    records = []
    given_records = draw(
        st.lists(st.tuples(news | copied | ticks, st.sampled_from(MOMENTS)), max_size=25)
    )
    for place, (one, at) in enumerate(sorted(given_records, key=lambda pair: pair[1])):
        moved = msgspec.structs.replace(one, observed_at=at)
        is_news = isinstance(moved, NewsArticle)
        records.append(scored(moved, place, draw(maybe(probabilities))) if is_news else moved)
    return records


@settings(max_examples=150)
@given(streams(), st.data())
def test_the_order_within_a_moment_changes_nothing(records: list[Any], data: Any) -> None:
    """Score, confidence, evidence, remembered articles, the heaviest: the state is the same."""
    state = shuffled_state = ENGINE.initial(ENGINE.config)
    for at, group in groupby(records, key=lambda one: one.observed_at):
        moment = list(group)
        for one in moment:
            state = ENGINE.update(ENGINE.config, state, one, 0)
        for one in data.draw(st.permutations(moment)):
            shuffled_state = ENGINE.update(ENGINE.config, shuffled_state, one, 0)
        assert shuffled_state == state
        assert msgspec.msgpack.encode(shuffled_state) == msgspec.msgpack.encode(state)
        told = ENGINE.read(ENGINE.config, state, at)
        assert ENGINE.read(ENGINE.config, shuffled_state, at) == told
    assert fed(ENGINE, *records) == state


@given(streams(), st.data())
def test_late_records_of_one_moment_have_no_order_either(records: list[Any], data: Any) -> None:
    """They come behind a later record, and join the moment at hand."""
    newest = scored(make_news("The newest", T0 + 20 * HOUR_MS), 999)
    one = fed(ENGINE, newest, *(late for late in records if hasattr(late, "article")))
    other = fed(
        ENGINE,
        newest,
        *data.draw(st.permutations([late for late in records if hasattr(late, "article")])),
    )
    assert one == other


def test_a_tick_that_another_of_its_moment_replaces_leaves_nothing() -> None:
    for volume in range(16):  # which of two counts is chance
        silent = tick(at_ms=T0, volume_24h_usd=float(volume))
        afraid = tick(at_ms=T0, volume_24h_usd=float(volume), fear_greed=0.0)
        assert fed(ENGINE, silent, afraid) == fed(ENGINE, afraid, silent)
