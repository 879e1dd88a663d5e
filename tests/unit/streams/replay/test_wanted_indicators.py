"""Strategies saved and deleted between two candles: a replay computes what the live run did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.codec import local_codec
from schemas.control import Strategy
from schemas.events import TOPIC_OF
from schemas.topics import SCORES, STRATEGIES, TOPICS
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.replay.exact import ExactReplay
from streams.replay.logs import Logs
from streams.replay.output import Output, make_output
from streams.replay.parity import Comparison, Parity
from streams.replay.recorded_decisions import RecordedDecisions
from streams.replay.run import replay
from streams.replay.sources import ArchiveSource, DirectorySource, names_indicators
from streams.runner import Produced, StageRunner
from streams.stage import StrategyAt, Tables
from streams.topology import stage
from tests.parity.offline import edited
from tests.unit.streams.engines._market import make_candle, make_tick, random_walk

CANDLES = [make_candle(place, ohlc) for place, ohlc in enumerate(random_walk(3, 90, 0.02))]


def strategy(name: str, rule: str, **changes: Any) -> Strategy:
    return Strategy(strategy_id=name, owner="admin", name=name, entry_rule=rule, **changes)


def script() -> list[Any]:
    """Return what happens: candles, ticks, strategies, and the ids of strategies deleted."""
    adx = strategy("a", "ADX(7) > 20")
    parts: list[list[Any]] = [
        CANDLES[:40],
        [adx],
        [msgspec.structs.replace(CANDLES[40], closed=False)],  # the first that sees it
        CANDLES[40:45],
        [strategy("b", "RSI CROSSES_ABOVE 30 AND SMA(33) > 0"), make_tick(CANDLES[44].close_time)],
        CANDLES[45:50],
        [strategy("c", "MFI(5) > 0", assets=("ETH",))],
        CANDLES[50:55],
        ["b"],
        [CANDLES[54]],  # again: nothing new
        [make_tick(CANDLES[54].close_time + 600_000)],
        CANDLES[55:60],
        [msgspec.structs.replace(adx, active=False)],
        CANDLES[60:65],
        [strategy("b", "CCI(9) > 0"), "b", adx],  # all before the next record
        CANDLES[65:70],
        ["a"],
        CANDLES[70:],
    ]
    return [one for part in parts for one in part]


def live(folder: Path) -> list[Any]:
    """Run the technical engine over the script as a worker does, and archive it all."""
    make_output(folder, 1, [topic.name for topic in TOPICS])
    output, runner = Output(folder), StageRunner(stage("technical"), 1)
    next_offset = dict.fromkeys([topic.name for topic in TOPICS], 0)
    table: dict[str, StrategyAt] = {}
    tables, clock_ms, scores = Tables(table), 0, []
    archived: list[LoggedRecord] = []

    def add(topic: str, key: str, event: Any) -> int:
        offset = next_offset[topic]
        next_offset[topic] += 1
        if topic == STRATEGIES.name:
            value = None if event is None else local_codec().encode(event)
            archived.append(LoggedRecord(offset, clock_ms, key.encode(), value, ()))
        else:
            output.add(Produced(topic, 0, offset, key, clock_ms, event))
        return offset

    for one in script():
        if isinstance(one, Strategy | str):
            name = one if isinstance(one, str) else one.strategy_id
            offset = add(STRATEGIES.name, name, None if isinstance(one, str) else one)
            table = {key: at for key, at in table.items() if key != name}
            if isinstance(one, Strategy):
                table[name] = StrategyAt(one, offset)
            tables = Tables(dict(sorted(table.items())), read_to=offset)
            continue
        clock_ms = max(clock_ms, one.observed_at)
        topic = TOPIC_OF[type(one)].name
        offset = add(topic, one.asset, one)
        for made in runner.apply(topic, 0, offset, one.asset.encode(), one, tables):
            add(SCORES.name, made.key, made.event)
            scores.append(made.event)
    output.close()
    _write(folder, archived)
    return scores


def _write(folder: Path, records: list[LoggedRecord]) -> None:
    from streams.archive.store import open_store
    from streams.archive.writer import ArchiveWriter

    writer = ArchiveWriter(open_store(str(folder)))
    writer.open("", dict.fromkeys([topic.name for topic in TOPICS], 1))
    writer.write(STRATEGIES.name, 0, records)


def compared(address: str) -> Parity:
    logs, comparison = Logs(Archive(address)), Comparison(local_codec())
    ExactReplay(logs, RecordedDecisions(logs), 0, lambda _: None, comparison).run()
    return comparison.result


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Any]]:
    folder = tmp_path_factory.mktemp("live") / "archive"
    return str(folder), live(folder)


def test_the_script_has_what_it_should(recorded: tuple[str, list[Any]]) -> None:
    wanted = [frozenset(n for n in one.features if "(" in n) for one in recorded[1]]
    assert len(dict.fromkeys(wanted)) == 3  # nothing, one, two
    assert any("RSI14@1h[1]" in one.features for one in recorded[1])
    assert len(recorded[1]) > len(CANDLES)  # the open candle made one, too


def test_an_exact_replay_has_the_same_scores(recorded: tuple[str, list[Any]]) -> None:
    result = compared(recorded[0])
    assert result.equal[SCORES.name] == len(recorded[1])
    assert result.is_exact, result.first


def test_it_does_not_without_one_of_the_strategies(
    recorded: tuple[str, list[Any]], tmp_path: Path
) -> None:
    def without_first(topic: str, _: int, one: LoggedRecord) -> LoggedRecord | None:
        return None if topic == STRATEGIES.name and one.offset == 0 else one

    result = compared(edited(recorded[0], tmp_path / "lost", without_first))
    assert result.differing[SCORES.name] > 0


def test_what_names_strategies_that_are_not_archived_yet_is_ahead(
    recorded: tuple[str, list[Any]], tmp_path: Path
) -> None:
    def without_any(topic: str, _: int, one: LoggedRecord) -> LoggedRecord | None:
        return None if topic == STRATEGIES.name else one

    result = compared(edited(recorded[0], tmp_path / "early", without_any))
    named = [one for one in recorded[1] if any(p.topic == STRATEGIES.name for p in one.inputs)]
    assert result.ahead[SCORES.name] == len(named) > 0


def test_a_raw_replay_in_sealed_processes_uses_the_strategies_as_they_come(
    recorded: tuple[str, list[Any]], tmp_path: Path
) -> None:
    source = ArchiveSource(address=recorded[0])
    assert names_indicators(source)
    summary = replay(source, jobs=1, out=tmp_path / "out")
    assert summary.refused == 0
    archive = Archive(str(tmp_path / "out"))
    read = [archive.codec().decode(one.value) for one in archive.records(SCORES.name, 0)]
    ours = [one for one in read if one.engine == "technical"]
    last = {name for name in ours[-1].features if "(" in name}
    assert last == {name for name in recorded[1][-1].features if "(" in name} == set()
    assert any("ADX(7).ADX@1h" in one.features for one in ours)


@pytest.mark.parametrize(
    ("rule", "is_needed"),
    [
        pytest.param("RSI < 30", False, id="the engine's own"),
        pytest.param("RSI CROSSES_ABOVE 30 AND HIGH > 0", False, id="a candle's, and earlier ones"),
        pytest.param("RSI(9) < 30", True, id="the library's"),
    ],
)
def test_the_library_is_loaded_where_it_is_needed(rule: str, is_needed: bool) -> None:
    source = DirectorySource(
        path="x", start_ms=0, until_ms=1, partitions=1, strategies=(strategy("a", rule),)
    )
    assert names_indicators(source) == is_needed
