"""Cursors: how far somebody is in the log.

On the wire a cursor names the last record handled, `topic:partition:offset`, and more of them
after commas; offset -1 says that there was none. Inside, a position is the offset to come next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Place: TypeAlias = tuple[str, int]
"""Logical topic and partition."""
Positions: TypeAlias = dict[Place, int]
"""Offset of the next record by place."""
Since: TypeAlias = str | Sequence[str] | Mapping[str, Sequence[tuple[int, int]]]

_LARGEST = 2**63 - 1


class BadCursorError(ValueError):
    """A cursor that cannot be read; the text says which part, and what one looks like."""


def format_cursor(positions: Mapping[Place, int]) -> str:
    """Return the cursor of positions, places in order."""
    return ",".join(f"{t}:{p}:{positions[(t, p)] - 1}" for t, p in sorted(positions))


def parse_since(since: Since) -> Positions:
    """Return the positions of a cursor, of a list of them, or of {topic: [[partition, offset]]}.

    Of two offsets of one place the larger counts. Raises BadCursorError.
    """
    if isinstance(since, str):
        return _gathered(_parsed(part) for part in since.split(",") if part)
    if isinstance(since, Mapping):
        return _gathered(
            _checked(topic, partition, offset, f"{topic}: [{partition}, {offset}]")
            for topic, pairs in since.items()
            for partition, offset in pairs
        )
    return _gathered(_parsed(part) for text in since for part in text.split(",") if part)


def _gathered(found: Iterable[tuple[str, int, int]]) -> Positions:
    positions: Positions = {}
    for topic, partition, offset in found:
        place = (topic, partition)
        positions[place] = max(positions.get(place, 0), offset + 1)
    return positions


def _parsed(part: str) -> tuple[str, int, int]:
    topic, _, rest = part.strip().partition(":")
    partition, _, offset = rest.partition(":")
    try:
        return _checked(topic, int(partition), int(offset), part)
    except ValueError:
        raise _bad(part) from None


def _checked(topic: str, partition: int, offset: int, part: str) -> tuple[str, int, int]:
    if not topic or partition < 0 or not -1 <= offset < _LARGEST:
        raise _bad(part)
    return topic, partition, offset


def _bad(part: str) -> BadCursorError:
    return BadCursorError(
        f"{part[:80]!r} is no cursor: it is topic:partition:offset, for example signals:2:145, "
        "more of them after commas"
    )
