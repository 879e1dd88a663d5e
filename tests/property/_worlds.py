"""Worlds of the simulated market, for the tests of it."""

from __future__ import annotations

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle

MONDAY = 1_767_571_200_000
"""2026-01-05 00:00 UTC."""
FEW = ASSETS[:3]


def run(seed, now_ms, cycles, assets=FEW):
    """Return the back-fill and all cycles' events, in a list each."""
    state, first = backfill(seed, now_ms, assets)
    later = []
    for _ in range(cycles):
        state, events = cycle(state, state.now_ms)
        later.extend(events)
    return first, later


def of(kind, events):
    """Return the events of a type."""
    return [event for event in events if type(event) is kind]
