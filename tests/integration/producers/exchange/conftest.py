"""What the tests of the exchanges share."""

from __future__ import annotations

import pytest

from producers.exchange.guarded import ccxt_pro


@pytest.fixture(scope="session", autouse=True)
def ccxt() -> None:
    """Import ccxt before the clocks run: it takes a second."""
    ccxt_pro()
