"""Dead letters by the record they are about."""

from __future__ import annotations

from typing import Any

import pytest

from quantiva.status.dead_letters import Selection, grouped
from tests.unit.quantiva.status.samples import T0, letter


def test_several_stages_complain_about_one_record_and_the_newest_record_comes_first() -> None:
    letters = [
        letter(7),
        letter(8, failed_at=T0 + 5),
        letter(7, "sink.postgres", failed_at=T0 + 1),
    ]
    found = grouped(letters)
    assert [(one.position, one.stages) for one in found] == [
        ("market.news:2:8", "sentiment"),
        ("market.news:2:7", "sentiment, sink.postgres"),
    ]
    assert found[1].newest.stage == "sink.postgres"


def test_a_letter_that_was_written_twice_counts_once() -> None:
    (found,) = grouped([letter(failed_at=T0 + 9), letter()])
    assert [one.failed_at for one in found.letters] == [T0 + 9]


def test_the_bytes_come_from_the_letter_that_has_them() -> None:
    (found,) = grouped([letter(stage="sink.postgres", record_value=None), letter()])
    assert found.whole.record_value == b"garbage"


@pytest.mark.parametrize(
    ("selection", "takes"),
    [
        pytest.param({}, True, id="all"),
        pytest.param({"topic": "market.news"}, True, id="its topic"),
        pytest.param({"topic": "signals"}, False, id="another topic"),
        pytest.param({"stage": "fusion"}, False, id="another stage"),
        pytest.param({"since_ms": T0}, True, id="since its time"),
        pytest.param({"since_ms": T0 + 1}, False, id="since later"),
        pytest.param({"ident": "market.news:2:7"}, True, id="its position"),
        pytest.param({"ident": "market.news:2:7:sentiment"}, True, id="its id"),
        pytest.param({"ident": "market.news:2:70"}, False, id="another id"),
    ],
)
def test_a_selection_takes_a_letter(selection: dict[str, Any], takes: bool) -> None:
    assert Selection(**selection).takes(letter()) is takes
