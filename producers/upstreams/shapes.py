"""What the fetches need of a client, and the shape of an answer: its list of parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

import orjson

from producers.http_client.errors import UpstreamError
from producers.http_client.responses import message_of, shortened
from producers.upstreams.rows import Parsed


class FetchedText(Protocol):
    """Text as it came, with what to send along the next time."""

    @property
    def text(self) -> str:
        """The text; empty where it has not changed."""
        ...

    @property
    def etag(self) -> str | None:
        """What to send as If-None-Match."""
        ...

    @property
    def last_modified(self) -> str | None:
        """What to send as If-Modified-Since."""
        ...

    @property
    def not_modified(self) -> bool:
        """Whether it is the same as the last time."""
        ...


class JsonClient(Protocol):
    """Fetches JSON below an upstream's base URL. UpstreamError where that fails."""

    async def get_json(
        self, path: str, params: Mapping[str, str] | None = None, *, cost: int = 1
    ) -> Any:
        """Return the decoded answer."""
        ...


class TextClient(Protocol):
    """Fetches text by its full address. UpstreamError where that fails."""

    async def get_text(self, url: str, headers: Mapping[str, str] | None = None) -> FetchedText:
        """Return the text."""
        ...


T = TypeVar("T")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_SECRET_LIKE = re.compile(r"[\w-]{16,}")
_TYPES = {
    "NoneType": "null",
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "str": "text",
    "list": "a list",
    "dict": "an object",
}


def list_in(upstream: str, raw: Any, key: str | None = None) -> list[Any]:
    """Return the list that an answer is, or has under `key`.

    UpstreamError of kind "bad_answer" where it is no list: plan and quota problems come with
    status 200 and a message in place of the data, and must never look like "nothing new".
    """
    found = raw.get(key) if key is not None and isinstance(raw, dict) else raw
    if isinstance(found, list) and (key is None or isinstance(raw, dict)):
        return found
    raise bad_answer(upstream, raw, _lack("a list", raw, found, key))


def object_in(upstream: str, raw: Any, key: str | None = None) -> dict[str, Any]:
    """Return the object that an answer is, or has under `key`. UpstreamError as `list_in`."""
    found = raw.get(key) if key is not None and isinstance(raw, dict) else raw
    if isinstance(found, dict):
        return found
    raise bad_answer(upstream, raw, _lack("an object", raw, found, key))


def bad_answer(upstream: str, raw: Any, lack: str) -> UpstreamError:
    """Return the error for an answer of another shape, with the message that the answer has."""
    return UpstreamError(upstream, "bad_answer", lack + _saying(raw))


def _lack(wanted: str, raw: Any, found: Any, key: str | None) -> str:
    if key is None:
        return f"the answer is {kind_of(raw)}, not {wanted}"
    if not isinstance(raw, dict):
        return f'the answer is {kind_of(raw)}, not an object with "{key}"'
    if key not in raw:
        return f'the answer has no "{key}"'
    return f'"{key}" in the answer is {kind_of(found)}, not {wanted}'


def _saying(raw: Any) -> str:
    try:
        said = message_of(orjson.dumps(raw))
    except TypeError:  # an int of more than 64 bits
        said = ""
    # The message may repeat the key that it refuses.
    said = shortened(_SECRET_LIKE.sub("***", said)).rstrip(".")
    return f"; it says: {said}" if said else ""


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    return _TYPES.get(type(value).__name__, type(value).__name__)


def collect(
    what: str,
    parts: Iterable[Any],
    parse: Callable[[dict[str, Any]], T | str],
    *,
    pages: int = 1,
    fields: Sequence[str] = (),
    needs: Mapping[str, str] = _NOTHING,
    times: Sequence[str] = (),
) -> Parsed[T]:
    """Parse each part of an answer; `parse` returns a row, or why there is none: "has no name".

    The sentences begin with `what` and the part's place, 1 for the first. `fields` are those that
    the upstream has always sent, null or not (see `gone`). `needs` are attributes of a row, and
    the upstream's names of them, without which nobody has a use for it. Of `times`, fields that say
    when it was published, those that cannot be read are counted.
    """
    given = list(parts)
    rows: list[T] = []
    skipped: list[str] = []
    bare: list[str] = []
    unread: list[Any] = []
    for place, part in enumerate(given, 1):
        made = parse(part) if isinstance(part, dict) else f"is {kind_of(part)}, not an object"
        if isinstance(made, str):
            skipped.append(f"{what} {place} {made}")
            continue
        rows.append(made)
        lacking = [field for name, field in needs.items() if getattr(made, name) is None]
        if lacking:
            bare.append(f"{what} {place} has no {' and no '.join(lacking)}")
        said = next((part[field] for field in times if part.get(field)), None)
        if said is not None and getattr(made, "published_at", None) is None:
            unread.append(said)
    faults = gone(what, given, (*needs.values(), *fields))
    notes = tuple(
        f"{len(unread):,} of {len(rows):,} times cannot be read, the first {said!r:.60}"
        for said in unread[:1]
    )
    return Parsed(tuple(rows), tuple(skipped), pages, tuple(bare), faults, notes)


class Verdict(NamedTuple):
    """What an answer is worth.

    problem     why hardly anything of it could be used; empty where that is not so
    remarks     sentences that a person should know: rows that were skipped, fields that are gone
    is_partial  fields are gone, or more rows could not be used than could
    """

    problem: str = ""
    remarks: tuple[str, ...] = ()
    is_partial: bool = False


def verdict(answer: Any) -> Verdict:
    """Judge what a fetch returns: a `Parsed`, what holds one, or a row with its faults."""
    parsed = getattr(answer, "parsed", answer)
    if not isinstance(parsed, Parsed):
        faults = tuple(getattr(parsed, "faults", ()))
        return Verdict(remarks=faults, is_partial=bool(faults))
    wrong = len(parsed.skipped) + len(parsed.bare)
    is_partial = bool(parsed.faults) or 2 * wrong > len(parsed.rows) + len(parsed.skipped)
    return Verdict(parsed.problem(), parsed.remarks(), is_partial)


def gone(what: str, parts: Sequence[Any], fields: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence that names the fields that none of the objects has; none if all are there.

    "data.price" is a field of the object under "data", where that is not null.
    """
    objects = [part for part in parts if isinstance(part, dict)]
    lacking = [field for field in fields if not any(_has(part, field) for part in objects)]
    if not objects or not lacking:
        return ()
    named = ", ".join(f'"{field}"' for field in lacking)
    return (f"no {what} has {named} any more",)


def _has(part: Any, field: str) -> bool:
    first, _, rest = field.partition(".")
    if not isinstance(part, dict) or first not in part:
        return False
    return not rest or part[first] is None or _has(part[first], rest)
