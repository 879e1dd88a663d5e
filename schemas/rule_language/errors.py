"""What is wrong with a rule, and where."""

from __future__ import annotations

_MOST_SHOWN = 40


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


def shown(text: str) -> str:
    """Return what was written as a sentence may quote it: printable, and not for pages."""
    clean = "".join(one if one.isprintable() else "?" for one in text[: _MOST_SHOWN + 1])
    return clean if len(clean) <= _MOST_SHOWN else clean[:_MOST_SHOWN] + "..."
