"""`technical_alone`: when two sides' values count as equal."""

from __future__ import annotations

import pytest

from benchmarks.technical_alone import TOLERANCE, difference
from benchmarks.workers.alone import NAMES

OURS = {"BTC@1h": [100.0, 90.0, 80.0, 60.0, 55.0, 0.5, 0.25, 0.25, 4.0, 101.0]}


def changed(name: str, factor: float = 1.0, add: float = 0.0) -> dict[str, list[float]]:
    place = (*NAMES, "CLOSE").index(name)
    return {
        market: [v * factor + add if at == place else v for at, v in enumerate(values)]
        for market, values in OURS.items()
    }


@pytest.mark.parametrize("name", [*NAMES, "CLOSE"])
def test_every_value_is_compared(name: str) -> None:
    assert difference(OURS, OURS) == 0.0
    assert difference(OURS, changed(name, 1.001)) > TOLERANCE


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        pytest.param(changed("MA20", 1.01), 0.01, id="relative to ours"),
        pytest.param(changed("MACD", add=0.04), 0.01, id="MACD, relative to ATR14"),
        pytest.param({}, float("inf"), id="a market is missing"),
        pytest.param(changed("RSI14", float("nan")), float("inf"), id="a value that is not warm"),
    ],
)
def test_difference(theirs: dict[str, list[float]], expected: float) -> None:
    assert difference(OURS, theirs) == pytest.approx(expected)
