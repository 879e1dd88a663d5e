"""A strategy on recorded scores trades as it does in a full replay, to the last byte."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from marketdata.simulated.assets import ASSETS
from producers.strategies import PREBUILT
from schemas.control import Strategy
from schemas.topics import EQUITY, SCORES, TRADES
from streams.archive.reader import Archive
from streams.replay.changes import Changes
from streams.replay.run import replay
from streams.replay.score_tape import play, record_scores, tape, wanting
from streams.replay.sources import ArchiveSource
from tests.unit.streams.replay._archived import archived_market

_KEPT = (TRADES.name, EQUITY.name)


def _own(name: str, entry: str, leave: str, **more: Any) -> Strategy:
    return Strategy(
        strategy_id=name, owner="admin", name=name, entry_rule=entry, exit_rule=leave, **more
    )


TRIED = (
    _own("dip", "RSI < 55 AND EMA(9) > 0", "RSI > 60", stop_loss_pct=1.0),
    _own("dip", "RSI@4h < 60 OR ADX(7) > 20", "EMA(5) CROSSES_BELOW EMA(9)", max_age_hours=1.0),
    _own("few", "TECHNICAL > 0", "TECHNICAL < 0", assets=(ASSETS[0].symbol, ASSETS[1].symbol)),
    msgspec.structs.replace(PREBUILT[0], buy_threshold=0.02, sell_threshold=-0.02, band=0.0),
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> ArchiveSource:
    folder = tmp_path_factory.mktemp("market") / "archive"
    archived_market(folder, ASSETS[:4], cycles=36)
    return ArchiveSource(address=str(folder))


@pytest.fixture(scope="module")
def scores(source: ArchiveSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scores") / "scores"
    done = record_scores(source, TRIED, folder, jobs=2)
    assert set(done.produced) == {SCORES.name}
    assert not done.refused
    return folder


def test_the_same_trades_and_equity_as_a_full_replay(source: ArchiveSource, scores: Path) -> None:
    found: defaultdict[int, list[bytes]] = defaultdict(list)

    def keep(number: int, produced: Any) -> None:
        if produced.topic in _KEPT:
            found[number].append(msgspec.json.encode(produced.event))

    play(scores, TRIED, keep)
    trades = 0
    for number, strategy in enumerate(TRIED):
        expected: list[Any] = []
        replay(
            source,
            jobs=1,
            changes=Changes(own=(strategy,), only=(strategy.strategy_id,)),
            on_output=lambda one, kept=expected: (
                kept.append(one.event) if one.topic in _KEPT else None
            ),
        )
        assert found[number] == [msgspec.json.encode(one) for one in expected]
        trades += sum(hasattr(one, "trade_id") for one in expected)
    assert trades > 20


def test_the_number_of_processes_does_not_matter(
    source: ArchiveSource, scores: Path, tmp_path: Path
) -> None:
    record_scores(source, TRIED, tmp_path / "one", jobs=1)
    assert list(tape(Archive(str(tmp_path / "one")))) == list(tape(Archive(str(scores))))


def test_the_engines_are_told_of_each_set_of_indicators_once() -> None:
    one, other, *_ = TRIED
    same = msgspec.structs.replace(one, strategy_id="x", stop_loss_pct=9.0)
    found = wanting([one, same, other, PREBUILT[0], one])
    assert len(found) == 2 + bool(wanting([PREBUILT[0]]))
    assert len({made.strategy_id for made in found}) == len(found)


def test_an_engine_can_be_left_out(source: ArchiveSource, tmp_path: Path) -> None:
    record_scores(source, TRIED[:1], tmp_path / "s", jobs=1, without=("sentiment",))
    said = [one.event for one in tape(Archive(str(tmp_path / "s")))]
    assert {one.status for one in said if one.engine == "sentiment"} == {"missing"}
