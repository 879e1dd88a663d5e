"""CryptoNews, StockNews and CryptoPanic: answers and their traps."""

from __future__ import annotations

import pytest

from producers.upstreams.cryptonews import parse_events, parse_news
from producers.upstreams.rows import EventRow, NewsRow, Parsed
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import only, refusal

HIGH = "https://www.coindesk.com/a"


def test_an_article():
    assert parse_news(answers.news()) == Parsed(
        (
            NewsRow(
                source="cryptonews",
                source_id=HIGH,
                headline="Bitcoin Hits a High",
                summary="Bitcoin surged.",
                url=HIGH,
                publisher="CoinDesk",
                published_at=1781352000000,
                tickers=("BTC",),
                tags=("institutions",),
                sentiment_label="positive",
            ),
        ),
        pages=10,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"sentiment": "Negative"}, {"sentiment_label": "negative"}, id="negative"),
        pytest.param({"sentiment": ""}, {"sentiment_label": None}, id="no sentiment"),
        pytest.param({"tickers": None}, {"tickers": ()}, id="general news have no tickers"),
        pytest.param({"topics": None, "tags": ["x"]}, {"tags": ("x",)}, id="topics once were tags"),
        pytest.param({"topics": []}, {"tags": ()}, id="no topics"),
        pytest.param({"date": "soon"}, {"published_at": None}, id="no time"),
        pytest.param({"text": None}, {"summary": None}, id="no text"),
        pytest.param({"source_name": None}, {"publisher": "coindesk.com"}, id="no publisher"),
        pytest.param({"id": 771}, {"source_id": "771", "url": HIGH}, id="an id that was asked for"),
        pytest.param({"type": "Video"}, {"headline": "Bitcoin Hits a High"}, id="video"),
        pytest.param(
            {"news_url": f"{HIGH}?utm_source=snapi"}, {"source_id": HIGH, "url": HIGH}, id="tracked"
        ),
    ],
)
def test_nulls_and_odd_values(changes, expected):
    row = parse_news(answers.news(**changes)).rows[0]
    assert only(row, expected) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param(
            {"news_url": None},
            "stocknews article 1 has neither an address nor an id",
            id="no address",
        ),
        pytest.param({"title": None}, f"stocknews article 1 ({HIGH}) has no title", id="no title"),
    ],
)
def test_articles_without_the_least_are_skipped(changes, sentence):
    parsed = parse_news(answers.news(**changes), "stocknews")
    assert (parsed.rows, parsed.skipped) == ((), (sentence,))


@pytest.mark.parametrize(
    "parse", [pytest.param(parse_news, id="news"), pytest.param(parse_events, id="events")]
)
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"message": "Your plan does not include this."}, id="no data at all"),
        pytest.param({"data": "Your plan does not include this."}, id="data is text"),
        pytest.param({"data": None, "message": "x"}, id="data is null"),
        pytest.param({"data": {}}, id="data is an object"),
        pytest.param([], id="a list"),
    ],
)
def test_a_plan_problem_with_status_200_is_never_no_news(parse, raw):
    assert refusal(parse, raw).startswith("cryptonews: ")


def test_no_news_are_no_error():
    assert parse_news({"data": [], "total_pages": 0}) == Parsed()


def test_an_event():
    assert parse_events(answers.news_events()) == Parsed(
        (
            EventRow(
                source="cryptonews",
                source_id="ETH123",
                title="Ethereum hard fork agreed",
                coins=(("", "ETH"),),
                category="hard_fork",
                starts_at=1791207000000,
                precision="minute",
                impact=0.7,
                certainty=0.6,
            ),
        )
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"event_id": None}, "cryptonews event 1 has no id", id="no id"),
        pytest.param({"event_name": ""}, "cryptonews event 1 (ETH123) has no title", id="no title"),
        pytest.param({"date": None}, "cryptonews event 1 (ETH123) has no date", id="no date"),
        pytest.param({"tickers": []}, "cryptonews event 1 (ETH123) has no ticker", id="no ticker"),
    ],
)
def test_events_without_the_least_are_skipped(changes, sentence):
    assert parse_events(answers.news_events(**changes)) == Parsed((), (sentence,))
