"""The explanations sink with the real client, broker and database: one kind of trouble a test."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from sinks.explanations.template import SIGNATURE
from tests.integration.sinks.bench import until
from tests.integration.sinks.explanations.rig import (
    BAD,
    GOOD,
    Model,
    Stage,
    chosen,
    in_next_cycle,
    serving,
    tops,
)

pytestmark = pytest.mark.embedded


async def test_the_model_explains_each_once(stage: Stage) -> None:
    async with serving(Model()) as model:
        explaining = stage.explaining(chosen(model))
        async with stage.running(explaining):
            signals = await stage.publish(2)
            await stage.until_published(20)
        published = await stage.check_whole(signals)
    assert {one.text for one in published} == {GOOD}
    assert {(one.status, one.model, one.reason) for one in published} == {
        ("done", "gpt-4o-mini", "")
    }
    assert all(one.prompt_tokens > 100 and one.completion_tokens > 5 for one in published)
    assert set(model.served.values()) == {1}
    assert (await stage.money())[0] == model.billed_usd
    assert explaining.sink.tally == {"done": 20, "published": 20}
    assert explaining.status.rows["signal_explanations"] == 20


@pytest.mark.parametrize(
    ("name", "requests", "learnt"),
    [
        pytest.param("o4-mini", 12, "temperature", id="no temperature, and it reasons"),
        pytest.param("gemma3", 11, "response_format", id="no format, and fences"),
        pytest.param("mistral-small", 11, "max_completion_tokens", id="another limit"),
        pytest.param("qwen3", 10, "", id="thoughts"),
        pytest.param("hermes3", 10, "", id="tool calls"),
    ],
)
async def test_case_llm_models_differ(stage: Stage, name: str, requests: int, learnt: str) -> None:
    """Ten texts by the model, and a request more for each thing that is learnt of its server."""
    async with serving(Model()) as model:
        settings = chosen(model).model_copy(update={"model": name})
        async with stage.running(stage.explaining(settings)):
            signals = await stage.publish(1)
            await stage.until_published(10)
        published = await stage.check_whole(signals)
    assert {(one.status, one.model, one.text) for one in published} == {("done", name, GOOD)}
    assert model.requests == requests
    reasons = sorted(one.reason for one in published)
    assert set(reasons[:-1]) == {""}
    assert learnt in reasons[-1]
    assert bool(reasons[-1]) == bool(learnt)
    assert (await stage.money())[0] == model.billed_usd


async def test_what_somebody_asked_for_is_explained_and_a_dry_run_is_not(stage: Stage) -> None:
    signals, _ = tops(1, 4)
    triggers = ("request", "dry_run", "request", "change")
    made = [
        replace(one, trigger=trigger, request_id=f"r{n}", cycle=None)
        for n, (one, trigger) in enumerate(zip(signals, triggers, strict=True))
    ]
    made[2] = replace(
        made[2], contributions=tuple(replace(one, offset=None) for one in made[2].contributions)
    )
    async with serving(Model()) as model:
        settings = chosen(model).model_copy(update={"top": 0})
        async with stage.running(stage.explaining(settings)):
            await stage.keep(made)
            await stage.until_published(1)
        (published,) = await stage.published()
    assert (published.signal_id, published.cycle) == (made[0].signal_id, made[0].as_of)
    assert (published.status, published.text) == ("done", GOOD)
    assert (await stage.money())[0] == model.billed_usd > 0
    kept = await stage.rows.query("SELECT signal_id FROM strategy_signals")
    assert {made[0].signal_id, made[3].signal_id} <= {one[0] for one in kept}
    assert not {made[1].signal_id, made[2].signal_id} & {one[0] for one in kept}


async def test_without_a_model_the_template_writes(stage: Stage) -> None:
    async with stage.running(stage.explaining(chosen(None))):
        signals = await stage.publish(2)
        await stage.until_published(20)
    published = await stage.check_whole(signals)
    assert {(one.status, one.model, one.reason) for one in published} == {("done", "template", "")}
    assert all(one.text.endswith(SIGNATURE) and one.asset in one.text for one in published)


async def test_switched_off_and_beyond_the_top_nobody_is_asked(stage: Stage) -> None:
    async with serving(Model()) as model:
        async with stage.running(stage.explaining(chosen(model, enabled=False))):
            signals = await stage.publish(1)
            await stage.until_published(10)
        async with stage.running(stage.explaining(chosen(model, top=3))):
            signals += await stage.publish(1)
            await stage.until_published(20)
        published = await stage.check_whole(signals)
    assert model.served.total() == 3
    assert sum(one.status == "skipped" for one in published) == 17
    assert {one.reason for one in published} == {
        "",
        "Explanations by a model are switched off.",
        "The model explains the first 3 only.",
    }


FAULTS: dict[str, tuple[dict[str, Any], str, int]] = {
    "500 is asked again": ({"kind": "status", "status": 500}, "done", 1),
    "502 with HTML is asked again": ({"kind": "html"}, "done", 1),
    "Retry-After is waited for": ({"kind": "limit", "retry_after_s": 1}, "done", 1),
    "a reset may have been served": ({"kind": "reset"}, "failed", 0),
    "half a body may have been served": ({"kind": "half_body"}, "failed", 1),
    "200 with HTML": ({"kind": "html", "status": 200}, "failed", 0),
    "broken JSON": ({"kind": "broken_json"}, "failed", 1),
    "silence": ({"kind": "silence"}, "failed", 0),
    "no quota": ({"kind": "limit", "code": "insufficient_quota"}, "failed", 0),
    "a wrong request": ({"kind": "status", "status": 400}, "failed", 0),
}


@pytest.mark.parametrize(("fault", "status", "served"), FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault(stage: Stage, fault: dict[str, Any], status: str, served: int) -> None:
    async with serving(Model()) as model:
        model.fault(**fault, times=1)
        # A busy machine must not look like a silent model.
        limit_s = 1.0 if fault["kind"] == "silence" else 30.0
        settings = chosen(model, request_limit_s=limit_s, concurrency=1)
        async with stage.running(stage.explaining(settings)):
            signals = await stage.publish(1, places=1)
            await stage.until_published(1)
        (one,) = await stage.check_whole(signals)
    assert one.status == status
    assert model.served.total() == served
    assert (one.model == "template") == (one.text.endswith(SIGNATURE)) == (status == "failed")
    assert one.reason.endswith(".") == (status == "failed")
    assert model.billed_usd <= Decimal(str(one.cost_usd))
    unserved = fault.get("code") == "insufficient_quota" or fault.get("status") == 400
    assert (one.cost_usd == 0.0) == unserved


@pytest.mark.parametrize(
    ("second", "status"), [(GOOD, "done"), (BAD, "failed")], ids=["mended", "bad again"]
)
async def test_a_number_that_is_not_in_the_signal(stage: Stage, second: str, status: str) -> None:
    model = Model(lambda asset, time: BAD if time == 1 else second)
    async with serving(model):
        async with stage.running(stage.explaining(chosen(model))):
            signals = await stage.publish(1)
            await stage.until_published(10)
        published = await stage.check_whole(signals)
    assert {one.status for one in published} == {status}
    assert not any("99.9" in one.text for one in published)
    assert (await stage.money())[0] == model.billed_usd
    if status == "done":
        assert set(model.served.values()) == {2}
    else:  # the first signal has shown that asking again is of no use
        assert sorted(model.served.values()) == [1] * 9 + [2]
        assert {
            one.reason.removeprefix("Twice the model's text could not be used. ")
            for one in published
        } == {"The number 99.9 % is not in the signal."}


async def test_a_minute_of_retry_after_delays_no_position(stage: Stage) -> None:
    """The rankings are committed while the texts wait, and nobody asks in that minute."""
    async with serving(Model()) as model:
        model.fault("limit", retry_after_s=60)
        explaining = stage.explaining(chosen(model, concurrency=2, patience_s=6.0))
        async with stage.running(explaining):
            signals = await stage.publish(5)

            async def committed() -> bool:
                return await stage.committed() == 5

            await until(committed, "the rankings are committed")
            waiting = await stage.statuses()
            assert waiting.get("pending", 0) + waiting.get("requested", 0) == 50
            await stage.until_published(50)
        published = await stage.check_whole(signals)
    assert {one.status for one in published} == {"failed"}
    assert 1 <= model.struck <= 2
    assert any("429" in one.reason for one in published)


async def test_without_quota_all_get_their_text_at_once(stage: Stage) -> None:
    async with serving(Model()) as model:
        model.fault("limit", code="insufficient_quota")
        explaining = stage.explaining(chosen(model, concurrency=2, patience_s=600.0))
        async with stage.running(explaining):
            signals = await stage.publish(5)
            await stage.until_published(50)
        published = await stage.check_whole(signals)
    assert {one.reason for one in published} == {
        "The model's API refuses: 429, insufficient_quota."
    }
    assert 1 <= model.struck <= 2


async def test_equal_facts_are_explained_once(stage: Stage) -> None:
    """The same asset, strategy and scores in three cycles: one request, three explanations."""
    first, (ranking,) = tops(1)
    second, ranking_2 = in_next_cycle(first)
    third, ranking_3 = in_next_cycle(second)
    async with serving(Model(delay_s=0.05)) as model:
        async with stage.running(stage.explaining(chosen(model, concurrency=8))):
            await stage.keep([*first, *second, *third])
            await stage.bench.send(ranking, ranking_2, ranking_3)
            await stage.until_published(30)
        published = await stage.check_whole([*first, *second, *third])
    assert set(model.served.values()) == {1}
    assert len(model.served) == 10
    assert {(one.status, one.text) for one in published} == {("done", GOOD)}
    assert sum(one.cost_usd > 0.0 for one in published) == 10


async def test_a_signal_that_comes_after_its_ranking(stage: Stage) -> None:
    signals, rankings = tops(1)
    async with stage.running(stage.explaining(chosen(None))):
        await stage.bench.send(*rankings)

        async def pending() -> bool:
            return (await stage.statuses()).get("pending") == 10

        await until(pending, "the rows are there")
        await stage.keep(signals)
        await stage.until_published(10)
    await stage.check_whole(signals)


async def test_details_that_cannot_be_read(stage: Stage) -> None:
    signals, rankings = tops(1, places=1)
    await stage.keep(signals)
    await stage.rows.query("UPDATE strategy_signals SET body = body - 'contributions'")
    async with stage.running(stage.explaining(chosen(None))):
        await stage.bench.send(*rankings)
        await stage.until_published(1)
    (one,) = await stage.check_whole(signals)
    assert (one.status, one.reason) == (
        "failed",
        "The stored details of the signal cannot be read.",
    )
