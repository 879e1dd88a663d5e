"""The stand-in of a language model under the real openai client."""

from __future__ import annotations

import json
from typing import Literal

import openai
import pytest
import pytest_asyncio
from pydantic import BaseModel

from simulator.faults import Fault
from simulator.keys import KEYS
from tests.integration.simulator.feeds_harness import UNLIMITED, Harness, harnessed

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASKED = [
    {"role": "system", "content": "Explain the signal in two sentences."},
    {"role": "user", "content": "BTC: BUY, score 0.582."},
]


class Reason(BaseModel):
    engine: Literal["sentiment", "technical"]
    text: str
    weight: float


class Explanation(BaseModel):
    summary: str
    reasons: list[Reason]
    sure: bool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness():
    async with harnessed(UNLIMITED) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(harness: Harness):
    harness.simulator.faults.clear()
    url = harness.simulator.base_urls["chat"]
    async with openai.AsyncOpenAI(
        base_url=url, api_key=KEYS["chat"], timeout=5.0, max_retries=0
    ) as one:
        yield one


def fault(harness: Harness, kind, **fields) -> None:
    harness.simulator.faults.add(Fault(upstream="chat", kind=kind, **fields))


async def ask(client: openai.AsyncOpenAI, **more):
    return await client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, **more)


async def test_an_answer_with_usage_and_no_number(client):
    answer = await ask(client)
    text = answer.choices[0].message.content
    assert text.startswith("On BTC: ")
    assert not any(character.isdigit() for character in text)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert (await ask(client)).choices[0].message.content == text


async def test_a_short_answer_says_that_it_was_cut(client):
    answer = await ask(client, max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert len(answer.choices[0].message.content) == 12


async def test_a_stream_adds_up_to_the_answer(client):
    whole = (await ask(client)).choices[0].message.content
    stream = await ask(client, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole
    assert chunks[-1].usage.completion_tokens > 0


async def test_structured_output_is_parsed_into_the_model(client):
    answer = await client.chat.completions.parse(
        model="gpt-4o-mini", messages=ASKED, response_format=Explanation
    )
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, Explanation)
    assert parsed.reasons[0].engine == "sentiment"


async def test_json_object_needs_the_word(client):
    with pytest.raises(openai.BadRequestError, match="json"):
        await ask(client, response_format={"type": "json_object"})
    messages = [*ASKED, {"role": "user", "content": "Answer in JSON."}]
    answer = await client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, response_format={"type": "json_object"}
    )
    assert json.loads(answer.choices[0].message.content)


async def test_models(client):
    assert "gpt-4o-mini" in [model.id async for model in client.models.list()]


async def test_wrong_key_and_unknown_model(client):
    with pytest.raises(openai.AuthenticationError) as refused:
        await ask(client.with_options(api_key="no"))
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.chat.completions.create(model="gpt-0", messages=ASKED)
    assert unknown.value.code == "model_not_found"


async def test_too_long_a_prompt(client):
    messages = [{"role": "user", "content": "word " * 110_000}]
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert refused.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"kind": "limit"}, openai.RateLimitError, "rate_limit_exceeded"),
        (
            {"kind": "limit", "code": "insufficient_quota"},
            openai.RateLimitError,
            "insufficient_quota",
        ),
        ({"kind": "status", "status": 500}, openai.InternalServerError, None),
        ({"kind": "html"}, openai.InternalServerError, None),
        ({"kind": "reset"}, openai.APIConnectionError, None),
        ({"kind": "broken_json"}, json.JSONDecodeError, None),
    ],
    ids=["limit", "quota", "500", "html", "reset", "broken json"],
)
async def test_faults_as_the_client_sees_them(harness, client, fields, error, code):
    fault(harness, **fields)
    with pytest.raises(error) as raised:
        await ask(client)
    assert getattr(raised.value, "code", None) == code


async def test_html_with_status_200_is_a_text_to_the_client(harness, client):
    fault(harness, "html", status=200)
    assert isinstance(await ask(client), str)


async def test_silence_is_a_timeout(harness, client):
    fault(harness, "silence")
    with pytest.raises(openai.APITimeoutError):
        await ask(client.with_options(timeout=0.2))


async def test_retry_after_is_obeyed_by_the_client(harness, client):
    fault(harness, "limit", retry_after_s=1, times=1)
    answer = await ask(client.with_options(max_retries=1))
    assert answer.choices[0].message.content
    line = harness.simulator.requests.report()["last"][-2]
    assert (line["upstream"], line["status"], line["fault"]) == ("chat", 429, "limit")
