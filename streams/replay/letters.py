"""The dead letters of a recorded run: what its stages refused, and what crashed them."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.codec import BadEventError
from schemas.dead_letters import DeadLetter, Kind, letter_id, make
from schemas.topics import DEAD_LETTERS, REQUESTS
from streams.archive.records import LoggedRecord
from streams.replay.logs import Logs
from streams.replay.parity import Comparison
from streams.runner import GivenUp
from streams.stage import UnusableEventError

_GIVEN_UP_BEFORE_KINDS = "UnusableEvent"
"""The error of a given-up record in letters without a kind: no engine itself raised it then."""


class Letters:
    """The letters of some stages about records in one partition (of all topics but the requests).

    A record that was given up after crashes is a decision of the edge: the replay skips it too.
    """

    def __init__(
        self,
        logs: Logs,
        partition: int,
        comparison: Comparison | None,
        stages: frozenset[str],
    ) -> None:
        self._result = comparison.result if comparison is not None else None
        self._logs, self._partition = logs, partition
        self._letters: dict[str, DeadLetter] = {}
        self._known = DEAD_LETTERS.name in logs.archive.partitions
        for number in range(logs.archive.partitions.get(DEAD_LETTERS.name, 0)):
            for one in logs.read(DEAD_LETTERS.name, number):
                letter = one.event
                if (
                    isinstance(letter, DeadLetter)
                    and letter.stage in stages
                    and letter.partition == partition
                    and letter.topic != REQUESTS.name
                ):
                    self._letters[letter.letter_id] = replace(letter, record_value=None)
        self._open = dict.fromkeys(self._letters)

    def is_given_up(self, stage: str, topic: str, offset: int) -> bool:
        """Say whether the live run skipped a record because its engine kept failing on it."""
        if not self._letters:
            return False
        name = letter_id(topic, self._partition, offset, stage)
        letter = self._letters.get(name)
        if letter is None or not _is_given_up(letter):
            return False
        if name in self._open and self._result is not None:
            self._result.decisions[DEAD_LETTERS.name] += 1
        self._open.pop(name, None)
        return True

    def given_up_check(self, stage: str) -> GivenUp:
        """Return what tells a runner of `stage` which records the live run had given up."""

        def check(topic: str, _partition: int, offset: int) -> None:
            if self.is_given_up(stage, topic, offset):
                msg = "the live run had given the record up"
                raise UnusableEventError(msg, Kind.GIVEN_UP)

        return check

    def refuse(self, stage: str, topic: str, record: LoggedRecord, error: BadEventError) -> None:
        """Note that the replay refuses a record; the live run should have done so too."""
        if self._result is None or not self._known:
            return
        ours = make(
            error.kind,
            topic=topic,
            partition=self._partition,
            offset=record.offset,
            stage=stage,
            error=type(error).__name__.removesuffix("Error"),
            reason=str(error),
            failed_at=0,
            timestamp=record.timestamp_ms,
            key=record.key,
            value=record.value,
        )
        name = ours.letter_id
        theirs = self._letters.get(name)
        self._open.pop(name, None)
        if theirs is None:
            self._result.disputed.append(f"{name}: only the replay refuses it: {ours.reason}")
        elif (theirs.error, theirs.reason) == (ours.error, ours.reason):
            self._result.refused += 1
        else:
            self._result.disputed.append(
                f"{name}: refused for {theirs.reason!r}, not {ours.reason!r}"
            )

    def finish(self) -> None:
        """Note what only the live run refused."""
        if self._result is None:
            return
        for name in self._open:
            letter = self._letters[name]
            if letter.offset > self._logs.last(letter.topic, letter.partition):
                self._result.ahead[DEAD_LETTERS.name] += 1
            else:
                reason = letter.reason
                self._result.disputed.append(f"{name}: only the live run refused it: {reason}")
        self._open = {}


def _is_given_up(letter: DeadLetter) -> bool:
    if letter.kind is None:
        return letter.error == _GIVEN_UP_BEFORE_KINDS
    return letter.kind == Kind.GIVEN_UP
