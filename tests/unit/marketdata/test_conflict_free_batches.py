"""The wave splitter: what may share a wave, and that nothing is lost or moved."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.conflict_free_batches import chunks, conflict_free_batches
from schemas.events import TOPIC_OF
from schemas.market import TrendingAsset
from tests.unit.marketdata.recorded_factory import book, candle, news, tick

_MAKERS = (candle, news, book, tick)
_EVENTS = st.lists(
    st.tuples(st.sampled_from(_MAKERS), st.sampled_from("ABCD")).map(lambda pair: pair[0](pair[1]))
)


@given(events=_EVENTS, max_size=st.integers(1, 7))
def test_waves_keep_every_event_in_order_and_no_asset_is_in_two_topics(events, max_size):
    cut = list(conflict_free_batches(iter(events), max_size))

    joined = [event for wave in cut for event in wave]
    assert [id(event) for event in joined] == [id(event) for event in events]
    for wave in cut:
        assert 1 <= len(wave) <= max_size
        topics = defaultdict(set)
        for event in wave:
            topics[event.asset].add(TOPIC_OF[type(event)].name)
        assert all(len(names) == 1 for names in topics.values())
        ticks = [event for event in wave if type(event) is TrendingAsset]
        assert len(ticks) in (0, len(wave))
        assert len({event.asset for event in ticks}) == len(ticks)


@given(events=_EVENTS, max_size=st.integers(2, 7))
def test_a_wave_ends_only_where_the_next_event_may_not_join(events, max_size):
    cut = list(conflict_free_batches(events, max_size))
    for wave, following in itertools.pairwise(cut):
        joined = list(conflict_free_batches([*wave, following[0]], max_size))
        assert len(joined) == 2


@pytest.mark.parametrize(
    ("events", "sizes"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([candle("A"), candle("A"), candle("B")], [3], id="one topic"),
        pytest.param([candle("A"), news("B"), book("C")], [3], id="other assets, other topics"),
        pytest.param([candle("A"), news("A")], [1, 1], id="one asset in two topics"),
        pytest.param([candle("A"), tick("B"), news("C")], [1, 1, 1], id="a tick shares with none"),
        pytest.param([tick("A"), tick("B"), candle("A")], [2, 1], id="the ticks of a cycle"),
        pytest.param([tick("A"), tick("B"), tick("A")], [2, 1], id="two cycles"),
        pytest.param(
            [candle("A"), news("A"), candle("A")],
            [1, 1, 1],
            id="a wave begins with an empty memory",
        ),
    ],
)
def test_cuts(events, sizes):
    assert [len(wave) for wave in conflict_free_batches(events)] == sizes


def test_chunks_are_full_but_for_the_last():
    assert [len(chunk) for chunk in chunks([candle() for _ in range(7)], 3)] == [3, 3, 1]
    assert list(chunks([], 3)) == []


def test_a_size_below_one_is_refused():
    with pytest.raises(ValueError, match="max_size 0 is less than 1"):
        list(conflict_free_batches([candle()], 0))
