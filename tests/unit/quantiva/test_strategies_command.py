"""What `quantiva strategies show` prints of a strategy."""

from __future__ import annotations

from quantiva.commands.strategies import described
from tests.factories import strategy


def test_the_effective_weights_are_shown() -> None:
    own = described(strategy("mine", weights={"technical": 0.5}, assets=("BTC", "ETH")))
    assert "mine: Mine, of admin, version 1, active, 1h, BTC, ETH" in own
    assert "weights: sentiment 0, technical 0.5, fundamental 0, event_risk 0, liquidity 0\n" in own
    assert "BUY above 0.3, SELL below -0.3, HOLD while event risk is below -0.5" in own


def test_the_defaults_are_called_so() -> None:
    assert "sentiment 0.35, technical 0.25" in described(strategy())
    assert "liquidity 0.1 (the defaults)" in described(strategy())
