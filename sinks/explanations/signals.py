"""A signal as PostgreSQL keeps it, back into facts; the PostgreSQL sink has written it. Pure."""

from __future__ import annotations

import msgspec

from schemas.signals import from_json
from sinks.explanations import template
from sinks.explanations.facts import Facts, facts_of

UNREADABLE = "The stored details of the signal cannot be read."
_NO_TEXT = f"There is no explanation. {UNREADABLE}"


def facts_in(body: str) -> Facts | None:
    """Return the facts of a signal's document; None when it is not a signal's."""
    try:
        return facts_of(from_json(body))
    except msgspec.MsgspecError:
        return None


def text_of(facts: Facts | None) -> str:
    """Return the template's text; a sentence where there are no facts."""
    return _NO_TEXT if facts is None else template.write(facts)
