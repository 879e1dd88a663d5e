"""The budget, and what outlives a crash."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from embedded.database import Database
from sinks.explanations.template import SIGNATURE
from tests.integration.sinks.bench import until
from tests.integration.sinks.explanations.rig import GOOD, Model, Stage, chosen, serving

pytestmark = pytest.mark.embedded

BUDGET = Decimal("0.01")


async def test_two_parallel_sinks_never_overrun_the_budget(stage: Stage) -> None:
    """Sampled all along; in the end the budget is used up to less than one request."""
    async with serving(Model(delay_s=0.02)) as model:
        settings = chosen(model, budget_usd_per_day=BUDGET, concurrency=8)
        sinks = [stage.explaining(settings, group) for group in ("first", "second")]
        highest = Decimal(0)
        async with stage.running(*sinks):
            signals = await stage.publish(10)

            async def watched() -> bool:
                nonlocal highest
                spent, reserved, _ = await stage.money()
                highest = max(highest, spent + reserved)
                statuses = await stage.statuses()
                return statuses.get("done", 0) + statuses.get("skipped", 0) == 100

            await until(watched, "all have their text")
            await stage.until_published(100)
        published = await stage.check_whole(signals)
    spent, reserved, _ = await stage.money()
    assert highest <= BUDGET
    assert spent == model.billed_usd <= BUDGET
    assert reserved == 0
    skipped = [one for one in published if one.status == "skipped"]
    assert 0 < len(skipped) < 100
    assert {one.reason for one in skipped} == {"No budget is left for today (UTC)."}
    assert all(one.text.endswith(SIGNATURE) and one.cost_usd == 0.0 for one in skipped)
    most = max(one.cost_usd for one in published)
    assert float(BUDGET - spent) < 8 * 2 * 10 * most  # what 16 requests may hold at once


async def test_the_budget_is_a_days(stage: Stage) -> None:
    """What yesterday spent does not count; what today spent does, whoever it was."""
    await stage.rows.query(
        "INSERT INTO explanation_budget (day, spent_usd) VALUES"
        " ((now() AT TIME ZONE 'utc')::date - 1, 5)"
    )
    async with serving(Model()) as model:
        async with stage.running(stage.explaining(chosen(model))):
            signals = await stage.publish(1)
            await stage.until_published(10)
        await stage.rows.query(
            "UPDATE explanation_budget SET spent_usd = 1.00"
            " WHERE day = (now() AT TIME ZONE 'utc')::date"
        )
        async with stage.running(stage.explaining(chosen(model))):
            more = await stage.publish(1)
            await stage.until_published(20)
    assert len(signals + more) == 20
    assert await stage.statuses() == {"done": 10, "skipped": 10}
    assert model.served.total() == 10


async def test_a_second_request_needs_its_own_money(stage: Stage) -> None:
    """There is room for one request, and the answer cannot be used: nobody asks again."""
    async with serving(Model(lambda asset, time: "Up 99.9 %.")) as model:
        settings = chosen(model, budget_usd_per_day=Decimal("0.001"))
        async with stage.running(stage.explaining(settings)):
            signals = await stage.publish(1, places=1)
            await stage.until_published(1)
        (one,) = await stage.check_whole(signals)
    assert model.served.total() == 1
    assert one.reason == "The number 99.9 % is not in the signal. No budget is left to ask again."


async def test_a_request_whose_process_died_is_not_made_again(stage: Stage) -> None:
    """Its reservation counts as spent: nobody knows whether the model answered."""
    async with serving(Model(delay_s=60.0)) as model:
        settings = chosen(model, request_limit_s=1.5, concurrency=1)
        dying = stage.explaining(settings)
        task = asyncio.create_task(dying.run())
        signals = await stage.publish(1, places=1)

        async def asked() -> bool:
            return (await stage.statuses()).get("requested") == 1

        await until(asked, "it is asked for")
        await until(lambda: model.served.total() == 1, "the model has got it")
        task.cancel()
        await asyncio.wait({task})
        # The process had no time to store: as if it had been killed.
        await stage.rows.query(
            "UPDATE signal_explanations SET status = 'requested', text = NULL, model = NULL,"
            " cost_usd = NULL, published_at = NULL, explained_at = NULL,"
            " requested_at = now() - interval '1 hour',"
            " reserved_usd = 0.001, reserved_on = (now() AT TIME ZONE 'utc')::date"
        )
        await stage.rows.query("UPDATE explanation_budget SET reserved_usd = 0.001, spent_usd = 0")
        async with stage.running(stage.explaining(settings)):
            await stage.until_published(1)
        found = await stage.outcomes()
    assert model.served.total() == 1
    (one,) = found.values()
    assert (one[0], one[1]) == ("failed", "template")
    assert one[3].startswith("The process that had asked the model ended")
    assert await stage.money() == (Decimal("0.001"), Decimal(0), Decimal("0.001"))
    assert len(signals) == 1


async def test_what_was_sent_and_not_marked_is_not_sent_again(stage: Stage) -> None:
    """A crash between the broker's answer and the mark in the database."""
    async with stage.running(stage.explaining(chosen(None))):
        signals = await stage.publish(2)
        await stage.until_published(20)
    await stage.rows.query("UPDATE signal_explanations SET published_at = NULL WHERE rank > 4")
    await stage.rows.query("UPDATE explanation_positions SET next_offset = 0")
    async with stage.running(stage.explaining(chosen(None))):
        signals += await stage.publish(1)
        await stage.until_published(30)
    await stage.check_whole(signals)


async def test_a_database_that_dies_costs_no_explanation(stage: Stage, database: Database) -> None:
    async with serving(Model(delay_s=0.2)) as model:
        explaining = stage.explaining(chosen(model, concurrency=2))
        async with stage.running(explaining):
            signals = await stage.publish(3)
            await until(lambda: model.served.total() >= 4, "some are asked for")
            await database.kill()
            await asyncio.sleep(0.5)
            await database.start()
            await stage.until_published(30)
        published = await stage.check_whole(signals)
    assert {one.text for one in published if one.status == "done"} == {GOOD}
    assert sum(one.status == "done" for one in published) >= 26
    assert set(model.served.values()) == {1}
