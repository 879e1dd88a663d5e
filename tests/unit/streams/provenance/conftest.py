"""One world for all tests of this folder; who changes it makes one of their own."""

from __future__ import annotations

import pytest

from schemas.control import SignalRequest
from tests.unit.streams.provenance.world import World


@pytest.fixture(scope="session")
def world() -> World:
    """Eight cycles of four assets; the seed has every trigger, action and a veto."""
    made = World()
    made.play(assets=4, cycles=8, seed=1)
    newest = max(signal.as_of for signal in made.signals())
    made.publish("BTC", SignalRequest("request-1", "BTC", "balanced", newest + 60_000))
    return made
