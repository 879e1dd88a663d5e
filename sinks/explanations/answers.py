"""What a chat completion says: the text of the JSON object in it, wherever that is. Pure.

Asked for {"text": "..."}, models put it between fences, after their thoughts or a sentence, into
the arguments of a tool call, into a list of parts. A right object is found in all of these. What
stands in thoughts is a draft and never found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """The answer of a model; tokens are None where the server does not count them.

    text         of the JSON object, None where there is none
    said         what it wrote, without its thoughts
    cut_off      it came to the limit of tokens
    declined     it, or a filter, refuses to write about this
    """

    text: str | None
    said: str
    cut_off: bool
    declined: bool
    prompt_tokens: int | None
    completion_tokens: int | None


_NAMES = (
    r"(?:begin_of_|end_of_|\w{1,8}:)?"
    r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad)"
)
_OPEN = rf"[<\[◁]\|?(?!end_of_|/){_NAMES}\|?[>\]▷]"
_CLOSE = rf"[<\[◁](?:\|?/|\|end_of_){_NAMES}\|?[>\]▷]"
_THOUGHTS = re.compile(rf"{_OPEN}.*?{_CLOSE}", re.IGNORECASE | re.DOTALL)
_OPENED, _CLOSED = re.compile(_OPEN, re.IGNORECASE), re.compile(_CLOSE, re.IGNORECASE)
_CHANNEL, _FINAL = "<|channel|>", re.compile(r"<\|channel\|>final.*?<\|message\|>", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*(.*?)(?:```|\Z)", re.DOTALL)
_LONGEST, _MOST_TRIES, _DEEPEST = 100_000, 200, 6
_OF_THOUGHTS = frozenset(("thinking", "reasoning", "thought", "redacted_thinking"))
_REASONING_FIELDS = ("reasoning_content", "reasoning")
_CUT_OFF = frozenset(("length", "max_tokens", "max_output_tokens", "model_length"))
_DECLINED = frozenset(("content_filter", "safety", "refusal", "recitation", "prohibited_content"))


def read(body: Any, limit_tokens: int | None) -> Answer | None:
    """Return the answer in the body of a completion; None where that is something else."""
    choice = _first(_of(body, "choices"))
    if not isinstance(choice, dict):
        return None
    message = choice.get("message")
    usage = _of(body, "usage")
    sent, made = _count(_of(usage, "prompt_tokens")), _completion_tokens(usage)
    finish = str(choice.get("finish_reason")).lower()
    content = _of(message, "content")
    refusal = _of(message, "refusal")
    said = without_thoughts(_written(content)).strip()
    spent = made is not None and limit_tokens is not None and made >= limit_tokens
    return Answer(
        text=_text_of(message, content, said),
        said=said,
        cut_off=finish in _CUT_OFF or spent,
        declined=finish in _DECLINED or (isinstance(refusal, str) and bool(refusal) and not said),
        prompt_tokens=sent,
        completion_tokens=made,
    )


def without_thoughts(written: str) -> str:
    """Return what a model wrote besides its thoughts; thoughts without an end reach to the end."""
    if _CHANNEL in written:  # gpt-oss, where the server does not take its channels apart
        parts = _FINAL.split(written[:_LONGEST])
        return parts[-1].partition("<|")[0] if len(parts) > 1 else ""
    text = _THOUGHTS.sub("", written[:_LONGEST])
    *_, text = _CLOSED.split(text)  # where the prompt's template has opened them
    return _OPENED.split(text)[0]


def text_in(written: str, depth: int = 0) -> str | None:
    """Return the text of the last object {"text": "..."}, fenced ones first; None without one."""
    try:
        found = [json.loads(written, strict=False)]
    except (ValueError, RecursionError):
        found = []
    fenced = [value for part in _FENCED.findall(written) for value in _objects(part)]
    for values in (found, fenced, list(_objects(written))):
        texts = [text for value in values for text in _texts(value, depth)]
        if texts:
            return texts[-1].strip()
    return None


def _text_of(message: Any, content: Any, said: str) -> str | None:
    if isinstance(content, dict):
        return next(_texts(content, 0), None)
    found = text_in(said)
    if found is not None:
        return found
    calls = _of(message, "tool_calls")
    calls = [*calls] if isinstance(calls, list) else []
    for call in reversed([*calls, {"function": _of(message, "function_call")}]):
        given = _of(_of(call, "function"), "arguments") or _of(_of(call, "custom"), "input")
        found = next(_texts({"arguments": given}, 0), None)
        if found is not None:
            return found
    return None if said else _misplaced(message)


def _misplaced(message: Any) -> str | None:
    """Return the text where a server has taken the answer for thoughts: an object, nothing else."""
    for name in _REASONING_FIELDS:
        written = _of(message, name)
        if isinstance(written, str) and re.fullmatch(r"\s*\{.*\}\s*", written, re.DOTALL):
            try:
                return next(_texts(json.loads(written, strict=False), 0), None)
            except (ValueError, RecursionError):
                continue
    return None


def _written(content: Any) -> str:
    """Return the content as one text; a list may hold texts and parts, some of them thoughts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(_part(part) for part in parts)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if _of(part, "type") in _OF_THOUGHTS or _of(part, "thought") is True:
        return ""
    text = _of(part, "text")
    text = _of(text, "value") if isinstance(text, dict) else text
    if isinstance(text, str):
        return text
    given = _of(part, "input") or _of(part, "json")  # a tool call among the parts
    return json.dumps(given) if isinstance(given, dict) else ""


def _objects(written: str) -> Iterator[Any]:
    """Yield the JSON objects in a text, from the first to the last."""
    decoder = json.JSONDecoder(strict=False)
    at, tries = written.find("{"), 0
    while at >= 0 and tries < _MOST_TRIES:
        try:
            value, end = decoder.raw_decode(written, at)
            yield value
        except (ValueError, RecursionError):
            end, tries = at + 1, tries + 1
        at = written.find("{", end)


def _texts(value: Any, depth: int) -> Iterator[str]:
    """Yield the texts of an object, or of what it is wrapped in: `arguments`, `answer`, a list."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, str) and any(letter.isalpha() for letter in text):
            inner = text_in(text, depth + 1) if text.lstrip().startswith("{") else None
            yield inner or text.strip()
            return
        for name, one in value.items():
            if name not in _OF_THOUGHTS:
                yield from _texts(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, depth + 1)
    elif isinstance(value, str) and "{" in value:
        inner = text_in(value, depth + 1)
        if inner is not None:
            yield inner


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _first(values: Any) -> Any:
    return values[0] if isinstance(values, list) and values else None


def _completion_tokens(usage: Any) -> int | None:
    """Return the tokens that are paid as output: some servers count reasoning in the total only."""
    made = _count(_of(usage, "completion_tokens"))
    sent, total = _count(_of(usage, "prompt_tokens")), _count(_of(usage, "total_tokens"))
    if made is None or sent is None or total is None:
        return made
    return max(made, total - sent)


def _count(tokens: object) -> int | None:
    return tokens if type(tokens) is int and 0 <= tokens < 2**31 else None
