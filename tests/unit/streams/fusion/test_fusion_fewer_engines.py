"""Fusion goes on with what a worker stored that knew fewer engines."""

from __future__ import annotations

import msgspec
import pytest

from schemas.engines import ENGINES
from streams.fusion.state import FusionState, migrate_state
from streams.stage import Entry
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0, Feed, answers, make_score, make_strategy


def with_fewer_engines(entry: Entry | None, lacking: int) -> Entry:
    """Return an entry as a worker stored it that did not know the last engines yet."""
    assert entry is not None
    known = len(ENGINES) - lacking
    state = msgspec.structs.replace(
        entry.state,
        held=entry.state.held[:known],
        pinned=tuple(
            msgspec.structs.replace(one, weights=one.weights[:known]) for one in entry.state.pinned
        ),
    )
    stored = msgspec.msgpack.encode(state)
    return Entry(msgspec.msgpack.decode(stored, type=FusionState), entry.applied)


@pytest.mark.parametrize("lacking", [1, 2])
def test_a_state_stored_with_fewer_engines_keeps_what_it_holds(lacking: int) -> None:
    feed = Feed(make_strategy("own", weights={"sentiment": 0.5}), make_strategy("defaults"))
    feed.put(*answers())
    assert feed.entry is not None
    before = feed.entry.state
    stored = with_fewer_engines(feed.entry, lacking).state
    grown = migrate_state(stored)
    assert grown.held == (*before.held[:-lacking], *[None] * lacking)
    assert grown.pinned == before.pinned, "the weights, the versions and the actions last sent"
    assert (grown.pending, grown.emitted) == (before.pending, before.emitted)
    assert (grown.clock_ms, grown.decided_ms) == (before.clock_ms, before.decided_ms)
    assert migrate_state(grown) is grown


@pytest.mark.parametrize("lacking", [1, 2])
def test_fusion_goes_on_with_a_state_stored_with_fewer_engines(lacking: int) -> None:
    feed = Feed(make_strategy(weights={"sentiment": 0.5, "technical": 0.3}))
    weights = [part.weight for part in feed.signal(*answers()).contributions]
    feed.entry = with_fewer_engines(feed.entry, lacking)
    changed = feed.signal(make_score("sentiment", -0.9, as_of=T0 + 1))
    assert (changed.trigger, changed.action) == ("change", "HOLD")
    assert [part.weight for part in changed.contributions] == weights
    statuses = [part.status for part in changed.contributions]
    assert statuses == ["ok"] * (len(ENGINES) - lacking) + ["missing"] * lacking
    complete = feed.signal(*answers(cycle=T0 + CYCLE_MS))
    assert (complete.cycle, complete.action) == (T0 + CYCLE_MS, "BUY")
    assert {part.status for part in complete.contributions} == {"ok"}


def test_a_cycle_that_waits_over_the_change_is_completed_by_the_new_engine() -> None:
    feed = Feed(make_strategy())
    first, *others, new = answers()
    feed.put(first)
    feed.entry = with_fewer_engines(feed.entry, 1)
    assert feed.put(*others) == []
    assert feed.signal(new).cycle == T0
