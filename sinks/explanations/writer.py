"""Asks the model for one text: at most two requests, each within its time, neither waited for.

The client's own retries are off: it sleeps Retry-After in full outside its timeout, and asks again
where the account has no quota.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import openai

from sinks.explanations import prompt
from sinks.explanations.budget import ZERO, Prices
from sinks.explanations.check import rejection
from sinks.explanations.facts import Facts
from sinks.explanations.failures import ERRORS, model_error
from sinks.explanations.outcomes import Kind, ModelError, Written
from sinks.explanations.prompt import Message, ModelAnswer
from sinks.explanations.settings import ExplanationSettings

Extend = Callable[[Decimal], Awaitable[bool]]
"""Reserves USD for one more request; False when the budget has no room for it."""


class Reply(NamedTuple):
    """The answer of the model; tokens are None where the server does not count them."""

    content: str
    prompt_tokens: int | None
    completion_tokens: int | None


class Writer:
    """One client for all requests of a process; `async with` it."""

    def __init__(self, settings: ExplanationSettings) -> None:
        self._settings = settings
        self._prices = Prices(settings.input_usd_per_million, settings.output_usd_per_million)
        self._client = openai.AsyncOpenAI(
            api_key=settings.key,
            base_url=settings.base_url,
            timeout=settings.request_limit_s,
            max_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def most_usd(self, messages: Sequence[Message]) -> Decimal:
        """Return the most that one request with these messages can cost."""
        return self._prices.cost_usd(prompt.most_tokens(messages), self._settings.max_output_tokens)

    async def write(self, facts: Facts, extend: Extend) -> Written:
        """Ask for the explanation; once more where the first answer cannot be published.

        The first request's money is reserved by the caller; `extend` reserves for the second.
        """
        first = prompt.messages(facts)
        spent = _Spent(self._prices)
        reason, content = "", ""
        for number, messages in enumerate((first, None)):
            asked = messages or prompt.again(first, content, reason)
            if number and not await extend(self.most_usd(asked)):
                return spent.written(None, f"{reason} No budget is left to ask again.")
            try:
                reply = await self._ask(asked)
            except ModelError as error:
                if error.kind is Kind.LOST:
                    spent.add(None, self.most_usd(asked))
                return spent.written(None, f"{reason} {error}".strip(), error)
            spent.add(reply, self.most_usd(asked))
            content = reply.content
            text = _text(content)
            wrong = rejection(text, facts) if text is not None else _NOT_STRUCTURED
            if wrong is None:
                return spent.written(text, "")
            reason = wrong
        return spent.written(None, f"Twice the model's text could not be used. {reason}")

    async def _ask(self, messages: Sequence[Message]) -> Reply:
        """Make one request; ModelError without a readable answer."""
        options: dict[str, Any] = {
            "model": self._settings.model,
            "messages": messages,
            "response_format": prompt.RESPONSE_FORMAT,
            "temperature": 0.2,
            self._settings.token_limit_field: self._settings.max_output_tokens,
        }
        try:
            async with asyncio.timeout(self._settings.request_limit_s):
                answer: Any = await self._client.chat.completions.create(**options)
        except ERRORS as error:
            raise model_error(error, datetime.now(UTC)) from error
        reply = _reply(answer)
        if reply is None:
            raise ModelError(Kind.LOST, "The model's API answered something else than a chat.")
        return reply


_NOT_STRUCTURED = 'The answer is not the JSON object {"text": "..."}.'


class _Spent:
    """Adds up what the requests of one signal have used."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._prompt_tokens = self._completion_tokens = 0
        self._cost_usd = ZERO
        self._served = False

    def add(self, reply: Reply | None, most_usd: Decimal) -> None:
        self._served = True
        if reply is None or reply.prompt_tokens is None or reply.completion_tokens is None:
            self._cost_usd += most_usd
            return
        self._prompt_tokens += reply.prompt_tokens
        self._completion_tokens += reply.completion_tokens
        self._cost_usd += self._prices.cost_usd(reply.prompt_tokens, reply.completion_tokens)

    def written(self, text: str | None, reason: str, failure: ModelError | None = None) -> Written:
        tokens = (self._prompt_tokens, self._completion_tokens)
        return Written(text, reason, *tokens, self._cost_usd, self._served, failure)


def _reply(answer: Any) -> Reply | None:
    """Return the reply in what the client returned, which it does not validate; None without."""
    choices = getattr(answer, "choices", None)
    if not isinstance(choices, list) or not choices:
        return None
    content = getattr(getattr(choices[0], "message", None), "content", None)
    usage = getattr(answer, "usage", None)
    return Reply(
        content if isinstance(content, str) else "",
        _count(getattr(usage, "prompt_tokens", None)),
        _count(getattr(usage, "completion_tokens", None)),
    )


def _count(tokens: object) -> int | None:
    return tokens if type(tokens) is int and 0 <= tokens < 2**31 else None


def _text(content: str) -> str | None:
    """Return the text of a structured answer; None where it is none (cut off, refused, prose)."""
    try:
        return msgspec.json.decode(content, type=ModelAnswer).text.strip()
    except msgspec.DecodeError:
        return None
