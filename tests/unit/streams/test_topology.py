"""The topology: every stage there, every topic known, nobody reads what nobody writes."""

from __future__ import annotations

import msgspec
import pytest

from schemas.contract import STRUCTS
from schemas.engines import ENGINES
from schemas.topics import (
    BY_NAME,
    DECISIONS,
    MARKET_TOPICS,
    NEWS,
    NEWS_SCORES,
    SCORES,
    SIGNALS,
    TRENDING,
)
from streams import topology
from streams.engines.base import Engine
from streams.stage import Stage


def test_the_five_engines_in_the_order_of_the_contract() -> None:
    engines = topology.scoring_engines()
    assert tuple(one.name for one in engines) == ENGINES
    assert all(isinstance(one, Engine) for one in engines)


def test_all_stages_in_the_order_of_the_flow() -> None:
    names = tuple(one.name for one in topology.stages())
    assert (
        names
        == topology.stage_names()
        == (*("headlines", *ENGINES, "fusion", "confidence", "outcomes"),)
    )


@pytest.mark.parametrize("name", topology.stage_names())
def test_a_stage_by_its_name(name: str) -> None:
    stage = topology.stage(name)
    assert stage.name == name
    assert stage is topology.stage(name), "one object: its caches are shared"


def test_an_unknown_stage_names_those_that_exist() -> None:
    with pytest.raises(LookupError, match=r"no stage 'fuzion'.*sentiment, technical.*fusion"):
        topology.stage("fuzion")


def test_a_module_without_an_engine_is_said() -> None:
    with pytest.raises(LookupError, match=r"streams\.engines\.base\.ENGINE is None"):
        topology.scoring_engine("base")


@pytest.mark.parametrize("stage", topology.stages(), ids=lambda stage: stage.name)
def test_inputs_are_topics_of_the_table(stage: Stage) -> None:
    assert stage.inputs
    assert all(name in BY_NAME for name in stage.inputs)
    assert all(BY_NAME[name].schema in STRUCTS for name in stage.inputs)


def test_every_market_topic_is_read_and_every_engine_gets_the_tick() -> None:
    headlines, *rest = topology.stages()
    scoring = rest[: len(ENGINES)]
    assert all(stage.inputs[0] == TRENDING.name for stage in scoring)
    read = {name for stage in (headlines, *scoring) for name in stage.inputs}
    assert read == {*(topic.name for topic in MARKET_TOPICS), NEWS_SCORES.name}


def test_sentiment_reads_what_headlines_say_and_not_the_headlines() -> None:
    assert topology.stage("headlines").inputs == (NEWS.name,)
    assert topology.stage("sentiment").inputs == (TRENDING.name, NEWS_SCORES.name)


def test_fusion_reads_what_the_engines_write_and_confidence_what_fusion_writes() -> None:
    assert SCORES.name in topology.stage("fusion").inputs
    assert topology.stage("confidence").inputs == (DECISIONS.name,)
    assert topology.stage("outcomes").inputs == (SCORES.name, SIGNALS.name)


@pytest.mark.parametrize("stage", topology.stages(), ids=lambda stage: stage.name)
def test_a_new_state_survives_msgpack(stage: Stage) -> None:
    state = stage.initial()
    stored = msgspec.msgpack.encode(state)
    assert msgspec.msgpack.decode(stored, type=stage.state_type) == state
