"""Where a model puts the JSON that it was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinks.explanations.answers import Answer, read

TEXT = "Sentiment carries the score."
RIGHT = json.dumps({"text": TEXT})
DRAFT = json.dumps({"text": "A draft."})


def completion(message: Any, finish: str = "stop", **usage: Any) -> Any:
    counted = {"prompt_tokens": 100, "completion_tokens": 20, **usage}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": counted}


def answer(message: Any, finish: str = "stop", **usage: Any) -> Answer:
    found = read(completion(message, finish, **usage), 400)
    assert found is not None
    return found


CONTENTS: dict[str, Any] = {
    "nothing around it": RIGHT,
    "fences": f"```json\n{RIGHT}\n```",
    "fences without a word": f"```\n{RIGHT}\n```\n",
    "fences on one line": f"```json {RIGHT} ```",
    "fences without an end": f"Sure.\n```json\n{RIGHT}",
    "a sentence before it": f"Here is the JSON: {RIGHT}",
    "sentences around it": f"Sure! {RIGHT}\n\nLet me know if you need more.",
    "the form as an example before it": f'I use {{"text": "..."}}.\n```json\n{RIGHT}\n```',
    "the form as an example after it": f'{RIGHT}\nThe form was {{"text": "..."}}.',
    "thoughts": f"<think>\nFirst {DRAFT}, then better.\n</think>\n\n{RIGHT}",
    "thoughts and fences": f"<thinking>Hm. {{</thinking>\n```json\n{RIGHT}\n```",
    "thoughts of which the prompt opened": f"Let me see, {DRAFT}?\n</think>\n{RIGHT}",
    "thoughts after it": f"{RIGHT}\n<think>Was {DRAFT} better?</think>",
    "thoughts in brackets": f"[THINK]{DRAFT}[/THINK]{RIGHT}",
    "thoughts between marks": f"<|begin_of_thought|>{DRAFT}<|end_of_thought|>{RIGHT}",
    "channels": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant"
    f"<|channel|>final<|message|>{RIGHT}<|return|>",
    "a tag": f"<answer>{RIGHT}</answer>",
    "more fields": json.dumps({"confidence": 0.9, "text": TEXT}),
    "an object around it": json.dumps({"explanation": {"text": TEXT}}),
    "thoughts as a field": json.dumps({"thinking": {"text": "A draft."}, "answer": {"text": TEXT}}),
    "a list around it": json.dumps([{"text": TEXT}]),
    "a call as text": f'<tool_call>{{"name": "explanation", "arguments": {RIGHT}}}</tool_call>',
    "JSON in JSON": json.dumps(RIGHT),
    "JSON in its own field": json.dumps({"text": RIGHT}),
    "a mark before it": f"\ufeff{RIGHT}",
    "spaces in the text": json.dumps({"text": f" {TEXT}\n"}),
    "parts": [{"type": "text", "text": RIGHT}],
    "parts cut anywhere": [
        {"type": "text", "text": RIGHT[:9]},
        {"type": "text", "text": RIGHT[9:]},
    ],
    "parts, one of thoughts": [
        {"type": "thinking", "thinking": [{"type": "text", "text": DRAFT}]},
        {"type": "text", "text": RIGHT},
    ],
    "parts, one marked as thought": [{"text": DRAFT, "thought": True}, {"text": RIGHT}],
    "parts with a value": [{"type": "output_text", "text": {"value": RIGHT}}],
    "parts, one a call": [{"type": "tool_use", "name": "explanation", "input": {"text": TEXT}}],
    "texts": [RIGHT],
    "an object": {"text": TEXT},
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_case_llm_fenced_json_found_in_the_content(content: Any) -> None:
    assert answer({"role": "assistant", "content": content}).text == TEXT


def call(arguments: Any) -> Any:
    return {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"content": None, "tool_calls": [call(RIGHT)]}, id="a tool call"),
        pytest.param({"content": "", "tool_calls": [call({"text": TEXT})]}, id="an object"),
        pytest.param({"tool_calls": [call(DRAFT), call(RIGHT)]}, id="the last of two"),
        pytest.param({"content": "I call it.", "tool_calls": [call(RIGHT)]}, id="with a word"),
        pytest.param({"tool_calls": [{"type": "custom", "custom": {"input": RIGHT}}]}, id="custom"),
        pytest.param({"content": None, "function_call": {"arguments": RIGHT}}, id="function_call"),
        pytest.param({"content": None, "reasoning_content": RIGHT}, id="taken for thoughts"),
    ],
)
def test_case_llm_fenced_json_found_beside_the_content(message: Any) -> None:
    assert answer(message).text == TEXT


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"content": TEXT}, id="prose"),
        pytest.param({"content": ""}, id="empty"),
        pytest.param({}, id="no content"),
        pytest.param(None, id="no message"),
        pytest.param({"content": '{"text": "cut'}, id="cut"),
        pytest.param({"content": '{"text": 5}'}, id="a number"),
        pytest.param({"content": '{"text": "..."}'}, id="the form"),
        pytest.param({"content": f"<think>Perhaps {DRAFT}"}, id="thoughts without an end"),
        pytest.param({"content": f"<think>Perhaps {DRAFT}</think>"}, id="thoughts alone"),
        pytest.param({"content": f"<|channel|>analysis<|message|>{DRAFT}"}, id="one channel"),
        pytest.param({"content": None, "reasoning": f"Perhaps {DRAFT}"}, id="reasoning"),
        pytest.param({"content": "{" * 50_000}, id="braces"),
        pytest.param({"content": '{"a":' * 50_000}, id="deep"),
        pytest.param({"content": [1, None, {"type": "image_url"}]}, id="other parts"),
        pytest.param({"content": 5, "tool_calls": "no"}, id="other types"),
    ],
)
def test_drafts_and_prose_are_not_the_answer(message: Any) -> None:
    assert answer(message).text is None


@pytest.mark.parametrize("body", [None, [], "text", {}, {"choices": []}, {"choices": [None]}])
def test_what_is_no_completion(body: Any) -> None:
    assert read(body, 400) is None


def test_a_limit_spent_on_reasoning() -> None:
    assert answer({"content": ""}, "length", completion_tokens=400).cut_off
    assert answer({"content": None}, "max_tokens", completion_tokens=400).cut_off
    assert answer({"content": ""}, "stop", completion_tokens=400).cut_off
    assert not answer({"content": RIGHT}).cut_off


def test_a_model_that_declines() -> None:
    assert answer({"content": None, "refusal": "I cannot."}).declined
    assert answer({"content": ""}, "content_filter").declined
    assert not answer({"content": RIGHT, "refusal": ""}).declined


def test_reasoning_that_is_in_the_total_only_is_paid() -> None:
    counted = answer({"content": RIGHT}, total_tokens=620)
    assert (counted.prompt_tokens, counted.completion_tokens) == (100, 520)
    unknown = answer({"content": RIGHT}, prompt_tokens=None)
    assert (unknown.prompt_tokens, unknown.completion_tokens) == (None, 20)


def test_thoughts_are_not_sent_back() -> None:
    assert answer({"content": "<think>Long.</think> No JSON."}).said == "No JSON."
