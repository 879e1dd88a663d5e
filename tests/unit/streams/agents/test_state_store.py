"""Entries over the bytes of a table: what is in memory, what is in the changelog."""

from __future__ import annotations

from typing import Any

import pytest

from streams.agents.state_store import StateStore
from streams.stage import Entry
from streams.topology import stage, stage_names
from tests.unit.streams.agents.scenes import COUNTING, Count
from transport.records import Outgoing

PENDING = Outgoing("engine.scores", 1, b"BTC", 1_767_225_600_000, b"\0\0\0\0\1value", 7)


def _store(data: dict[bytes, bytes] | None = None, of: Any = COUNTING) -> StateStore:
    store = StateStore(of)
    store.restore(0, (data or {}).items())
    return store


def _entry(candles: int = 1) -> Entry:
    state = COUNTING.state_type(engine=Count(candles, 2.5), last_score=0.25, clock_ms=9)
    return Entry(state, {"market.candles": 3})


def test_a_key_never_seen_has_neither_state_nor_outputs() -> None:
    assert _store().load(b"BTC") == (None, [])


def test_the_outputs_of_a_key_come_with_its_first_touch_only() -> None:
    written = _store()
    data = {b"BTC": written.encode(_entry(), [PENDING], 0)}
    store = _store(data)
    assert store.load(b"BTC") == (_entry(), [PENDING])
    assert store.load(b"BTC") == (_entry(), [])


def test_what_is_only_in_memory_is_forgotten_after_a_rebalance() -> None:
    store = _store()
    store.persisted(b"BTC", store.encode(_entry(1), [], 0))
    store.put(b"BTC", _entry(2))
    assert store.load(b"BTC") == (_entry(2), [])
    store.forget()
    assert store.load(b"BTC") == (_entry(1), [])


@pytest.mark.parametrize("name", stage_names())
def test_the_first_state_of_every_stage_survives(name: str) -> None:
    store = _store(of=stage(name))
    first = Entry(stage(name).initial(), {"market.trending": 0})
    store.persisted(b"BTC", store.encode(first, [PENDING], 0))
    assert store.load(b"BTC") == (first, [PENDING])
