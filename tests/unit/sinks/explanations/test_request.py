"""Which optional parts a server's answer refuses, in the forms that servers answer in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinks.explanations import prompt
from sinks.explanations.request import RequestForm, refused

FORM = RequestForm("max_completion_tokens", 400)
OLD = RequestForm("max_tokens", 400)
MESSAGES = [{"role": "system", "content": "Rules."}, {"role": "user", "content": "{}"}]


def openai(message: str, param: str | None = None, code: str | None = None) -> Any:
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": code,
        }
    }


def google(*names: str) -> Any:
    said = [
        f'Invalid JSON payload received. Unknown name "{one}": Cannot find field.' for one in names
    ]
    violations = [{"description": one} for one in said]
    error = {
        "code": 400,
        "message": "\n".join(said),
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.example/BadRequest", "fieldViolations": violations}],
    }
    return [{"error": error}]


def fastapi(*place: str | int, message: str = "Extra inputs are not permitted") -> Any:
    request = {"model": "m", "temperature": 0.2, "response_format": {}, "max_completion_tokens": 9}
    return {
        "detail": [
            {"type": "extra_forbidden", "loc": ["body", *place], "msg": message, "input": request}
        ]
    }


def routed(raw: str) -> Any:
    metadata = {"raw": raw, "provider_name": "Somebody"}
    return {"error": {"message": "Provider returned error", "code": 400, "metadata": metadata}}


CASES: dict[str, tuple[int, Any, set[str]]] = {
    "a value that is not the default": (
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the"
            " default (1) value is supported.",
            "temperature",
            "unsupported_value",
        ),
        {"temperature"},
    ),
    "the field alone": (400, openai("Unsupported.", "temperature"), {"temperature"}),
    "the message alone": (
        400,
        openai("m-reasoner does not support the parameter `temperature`"),
        {"temperature"},
    ),
    "a format by its type": (
        400,
        openai("This response_format type is unavailable now"),
        {"response_format"},
    ),
    "a format by what it is for": (
        400,
        openai("m-reasoner does not support Json Output."),
        {"response_format"},
    ),
    "a field within the format": (
        400,
        openai("Invalid value: 'json_schema'.", "response_format.type"),
        {"response_format"},
    ),
    "the limit's name, which names the other one": (
        400,
        openai(
            "Unsupported parameter: 'max_completion_tokens' is not supported with this model. Use"
            " 'max_tokens' instead.",
            "max_completion_tokens",
        ),
        {"max_completion_tokens"},
    ),
    "the role": (
        400,
        openai(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            "messages[0].role",
        ),
        {"the system role"},
    ),
    "a template without the role": (400, openai("System role not supported"), {"the system role"}),
    "validation": (422, fastapi("response_format"), {"response_format"}),
    "validation, deep": (
        422,
        fastapi("response_format", "json_schema", "strict"),
        {"response_format"},
    ),
    "validation in a message": (
        422,
        {"object": "error", "message": fastapi("max_completion_tokens"), "type": "invalid"},
        {"max_completion_tokens"},
    ),
    "validation as Python prints it": (
        400,
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'response_format'), 'msg':"
            " 'Extra inputs are not permitted', 'input': {'temperature': 0.2}}]",
            "code": 400,
        },
        {"response_format"},
    ),
    "two at once": (
        400,
        google("temperature", "response_format"),
        {"temperature", "response_format"},
    ),
    "a schema's keyword": (400, google("additionalProperties"), {"response_format"}),
    "a string": (400, {"error": "temperature is not supported by this model"}, {"temperature"}),
    "plain text": (400, "unknown option: max_completion_tokens\n", {"max_completion_tokens"}),
    "what it takes instead": (
        400,
        "Unsupported parameter: temperature. Supported parameters: response_format, max_tokens.",
        {"temperature"},
    ),
    "another language": (400, openai("参数 temperature 不被此模型支持"), {"temperature"}),
    "through a router": (
        400,
        routed(json.dumps(openai("Unsupported value.", "temperature"))),
        {"temperature"},
    ),
    "a router without a provider for it": (
        404,
        {"error": {"message": "No endpoints found that support response_format.", "code": 404}},
        {"response_format"},
    ),
    "a grammar that a server cannot make": (
        500,
        {"error": {"code": 500, "message": "Failed to parse grammar", "type": "server_error"}},
        {"response_format"},
    ),
    "a part that is not named": (
        400,
        openai("Unsupported parameter."),
        {"temperature", "response_format"},
    ),
}


@pytest.mark.parametrize(("status", "body", "parts"), CASES.values(), ids=CASES.keys())
def test_case_llm_no_temperature_what_an_answer_refuses(
    status: int, body: Any, parts: set[str]
) -> None:
    found = refused(status, body if isinstance(body, str) else json.dumps(body), FORM)
    assert found is not None
    assert found.parts == parts
    assert all(one in found.named for one in parts)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(429, openai("Too many requests: temperature"), id="429"),
        pytest.param(401, openai("No access to response_format"), id="401"),
        pytest.param(400, openai("The request is not valid."), id="nothing named"),
        pytest.param(400, openai("API key not valid.", None, "invalid_api_key"), id="a key"),
        pytest.param(
            400,
            openai("This model's maximum context length is 4096 tokens, you requested 4500."),
            id="context",
        ),
        pytest.param(404, openai("The model 'm' does not exist."), id="a model"),
        pytest.param(500, openai("The server had an error."), id="500"),
        pytest.param(422, fastapi("messages", 0, "name"), id="another field, with the request"),
        pytest.param(404, "<html>Not found. Check your options.</html>", id="a page"),
        pytest.param(400, "[" * 20_000, id="deep"),
        pytest.param(400, "", id="empty"),
    ],
)
def test_answers_that_refuse_no_part(status: int, body: Any) -> None:
    said = body if isinstance(body, str) else json.dumps(body)
    form = RequestForm("max_tokens", 400, left_out=frozenset({"temperature", "response_format"}))
    assert refused(status, said, form) is None
    if status != 422:  # one with a field that is not ours is worth a try without
        assert refused(status, said, FORM) is None


def test_what_is_left_out_is_not_sent() -> None:
    form: RequestForm | None = FORM
    for part in ("temperature", "response_format", "the system role"):
        assert form is not None
        form = form.without(frozenset({part}), free=False)
    assert form is not None
    assert form.fields(MESSAGES) == {
        "messages": [{"role": "user", "content": "Rules.\n\n{}"}],
        "max_completion_tokens": 400,
    }
    assert refused(400, "temperature is not supported", form) is None


@pytest.mark.parametrize(("form", "other"), [(FORM, "max_tokens"), (OLD, "max_completion_tokens")])
def test_the_limit_goes_by_its_other_name(form: RequestForm, other: str) -> None:
    """Without any the cost has no bound, so that is only for models that cost nothing."""
    renamed = form.without(frozenset({form.limit_field}), free=False)
    assert renamed is not None
    assert renamed.fields(MESSAGES)[other] == 400
    assert form.limit_field not in renamed.fields(MESSAGES)
    assert renamed.without(frozenset({other}), free=False) is None
    unlimited = renamed.without(frozenset({other}), free=True)
    assert unlimited is not None
    assert not {"max_tokens", "max_completion_tokens"} & set(unlimited.fields(MESSAGES))
    assert unlimited.with_room_for_reasoning() is None


def test_the_limit_is_raised_once() -> None:
    raised = FORM.with_room_for_reasoning()
    assert raised is not None
    assert raised.fields(MESSAGES)["max_completion_tokens"] == 4000
    assert raised.with_room_for_reasoning() is None
    large = RequestForm("max_tokens", 4000).with_room_for_reasoning()
    assert large is not None
    assert large.limit_tokens == 16_000


def test_an_empty_answer_is_not_sent_back() -> None:
    assert prompt.again(MESSAGES, "", "It is empty.") == MESSAGES
    assert [one["role"] for one in prompt.again(MESSAGES, "x", "No.")] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
