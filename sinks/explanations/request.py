"""The optional parts of a request, and which of them an answer refuses. Pure.

Servers that speak OpenAI's API differ in what they take: one model has no temperature, one server
no structured output, another one knows the token limit by its older name. What is refused is
learnt from the answer, whatever form it has: OpenAI's error, FastAPI's `detail`, Google's
`fieldViolations`, a line of text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sinks.explanations import prompt
from sinks.explanations.prompt import Message

TEMPERATURE, RESPONSE_FORMAT, SYSTEM_ROLE = "temperature", "response_format", "the system role"
LIMIT_FIELDS = ("max_completion_tokens", "max_tokens")
_TEMPERATURE = 0.2
_REASONING_TOKENS = 4_000
"""What reasoning models spend before a short text is 1,000 to 3,000 tokens."""
_LONGEST_ANSWER = 20_000


@dataclass(frozen=True, slots=True)
class RequestForm:
    """The optional parts that requests have.

    `limit_tokens` is None without a limit; `raised` says that it is above the setting.
    """

    limit_field: str
    limit_tokens: int | None
    left_out: frozenset[str] = frozenset()
    raised: bool = False

    @property
    def optional(self) -> frozenset[str]:
        """The names of the optional parts that are sent."""
        limit = () if self.limit_tokens is None else (self.limit_field,)
        return frozenset((TEMPERATURE, RESPONSE_FORMAT, SYSTEM_ROLE, *limit)) - self.left_out

    def fields(self, messages: Sequence[Message]) -> dict[str, Any]:
        """Return the fields of a request besides the model."""
        sent = self.optional
        fields: dict[str, Any] = {
            "messages": messages if SYSTEM_ROLE in sent else prompt.without_system(messages)
        }
        if RESPONSE_FORMAT in sent:
            fields[RESPONSE_FORMAT] = prompt.RESPONSE_FORMAT
        if TEMPERATURE in sent:
            fields[TEMPERATURE] = _TEMPERATURE
        if self.limit_tokens is not None:
            fields[self.limit_field] = self.limit_tokens
        return fields

    def without(self, parts: frozenset[str], *, free: bool) -> RequestForm | None:
        """Return the form without some parts, the limit under its other name; None if impossible.

        Only where the output is `free` there may be no limit at all: it is what bounds the cost.
        """
        form = replace(self, left_out=self.left_out | parts)
        if self.limit_field not in parts:
            return form
        other = next((name for name in LIMIT_FIELDS if name not in form.left_out), None)
        if other is not None:
            return replace(form, limit_field=other)
        return replace(form, limit_tokens=None) if free else None

    def with_room_for_reasoning(self) -> RequestForm | None:
        """Return the form with a raised limit; None where it has been raised, or there is none."""
        if self.limit_tokens is None or self.raised:
            return None
        tokens = max(_REASONING_TOKENS, 4 * self.limit_tokens)
        return replace(self, limit_tokens=tokens, raised=True)


class Refused(NamedTuple):
    """Optional parts that a server does not take, their names for people, and status and code."""

    parts: frozenset[str]
    named: str
    answer: str = ""


_NAMES = {
    TEMPERATURE: r"temperature",
    RESPONSE_FORMAT: (
        r"response[_ -]?(?:format|schema|mime_?type)|json[_ -]?(?:schema|object|mode|output)"
        r"|structured[_ -]?outputs?|guided[_ -]?(?:json|decoding)|additionalProperties|grammar"
        r"|invalid format"
    ),
    SYSTEM_ROLE: (
        r"system['\"`]? (?:role|messages?|prompts?|instructions?)|role\W{1,4}system"
        r"|messages?\W{0,3}\d+\W{1,3}role|roles? must alternate|developer instructions?"
    ),
    LIMIT_FIELDS[0]: r"max[_ ]?(?:completion|output|new)?[_ ]?tokens",
}
_PATTERNS = {
    part: re.compile(rf"(?<![a-z0-9]){names}(?![a-z0-9])", re.IGNORECASE)
    for part, names in ((part, f"(?:{names})") for part, names in _NAMES.items())
}
_REFUSES = re.compile(
    r"\bun(?:supported|known|recogni[sz]ed|expected|available|able)|\bin(?:valid|compatible)"
    r"|\b(?:not|cannot|no|extra|only|must|deprecated|removed|disabled|forbidden|illegal)\b|n't\b"
    r"|\b(?:refus|reject|disallow|prohibit|fail)",
    re.IGNORECASE,
)
_ABOUT_PARTS = re.compile(
    r"\b(?:param(?:eter)?s?|arguments?|options?|propert(?:y|ies)|fields?|extra inputs?)\b",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[.;!?])\s+|[\r\n]+")
_LOCATIONS = re.compile(r"""['"]loc['"]: *[(\[]([^)\]]*)""")
_PLACES = frozenset(("param", "loc", "field"))
_ECHOES = frozenset(("input", "ctx", "url", "messages", "request"))
"""Where errors repeat the request, which names every part."""
_MENTION_IS_ENOUGH = frozenset((400, 422))
_MAY_NAME = frozenset((200, 404, 405, 415, 500, 501))
_MAY_DOUBT = frozenset((400, 404, 422))


def refused(status: int, answer: str, form: RequestForm) -> Refused | None:
    """Return which optional parts of a request an answer refuses; None when it refuses none.

    Where it complains of a parameter and names none that was sent, temperature and
    response_format may both be meant.
    """
    if status not in _MENTION_IS_ENOUGH | _MAY_NAME:
        return None
    places, said = _evidence(answer[:_LONGEST_ANSWER])
    parts = _named(places, form)
    sentences = [one for one in _SENTENCES.split(said) if _REFUSES.search(one)]
    parts = parts or _named(sentences, form)
    if not parts and status in _MENTION_IS_ENOUGH:
        parts = _named([said], form)
    if parts:
        return Refused(parts, " and ".join(sorted(parts)))
    doubtful = form.optional & {TEMPERATURE, RESPONSE_FORMAT}
    is_page = answer.lstrip().startswith("<")  # a proxy's, which is not about the request
    if (
        doubtful
        and not is_page
        and status in _MAY_DOUBT
        and any(_ABOUT_PARTS.search(one) for one in sentences)
    ):
        return Refused(doubtful, f"{' or '.join(sorted(doubtful))} (it does not say which)")
    return None


def _named(texts: Sequence[str], form: RequestForm) -> frozenset[str]:
    """Return the parts of the form that the texts name; the limit is meant by each of its names."""
    found = {part for part, names in _PATTERNS.items() if any(names.search(one) for one in texts)}
    if LIMIT_FIELDS[0] in found:
        found |= {form.limit_field}
    return form.optional & found


def _evidence(answer: str) -> tuple[list[str], str]:
    """Return the places that an error points at, and what it says in words."""
    try:
        body = json.loads(answer)
    except (ValueError, RecursionError):
        body = answer
    places: list[str] = []
    words: list[str] = []
    for name, text in _texts(body, "", 0):
        located = _LOCATIONS.findall(text)  # a list of errors as Python prints it, within a text
        places += located
        if name in _PLACES:
            places.append(text)
        elif not located:
            words.append(text)
    return places, "\n".join(words)


def _texts(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield each text of an error with the name of its field; JSON within a text is read, too."""
    if isinstance(value, str):
        if value.lstrip()[:1] in ("{", "[") and depth and depth < 6:
            try:
                yield from _texts(json.loads(value), name, depth + 1)
                return
            except (ValueError, RecursionError):
                pass
        yield name, value
    elif isinstance(value, list) and depth < 12:
        for one in value:
            yield from _texts(one, name, depth + 1)
    elif isinstance(value, dict) and depth < 12:
        for key, one in value.items():
            if key not in _ECHOES:
                yield from _texts(one, key, depth + 1)
