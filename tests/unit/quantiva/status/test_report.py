"""What counts as a problem, and the stages that the report is about."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from quantiva.status.lag import StageState
from quantiva.status.parts import Part
from quantiva.status.report import Report, StageReport, TopicReport, problems
from quantiva.status.stages import LATE_MS, STAGES, WATCHDOG
from quantiva.wiring.sinks import POSTGRES
from schemas.topics import BY_NAME, MARKET_TOPICS
from streams.topology import stages
from transport.errors import short_reason

STAGE = StageReport(
    "fusion", "q.fusion", StageState.OK, 0, 1.0, 1, None, 5, 5, "quantiva worker fusion"
)
STALLED = msgspec.structs.replace(STAGE, state=StageState.STALLED, lag=5, waiting_ms=90_000)
BROKER = Part("broker", "h:1", True)


def stage(**changes: Any) -> tuple[StageReport, ...]:
    return (STAGE, msgspec.structs.replace(STAGE, stage="ranking", **changes))


ARCHIVE = msgspec.structs.replace(STAGE, stage="sink.archive.1", may_end=True)


def archive(**changes: Any) -> tuple[StageReport, ...]:
    return (STAGE, msgspec.structs.replace(ARCHIVE, lag=5, waiting_ms=90_000, **changes))


CASES = [
    pytest.param(
        {"stages": archive(state=StageState.NOT_RUNNING)}, None, id="an archive has ended"
    ),
    pytest.param(
        {"stages": archive(state=StageState.STALLED, members=None)}, None, id="so it seems on Tansu"
    ),
    pytest.param(
        {"stages": archive(state=StageState.STALLED)}, "sink.archive.1 is stalled: 5", id="it hangs"
    ),
    pytest.param({"stages": archive(state=StageState.BEHIND)}, "is behind: 5", id="it is behind"),
    pytest.param(
        {"stages": (msgspec.structs.replace(STAGE, state=StageState.NOT_RUNNING), ARCHIVE)},
        "No stage runs",
        id="an archive alone",
    ),
    pytest.param({"stages": (STAGE,)}, None, id="all is well"),
    pytest.param({"parts": (Part("broker", None, False),)}, "Nothing runs", id="no address"),
    pytest.param(
        {"parts": (BROKER, Part("registry", "http://r", False, "gone"))},
        "The registry at http://r does not answer: gone.",
        id="a part is away",
    ),
    pytest.param(
        {"stages": stage(state=StageState.NOT_RUNNING, lag=3)},
        "ranking does not run (3 records wait): start `quantiva worker fusion`.",
        id="a stage is away",
    ),
    pytest.param(
        {"stages": stage(state=StageState.NOT_RUNNING)[1:]},
        "No stage runs",
        id="all stages are away",
    ),
    pytest.param(
        {"stages": (STALLED,)}, "5 records wait, the oldest for 90 s; it hangs.", id="hangs"
    ),
    pytest.param(
        {"stages": (msgspec.structs.replace(STALLED, members=None),)},
        "it hangs or has ended.",
        id="hangs on Tansu",
    ),
    pytest.param(
        {"topics": (TopicReport("market.books", 0, 0.0, None),)}, "books is empty", id="empty"
    ),
    pytest.param(
        {"topics": (TopicReport("market.books", 5, 0.0, 10**7),)}, "books is late", id="late"
    ),
    pytest.param(
        {"topics": (TopicReport("market.books", 0, 0.0, None, missing=True),)},
        "market.books does not exist",
        id="missing",
    ),
    pytest.param(
        {"dead_letters": {"fusion": 2}}, "2 dead letter(s) in the last hour", id="letters"
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), CASES)
def test_problems_are_sentences_that_say_what_to_do(
    fields: dict[str, Any], sentence: str | None
) -> None:
    found = problems(Report(**{"at_ms": 0, "parts": (BROKER,), **fields}))
    assert sentence in " ".join(found) if sentence else found == []


def test_the_stages_are_those_of_the_topology_the_watchdog_and_the_sink() -> None:
    watched = {one.name: set(one.inputs) for one in STAGES}
    assert [one.name for one in STAGES][-2:] == [WATCHDOG.name, POSTGRES.stage]
    for one in stages():
        assert watched[one.name] == set(one.inputs)
    assert len(watched) == len(stages()) + 2
    assert {name for one in STAGES for name in one.outputs} <= set(BY_NAME)


def test_every_market_topic_may_be_late() -> None:
    assert set(LATE_MS) == {topic.name for topic in MARKET_TOPICS}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TimeoutError(), "no answer within 4 s"),
        (ConnectionRefusedError(111, "Connect call failed"), "nobody accepts connections there"),
        (ValueError("one\ntwo"), "one"),
        (ValueError(), "ValueError"),
    ],
)
def test_errors_of_clients_become_one_line(error: Exception, text: str) -> None:
    assert short_reason(error) == text
