"""`in_order` and `merged`, block by block, against what they do row by row."""

from __future__ import annotations

import heapq
from bisect import insort
from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st

from marketdata.recorded.files import in_order, merged
from marketdata.recorded.source import ReadReport
from schemas.events import order_key
from tests.unit.marketdata.recorded_factory import T0, candle

WINDOW = 200
KEY = itemgetter(0)


def row_by_row(events):
    """Return what a window of 200 events puts in order, and how many it skips."""
    held, ready, skipped, last = [], [], 0, (0, 0, "", "")
    for event in [*events, *[None] * WINDOW]:
        if event is not None:
            insort(held, (order_key(event), event), key=KEY)
        if len(held) > WINDOW or (event is None and held):
            one = held.pop(0)
            if one[0] > last:
                ready.append(one)
                last = one[0]
            else:
                skipped += 1
    return ready, skipped


@st.composite
def nearly_ordered(draw):
    """Draw rows of which some come late, some much too late, and some twice."""
    rows = list(range(1, draw(st.sampled_from([0, 1, 199, 200, 201, 399, 400, 401, 700])) + 1))
    chance = draw(st.randoms(use_true_random=False))
    for _ in range(draw(st.integers(0, 8)) if rows else 0):
        place = chance.randrange(len(rows))
        late = rows[place] if chance.random() < 0.3 else rows.pop(place)
        rows.insert(place + chance.choice([1, 2, 150, 199, 200, 201, 450]), late)
    return [candle(at_ms=T0 + row) for row in rows]


@given(nearly_ordered())
def test_blocks_are_put_in_order_as_rows_are(events):
    report = ReadReport()
    found = list(in_order(iter(events), "file", report))
    ready, skipped = row_by_row(events)
    assert found == ready
    assert report.skipped.total() == skipped
    assert len(found) + skipped == len(events)


@given(st.lists(st.sampled_from([0, 1, 127, 128, 129, 300]), max_size=5), st.randoms())
def test_blocks_merge_as_a_heap_does(sizes, chance):
    sources = [sorted(chance.sample(range(400), size)) for size in sizes]
    keyed = [
        [(order_key(event), event) for event in (candle(at_ms=T0 + at) for at in times)]
        for times in sources
    ]
    found = list(merged([iter(one) for one in keyed]))
    assert [id(event) for _, event in found] == [
        id(event) for _, event in heapq.merge(*keyed, key=KEY)
    ]
