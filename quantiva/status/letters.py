"""Dead letters by the record that they are about: filters and groups. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.dead_letters import DeadLetter


class Selection(NamedTuple):
    """Which letters are meant; None means any. `ident` is a letter's id or a record's position."""

    topic: str | None = None
    stage: str | None = None
    since_ms: int = 0
    ident: str | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Return whether a letter is meant."""
        return (
            self.topic in {None, letter.topic}
            and self.stage in {None, letter.stage}
            and letter.failed_at >= self.since_ms
            and self.ident in {None, letter.letter_id, position(letter)}
        )


class DeadLetterGroup(NamedTuple):
    """One record, and the newest letter of every stage that could not use it, newest first."""

    topic: str
    partition: int
    offset: int
    letters: tuple[DeadLetter, ...]

    @property
    def position(self) -> str:
        """The record's place in the log, for example `market.news:2:17`."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def newest(self) -> DeadLetter:
        """The letter written last."""
        return self.letters[0]

    @property
    def stages(self) -> str:
        """The stages that complain, in the order of their names."""
        return ", ".join(sorted({letter.stage for letter in self.letters}))

    @property
    def whole(self) -> DeadLetter:
        """The letter that holds the record's bytes, if one does (a long value is left out)."""
        return max(self.letters, key=lambda letter: len(letter.record_value or b""))


def position(letter: DeadLetter) -> str:
    """Return where the record stands that a letter is about."""
    return f"{letter.topic}:{letter.partition}:{letter.offset}"


def complaints(letters: Iterable[DeadLetter]) -> list[DeadLetterGroup]:
    """Group letters by record, the newest first; a letter that was written twice counts once."""
    by_place: dict[tuple[str, int, int], dict[str, DeadLetter]] = {}
    for letter in letters:
        place = (letter.topic, letter.partition, letter.offset)
        known = by_place.setdefault(place, {})
        older = known.get(letter.letter_id)
        if older is None or letter.failed_at >= older.failed_at:
            known[letter.letter_id] = letter
    groups = [
        DeadLetterGroup(*place, tuple(sorted(known.values(), key=_newest_first)))
        for place, known in by_place.items()
    ]
    return sorted(groups, key=lambda group: (_newest_first(group.newest), group[:3]))


def _newest_first(letter: DeadLetter) -> tuple[int, str]:
    return -letter.failed_at, letter.stage
