"""What a proof found, by stage and check: the first record in full, the others counted."""

from __future__ import annotations

from typing import Literal

import msgspec

from streams.lookahead.dates import EarlyRecords
from streams.lookahead.output_digest import Difference
from streams.lookahead.records import MarketRecord

Check = Literal["future", "planted", "sealed"]

MEANING: dict[Check, str] = {
    "future": "differs from what it says in a process without the future",
    "planted": "a record planted from the future reached it",
    "sealed": "reaches for what is not in the log",
}


class Leak(msgspec.Struct):
    """A stage that knew the future, and the first record at which it showed.

    check           which check found it, see `MEANING`
    number          how many records came before in the merged log; -1: at its import
    with_future     the field's value where the future was known
    without_future  its value where it was not
    records         records at which it showed
    repeatable      False: two runs without the future differ too, so chance or a clock is in it
    """

    stage: str
    check: Check
    field: str
    with_future: str
    without_future: str
    number: int = -1
    topic: str = ""
    partition: int = -1
    offset: int = -1
    asset: str = ""
    observed_at: int = 0
    records: int = 1
    repeatable: bool = True


class Proof(msgspec.Struct):
    """What was checked and what came of it; `every`: every n-th record had records planted."""

    engines: tuple[str, ...]
    joined: tuple[str, ...]
    records: int
    every: int
    planted: int
    leaks: list[Leak]
    early: list[EarlyRecords]

    @property
    def clean(self) -> bool:
        """Return whether nothing leaked."""
        return not self.leaks


class FirstFindings:
    """Collects leaks. Downstream of a leaking engine every difference is a mere consequence."""

    def __init__(self, engines: tuple[str, ...]) -> None:
        self._engines = frozenset(engines)
        self._leaks: dict[tuple[str, Check], Leak] = {}

    def refused_at_import(self, stage: str, what: str) -> None:
        """Note a stage that could not be loaded under the seal."""
        self._leaks[stage, "sealed"] = Leak(stage, "sealed", "error", "loaded", what)

    def add(self, check: Check, difference: Difference, record: MarketRecord, number: int) -> None:
        """Note a difference at the n-th record."""
        stage, field, with_future, without_future, refused = difference
        if refused:
            check = "sealed"
        known = self._leaks.get((stage, check))
        if known is not None:
            known.records += 1
            return
        if self._is_consequence(stage, check, number):
            return
        topic, partition, offset, event = record
        self._leaks[stage, check] = Leak(
            stage,
            check,
            field,
            with_future,
            without_future,
            number,
            topic,
            partition,
            offset,
            event.asset,
            event.observed_at,
        )

    def leaks(self) -> list[Leak]:
        """Return the leaks by the record at which they first showed."""
        return sorted(self._leaks.values(), key=lambda leak: leak.number)

    def _is_consequence(self, stage: str, check: Check, number: int) -> bool:
        """Say whether a stage was spoiled before: by its inputs, or by what was planted."""
        if stage not in self._engines:
            return any(name in self._engines for name, _ in self._leaks)
        planted = self._leaks.get((stage, "planted"))
        return check == "future" and planted is not None and planted.number < number
