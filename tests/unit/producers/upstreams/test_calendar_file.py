"""Files of scheduled events that people keep."""

from __future__ import annotations

import json

import msgspec
import pytest

from producers.upstreams.calendar_file import CalendarFileError, parse_calendar_file
from producers.upstreams.rows import EventRow
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import only

END_OF_DAY = 1791244799999  # 2026-10-05T23:59:59.999Z
HALVING = EventRow(
    source="file",
    source_id="",
    title="Halving",
    coins=(("btc", "BTC"),),
    category="burn",
    starts_at=END_OF_DAY,
    precision="day",
    impact=0.5,
    certainty=0.9,
    url="https://example.com/halving",
)
CSV = """asset,title,starts_at,category,impact,certainty,url,cancelled,id
BTC,Halving,2026-10-05,burn,0.5,0.9,https://example.com/halving,no,
"""


def parse(content, suffix=".csv"):
    return parse_calendar_file(content, suffix, "events" + suffix)


def of_json(**changes):
    return parse(json.dumps(answers.file_events(**changes)), ".json")


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        pytest.param(json.dumps(answers.file_events()), ".json", id="JSON under events"),
        pytest.param(json.dumps(answers.file_events()["events"]), ".JSON", id="JSON list"),
        pytest.param(CSV, ".csv", id="CSV"),
        pytest.param("\ufeff" + CSV, ".csv", id="CSV with a byte order mark"),
        pytest.param(CSV.replace(",", ";"), "csv", id="CSV of a spreadsheet in Europe"),
        pytest.param(CSV.replace("\n", "\r\n"), ".csv", id="CSV of Windows"),
        pytest.param(CSV + ",,,,,,,,\n\n", ".csv", id="CSV with empty lines"),
        pytest.param(
            CSV.replace("asset,title", "Asset, Title"), ".csv", id="CSV, header in capitals"
        ),
    ],
)
def test_an_event(content, suffix):
    parsed = parse(content, suffix)
    assert parsed.skipped == ()
    [row] = parsed.rows
    assert row.source_id.startswith("btc:")
    assert msgspec.structs.replace(row, source_id="") == HALVING


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"category": None}, {"category": "burn"}, id="category by the title"),
        pytest.param({"category": "Hard fork"}, {"category": "hard_fork"}, id="category in words"),
        pytest.param({"impact": None}, {"impact": 0.35}, id="impact of the category"),
        pytest.param({"impact": "0.5"}, {"impact": 0.5}, id="impact as text"),
        pytest.param({"certainty": ""}, {"certainty": 0.9}, id="certainty unsaid"),
        pytest.param(
            {"certainty": None, "starts_at": "2026-Q4"},
            {"certainty": 0.36, "precision": "quarter", "starts_at": 1798761599999},
            id="a quarter",
        ),
        pytest.param(
            {"starts_at": "2026-10-05T14:00Z"},
            {"starts_at": 1791208800000, "precision": "minute"},
            id="a minute",
        ),
        pytest.param(
            {"starts_at": "2026-10-05T14:00+02:00"}, {"starts_at": 1791201600000}, id="an offset"
        ),
        pytest.param({"cancelled": "yes"}, {"cancelled": True}, id="cancelled in words"),
        pytest.param({"cancelled": True}, {"cancelled": True}, id="cancelled"),
        pytest.param({"url": "ftp://x"}, {"url": None}, id="no web address"),
        pytest.param({"id": 7}, {"source_id": "7"}, id="an id of its own"),
        pytest.param({"asset": "bitcoin cash"}, {"coins": (("bitcoin-cash", ""),)}, id="a name"),
    ],
)
def test_forms_of_fields(changes, expected):
    parsed = of_json(**changes)
    assert parsed.skipped == ()
    assert only(parsed.rows[0], expected) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {"asset": ""},
            "events.json row 1: asset is missing; write its symbol, for example BTC",
            id="no asset",
        ),
        pytest.param(
            {"title": None},
            "events.json row 1: title is missing; say what is announced",
            id="title",
        ),
        pytest.param(
            {"starts_at": "soon"},
            "events.json row 1: starts_at 'soon' is wrong; "
            "write 2026-10-05T14:00Z, 2026-10-05, 2026-10 or 2026-Q4",
            id="no date",
        ),
        pytest.param(
            {"starts_at": 20261005},
            "events.json row 1: starts_at '20261005' is wrong; "
            "write 2026-10-05T14:00Z, 2026-10-05, 2026-10 or 2026-Q4",
            id="a number for a date",
        ),
        pytest.param(
            {"impact": 5},
            "events.json row 1: impact '5' is wrong; write a number from 0 to 1",
            id="impact beyond 1",
        ),
        pytest.param(
            {"certainty": [1]},
            "events.json row 1: certainty 'a list' is wrong; write a number from 0 to 1",
            id="certainty a list",
        ),
        pytest.param(
            {"cancelled": "perhaps"},
            "events.json row 1: cancelled 'perhaps' is wrong; write true or false",
            id="perhaps cancelled",
        ),
    ],
)
def test_a_wrong_row_is_skipped_by_file_row_and_field(changes, sentence):
    parsed = of_json(**changes)
    assert (parsed.rows, parsed.skipped) == ((), (sentence,))


def test_a_wrong_category_names_those_there_are():
    parsed = parse(CSV.replace("burn", "party"))
    assert parsed.rows == ()
    assert parsed.skipped[0].startswith(
        "events.csv row 2: category 'party' is wrong; there are air"
    )


def test_a_wrong_row_does_not_harm_the_others():
    parsed = parse(CSV + "ETH,Unlock, of tokens,2026-10-06,,,,,,\nETH,Unlock,2026-10-06\n")
    assert [row.coins for row in parsed.rows] == [(("btc", "BTC"),), (("eth", "ETH"),)]
    assert parsed.skipped == (
        "events.csv row 3 has 10 cells for 9 columns; put texts with commas in quotes",
    )


def test_a_field_that_is_not_read_is_said_once():
    rows = [{**answers.FILE_EVENT, "id": place, "certanity": 1} for place in range(3)]
    parsed = parse(json.dumps(rows), ".json")
    assert len(parsed.rows) == 3
    assert (parsed.skipped, parsed.remarks()) == ((), parsed.notes)
    assert parsed.notes == (
        "events.json: the field 'certanity' is not read; there are asset, title, starts_at, "
        "category, impact, certainty, url, cancelled, id",
    )


def test_a_moved_date_keeps_the_id_and_a_like_event_has_another():
    one = [{**answers.FILE_EVENT, "starts_at": date} for date in ("2026-10-05", "2026-11-05")]
    moved = [one[0], {**one[1], "starts_at": "2026-11-20"}]
    ids = [
        [row.source_id for row in parse(json.dumps(rows), ".json").rows] for rows in (one, moved)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_an_id_twice_is_said():
    rows = [{**answers.FILE_EVENT, "id": "x"}, {**answers.FILE_EVENT, "id": "x", "title": "Other"}]
    parsed = parse(json.dumps(rows), ".json")
    assert [row.title for row in parsed.rows] == ["Halving"]
    assert parsed.skipped == ("events.json row 2: id 'x' is another row's",)


@pytest.mark.parametrize(
    ("content", "suffix", "text"),
    [
        pytest.param("{", ".json", "events.json is not JSON", id="half of the JSON"),
        pytest.param('{"a": 1}', ".json", "events.json is no list of events", id="no list"),
        pytest.param("3", ".json", "events.json is no list of events", id="a number"),
        pytest.param(
            "asset,title\nBTC,x\n",
            ".csv",
            "events.csv lacks the column\\(s\\) starts_at in its first line",
            id="a column missing",
        ),
        pytest.param("", ".csv", "lacks the column\\(s\\) asset, title, starts_at", id="empty"),
        pytest.param(CSV, ".xlsx", "events.xlsx is of type '.xlsx'; write it as", id="spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_read(content, suffix, text):
    with pytest.raises(CalendarFileError, match=text):
        parse(content, suffix)


def test_rows_of_json_that_are_no_objects():
    parsed = parse('[null, "BTC", 3]', ".json")
    assert parsed.skipped == (
        "events.json row 1 is null, not an object",
        "events.json row 2 is text, not an object",
        "events.json row 3 is a number, not an object",
    )


def test_an_empty_list_is_no_error():
    assert parse("[]", ".json").rows == ()
