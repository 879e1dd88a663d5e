"""The rows' numbers reach the events by their names: a name of no event would be lost unsaid."""

from __future__ import annotations

import msgspec
import pytest

from producers.upstreams.rows import CoinRow, DetailRow, TopicRow
from schemas.market import Fundamentals, TrendingAsset

EVENTS = {*Fundamentals.__struct_fields__, *TrendingAsset.__struct_fields__}


@pytest.mark.parametrize(
    ("row", "own"),
    [
        pytest.param(CoinRow, {"symbol", "slug", "topic", "priced_at"}, id="coin"),
        pytest.param(TopicRow, {"topic", "symbol", "faults"}, id="topic"),
        pytest.param(DetailRow, {"symbol", "updated_at", "faults"}, id="details"),
    ],
)
def test_numbers_are_called_as_in_the_events(row: type[msgspec.Struct], own: set[str]) -> None:
    assert {*row.__struct_fields__} - EVENTS == own
