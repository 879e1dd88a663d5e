"""One process publishes at a time; the others keep quiet."""

from __future__ import annotations

import asyncio

import pytest

from schemas.signals import Signal
from tests.integration.sinks.explanations.rig import Stage, chosen

pytestmark = pytest.mark.embedded


async def sessions(stage: Stage) -> int:
    """Return how many connections have been made to the database so far."""
    found = await stage.rows.query("SELECT sum(sessions)::bigint FROM pg_stat_database")
    return int(found[0][0])


async def test_who_may_not_publish_asks_once_in_a_while(stage: Stage) -> None:
    """Also with texts of its own stored, which wake it."""
    sinks = [stage.explaining(chosen(None), group) for group in ("first", "second")]
    async with stage.running(*sinks):
        signals: list[Signal] = []
        while not all(one.sink.tally["done"] for one in sinks):
            signals += await stage.publish(1)
            await stage.until_published(len(signals))
        before = await sessions(stage)
        await asyncio.sleep(2.0)
        assert await sessions(stage) - before < 20
    assert sum(bool(one.sink.tally["published"]) for one in sinks) == 1
    await stage.check_whole(signals)


async def test_a_row_that_can_never_be_published_keeps_no_other_one_waiting(stage: Stage) -> None:
    broken = (
        "INSERT INTO signal_explanations (signal_id, strategy_id, asset, cycle, rank, status,"
        " explained_at, prompt_tokens, completion_tokens, cost_usd)"
        " VALUES ('broken', 's', 'BTC', now(), 1, 'failed', now() - interval '1 day', 0, 0, 0)"
    )
    await stage.rows.query(broken)
    async with stage.running(stage.explaining(chosen(None), "only")):
        signals = await stage.publish(3)
        await stage.until_published(len(signals) + 1)
    (found,) = await stage.rows.query(
        "SELECT published_at IS NOT NULL FROM signal_explanations WHERE signal_id = 'broken'"
    )
    assert found == (True,)
