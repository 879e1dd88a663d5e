"""`technical_alone`: when two sides' values count as equal, and what is said of a missing peer."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import technical_alone
from benchmarks.readme import table
from benchmarks.technical_alone import SIDES, TOLERANCE, difference
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


def test_the_table_says_why_a_peer_has_no_figure() -> None:
    row: dict[str, Any] = {
        "name": technical_alone.NAME,
        "value": 250_000,
        "unit": technical_alone.UNIT,
        "goal": technical_alone.GOAL,
        "met": True,
        "peers": dict.fromkeys((side for side in SIDES if side != "ours"), "not installed"),
    }
    machine = {"cores": 2, "cpu": "any", "memory_gib": 8.0, "python": "3.11"}
    shown = table({"machine": machine, "measured_at": "2026-11-23", "results": [row]})
    assert "backtesting.py not installed, NautilusTrader not installed" in shown
