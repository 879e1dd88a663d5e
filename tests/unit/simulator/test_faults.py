"""Which requests a scripted fault hits."""

from __future__ import annotations

import pytest

from simulator.faults import SOCKET_KINDS, Fault, FaultError, Faults
from tests.unit.simulator.stopped_clock import StoppedClock

NOW_MS = 1_760_054_400_000


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(NOW_MS)


@pytest.fixture
def faults(clock) -> Faults:
    return Faults(clock)


def struck(faults: Faults, times: int, upstream: str = "feed", path: str = "/a") -> list[bool]:
    return [faults.pick(upstream, path) is not None for _ in range(times)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [True] * 4),
        ({"every": 2}, [False, True, False, True]),
        ({"times": 1}, [True, False, False, False]),
        ({"every": 2, "times": 1}, [False, True, False, False]),
        ({"upstream": "*"}, [True] * 4),
        ({"upstream": "other"}, [False] * 4),
        ({"path": "/b"}, [False] * 4),
        ({"from_ms": NOW_MS + 1}, [False] * 4),
        ({"until_ms": NOW_MS}, [False] * 4),
        ({"kind": "ws_dies"}, [False] * 4),
    ],
    ids=lambda value: ",".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_which_of_four_requests(faults, fields, expected):
    faults.add(Fault(**{"upstream": "feed", "kind": "reset", **fields}))
    assert struck(faults, 4) == expected


def test_every_counts_only_what_the_fault_covers(faults):
    faults.add(Fault(upstream="feed", kind="reset", every=2, path="/a"))
    assert struck(faults, 1) == [False]
    assert struck(faults, 3, path="/b") == [False] * 3
    assert struck(faults, 1) == [True]


def test_a_span_begins_and_ends(faults, clock):
    faults.add(Fault(upstream="feed", kind="reset", from_ms=NOW_MS + 10, until_ms=NOW_MS + 20))
    seen = []
    for at_ms in (9, 10, 19, 20):
        clock.at_ms = NOW_MS + at_ms
        seen += struck(faults, 1)
    assert seen == [False, True, True, False]


def test_the_first_that_matches_wins_and_the_next_takes_over(faults):
    faults.add(Fault(upstream="feed", kind="reset", times=1))
    faults.add(Fault(upstream="feed", kind="silence", times=1))
    picked = [faults.pick("feed", "/") for _ in range(3)]
    assert [one and one.kind for one in picked] == ["reset", "silence", None]


def test_websocket_faults_are_asked_for_apart(faults):
    faults.add(Fault(upstream="feed", kind="ws_skips", every=2))
    picked = [faults.pick("feed", "", SOCKET_KINDS) for _ in range(2)]
    assert [one and one.kind for one in picked] == [None, "ws_skips"]


def test_unplugged_and_cleared(faults):
    number = faults.unplug("feed")
    faults.unplug("other")
    assert faults.unplugged("feed")
    faults.remove(number)
    faults.remove(number)
    assert not faults.unplugged("feed")
    faults.clear("other")
    assert faults.script() == {}


@pytest.mark.parametrize("fields", [{"every": 0}, {"status": 99}, {"status": 600}])
def test_impossible_faults(fields):
    with pytest.raises(FaultError):
        Fault(upstream="feed", kind="status", **fields)
