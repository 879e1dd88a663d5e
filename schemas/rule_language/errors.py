"""What is wrong with a rule, and where."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.6
_MOST_SHOWN = 40
_CANDIDATES = 8


class RuleError(ValueError):
    """A rule that cannot be taken; str() is a sentence with the place.

    line, column  of the part that is wrong, from 1
    what          what is wrong there, and what to do
    expected      what could have stood there, in words; empty where that is no question of form
    nearest       the known name that is most like the one that was written; None: none is
    """

    def __init__(
        self,
        line: int,
        column: int,
        what: str,
        *,
        expected: tuple[str, ...] = (),
        nearest: str | None = None,
    ) -> None:
        self.line = line
        self.column = column
        self.what = what
        self.expected = expected
        self.nearest = nearest
        said = f"line {line}, column {column}: {what}"
        if expected:
            said += f"; expected {', '.join(expected)}"
        if nearest is not None:
            said += f"; did you mean {nearest}?"
        super().__init__(said)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another one; None when none is alike.

    Of equally good ones that of the same letters: RIS is RSI, not RVI.
    """
    written = name[:_MOST_SHOWN]
    found = get_close_matches(written, list(known), _CANDIDATES, _ALIKE)
    letters = sorted(written)
    return next((one for one in found if sorted(one) == letters), found[0] if found else None)


def shown(text: str) -> str:
    """Return what was written as a sentence may quote it: printable, and not for pages."""
    clean = "".join(one if one.isprintable() else "?" for one in text[: _MOST_SHOWN + 1])
    return clean if len(clean) <= _MOST_SHOWN else clean[:_MOST_SHOWN] + "..."
