"""Track records: the figures of a report over what is recorded, thinned and told by version."""

from __future__ import annotations

from typing import Any

import pytest

from sinks.bridge.api.kept import KEPT_MS, Kept
from sinks.bridge.api.record_figures import MOST_POINTS, Recorded, track_record
from streams.backtest.equity import curve_of
from streams.backtest.report import make_report
from streams.backtest.run_data import RunData, RunInfo, StrategyRun
from tests.contract.sink_samples import T0, equity, strategy, trade
from tests.unit.sinks.bridge_api.fixtures import Memory, bridge

CYCLE_MS = 600_000
PATH = "/api/v1/strategies/momentum/track-record"


def recorded(count: int = 20, **changes: Any) -> Recorded:
    """Return what is known of a portfolio of so many cycles."""
    values = {
        "strategy": strategy(),
        "equity": [equity(n) for n in range(count)],
        "trades": [trade(n) for n in range(6)],
        "began_at": T0,
    }
    return Recorded(**{**values, **changes})


async def test_without_a_database_it_is_what_the_memory_has_and_says_so() -> None:
    async with bridge() as it:
        found = await it.get(PATH)
    assert found["records"] == len(found["equity"]) == 20
    assert (found["from_ms"], found["until_ms"]) == (T0, T0 + 19 * CYCLE_MS)
    assert found["metrics"]["total_return_pct"] == pytest.approx(100 * (50_189 / 49_999 - 1))
    assert found["metrics"]["trades"] == 3
    assert "no database" in found["notes"][0]
    assert found["benchmarks"] == []


async def test_a_part_of_it_is_that_of_the_time() -> None:
    async with bridge() as it:
        asked = {"since": T0 + 5 * CYCLE_MS, "until": T0 + 9 * CYCLE_MS}
        found = await it.get(PATH, **asked)
    assert (found["from_ms"], found["until_ms"]) == (T0 + 5 * CYCLE_MS, T0 + 8 * CYCLE_MS)
    assert found["metrics"]["trades"] == 0


@pytest.mark.parametrize("memory", [pytest.param(Memory(is_whole=True), id="nothing known")])
async def test_without_a_moment_there_is_none(memory: Memory) -> None:
    async with bridge(memory) as it:
        status, body, _ = await it.call("GET", PATH)
    assert status == 404
    assert "first cycle" in body["detail"]


async def test_an_engine_and_a_strategy_at_once_are_refused() -> None:
    async with bridge() as it:
        asked = {"engine": "technical", "strategy": "momentum"}
        status, body, _ = await it.call("GET", "/api/v1/outcomes", params=asked)
        assert status == 400
        assert [one["parameter"] for one in body["errors"]] == ["engine", "strategy"]


def test_the_figures_are_those_of_a_report() -> None:
    it = recorded()
    found = track_record(it)
    run = StrategyRun(it.strategy, tuple(it.trades), curve_of(it.equity))
    info = RunInfo(from_ms=T0, until_ms=T0 + 19 * CYCLE_MS)
    (made,) = make_report(RunData(info, (run,))).strategies
    assert found.metrics == made.metrics
    assert found.monthly == made.monthly
    assert found.significance == made.significance


def test_a_long_curve_is_thinned_and_keeps_its_ends_and_its_deepest_fall() -> None:
    moments = [equity(n) for n in range(5_000)]
    moments[2_501] = equity(2_501, equity_usd=20_000.0)
    found = track_record(recorded(equity=moments))
    assert found.records == 5_000
    assert len(found.equity) <= MOST_POINTS + 1
    assert found.equity[0].at_ms == T0
    assert found.equity[-1].at_ms == T0 + 4_999 * CYCLE_MS
    deepest = max(one.drawdown_pct for one in found.equity)
    assert deepest == found.metrics.max_drawdown_pct


@pytest.mark.parametrize(
    ("versions", "parts"),
    [
        pytest.param((), [], id="not known"),
        pytest.param(((1, T0 - 9),), [(1, T0, 6)], id="one"),
        pytest.param(
            ((1, T0 - 9), (2, T0 + 10 * CYCLE_MS)),
            [(1, T0, 6), (2, T0 + 10 * CYCLE_MS, 0)],
            id="two",
        ),
        pytest.param(
            ((1, T0 - 99), (2, T0 - 9), (3, T0 + 99 * CYCLE_MS)),
            [(2, T0, 6)],
            id="before and after its time",
        ),
    ],
)
def test_each_version_has_its_part(
    versions: tuple[tuple[int, int], ...], parts: list[tuple[int, int, int]]
) -> None:
    found = track_record(recorded(versions=versions))
    assert [(one.version, one.from_ms, one.fills) for one in found.versions] == parts
    grown = 1.0
    for one in found.versions:
        grown *= 1.0 + one.return_pct / 100.0
    if parts:
        assert 100.0 * (grown - 1.0) == pytest.approx(found.metrics.total_return_pct)


def test_the_command_holds_the_whole_cycles() -> None:
    found = track_record(recorded(equity=[equity(0, as_of=0), equity(0, as_of=1_200_001)]))
    assert found.backtest == (
        f"quantiva backtest ARCHIVE --strategy {found.strategy_id} "
        "--from 1970-01-01T00:00 --until 1970-01-01T00:30"
    )


async def test_an_answer_is_kept_for_a_minute() -> None:
    kept, made = Kept(), []

    async def make() -> int:
        made.append(1)
        return len(made)

    asked = [("a", 0), ("a", KEPT_MS - 1), ("b", 0), ("a", KEPT_MS)]
    assert [await kept.get(key, now, make) for key, now in asked] == [1, 1, 2, 3]
