"""Strategies saved, switched off and deleted between scores: a replay of the record rules alike."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.codec import local_codec
from schemas.control import Strategy
from schemas.events import TOPIC_OF
from schemas.signals import Decision
from schemas.topics import DECISIONS, REQUESTS, SCORES, STRATEGIES, TOPICS
from streams.archive.reader import Archive
from streams.archive.records import LoggedRecord
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.fusion.fusion_stage import FusionStage
from streams.replay.exact import ExactReplay
from streams.replay.logs import Logs
from streams.replay.output import Output, make_output
from streams.replay.parity import Comparison, Parity
from streams.replay.recorded_decisions import RecordedDecisions
from streams.runner import Produced, TopologyRunner
from streams.stage import StrategyAt, Tables
from streams.topology import scoring_engines, stage
from tests import factories
from tests.factories import MINUTE_MS, START_MS

ASSETS, IDS, STEPS = ("BTC", "ETH"), ("a", "b", "c"), 500


def a_version(rng: Random, before: Strategy | None, name: str) -> Strategy:
    """Return a strategy, or another version of it."""
    return factories.strategy(
        name,
        version=1 if before is None else before.version + 1,
        active=rng.random() < 0.8,
        assets=rng.choice([(), (), ("BTC",), ("ETH",)]),
        buy_threshold=rng.choice([0.0, 0.02, 0.05]),
        sell_threshold=rng.choice([-0.01, -0.05]),
        band=rng.choice([0.0, 0.02]),
        confirmation_minutes=rng.choice([0.0, 5.0]),
        stop_loss_pct=rng.choice([None, 1.0]),
        trailing_stop_pct=rng.choice([None, 1.0]),
        entry_rule=rng.choice([None, "PRICE > 100"]),
    )


class Live:
    """A run whose strategies change between any two records, archived whole."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._rng = folder, Random(seed)
        make_output(folder, 1, [topic.name for topic in TOPICS])
        self._output = Output(folder)
        self.decisions: list[Decision] = []
        stages = [stage(one.name) for one in scoring_engines()] + [stage(FusionStage.name)]
        self._runner = TopologyRunner(stages, emit=self._emit, refused=lambda _: None)
        self._table: dict[str, StrategyAt] = {}
        self._saved: list[LoggedRecord] = []
        self._ms = START_MS

    def _emit(self, one: Produced) -> None:
        self._output.add(one)
        if isinstance(one.event, Decision):
            self.decisions.append(one.event)

    def run(self) -> None:
        for step in range(STEPS):
            self._ms += MINUTE_MS
            if step % 10 == 0:
                for asset in ASSETS:
                    self._put(self._tick(asset))
            elif self._rng.random() < 0.2:
                self._change(self._rng.choice(IDS))
            elif self._rng.random() < 0.05:
                asset, name = self._rng.choice(ASSETS), self._rng.choice(IDS)
                asked = factories.request(name, self._ms)
                request = replace(asked, request_id=f"r{step}", asset=asset)
                self._runner.append(REQUESTS.name, asset, request, self._ms)
            else:
                self._put(self._news(self._rng.choice(ASSETS)))
        self._output.close()
        writer = ArchiveWriter(open_store(str(self._folder)))
        writer.open("", dict.fromkeys([topic.name for topic in TOPICS], 1))
        writer.write(STRATEGIES.name, 0, self._saved)

    def _tick(self, asset: str) -> Any:
        price_usd = self._rng.uniform(98.0, 103.0)
        return factories.tick(asset, self._ms, cycle_size=len(ASSETS), price_usd=price_usd)

    def _news(self, asset: str) -> Any:
        mid = self._rng.uniform(98.0, 103.0)
        size = self._rng.choice([1.0, 100.0, 10_000.0])
        return factories.book(asset, self._ms, ((mid - 0.01, size),), ((mid + 0.01, size),))

    def _put(self, event: Any) -> None:
        self._runner.append(TOPIC_OF[type(event)].name, event.asset, event, self._ms)

    def _change(self, name: str) -> None:
        before = self._table.get(name)
        offset, value = len(self._saved), None
        if before is not None and self._rng.random() < 0.2:
            del self._table[name]
        else:
            saved = a_version(self._rng, None if before is None else before.strategy, name)
            self._table[name] = StrategyAt(saved, offset)
            value = local_codec().encode(saved)
        self._saved.append(LoggedRecord(offset, self._ms, name.encode(), value, ()))
        self._runner.tables = Tables(dict(sorted(self._table.items())), read_to=offset)


def compared(folder: Path) -> Parity:
    logs, comparison = Logs(Archive(str(folder))), Comparison(local_codec())
    ExactReplay(logs, RecordedDecisions(logs), 0, lambda _: None, comparison).run()
    return comparison.result


@pytest.mark.parametrize("seed", range(4))
def test_each_version_rules_in_the_replay_where_it_ruled_live(seed: int, tmp_path: Path) -> None:
    live = Live(tmp_path / "live", seed)
    live.run()
    between = [one for one in live.decisions if one.trigger == "change"]
    versions = Counter((one.asset, one.strategy_id, one.strategy_version) for one in between)
    assert len(versions) > 20, "versions that began between cycles"
    assert sum(one.override == "unwatched" for one in between) > 5
    assert sum(one.trigger == "request" for one in live.decisions) > 5
    result = compared(tmp_path / "live")
    assert result.equal[DECISIONS.name] == len(live.decisions)
    assert result.equal[SCORES.name] > STEPS // 2
    assert result.is_exact, result.first
