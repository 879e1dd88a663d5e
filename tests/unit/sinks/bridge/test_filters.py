"""Who gets what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.bridge.frames import Frame
from sinks.bridge.hub.filters import Filter, Registry
from tests.unit.sinks.bridge.memory_log import plain

SIGNAL = {"asset": "BTC", "strategy": "momentum", "action": "BUY", "confidence": 0.5}


@pytest.mark.parametrize(
    ("wanted", "facts", "matches"),
    [
        pytest.param({}, SIGNAL, True, id="all"),
        pytest.param({"assets": frozenset({"BTC"})}, SIGNAL, True, id="asset"),
        pytest.param({"assets": frozenset({"ETH"})}, SIGNAL, False, id="other asset"),
        pytest.param({"strategies": frozenset({"value"})}, SIGNAL, False, id="other strategy"),
        pytest.param({"actions": frozenset({"SELL", "BUY"})}, SIGNAL, True, id="one of actions"),
        pytest.param({"actions": frozenset({"HOLD"})}, SIGNAL, False, id="other action"),
        pytest.param({"min_confidence": 0.5}, SIGNAL, True, id="just confident enough"),
        pytest.param({"min_confidence": 0.51}, SIGNAL, False, id="not confident enough"),
        pytest.param({"actions": frozenset({"BUY"}), "min_confidence": 0.9}, {"asset": "BTC"},
                     True, id="a price has neither"),
        pytest.param({"assets": frozenset({"ETH"})}, {}, True, id="status has no asset"),
    ],
)  # fmt: skip
def test_a_filter(wanted: dict[str, Any], facts: dict[str, Any], matches: bool) -> None:
    assert Filter(**wanted).matches(plain("signals", **facts)) is matches


class Receiver:
    def __init__(self) -> None:
        self.latest: Frame | None = None


SOME = st.frozensets(st.sampled_from(["BTC", "ETH", "SOL"]), max_size=2)
FILTERS = st.builds(
    Filter,
    assets=SOME,
    actions=st.frozensets(st.sampled_from(["BUY", "SELL"]), max_size=1),
    min_confidence=st.sampled_from([0.0, 0.5]),
)
ADDED = st.lists(st.tuples(st.sampled_from(["signals", "prices"]), FILTERS, st.integers(0, 3)))
FRAMES = st.builds(
    plain,
    st.sampled_from(["signals", "prices"]),
    asset=st.sampled_from([None, "BTC", "ETH"]),
    action=st.sampled_from([None, "BUY", "SELL"]),
    confidence=st.sampled_from([None, 0.4, 0.6]),
)


@given(ADDED, st.lists(st.booleans(), max_size=20), st.lists(FRAMES, max_size=5))
def test_the_registry_finds_each_who_wants_it_once(
    added: list[tuple[str, Filter, int]], kept: list[bool], frames: list[Frame]
) -> None:
    receivers = [Receiver() for _ in range(4)]
    registry: Registry[Receiver] = Registry()
    for channel, wanted, number in added:
        registry.add(channel, wanted, receivers[number])
    stays = [*kept, *[True] * len(added)][: len(added)]
    for (channel, wanted, number), stay in zip(added, stays, strict=True):
        if not stay:
            registry.remove(channel, wanted, receivers[number])
    left = [one for one, stay in zip(added, stays, strict=True) if stay]
    for frame in frames:
        expected = {
            number for channel, wanted, number in left
            if channel == frame.channel and wanted.matches(frame)
        }  # fmt: skip
        found = list(registry.receivers(frame))
        assert len(found) == len(set(map(id, found)))
        assert {receivers.index(one) for one in found} == expected
