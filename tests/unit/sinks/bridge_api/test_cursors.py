"""Cursors come back as they went, and no other text gets through."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.bridge.api.cursors import cursor, place
from sinks.bridge.api.market import NewsPlace
from sinks.bridge.api.queries import NewsQuery, SignalQuery
from sinks.bridge.api.signals import SignalPlace
from sinks.bridge.problems import ProblemError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(st.integers(0, 10**14), TEXT, TEXT, TEXT)
def test_a_place_comes_back(at: int, source: str, source_id: str, asset: str) -> None:
    end = NewsPlace(at, source, source_id, asset)
    text = cursor(end, NewsQuery(asset="BTC"))
    assert place(text, NewsPlace, NewsQuery(asset="BTC", cursor=text, limit=7)) == end


@given(st.text(max_size=80))
def test_any_other_text_is_a_problem(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        place(text, SignalPlace, SignalQuery())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(SignalQuery(asset="ETH"), id="another filter"),
        pytest.param(SignalQuery(), id="no filter"),
        pytest.param(NewsQuery(asset="BTC"), id="another list"),
    ],
)
def test_a_cursor_belongs_to_its_question(query: msgspec.Struct) -> None:
    text = cursor(SignalPlace(1, "0a"), SignalQuery(asset="BTC"))
    with pytest.raises(ProblemError, match="another question"):
        place(text, SignalPlace, query)


def test_a_cursor_fits_into_its_parameter() -> None:
    text = cursor(NewsPlace(10**13, "s" * 64, "i" * 2000, "A" * 32), NewsQuery())
    msgspec.convert({"cursor": text}, type=NewsQuery)
