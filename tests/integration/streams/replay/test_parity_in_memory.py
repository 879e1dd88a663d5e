"""Runs of the whole platform in memory, replayed to the byte: whatever happens to strategies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.simulation import backfill, cycle
from producers.strategies import PREBUILT
from schemas.contract import STRUCTS, schema
from schemas.control import SignalRequest, Strategy
from schemas.signals import Decision
from schemas.topics import TOPICS
from streams.archive.store import open_store
from streams.archive.writer import ArchiveWriter
from streams.replay.parity import Parity
from streams.replay.run import verify
from tests.factories import strategy
from tests.unit.streams.provenance.world import PARTITIONS, START_MS, World

Happening = Callable[[World, int], None]
EAGER = strategy(
    "eager",
    timeframe="1h",
    buy_threshold=0.05,
    sell_threshold=0.04,
    stop_loss_pct=0.1,
    take_profit_pct=0.2,
    trailing_stop_pct=0.1,
    band=0.0,
    confirmation_minutes=0.0,
    minimum_hold_minutes=0.0,
)
"""It buys and sells in every other cycle."""
FOREVER: dict[str, float | None] = {
    "stop_loss_pct": None,
    "take_profit_pct": None,
    "trailing_stop_pct": None,
    "sell_threshold": -0.9,
}


def saved(one: Strategy, **changes: object) -> Happening:
    """Return what saves a strategy."""

    def happen(world: World, now_ms: int) -> None:
        world.publish(one.strategy_id, replace(one, updated_at=now_ms, **changes))

    return happen


def told(kind: str, amount_usd: float | None = None, strategy_id: str = "eager") -> Happening:
    """Return what tells a portfolio of a deposit, a withdrawal or a reset."""

    def happen(world: World, now_ms: int) -> None:
        event = Decision(
            decision_id=f"{kind}-{now_ms}",
            strategy_id=strategy_id,
            kind=kind,
            as_of=now_ms,
            amount_usd=amount_usd,
        )
        world.publish(strategy_id, event)

    return happen


def asked(world: World, now_ms: int) -> None:
    world.publish("BTC", SignalRequest(f"request-{now_ms}", "BTC", "eager", now_ms))


def deleted(world: World, now_ms: int) -> None:
    world.delete("eager", now_ms)


def run(folder: Path, happenings: dict[int, Happening], cycles: int) -> Parity:
    """Play a market and record it, then replay it."""
    recorded(folder, happenings, cycles)
    return verify(str(folder), jobs=1)


def recorded(folder: Path, happenings: dict[int, Happening], cycles: int) -> None:
    """Play a market; before a cycle happens what its number names. Record it as an archive."""
    world = World(())
    state, events = backfill(11, START_MS, ASSETS[:4])
    for number in range(cycles):
        if number in happenings:
            happenings[number](world, state.now_ms)
        for event in events:
            world.publish(event.asset, event)
        state, events = cycle(state, state.now_ms)
    writer = ArchiveWriter(open_store(str(folder)))
    writer.open("", {topic.name: topic.partitions or PARTITIONS for topic in TOPICS})
    for schema_id, name in enumerate(STRUCTS, start=1):
        writer.add_schema(schema_id, schema(name).text)
    for (topic, partition), log in sorted(world.logs.items()):
        writer.write(topic, partition, log)


SCENARIOS = [
    pytest.param(
        {0: saved(EAGER), 4: told("deposit", 5_000.0), 6: told("withdrawal", 60_000.0), 8: asked},
        id="a deposit, a withdrawal of more than there is, a request",
    ),
    pytest.param(
        {0: saved(EAGER, **FOREVER), 5: told("reset"), 7: told("reset", 9_000.0)},
        id="resets while it holds",
    ),
    pytest.param(
        {0: saved(EAGER, **FOREVER), 4: saved(EAGER, version=2, stop_loss_pct=0.01)},
        id="another stop while it holds",
        marks=pytest.mark.long,
    ),
    pytest.param(
        {0: saved(PREBUILT[0]), 3: saved(EAGER), 6: saved(EAGER, version=2, assets=("BTC",))},
        id="it does not watch what it holds any more",
    ),
    pytest.param(
        {3: saved(EAGER), 6: saved(EAGER, version=2, active=False), 9: saved(EAGER, version=3)},
        id="nobody watches, then one does, then nobody, then one does",
        marks=pytest.mark.long,
    ),
    pytest.param({0: saved(EAGER, **FOREVER), 5: deleted}, id="deleted while it holds"),
    pytest.param(
        {
            0: saved(EAGER, **FOREVER),
            5: saved(EAGER, version=2, entry_rule="ADX(14) > 0 AND PROFIT_PCT < 50"),
        },
        id="a rule with an indicator of its own",
    ),
]


@pytest.mark.parametrize("happenings", SCENARIOS)
def test_it_is_replayed_to_the_byte(tmp_path: Path, happenings: dict[int, Happening]) -> None:
    result = run(tmp_path, happenings, cycles=12)
    assert result.first == []
    assert result.is_exact, result.disputed
    assert not result.unanswered
    assert not result.ahead
    assert result.equal["portfolio.trades"] > 0
    assert result.equal["portfolio.equity"] > 0
    assert result.equal["signals.outcomes"] > 0
    assert result.equal["signals"] == result.equal["signals.decisions"] > 0
