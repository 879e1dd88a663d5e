"""CoinMarketCal's answers and their traps."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from producers.upstreams.coinmarketcal import parse_events
from producers.upstreams.rows import EventRow, Parsed
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import only, refusal

END_OF_DAY = 1791244799999  # 2026-10-05T23:59:59.999Z


def test_an_event():
    assert parse_events(answers.calendar_events()) == Parsed(
        (
            EventRow(
                source="coinmarketcal",
                source_id="200001",
                title="Mainnet launch",
                coins=(("bitcoin", "BTC"),),
                category="upgrade",
                starts_at=END_OF_DAY,
                precision="day",
                impact=0.5,
                certainty=0.6,
                url="https://x.com/a/status/1",
                published_at=1790861090000,
            ),
        ),
        pages=4,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"displayed_date": "Q4 2026", "date_event": "2026-12-31T00:00:00Z"},
            {"precision": "quarter", "starts_at": 1798761599999, "certainty": 0.24},
            id="a quarter",
        ),
        pytest.param(
            {"displayed_date": "October 2026", "date_event": "2026-10-31T00:00:00Z"},
            {"precision": "month", "starts_at": 1793491199999, "certainty": 0.36},
            id="a month",
        ),
        pytest.param(
            {"can_occur_before": True},
            {"deadline": True, "starts_at": END_OF_DAY, "certainty": 0.42},
            id="a deadline",
        ),
        pytest.param({"can_occur_before": None}, {"deadline": False}, id="deadline unsaid"),
        pytest.param({"displayed_date": None}, {"precision": "day"}, id="no words for the date"),
        pytest.param(
            {"percentage": 90, "vote_count": 10}, {"certainty": 0.8}, id="votes of a paid plan"
        ),
        pytest.param(
            {"positive_vote_count": 9, "vote_count": 10}, {"certainty": 0.8}, id="votes, no share"
        ),
        pytest.param({"is_hot": True}, {"impact": 0.625}, id="many watch it"),
        pytest.param({"is_hot": None}, {"impact": 0.5}, id="nobody says whether"),
        pytest.param({"title": "Mainnet launch"}, {"title": "Mainnet launch"}, id="title as text"),
        pytest.param({"title": {"ko": "a", "en": "b"}}, {"title": "b"}, id="English first"),
        pytest.param({"title": {"en": None, "ko": "a"}}, {"title": "a"}, id="any other language"),
        pytest.param(
            {"title": {"en": "Delisting"}, "categories": [{"id": 4, "name": "Exchange"}]},
            {"category": "delisting", "impact": 0.8},
            id="a delisting among the exchanges'",
        ),
        pytest.param(
            {"categories": None, "title": {"en": "Report"}},
            {"category": "other"},
            id="uncategorised",
        ),
        pytest.param({"source": None}, {"url": answers.CALENDAR_EVENT["proof"]}, id="proof alone"),
        pytest.param(
            {"source": "", "proof": None}, {"url": None, "certainty": 0.4}, id="nothing proves it"
        ),
        pytest.param({"title": {"en": "[Cancelled] Summit"}}, {"cancelled": True}, id="called off"),
        pytest.param(
            {"coins": [{"id": "bitcoin", "symbol": None}, {"id": None, "symbol": "eth"}, None]},
            {"coins": (("bitcoin", ""), ("", "ETH"))},
            id="coins without a part",
        ),
        pytest.param({"created_date": None}, {"published_at": None}, id="not said since when"),
    ],
)
def test_nulls_and_odd_values(changes, expected):
    row = parse_events(answers.calendar_events(**changes)).rows[0]
    assert only(row, expected) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"id": None}, "coinmarketcal event 1 has no id", id="no id"),
        pytest.param({"title": {}}, "coinmarketcal event 1 (200001) has no title", id="no title"),
        pytest.param({"coins": []}, "coinmarketcal event 1 (200001) has no coin", id="no coin"),
        pytest.param(
            {"date_event": None, "displayed_date": "TBA"},
            "coinmarketcal event 1 (200001) has no date",
            id="no date",
        ),
    ],
)
def test_events_without_the_least_are_skipped(changes, sentence):
    parsed = parse_events(answers.calendar_events(**changes))
    assert (parsed.rows, parsed.skipped, parsed.pages) == ((), (sentence,), 4)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(
            {"body": [], "status": {"error_code": 7, "error_message": "Wrong coins."}},
            "coinmarketcal: the answer's status is error 7; it says: Wrong coins",
            id="an error in the status",
        ),
        pytest.param(
            {"message": "Forbidden"},
            'coinmarketcal: the answer has no "body"; it says: Forbidden',
            id="a gateway's message",
        ),
    ],
)
def test_errors(raw, text):
    assert refusal(parse_events, raw) == text


def test_a_day_lasts_until_its_last_ms():
    assert datetime.fromtimestamp(END_OF_DAY / 1000, UTC).isoformat().startswith("2026-10-05T23:59")
