"""Asks the model for one text: at most two requests that are served, neither waited for.

What the server refuses of a request is left out and asked again at once, unpaid, and left out of
all further requests. The client's own retries are off: it sleeps Retry-After in full outside its
timeout, and asks again where the account has no quota.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import openai

from sinks.explanations import answers, prompt
from sinks.explanations.answers import Answer
from sinks.explanations.budget import ZERO, Prices
from sinks.explanations.check import rejection
from sinks.explanations.facts import Facts
from sinks.explanations.failures import ERRORS, cause, model_error
from sinks.explanations.outcomes import Kind, ModelError, Written
from sinks.explanations.prompt import Message
from sinks.explanations.request import Refused, RequestForm, refused
from sinks.explanations.settings import ExplanationSettings

_log = logging.getLogger(__name__)

Extend = Callable[[Decimal], Awaitable[bool]]
"""Reserves USD for one more request; False when the budget has no room for it."""

_NOT_STRUCTURED = 'The answer is not the JSON object {"text": "..."}.'
_DECLINED = "The model, or a filter of its API, declines to write about this signal."


class Writer:
    """One client for all requests of a process, and what is known of its server."""

    def __init__(self, settings: ExplanationSettings) -> None:
        self._settings = settings
        self._prices = Prices(settings.input_usd_per_million, settings.output_usd_per_million)
        self._is_free = not settings.output_usd_per_million
        self._form = RequestForm(settings.token_limit_field, settings.max_output_tokens)
        self._faults = _ModelFaults()
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
        tokens = self._form.limit_tokens or 0  # there is no limit only where output costs nothing
        return self._prices.cost_usd(prompt.most_tokens(messages), tokens)

    async def write(self, facts: Facts, reserved_usd: Decimal, extend: Extend) -> Written:
        """Ask for the explanation; once more where the first answer cannot be published.

        `reserved_usd` is what the caller has reserved; `extend` reserves what more it takes. The
        `reason` of a text says what the server refuses, where this request has learnt it.
        """
        asked: Sequence[Message] = prompt.messages(facts)
        spent = _Spent(self._prices, reserved_usd)
        learnt, wrong = "", ""
        for again in (False, True):
            form, most_usd = self._form, self.most_usd(asked)
            if not await spent.covers(most_usd, extend):
                return spent.written(None, learnt, wrong, "No budget is left to ask again.")
            try:
                answer, found = await self._ask(asked, form)
            except ModelError as error:
                if error.kind is Kind.LOST:
                    spent.add(None, most_usd)
                failure = self._faults.after_error(error)
                return spent.written(None, learnt, wrong, str(failure), failure=failure)
            spent.add(answer, most_usd)
            learnt = learnt or found
            wrong = _wrong(answer, form, facts)
            if not wrong:
                self._faults.after_text()
                return spent.written(answer.text, learnt)
            if again or not self._may_mend(answer, form, wrong):
                break
            asked = prompt.again(asked, "" if answer.cut_off else answer.said, wrong)
        if again:
            self._faults.after_second(_kind(answer, wrong))
            wrong = f"Twice the model's text could not be used. {wrong}"
        if answer.text is not None or answer.declined:  # the text's fault, not the model's
            return spent.written(None, learnt, wrong)
        return spent.written(None, learnt, wrong, failure=self._faults.after_nothing(wrong))

    def _may_mend(self, answer: Answer, form: RequestForm, wrong: str) -> bool:
        """Return whether a second request may get what the first one did not."""
        if answer.declined:
            return False
        if answer.text is not None or not answer.cut_off:
            return not self._faults.is_hopeless(_kind(answer, wrong))
        if self._form.raised > form.raised:  # by another request, meanwhile
            return True
        raised = self._form.with_room_for_reasoning()
        if raised is None:
            return False
        self._form = raised
        told = (self._settings.model, form.limit_tokens, raised.limit_tokens)
        _log.warning("%s spends its limit of %s tokens without a text: raised to %s", *told)
        return True

    async def _ask(self, messages: Sequence[Message], form: RequestForm) -> tuple[Answer, str]:
        """Make one request, without what the server refuses; ModelError without an answer.

        The answer comes with what was learnt of the server, as a sentence. Refused requests cost
        nothing; with the last one they have the time of one request.
        """
        tried: list[Refused] = []
        try:
            async with asyncio.timeout(self._settings.request_limit_s):
                while True:
                    found = await self._request(form, messages)
                    if isinstance(found, Answer):
                        return found, self._learn(tried)
                    tried.append(found)
                    narrower = form.without(found.parts, free=self._is_free)
                    if narrower is None or (form.raised and form.limit_field in found.parts):
                        raise ModelError(Kind.REJECTED, _refusal(found, form))
                    form = narrower
        except ERRORS as error:
            also = " and ".join(one.named for one in tried)
            request = f"the request also without {also}" if tried else ""
            meant = model_error(error, datetime.now(UTC), request)
            if meant.kind in (Kind.REFUSED, Kind.LOST):
                self._learn(tried)
            raise meant from error

    async def _request(self, form: RequestForm, messages: Sequence[Message]) -> Answer | Refused:
        """Make one request in this form; return the answer, or what the server refuses of it."""
        fields: dict[str, Any] = {"model": self._settings.model, **form.fields(messages)}
        create = self._client.chat.completions.with_raw_response.create
        try:
            written = (await create(**fields)).content
        except openai.APIStatusError as error:
            found = refused(error.status_code, error.response.text, form)
            if found is None:
                raise
            return found._replace(answer=cause(error))
        try:
            body = json.loads(written)
        except (ValueError, RecursionError):
            raise ModelError(Kind.LOST, "The model's API answered what is not JSON.") from None
        answer = answers.read(body, form.limit_tokens)
        if answer is not None:
            return answer
        # A router's own refusal may come like this.
        found = refused(200, written.decode(), form) if isinstance(body, dict) else None
        if found is None or "error" not in body:
            raise ModelError(Kind.LOST, "The model's API answered something else than a chat.")
        return found._replace(answer="an error with status 200")

    def _learn(self, tried: Sequence[Refused]) -> str:
        """Leave out from now on what was refused; return that as a sentence, "" without."""
        is_new = not all(one.parts <= self._form.left_out for one in tried)
        for one in tried:
            self._form = self._form.without(one.parts, free=self._is_free) or self._form
        if not tried:
            return ""
        named = " and ".join(f"{one.named} ({one.answer})" for one in tried)
        sentence = f"The model's API refuses {named}: requests are made without from now on."
        if is_new:
            _log.warning("%s: %s", self._settings.model, sentence)
        return sentence


def _refusal(found: Refused, form: RequestForm) -> str:
    """Return why a request cannot be made without a part, as a sentence."""
    if form.raised:
        return f"The model's API refuses a limit of {form.limit_tokens} tokens: {found.answer}."
    return (
        f"The model's API refuses {found.named}: {found.answer}. Without a limit of tokens a text"
        " could cost any amount."
    )


def _wrong(answer: Answer, form: RequestForm, facts: Facts) -> str:
    """Return why an answer cannot be published, as a sentence; "" when it can."""
    if answer.text is not None:
        return rejection(answer.text, facts) or ""
    if answer.declined:
        return _DECLINED
    if answer.cut_off:
        return f"The limit of {form.limit_tokens} tokens is spent before the text is complete."
    return _NOT_STRUCTURED


def _kind(answer: Answer, wrong: str) -> str:
    return wrong if answer.text is None else "a text that fails the check"


class _ModelFaults:
    """Faults that are the model's own: what is known of them is not paid for with each signal.

    A second request of no use is not made again until a text is published. A model of which
    nothing can be read is left alone for a while (Kind.DENIED): at once while it has written
    nothing yet, else after three signals in a row.
    """

    def __init__(self) -> None:
        self._has_written = False
        self._in_a_row = 0
        self._hopeless: set[str] = set()

    def is_hopeless(self, kind: str) -> bool:
        """Return whether asking again after such a fault was of no use the last time."""
        return kind in self._hopeless

    def after_text(self) -> None:
        """Note a text that can be published."""
        self._has_written = True
        self._in_a_row = 0
        self._hopeless.clear()

    def after_second(self, kind: str) -> None:
        """Note that asking again was of no use."""
        self._hopeless.add(kind)

    def after_nothing(self, reason: str) -> ModelError | None:
        """Note a signal without an answer; return why to leave the model alone, None if not yet."""
        self._in_a_row += 1
        enough = 3 if self._has_written else 1
        return ModelError(Kind.DENIED, reason) if self._in_a_row >= enough else None

    def after_error(self, error: ModelError) -> ModelError:
        """Return what a failed request means: one that is wrong for every signal is denied."""
        if error.kind is not Kind.REJECTED:
            return error
        return self.after_nothing(str(error)) or error


class _Spent:
    """Adds up what the requests of one signal have used, and may use."""

    def __init__(self, prices: Prices, reserved_usd: Decimal) -> None:
        self._prices = prices
        self._left_usd = reserved_usd
        self._prompt_tokens = self._completion_tokens = 0
        self._cost_usd = ZERO
        self._served = False

    async def covers(self, most_usd: Decimal, extend: Extend) -> bool:
        """Reserve what a request may cost beyond what is reserved; False without budget."""
        lacking_usd = most_usd - self._left_usd
        if lacking_usd <= 0:
            return True
        if not await extend(lacking_usd):
            return False
        self._left_usd = most_usd
        return True

    def add(self, answer: Answer | None, most_usd: Decimal) -> None:
        self._served = True
        self._left_usd -= most_usd
        if answer is None or answer.prompt_tokens is None or answer.completion_tokens is None:
            self._cost_usd += most_usd
            return
        self._prompt_tokens += answer.prompt_tokens
        self._completion_tokens += answer.completion_tokens
        self._cost_usd += self._prices.cost_usd(answer.prompt_tokens, answer.completion_tokens)

    def written(self, text: str | None, *said: str, failure: ModelError | None = None) -> Written:
        tokens = (self._prompt_tokens, self._completion_tokens)
        reason = " ".join(one for one in said if one)
        return Written(text, reason, *tokens, self._cost_usd, self._served, failure)
