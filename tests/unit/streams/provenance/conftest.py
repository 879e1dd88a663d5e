"""One world for all tests of this folder; who changes it makes one of their own."""

from __future__ import annotations

import pytest

from schemas.control import SignalRequest
from tests import factories
from tests.factories import HOUR_MS
from tests.unit.streams.provenance.world import World


@pytest.fixture(scope="session")
def world() -> World:
    """Eight cycles of four assets, and bad news after a night: every trigger, action and a veto."""
    made = World()
    made.play(assets=4, cycles=8, seed=1)
    newest = max(signal.as_of for signal in made.signals())
    made.publish("BTC", SignalRequest("request-1", "BTC", "defensive", newest + 60_000))
    own = factories.strategy(strategy_id="mine", buy_threshold=0.01, sell_threshold=-0.01)
    made.publish("ETH", factories.dry_run(own, "ETH", newest + 61_000))
    for asset in dict.fromkeys(signal.asset for signal in made.signals()):
        for number in range(3):
            text = f"{asset} exchange hacked and insolvent, part {number}"
            made.publish(asset, factories.news(text, asset, newest + 7 * HOUR_MS + number))
    return made
