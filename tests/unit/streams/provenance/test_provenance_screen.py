"""The whole tree on a screen of 100 columns and of 60."""

from __future__ import annotations

from io import StringIO

import msgspec
import pytest
from rich.console import Console

from streams.provenance.checks import checks
from streams.provenance.screen import screen
from streams.provenance.tree import Cited, Tree
from tests.factories import CYCLE_MS
from tests.unit.streams.fusion.fusion_factories import T0, answers, make_missing, make_strategy
from tests.unit.streams.provenance.world import MARKET, World, tree_of


def printed(tree: Tree, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(screen(tree, checks(tree)))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def shown(tree: Tree) -> list[Cited]:
    """Return the market's records as often as they are shown: a tick once, the rest by engine."""
    ticks = {part.tick.offset: part.tick for part in tree.parts if part.tick is not None}
    return [*ticks.values(), *(one for part in tree.parts for one in part.evidence)]


@pytest.mark.parametrize("width", [100, 60])
async def test_every_signal_fits(world: World, width: int) -> None:
    for signal in world.signals()[::7]:
        lines = printed(await tree_of(signal, world), width).splitlines()
        assert max(map(len, lines)) <= width


async def test_it_names_every_record_with_its_words(world: World) -> None:
    signal = world.signals()[0]
    tree = await tree_of(signal, world)
    text = printed(tree)
    assert text.startswith(f"{signal.action} {signal.asset} for {signal.strategy_id}")
    for one in tree.cited():
        assert f"{one.topic}:{one.partition}:{one.offset}" in text
    news = [one for part in tree.parts for one in part.evidence if one.topic == "market.news"]
    assert news
    for one in news:
        # The place stands at the end of a headline's first line, the rest of it below.
        words = text.replace(f"{one.topic}:{one.partition}:{one.offset}", "")
        assert one.event.headline in " ".join(words.split())


async def test_the_table_adds_up_to_the_final_score(world: World) -> None:
    for signal in world.signals()[::7]:
        rows = [line.split() for line in printed(await tree_of(signal, world)).splitlines()]
        shown = {
            row[0]: float(row[row.index("x") + 2])
            for row in rows
            if row and row[0] in {part.engine for part in signal.contributions} and "x" in row
        }
        (total,) = [
            float(row[2]) for row in rows if row[:2] == ["final", "score"] and len(row) == 3
        ]
        assert len(shown) == len(signal.contributions)
        assert sum(shown.values()) == pytest.approx(total, abs=0.0005 * (len(shown) + 1))


async def test_what_is_gone_stands_where_it_was_cited() -> None:
    world = World()
    world.play(assets=1, cycles=1)
    world.lose("no longer in the topic (retention)", *MARKET)
    tree = await tree_of(world.signals()[0], world)
    text = printed(tree)
    gone = [one for one in shown(tree) if one.event is None]
    assert len(gone) > 5
    assert text.count("no longer in the topic (retention)") == len(gone)


@pytest.mark.parametrize(
    ("kafka", "notes"),
    [pytest.param(("kafka",), 1, id="mixed"), pytest.param((), 0, id="all of one place")],
)
async def test_what_is_of_the_archive_is_said_where_it_is_mixed(
    world: World, kafka: tuple[str, ...], notes: int
) -> None:
    tree = await tree_of(world.signals()[0], world)
    replace = msgspec.structs.replace
    parts = [
        replace(
            part,
            score=replace(part.score, origin="archive"),
            tick=replace(part.tick, origin="archive"),
            evidence=tuple(replace(one, origin="archive") for one in part.evidence),
        )
        for part in tree.parts
    ]
    origin = "kafka" if kafka else "archive"
    strategy, decision = (replace(one, origin=origin) for one in (tree.strategy, tree.decision))
    text = printed(replace(tree, strategy=strategy, decision=decision, parts=tuple(parts)))
    assert text.count("from the archive") == notes * len(shown(tree))


async def test_a_wrong_sum_is_said_loudly(world: World) -> None:
    tree = await tree_of(world.signals()[0], world)
    wrong = msgspec.structs.replace(tree.signal, final_score=0.123)
    assert "WRONG the contributions add up to" in printed(
        msgspec.structs.replace(tree, signal=wrong)
    )


async def test_a_risk_that_stands_is_shown_below_the_engine_that_is_missing() -> None:
    world = World([make_strategy()])
    good = {"sentiment": 1.0, "technical": 1.0}
    scores = answers(good | {"event_risk": -0.8}, features={"risk_ends_hours": 24.0})
    later = answers(good, T0 + CYCLE_MS)
    later[3] = make_missing("event_risk", T0 + CYCLE_MS)
    for score in (*scores, *later):
        world.publish("BTC", score)
    text = printed(await tree_of(world.signals()[-1], world))
    before, _, stands = text.partition("the last risk that it said, which stands:")
    assert "event_risk +0.000, missing" in before
    assert "-0.8" in stands.splitlines()[1]
