"""Cursors, as they are sent and as they come back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.bridge.hub.cursors import BadCursorError, format_cursor, parse_since

PLACES = st.tuples(st.sampled_from(["signals", "engine.scores"]), st.integers(0, 500))


@pytest.mark.parametrize(
    ("since", "positions"),
    [
        pytest.param("signals:2:145", {("signals", 2): 146}, id="of a frame"),
        pytest.param(
            "signals:0:1,engine.scores:1:-1",
            {("signals", 0): 2, ("engine.scores", 1): 0},
            id="of a heartbeat",
        ),
        pytest.param(["signals:0:1", "signals:0:7"], {("signals", 0): 8}, id="the larger counts"),
        pytest.param({"signals": [[2, 145], [0, -1]]}, {("signals", 2): 146, ("signals", 0): 0},
                     id="by topic"),
        pytest.param("", {}, id="empty"),
    ],
)  # fmt: skip
def test_what_a_cursor_means(since: Any, positions: Any) -> None:
    assert parse_since(since) == positions


@pytest.mark.parametrize(
    "since",
    ["signals", "signals:1", "signals:x:1", ":1:2", "signals:-1:2", "signals:1:-2",
     "signals:1:2:3", f"signals:0:{2**63}", ["signals:1:1", "?"]],
)  # fmt: skip
def test_what_is_none_is_refused_with_an_example(since: Any) -> None:
    with pytest.raises(BadCursorError, match=r"topic:partition:offset, for example signals:2:145"):
        parse_since(since)


@given(st.dictionaries(PLACES, st.integers(0, 2**62), max_size=8))
def test_a_cursor_comes_back_as_it_was_sent(positions: dict[tuple[str, int], int]) -> None:
    assert parse_since(format_cursor(positions)) == positions
