"""The track record of a recorded live run is the backtest of the same days, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.times import CYCLE_MS
from schemas.topics import EQUITY, TRADES
from sinks.bridge.api.record_figures import Recorded, track_record
from streams.archive.reader import Archive
from streams.backtest.equity import curve_of
from streams.backtest.report import make_report
from streams.backtest.run_data import RunData, RunInfo, StrategyRun
from streams.replay.changes import NO_CHANGES, Changes
from streams.replay.run import replay
from streams.replay.sources import ArchiveSource
from tests.integration.streams.replay.test_parity_in_memory import (
    EAGER,
    Happening,
    recorded,
    saved,
    told,
)
from tests.parity.offline import contents

CYCLES = 16


def events(address: Path, topic: str) -> list[Any]:
    """Return the events of the strategy in an archive, in the order of its log."""
    decode = Archive(str(address)).codec().decode
    found = [decode(one.value) for name, _, one in contents(str(address)) if name == topic]
    return [event for event in found if event.strategy_id == EAGER.strategy_id]


MONEY: dict[int, Happening] = {
    0: saved(EAGER),
    4: told("deposit", 5_000.0),
    9: told("withdrawal", 2_500.0),
}


@pytest.mark.parametrize(
    ("happenings", "as_recorded", "changes"),
    [
        pytest.param(MONEY, True, NO_CHANGES, id="money comes and goes, as recorded"),
        pytest.param(
            MONEY, True, Changes(only=(EAGER.strategy_id,)), id="the same, of this strategy alone"
        ),
        # Of market data alone: what somebody did to the capital is not in them.
        pytest.param({0: saved(EAGER)}, False, NO_CHANGES, id="it trades, by the market's time"),
    ],
)
def test_the_live_record_equals_its_backtest(
    tmp_path: Path, happenings: dict[int, Happening], as_recorded: bool, changes: Changes
) -> None:
    live, again = tmp_path / "live", tmp_path / "again"
    recorded(live, happenings, CYCLES)
    source = ArchiveSource(address=str(live), as_recorded=as_recorded)
    replay(source, jobs=1, changes=changes, out=again)
    equity, trades = events(live, EQUITY.name), events(live, TRADES.name)
    assert len(equity) >= CYCLES - 1
    assert len(trades) > 0

    record = track_record(
        Recorded(strategy=EAGER, equity=equity, trades=trades, began_at=equity[0].as_of)
    )
    backtest = StrategyRun(
        EAGER, tuple(events(again, TRADES.name)), curve_of(events(again, EQUITY.name))
    )
    info = RunInfo(from_ms=equity[0].as_of - CYCLE_MS, until_ms=equity[-1].as_of)
    (made,) = make_report(RunData(info, (backtest,))).strategies
    assert record.metrics == made.metrics
    assert record.metrics.fees_usd > 0.0
    assert record.monthly == made.monthly
    assert record.equity[-1].equity_usd == made.equity[-1].equity_usd
    assert record.equity[-1].growth == made.equity[-1].growth
    assert [one.equity_usd for one in record.equity] == list(backtest.equity.equity_usd)
