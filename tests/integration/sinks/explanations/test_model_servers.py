"""Servers that differ from OpenAI's, over HTTP: what a request leaves out, and what is paid."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sinks.explanations import prompt
from sinks.explanations.facts import Facts, facts_of
from sinks.explanations.outcomes import Kind, Written
from sinks.explanations.settings import ExplanationSettings
from sinks.explanations.writer import Writer
from tests.contract.sink_samples import signal
from tests.integration.sinks.explanations.rig import GOOD

Said = tuple[int, Any]
RIGHT = json.dumps({"text": GOOD})
CASES = Path(__file__).parents[5] / "shared" / "cases"


def completion(content: Any, finish: str = "stop", made: int = 20, **more: Any) -> Said:
    message = {"role": "assistant", "content": content, **more}
    usage = {"prompt_tokens": 300, "completion_tokens": made, "total_tokens": 300 + made}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return 200, {"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}


def refusal(param: str, code: str = "unsupported_value") -> Said:
    message = f"Unsupported value: '{param}' is not supported with this model."
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return 400, {"error": error}


class Server:
    """A model's API that answers what it is told to; `requests` are the bodies it got."""

    def __init__(self, answer: Callable[[dict[str, Any]], Said]) -> None:
        self._answer = answer
        self.requests: list[dict[str, Any]] = []
        self.paid = 0

    async def completions(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        status, said = self._answer(body)
        self.paid += status == 200
        if isinstance(said, str):
            return web.Response(text=said, status=status)
        return web.json_response(said, status=status)


class Desk:
    """A writer in front of a server, with a budget that counts what was asked of it."""

    def __init__(self, server: Server, writer: Writer, allowed: bool) -> None:
        self.server = server
        self.writer = writer
        self.allowed = allowed
        self.extended = Decimal(0)

    async def extend(self, most_usd: Decimal) -> bool:
        self.extended += most_usd
        return self.allowed

    async def write(self, number: int = 1) -> Written:
        facts = facts_about(number)
        reserved_usd = self.writer.most_usd(prompt.messages(facts))
        return await self.writer.write(facts, reserved_usd, self.extend)


def facts_about(number: int) -> Facts:
    return facts_of(signal(number, asset=f"AS{number}", strategy_id="momentum"))


@asynccontextmanager
async def desk(
    answer: Callable[[dict[str, Any]], Said], *, allowed: bool = True, **changes: Any
) -> AsyncIterator[Desk]:
    server = Server(answer)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.completions)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    fields = {"api_key": "sk-secret", "base_url": url, "request_limit_s": 30.0, **changes}
    writer = Writer(ExplanationSettings(**fields))
    try:
        yield Desk(server, writer, allowed)
    finally:
        await writer.close()
        await runner.cleanup()


def refusing(*parts: str, answers: Callable[[str], Said] = refusal) -> Callable[..., Said]:
    """Return a server that takes none of the parts, and says so of the first that it meets."""

    def answer(body: dict[str, Any]) -> Said:
        found = next((part for part in parts if part in body), None)
        return completion(RIGHT) if found is None else answers(found)

    return answer


def detail(param: str) -> Said:
    place = ["body", param]
    return 422, {"detail": [{"type": "extra_forbidden", "loc": place, "msg": "Not permitted"}]}


def ollama(param: str) -> Said:
    return 400, {"error": f"invalid option {param}"}


def plain(param: str) -> Said:
    return 400, f"{param}: unsupported\n"


def routed(param: str) -> Said:
    return 200, {"error": {"message": f"{param} is not supported", "code": 400}}


@pytest.mark.parametrize("answers", [refusal, detail, ollama, plain, routed])
@pytest.mark.parametrize(
    "parts",
    [
        ("temperature",),
        ("response_format",),
        ("max_completion_tokens",),
        ("temperature", "response_format", "max_completion_tokens"),
    ],
    ids=["temperature", "format", "limit", "all three"],
)
async def test_case_llm_no_temperature_is_learnt_once(
    parts: tuple[str, ...], answers: Callable[[str], Said]
) -> None:
    async with desk(refusing(*parts, answers=answers)) as one:
        written = [await one.write(number) for number in range(5)]
    assert [each.text for each in written] == [GOOD] * 5
    assert len(one.server.requests) == 5 + len(parts)
    assert all(part in written[0].reason for part in parts)
    assert {each.reason for each in written[1:]} == {""}
    assert not any(part in one.server.requests[-1] for part in parts)
    limits = {"max_tokens", "max_completion_tokens"} & set(one.server.requests[-1])
    assert len(limits) == 1
    assert one.extended == 0
    assert all(
        each.cost_usd < one.writer.most_usd(prompt.messages(facts_about(1))) for each in written
    )


async def test_case_llm_no_temperature_as_given() -> None:
    case = CASES / "llm-no-temperature" / "answer.json"
    if not case.is_file():
        pytest.skip("no field cases beside the project")
    given = json.loads(case.read_text("utf-8"))

    def answer(body: dict[str, Any]) -> Said:
        if body.get("temperature", 1) != 1:
            return given["status"], given["body"]
        return completion(RIGHT)

    async with desk(answer) as one:
        written = [await one.write(number) for number in range(3)]
    assert [each.text for each in written] == [GOOD] * 3
    assert len(one.server.requests) == 4
    assert "temperature (400, unsupported_value)" in written[0].reason


async def test_case_llm_fenced_json_as_given() -> None:
    case = CASES / "llm-fenced-json" / "content.txt"
    if not case.is_file():
        pytest.skip("no field cases beside the project")
    async with desk(lambda body: completion(case.read_text("utf-8"))) as one:
        written = await one.write()
    assert written.text == "Sentiment carries most of the score and nothing stands against it."
    assert one.server.paid == 1


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(completion(f"```json\n{RIGHT}\n```"), id="fences"),
        pytest.param(completion(f"<think>Hm.</think>Here is the JSON: {RIGHT}"), id="thoughts"),
        pytest.param(completion([{"type": "text", "text": RIGHT}]), id="parts"),
        pytest.param(
            completion(None, "tool_calls", tool_calls=[{"function": {"arguments": RIGHT}}]),
            id="a tool call",
        ),
    ],
)
async def test_case_llm_fenced_json_is_paid_once(said: Said) -> None:
    async with desk(lambda body: said) as one:
        written = [await one.write(number) for number in range(3)]
    assert [(each.text, each.reason) for each in written] == [(GOOD, "")] * 3
    assert one.server.paid == 3


def reasoning(needed: int) -> Callable[[dict[str, Any]], Said]:
    """Return a model that spends so many tokens before it writes the first letter."""

    def answer(body: dict[str, Any]) -> Said:
        limit = body["max_completion_tokens"]
        if limit < needed:
            return completion("", "length", limit)
        return completion(RIGHT, made=needed)

    return answer


async def test_a_limit_spent_on_reasoning_is_raised_once() -> None:
    async with desk(reasoning(1500)) as one:
        written = [await one.write(number) for number in range(5)]
    assert [each.text for each in written] == [GOOD] * 5
    assert [body["max_completion_tokens"] for body in one.server.requests] == [400] + [4000] * 5
    assert one.server.paid == 6
    assert written[0].completion_tokens == 1900
    assert one.extended > 0  # the second request is larger than what was reserved


async def test_a_raised_limit_needs_its_own_money() -> None:
    async with desk(reasoning(1500), allowed=False) as one:
        written = await one.write()
    assert written.text is None
    assert written.reason == (
        "The limit of 400 tokens is spent before the text is complete."
        " No budget is left to ask again."
    )
    assert one.server.paid == 1


async def test_a_model_that_reasons_without_an_end_is_left_alone() -> None:
    async with desk(reasoning(10**6)) as one:
        first = await one.write()
        second = await one.write(2)
    assert one.server.paid == 3  # the second is a trial after the pause, and asks once
    for each in (first, second):
        assert each.failure is not None
        assert each.failure.kind is Kind.DENIED
        assert "The limit of 4000 tokens is spent" in str(each.failure)


async def test_a_server_that_takes_no_raised_limit() -> None:
    def answer(body: dict[str, Any]) -> Said:
        if body["max_completion_tokens"] > 1000:
            return refusal("max_completion_tokens", "invalid_value")
        return completion("", "length", 400)

    async with desk(answer) as one:
        written = [await one.write(number) for number in range(3)]
    assert one.server.paid == 1
    assert all("a limit of 4000 tokens: 400, invalid_value" in each.reason for each in written)


async def test_prose_is_not_paid_twice_with_each_signal() -> None:
    async with desk(lambda body: completion("It will rise.")) as one:
        written = [await one.write(number) for number in range(3)]
    assert one.server.paid == 4
    assert [each.failure is not None and each.failure.kind for each in written] == [Kind.DENIED] * 3


async def test_a_model_that_has_written_is_not_left_alone_for_one_slip() -> None:
    slips = {1, 2}

    def answer(body: dict[str, Any]) -> Said:
        number = len(body["messages"]) * 100 + int(
            json.loads(body["messages"][1]["content"])["asset"].removeprefix("AS")
        )
        return completion("Hm." if number % 100 in slips else RIGHT)

    async with desk(answer) as one:
        written = [await one.write(number) for number in range(5)]
    assert [each.text for each in written] == [GOOD, None, None, GOOD, GOOD]
    assert [each.failure for each in written] == [None] * 5


async def test_a_model_that_declines_is_asked_once() -> None:
    async with desk(lambda body: completion(None, refusal="I cannot help.")) as one:
        written = await one.write()
    assert (written.text, written.failure, one.server.paid) == (None, None, 1)
    assert "declines" in written.reason


async def test_a_limit_under_no_name_bounds_no_cost() -> None:
    parts = ("max_completion_tokens", "max_tokens")
    async with desk(refusing(*parts)) as one:
        refused = await one.write()
    assert one.server.paid == 0
    assert refused.failure is not None
    assert refused.failure.kind is Kind.DENIED
    assert "max_tokens" in refused.reason
    async with desk(refusing(*parts), output_usd_per_million=0) as free:
        assert (await free.write()).text == GOOD


async def test_what_is_refused_without_a_reason_is_not_asked_for_each_signal() -> None:
    async with desk(lambda body: (400, {"error": {"message": "Bad request sk-secret"}})) as one:
        written = await one.write()
    assert len(one.server.requests) == 1
    assert written.failure is not None
    assert written.failure.kind is Kind.DENIED
    assert (written.served, written.cost_usd) == (False, 0)
    assert written.reason == "The model's API refuses: 400."


async def test_a_wrong_guess_is_not_remembered() -> None:
    """The part that was named was not the reason: the next request has it again."""
    async with desk(lambda body: (400, "invalid: temperature or so")) as one:
        written = await one.write()
        await one.write(2)
    assert written.reason == "The model's API refuses the request also without temperature: 400."
    assert ["temperature" in body for body in one.server.requests] == [True, False] * 2
