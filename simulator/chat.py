"""Stand-in of an OpenAI-compatible API: chat completions (plain, JSON, streamed) and models.

The answers are made of the request alone: the same request, the same answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson
from aiohttp import web

from simulator.chat_answers import answer_to, invalid_format, tokens
from simulator.chat_models import MODELS, ChatModel
from simulator.error_bodies import error_response, json_response
from simulator.faults import Faults
from simulator.keys import KEYS, key_given
from simulator.world import World
from transport.clock import Clock

_Body: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[Mapping[str, Any]], str]
"""What makes the text of an answer, from the request's body."""
_CHARACTERS_A_CHUNK = 16
_CONTEXT_TOKENS = 128_000


def routes(world: World, clock: Clock, faults: Faults) -> web.Application:
    """Return the application to mount at /chat; the base URL is /chat/v1."""
    return Chat(clock).app()


class Chat:
    """Handlers of the stand-in."""

    def __init__(self, clock: Clock, answer: Answer = answer_to) -> None:
        self._clock = clock
        self._answer = answer

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=4 * 1024**2)
        app.router.add_post("/v1/chat/completions", self.completions)
        app.router.add_get("/v1/models", self.models)
        return app

    async def models(self, request: web.Request) -> web.Response:
        """Answer the models there are."""
        rows = [
            {"id": model, "object": "model", "created": 0, "owned_by": "simulator"}
            for model in MODELS
        ]
        return json_response({"object": "list", "data": rows})

    async def completions(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat, as one body or as a stream of events."""
        if key_given("chat", request) != KEYS["chat"]:
            return error_response("chat", 401)
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return _invalid("We could not parse the JSON body of your request.")
        wrong = _problem(body)
        if wrong is not None:
            return _invalid(wrong)
        model = MODELS.get(body["model"])
        if model is None:
            return error_response("chat", 404)
        refusal = model.refusal(body)
        if refusal is not None:
            return refusal
        if _prompt_tokens(body) > _CONTEXT_TOKENS:
            text = f"This model's maximum context length is {_CONTEXT_TOKENS} tokens."
            return _invalid(text, "context_length_exceeded")
        text, reasoned, finish = _cut(self._answer(body), model.reasoning_tokens, body)
        now_s = self._clock.now_ms() // 1000
        completion = _Completion(body, model, text, reasoned, finish, now_s)
        if body.get("stream"):
            return await _streamed(request, completion)
        return json_response(completion.whole(), x_request_id=completion.request_id)


class _Completion:
    """One answer in the vendor's shapes."""

    def __init__(
        self, body: _Body, model: ChatModel, text: str, reasoned: int, finish: str, created: int
    ) -> None:
        self.text = text
        self.finish = finish
        self._model = model
        self._reasoned = reasoned
        self._head = {
            "id": f"chatcmpl-{zlib.crc32(orjson.dumps(body)):08x}",
            "created": created,
            "model": body["model"],
            "system_fingerprint": None,
        }
        self._prompt = _prompt_tokens(body)
        self.with_usage = bool((body.get("stream_options") or {}).get("include_usage"))

    @property
    def request_id(self) -> str:
        return f"req_{self._head['id'][9:]}"

    def usage(self) -> _Body:
        made = (tokens(self.text) if self.text else 0) + self._reasoned
        return {
            "prompt_tokens": self._prompt,
            "completion_tokens": made,
            "total_tokens": self._prompt + made,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self._reasoned,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def whole(self) -> _Body:
        message: _Body = {
            "role": "assistant",
            "refusal": None,
            "annotations": [],
            **self._model.dress(self.text),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self.usage(),
            "service_tier": "default",
        }

    def chunk(self, delta: _Body | None, finish: str | None = None, **more: Any) -> bytes:
        choices = (
            []
            if delta is None
            else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        )
        body = {**self._head, "object": "chat.completion.chunk", "choices": choices, **more}
        return b"data: " + orjson.dumps(body) + b"\n\n"


async def _streamed(request: web.Request, completion: _Completion) -> web.StreamResponse:
    headers = {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache",
        "x-request-id": completion.request_id,
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    text = completion.text
    await response.write(completion.chunk({"role": "assistant", "content": ""}))
    for start in range(0, len(text), _CHARACTERS_A_CHUNK):
        part = text[start : start + _CHARACTERS_A_CHUNK]
        await response.write(completion.chunk({"content": part}))
    await response.write(completion.chunk({}, completion.finish))
    if completion.with_usage:
        await response.write(completion.chunk(None, usage=completion.usage()))
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


def _invalid(message: str, code: str | None = None) -> web.Response:
    kind = "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json_response({"error": error}, 400)


def _problem(body: Any) -> str | None:
    if not isinstance(body, dict):
        return "The body is not an object."
    if not isinstance(body.get("model"), str):
        return "You must provide a model parameter."
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return "Missing required parameter: 'messages'."
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        return "Missing required parameter: 'messages[0].role'."
    return invalid_format(body)


def _prompt_tokens(body: _Body) -> int:
    return sum(tokens(str(message.get("content"))) + 3 for message in body["messages"])


def _cut(text: str, reasoning_tokens: int, body: _Body) -> tuple[str, int, str]:
    """Return the text as far as the request allows, the tokens reasoned before, why it ends."""
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    if not isinstance(most, int):
        return text, reasoning_tokens, "stop"
    reasoned = min(reasoning_tokens, most)
    left = most - reasoned
    if tokens(text) > left:
        return text[: left * 4], reasoned, "length"
    return text, reasoned, "stop"
