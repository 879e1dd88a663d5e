"""A moving-average cross with a stop trades as in backtesting.py, one trade after the other.

The same candles, the same fill rule, the same fee: see `benchmarks.workers.reference`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.workers.reference import Order, RoundTrip, difference
from schemas.times import DAY_MS

FROM_MS = 1_640_995_200_000  # 2022-01-01


@pytest.mark.skipif(find_spec("backtesting") is None, reason="backtesting.py is not installed")
@pytest.mark.parametrize("asset", ["BTC", "SOL"])
def test_the_same_trades_as_backtesting_py(shared_data: Path, asset: str) -> None:
    given = Order(str(shared_data), asset, "1h", FROM_MS, FROM_MS + 90 * DAY_MS)._asdict()
    ours = peers.report_of("reference_ours", given)["trades"]
    theirs = peers.report_of("reference_backtesting", given)["trades"]
    assert difference(ours, theirs) is None
    assert len(ours) >= 20
    assert {RoundTrip(*one).reason for one in ours} == {"stop_loss", "exit_rule"}


TRADE = [1, 3_600_001, 100.0, 101.0, 0.5, "exit_rule"]


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        pytest.param([[0, 3_600_000, 100.0, 101.0, 0.5, "exit_rule"]], None, id="a tick later"),
        pytest.param([[1, 3_600_001, 100.0, 101.1, 0.5, "exit_rule"]], "trade 1 is", id="a price"),
        pytest.param([[1, 3_600_001, 100.0, 101.0, 0.6, "exit_rule"]], "trade 1 is", id="a size"),
        pytest.param([[1, 3_600_001, 100.0, 101.0, 0.5, "stop_loss"]], "trade 1 is", id="a reason"),
        pytest.param([], "1 trades here, 0 there", id="one too few"),
    ],
)
def test_what_counts_as_the_same(theirs: list[list[object]], expected: str | None) -> None:
    found = difference([TRADE], theirs)
    assert found is None if expected is None else found is not None and expected in found
