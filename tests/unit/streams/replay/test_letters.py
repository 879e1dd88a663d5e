"""What a replay makes of the dead letters of the recorded run."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.codec import BadEventError, local_codec
from schemas.dead_letters import DeadLetter, Kind, make
from streams.archive.records import LoggedRecord
from streams.replay.letters import Letters
from streams.replay.parity import Comparison
from streams.replay.per_key_reader import Keyed
from streams.stage import UnusableEventError

TOPIC, STAGE = "market.candles", "technical"
RECORD = LoggedRecord(7, 1, b"BTC", b"x" * 1_000_000, ())


class Log:
    """A recorded run of nothing but dead letters; its market records go up to offset 9."""

    def __init__(self, *letters: DeadLetter) -> None:
        self.archive = SimpleNamespace(partitions={"dead.letters": 1})
        self._letters = letters

    def read(self, topic: str, partition: int) -> Iterator[Keyed]:
        for number, letter in enumerate(self._letters):
            yield Keyed(LoggedRecord(number, 2, b"", b"", ()), letter)

    def last(self, topic: str, partition: int) -> int:
        return 9


def letter(kind: Kind | None, reason: str, offset: int = 7, error: str = "BadEvent") -> DeadLetter:
    made = make(
        kind or Kind.INVALID,
        topic=TOPIC,
        partition=2,
        offset=offset,
        stage=STAGE,
        error=error,
        reason=reason,
        failed_at=3,
        timestamp=1,
        key=RECORD.key,
        value=RECORD.value,
    )
    return made if kind is not None else DeadLetter(*_fields(made))


def _fields(made: DeadLetter) -> list[Any]:
    """Return the fields that a letter had before it had a kind."""
    return [getattr(made, name) for name in made.__struct_fields__ if name != "kind"]


@pytest.mark.parametrize(
    ("written", "given_up"),
    [
        pytest.param(letter(Kind.GIVEN_UP, "worded otherwise", error="X"), True, id="given up"),
        pytest.param(letter(Kind.INVALID, "the engine failed 3 times"), False, id="invalid"),
        pytest.param(letter(Kind.UNUSABLE, "no", error="UnusableEvent"), False, id="unusable"),
        pytest.param(letter(None, "3 times", error="UnusableEvent"), True, id="old, given up"),
        pytest.param(letter(None, "the engine failed"), False, id="old, invalid"),
    ],
)
def test_a_record_that_was_given_up_is_skipped(written: DeadLetter, given_up: bool) -> None:
    comparison = Comparison(local_codec())
    letters: Any = Letters(Log(written), 2, comparison, frozenset({STAGE}))  # type: ignore[arg-type]
    check = letters.given_up_check(STAGE)
    check(TOPIC, 2, 8)
    if not given_up:
        check(TOPIC, 2, 7)
        return
    with pytest.raises(UnusableEventError):
        check(TOPIC, 2, 7)
    letters.finish()
    assert comparison.result.decisions["dead.letters"] == 1
    assert comparison.result.disputed == []


@pytest.mark.parametrize("kind", [Kind.INVALID, None], ids=["of now", "without a kind"])
def test_both_refuse_a_record_for_the_same_reason_however_long(kind: Kind | None) -> None:
    reason = "key is " + "x" * 5_000
    comparison = Comparison(local_codec())
    letters: Any = Letters(Log(letter(kind, reason)), 2, comparison, frozenset({STAGE}))  # type: ignore[arg-type]
    letters.refuse(STAGE, TOPIC, RECORD, BadEventError(reason))
    letters.finish()
    assert (comparison.result.refused, comparison.result.disputed) == (1, [])


def test_what_only_one_of_them_refuses_is_disputed() -> None:
    comparison = Comparison(local_codec())
    log = Log(letter(Kind.INVALID, "bad"), letter(Kind.INVALID, "late", offset=10))
    letters: Any = Letters(log, 2, comparison, frozenset({STAGE}))  # type: ignore[arg-type]
    letters.refuse(STAGE, TOPIC, RECORD._replace(offset=8), BadEventError("worse"))
    letters.finish()
    first, second = comparison.result.disputed
    assert first.startswith(f"{TOPIC}:2:8:{STAGE}: only the replay refuses it: worse")
    assert second.startswith(f"{TOPIC}:2:7:{STAGE}: only the live run refused it: bad")
    assert comparison.result.ahead["dead.letters"] == 1
