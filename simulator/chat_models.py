"""The models of the stand-in, some of which differ as real ones do.

They refuse parts of a request, each in its server's form, reason at the cost of the limit, or put
something around the JSON that they were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from simulator.error_bodies import json_response

_Body: TypeAlias = Mapping[str, Any]
_Dress: TypeAlias = Callable[[str], dict[str, Any]]
"""Makes fields of the message out of the answer's text."""


def _plain(text: str) -> dict[str, Any]:
    return {"content": text}


def _fenced(text: str) -> dict[str, Any]:
    return {"content": f"Here is the JSON:\n```json\n{text}\n```"}


def _after_thoughts(text: str) -> dict[str, Any]:
    return {"content": f"<think>\nWhat carries the score?\n</think>\n\n{text}"}


def _thoughts_apart(text: str) -> dict[str, Any]:
    return {"content": text, "reasoning_content": "What carries the score?"}


def _called(text: str) -> dict[str, Any]:
    function = {"name": "explanation", "arguments": text}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    return {"content": None, "tool_calls": calls}


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model: what it refuses and how it writes.

    refuses           parts of a request
    validates         it refuses them with 422 and FastAPI's `detail`, not with OpenAI's error
    reasoning_tokens  spent before the first letter
    """

    refuses: tuple[str, ...] = ()
    validates: bool = False
    reasoning_tokens: int = 0
    dress: _Dress = _plain

    def refusal(self, body: _Body) -> web.Response | None:
        """Return the answer to a request with a part that it does not take; None without one."""
        found = next((part for part in self.refuses if _is_in(part, body)), None)
        if found is None:
            return None
        if self.validates:
            error = {"type": "extra_forbidden", "loc": ["body", found], "input": body[found]}
            told = {**error, "msg": "Extra inputs are not permitted"}
            return json_response({"detail": [told]}, 422)
        message = f"Unsupported parameter: '{found}' is not supported with this model."
        kind = {"type": "invalid_request_error", "param": found, "code": "unsupported_parameter"}
        return json_response({"error": {"message": message, **kind}}, 400)


def _is_in(part: str, body: _Body) -> bool:
    """Return whether a part is sent, and a temperature is not the default."""
    return body.get(part) is not None and not (part == "temperature" and body[part] == 1)


MODELS: Mapping[str, ChatModel] = {
    "gpt-4o-mini": ChatModel(),
    "gpt-4o": ChatModel(),
    "gemini-2.0-flash": ChatModel(),
    "llama3.2": ChatModel(),
    "o4-mini": ChatModel(refuses=("temperature", "max_tokens"), reasoning_tokens=900),
    "deepseek-reasoner": ChatModel(refuses=("response_format",), dress=_thoughts_apart),
    "gemma3": ChatModel(refuses=("response_format",), dress=_fenced),
    "qwen3": ChatModel(dress=_after_thoughts),
    "mistral-small": ChatModel(refuses=("max_completion_tokens",), validates=True),
    "hermes3": ChatModel(dress=_called),
}
"""After the kinds that they stand for; the real ones of these names may differ."""
