"""The mood of the market."""

from __future__ import annotations

import pytest

from producers.upstreams.feargreed import parse_index
from producers.upstreams.rows import MoodRow, Parsed
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import refusal


def test_a_day():
    row = MoodRow(source="feargreed", value=40.0, since=1789948800000)
    assert parse_index(answers.mood()) == Parsed((row,))


@pytest.mark.parametrize("value", [None, "", "Fear", "101", "-1", True, []])
def test_a_value_out_of_range_is_none(value):
    parsed = parse_index(answers.mood(value=value))
    assert (parsed.rows, parsed.skipped) == ((), ("feargreed day 1 has no value from 0 to 100",))


@pytest.mark.parametrize("timestamp", [None, "yesterday", "09-21-2026", 5])
def test_a_day_without_a_time_is_none(timestamp):
    parsed = parse_index(answers.mood(timestamp=timestamp))
    assert parsed.skipped == ("feargreed day 1 has no timestamp",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": []}, "the answer has no day"),
        ({"data": None}, '"data" in the answer is null, not a list'),
        ({"metadata": {"error": "Down"}}, "the answer has no day: Down"),
    ],
)
def test_an_answer_without_a_day_is_an_error(changes, said):
    assert said in refusal(parse_index, {**answers.mood(), **changes})
