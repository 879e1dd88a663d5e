"""The tree of a signal: everything it names is found, and what is not there is said."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from schemas.market import CalendarEvent, Candle, Fundamentals, NewsArticle, OrderBook
from schemas.scores import EngineScore, InputPosition
from schemas.signals import Signal
from streams.provenance.checks import checks
from streams.provenance.sources.looking import Reader, look
from streams.provenance.tree import Found, Looked, Tree, grow, roots, twigs
from tests.unit.streams.provenance.world import MARKET, World, tree_of

EVIDENCE = {
    "sentiment": NewsArticle,
    "technical": Candle,
    "fundamental": Fundamentals,
    "event_risk": CalendarEvent,
    "liquidity": OrderBook,
}


async def test_every_signal_resolves_to_its_records(world: World) -> None:
    kinds: Counter[tuple[str, str, str | None]] = Counter()
    cited = 0
    for signal in world.signals():
        tree = await tree_of(signal, world)
        lacking = [one for one in tree.cited() if one.event is None]
        assert not lacking, f"{signal.signal_id}: {lacking}"
        assert [(one.name, one.ok, one.said) for one in checks(tree) if one.ok is not True] == []
        cited += len(tree.cited())
        kinds[signal.trigger, signal.action, signal.override] += 1
    triggers, actions, overrides = (set(column) for column in zip(*kinds, strict=True))
    assert triggers == {"cycle", "change", "request", "dry_run"}, (
        "the world must hold every trigger"
    )
    assert actions == {"BUY", "SELL", "HOLD"}
    assert "event_risk" in overrides
    assert cited > 10 * len(world.signals())


async def test_behind_each_score_stands_what_its_engine_reads(world: World) -> None:
    tree = await tree_of(newest(world), world)
    for part in tree.parts:
        assert part.score is not None
        assert part.tick is not None
        kind = EVIDENCE.get(part.engine)
        if kind is not None:
            assert part.evidence, part.engine
            assert all(type(one.event) is kind for one in part.evidence), part.engine


async def test_places_are_those_that_the_score_names(world: World) -> None:
    tree = await tree_of(newest(world), world)
    (sentiment,) = [part for part in tree.parts if part.engine == "sentiment"]
    assert sentiment.score is not None
    score: EngineScore = sentiment.score.event
    assert tuple(one.offset for one in sentiment.evidence) == score.evidence
    assert sentiment.score.offset == sentiment.contribution.offset
    assert {one.topic for one in sentiment.evidence} == {"market.news"}


async def test_ages_are_those_at_the_decision(world: World) -> None:
    for signal in world.signals():
        tree = await tree_of(signal, world)
        for part in tree.parts:
            assert part.score is not None
            assert part.score.age_ms == signal.as_of - part.score.event.as_of
            for one in part.evidence:
                assert one.age_ms == signal.as_of - one.event.observed_at
                assert one.age_ms >= 0, "nothing of the future decides"


async def test_a_request_is_shown_with_the_signal_that_answers_it(world: World) -> None:
    (signal,) = [one for one in world.signals() if one.trigger == "request"]
    tree = await tree_of(signal, world)
    assert tree.request is not None
    assert tree.request.event.request_id == "request-1"


async def test_a_dry_run_has_its_strategy_from_its_request(world: World) -> None:
    (signal,) = [one for one in world.signals() if one.trigger == "dry_run"]
    tree = await tree_of(signal, world)
    assert tree.strategy is not None
    assert (tree.strategy.topic, tree.strategy.event.buy_threshold) == ("control.requests", 0.01)
    assert [one.topic for one in tree.cited()].count("control.requests") == 1
    assert {one.name: one.ok for one in checks(tree)} == {
        "sum": True,
        "action": True,
        "records": True,
    }


async def test_two_rounds_of_reading_are_enough(world: World) -> None:
    before = world.asked
    await tree_of(newest(world), world)
    assert world.asked == before + 2


async def test_a_shared_tick_is_cited_once(world: World) -> None:
    cited = (await tree_of(newest(world), world)).cited()
    assert len([one for one in cited if one.topic == "market.trending"]) == 1
    assert len(cited) == len({(one.topic, one.partition, one.offset) for one in cited})


def newest(world: World) -> Signal:
    """The newest signal of a cycle: all its scores are of that cycle."""
    return max((one for one in world.signals() if one.cycle), key=lambda one: one.as_of)


LOST = [
    pytest.param(MARKET, 0, id="the market's records"),
    pytest.param(("engine.scores",), None, id="scores: nothing below them can be known"),
    pytest.param(("control.strategies",), 0, id="the strategy"),
]


@pytest.mark.parametrize(("topics", "least_evidence"), LOST)
async def test_what_is_lost_is_said_and_the_rest_stays(
    topics: tuple[str, ...], least_evidence: int | None
) -> None:
    world = World()
    world.play(assets=1, cycles=1)
    world.lose("no longer in the topic (retention)", *topics)
    tree = await tree_of(newest(world), world)
    lacking = {one.topic: one.missing for one in tree.cited() if one.event is None}
    assert set(lacking) <= set(topics)
    assert set(lacking.values()) == {"no longer in the topic (retention)"}
    assert any(part.evidence for part in tree.parts) == (least_evidence is not None)
    assert any(one.event is not None for one in tree.cited())


async def test_a_second_log_has_what_the_first_has_lost(world: World) -> None:
    short = World()
    short.play(assets=4, cycles=8, seed=1)
    short.lose("no longer in the topic (retention)", *MARKET, "control.strategies")
    second = Archived(world)
    tree = await tree_of(newest(world), short, second)
    assert all(one.event is not None for one in tree.cited())
    origins = {one.topic: one.origin for one in tree.cited()}
    assert origins["market.news"] == origins["control.strategies"] == "archive"
    assert origins["engine.scores"] == "kafka"


async def test_what_no_log_has_is_said_for_each(world: World) -> None:
    short, second = World(), Archived(World())
    short.lose("no longer in the topic (retention)")
    tree = await tree_of(newest(world), short, second)
    assert tree.parts[0].score is not None
    assert tree.parts[0].score.missing == "the topic ends before it; the topic ends before it"


class Archived:
    """The same log under another name."""

    name = "archive"
    where = "a second log"

    def __init__(self, world: World) -> None:
        self.fetch, self.search, self.schema = world.fetch, world.search, world.schema


def replace_at(topic: str, change: Callable[[msgspec.Struct], msgspec.Struct]) -> Tree:
    """Return the tree of a signal below which every record of a topic was changed."""
    world = World()
    world.play(assets=1, cycles=1)
    signal = newest(world)

    async def known() -> dict[InputPosition, Looked]:
        readers = [Reader(world)]
        found = dict(await look(readers, roots(signal)))
        return found | dict(await look(readers, twigs(signal, found)))

    found = asyncio.run(known())
    changed = {
        place: one._replace(event=change(one.event)) if place.topic == topic else one
        for place, one in found.items()
    }
    return grow(signal, Found("a test"), changed)


OTHERS = [
    pytest.param("market.news", {"asset": "XRP"}, "NewsArticle XRP", id="news of another asset"),
    pytest.param("engine.scores", {"asset": "XRP"}, "EngineScore XRP", id="score of another asset"),
    pytest.param("engine.scores", {"engine": "other"}, "BTC other", id="score of another engine"),
    pytest.param("control.strategies", {"strategy_id": "x"}, "Strategy x", id="another strategy"),
]


@pytest.mark.parametrize(("topic", "fields", "words"), OTHERS)
def test_a_topic_that_was_recreated_is_noticed(
    topic: str, fields: dict[str, str], words: str
) -> None:
    tree = replace_at(topic, lambda event: msgspec.structs.replace(event, **fields))
    said = [one.missing or "" for one in tree.cited() if one.topic == topic]
    assert said
    for one in said:
        assert "another record stands there now" in one
        assert words in one


def test_an_engine_that_never_spoke_has_no_score() -> None:
    world = World()
    tree = asyncio.run(tree_of(make_bare(), world))
    assert [part.score for part in tree.parts] == [None]
    assert tree.strategy is None
    assert tree.cited() == []


def make_bare() -> Signal:
    """Return a signal that names nothing."""
    return msgspec.convert(
        {
            "signal_id": "0" * 32,
            "strategy_id": "defensive",
            "asset": "BTC",
            "as_of": 1,
            "trigger": "request",
            "final_score": 0.0,
            "action": "HOLD",
            "fused_action": "HOLD",
            "confidence": 0.0,
            "contributions": [
                {
                    "engine": "sentiment",
                    "status": "missing",
                    "score": 0.0,
                    "confidence": 0.0,
                    "weight": 0.35,
                    "contribution": 0.0,
                }
            ],
            "position_size": 0.0,
            "position_value_usd": 0.0,
        },
        Signal,
    )
