"""What is shown of the producers' upstreams."""

from __future__ import annotations

import msgspec
import pytest

from quantiva.status.sources import SILENT_MS, reports, requests, source_problems, universe
from schemas.sources import SourceStatus
from tests.unit.quantiva.status.samples import SOURCE, T0

NOW = T0 + 10_000_000


def status(source: str = "rss", **fields: object) -> SourceStatus:
    return msgspec.structs.replace(SOURCE, source=source, **fields)


def test_the_latest_of_each_source_counts_and_the_worst_comes_first() -> None:
    told = [
        (status("rss", state="failing"), NOW - 9_000),
        (status("lunarcrush", state="ok"), NOW - 5_000),
        (status("stocknews", state="off"), NOW - 5_000),
        (status("binance", state="degraded"), NOW - 5_000),
        (status("coingecko", state="failing"), NOW - 5_000),
        (status("rss", state="ok"), NOW - 1_000),
    ]
    found = reports(told, NOW)
    assert [(one.status.source, one.status.state) for one in found] == [
        ("coingecko", "failing"),
        ("binance", "degraded"),
        ("lunarcrush", "ok"),
        ("rss", "ok"),
        ("stocknews", "off"),
    ]
    assert [one.told_age_ms for one in found] == [5_000, 5_000, 5_000, 1_000, 5_000]


@pytest.mark.parametrize(
    ("last", "age"),
    [
        pytest.param(None, None, id="never"),
        pytest.param(T0 - 90_000, 90_000, id="by the producers' clock"),
        pytest.param(T0 + 1, 0, id="not of the future"),
    ],
)
def test_the_age_of_the_last_answer(last: int | None, age: int | None) -> None:
    (one,) = reports([(status(observed_at=T0, last_success_at=last), NOW)], NOW)
    assert one.age_ms == age


@pytest.mark.parametrize(
    ("limit", "text"),
    [pytest.param(None, "1,234", id="no limit"), pytest.param(5000, "1,234 of 5,000", id="limit")],
)
def test_requests_of_the_day(limit: int | None, text: str) -> None:
    assert requests(status(requests_day=1234, limit_day=limit)) == text


def test_what_fails_is_a_problem_and_the_rest_is_none() -> None:
    told = [
        (status("rss", state="failing", detail="it answers 500"), NOW),
        (status("bybit", state="failing", detail="", last_error="it is away"), NOW),
        (status("lunarcrush", state="degraded"), NOW),
        (status("stocknews", state="off"), NOW),
    ]
    assert source_problems(reports(told, NOW)) == [
        "bybit is failing: it is away.",
        "rss is failing: it answers 500.",
    ]


def test_producers_that_are_silent_are_the_only_problem() -> None:
    told = [(status("rss", state="failing"), NOW - SILENT_MS - 1), (status("a"), NOW - 400_000)]
    (sentence,) = source_problems(reports(told, NOW))
    assert sentence.startswith("The producers have said nothing for 3 min: start `quantiva prod")
    assert source_problems(()) == []


def test_why_assets_are_in_the_universe_is_told_by_reason() -> None:
    assets = {
        "BTC": "trending, pinned",
        "ETH": "trending",
        "SOL": "trending",
        "KAS": "strategy mine",
        "NO": "strategy mine: no coin list and no exchange knows it",
    }
    found = reports([(status("universe", assets=assets), NOW), (status("rss"), NOW)], NOW)
    assert universe(found) == [
        "trending: 2 assets",
        "strategy mine: KAS",
        "strategy mine: no coin list and no exchange knows it: NO",
        "trending, pinned: BTC",
    ]
    assert source_problems(found) == []
