"""The names that rules have for features are those that the engines give."""

from __future__ import annotations

from schemas.engines import ENGINES
from schemas.rule_language.names import CANDLE_VALUES, OF_ENGINES
from schemas.topics import SCORES
from streams.lookahead.sources import seeded
from streams.runner import Produced, TopologyRunner
from streams.topology import stage

ON_DEMAND = {"OPEN", "HIGH", "LOW", "VOLUME"}
TAKES_A_WEEK = {"volume_ratio"}
OF_TWO_ENGINES = {"volume_trend"}


def test_rules_name_every_feature_and_no_other() -> None:
    given: set[str] = set()

    def emit(one: Produced) -> None:
        if one.topic == SCORES.name:
            given.update(one.event.features)

    runner = TopologyRunner([stage(name) for name in ("headlines", *ENGINES)], 1, (), emit)
    for topic, partition, offset, event in seeded(1, 1, ("BTC",)).read():
        runner.feed(topic, partition, offset, event.observed_at, event.asset.encode(), event)
    of_candles = {name.partition("@")[0] for name in given if "@" in name}
    assert of_candles == set(CANDLE_VALUES) - ON_DEMAND
    others = {name for name in given if "@" not in name}
    assert others - OF_TWO_ENGINES == {name for name, _ in OF_ENGINES.values()} - TAKES_A_WEEK
