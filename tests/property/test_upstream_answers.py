"""Whatever upstreams send in place of what they document: rows, a sentence, or the one error."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.feeds.articles import on_chain
from producers.http_client.errors import UpstreamError
from producers.upstreams import (
    announcements,
    coingecko,
    coingecko_detail,
    coinmarketcal,
    coinmetrics,
    cryptonews,
    feargreed,
    lunarcrush,
)
from producers.upstreams.calendar_file import CalendarFileError, parse_calendar_file
from producers.upstreams.rows import (
    ChainRow,
    DetailRow,
    EventRow,
    MoodRow,
    NewsRow,
    Parsed,
    TopicRow,
)
from producers.upstreams.rss import parse_feed
from schemas.market import CalendarEvent, Fundamentals, NewsArticle, TrendingAsset
from schemas.validation import problem
from tests.unit.producers.upstreams import answers, feeds

SEEN_AT = 1_790_000_000_000


def delistings(raw: Any) -> Any:
    """Parse announcements of delistings."""
    return announcements.parse_announcements(raw, "delistings")


PARSERS: list[tuple[Callable[[Any], Any], Any]] = [
    (lunarcrush.parse_coins, answers.coins()),
    (lunarcrush.parse_topic, answers.topic()),
    (lunarcrush.parse_topic_news, answers.posts()),
    (coingecko.parse_trending, answers.trending()),
    (coingecko.parse_markets, answers.markets()),
    (coingecko_detail.parse_detail, answers.detail()),
    (coingecko_detail.parse_mean_volume, answers.chart()),
    (cryptonews.parse_news, answers.news()),
    (cryptonews.parse_events, answers.news_events()),
    (coinmarketcal.parse_events, answers.calendar_events()),
    (delistings, answers.announcements()),
    (announcements.parse_markets, answers.markets_of_bybit()),
    (coinmetrics.parse_metrics, answers.chains()),
    (feargreed.parse_index, answers.mood()),
]

MISSING = object()
NASTY = (
    None,
    True,
    0,
    -1,
    0.5,
    150,
    2**31,
    2**63,
    10**400,
    1e-30,
    1e40,
    -1e40,
    float("nan"),
    float("inf"),
    [],
    {},
    [None],
    {"en": None},
    "",
    " ",
    "0",
    "-1",
    "$1e40",
    "NaN",
    "btc coin",
    "ß",
    "2026-13-45",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "Mon, 00 Jan 0000 00:00:00 +9999",
    "Q4 2026",
    "31 Feb 2026",
    "<p>",
    "<",
    "https://[",
    "half \ud800 a pair",
    "x" * 5000,
)
"""What upstreams may send in any place."""
texts = st.text(max_size=20) | st.sampled_from([one for one in NASTY if isinstance(one, str)])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(NASTY)
oddities = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of each part of a JSON value."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, part in inner:
        found += places(part, (*path, key))
    return found


def change(answer: Any, path: tuple[Any, ...], odd: Any) -> None:
    """Put something else in a place of an answer, or take the place away."""
    *way, last = path
    for key in way:
        answer = answer[key]
    if odd is MISSING:
        del answer[last]
    else:
        answer[last] = copy.deepcopy(odd)


@st.composite
def spoilt(draw: st.DrawFn, valid: Any) -> Any:
    """Return a valid answer with up to six parts nulled, dropped, or of another type."""
    answer = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 6))):
        here = places(answer)
        if here:
            change(answer, draw(st.sampled_from(here)), draw(st.just(MISSING) | oddities))
    return answer


class _Talk(TopicRow, kw_only=True, frozen=True):
    """A topic's numbers as those of a coin."""

    topic: str = ""
    source_id: str = "x"
    name: str = "x"
    price_usd: float = 1.0
    volume_24h_usd: float = 0.0


def as_event(row: Any) -> Any:
    """Return the market event that a row becomes; None where it cannot become one."""
    if isinstance(row, ChainRow):
        return on_chain(row.symbol, SEEN_AT, row)
    if isinstance(row, announcements.SpotMarket):
        return None
    head = {"observed_at": SEEN_AT, "event_time": SEEN_AT, "source": row.source}
    if isinstance(row, MoodRow):
        row = _Talk(source=row.source)
        head["fear_greed"] = 40.0
    if isinstance(row, TopicRow):
        row = _Talk(**answers.without(msgspec.structs.asdict(row), "topic"))
    if isinstance(row, NewsRow):
        names = ("source_id", "headline", "summary", "url", "publisher", "sentiment_label")
        made = {name: getattr(row, name) for name in names}
        return NewsArticle(asset=(*row.tickers, "X")[0], **head, **made)
    if isinstance(row, EventRow):
        names = ("title", "category", "starts_at", "impact", "certainty", "url", "cancelled")
        made = {name: getattr(row, name) for name in names}
        return CalendarEvent(asset=row.coins[0][1] or "X", source_id=row.source_id, **head, **made)
    if isinstance(row, DetailRow):
        made = {name: getattr(row, name) for name in row.__struct_fields__}
        made = answers.without(
            made, "source", "symbol", "name", "updated_at", "votes_up_pct", "faults"
        )
        return Fundamentals(asset=row.symbol, **head, **made)
    if row.price_usd is None:
        return None
    made = {
        name: getattr(row, name)
        for name in row.__struct_fields__
        if name in TrendingAsset.__struct_fields__ and name != "source"
    }
    made["volume_24h_usd"] = row.volume_24h_usd or 0.0
    return TrendingAsset(asset=row.symbol or "X", cycle=0, cycle_size=1, rank=1, **head, **made)


def check(made: Any) -> None:
    """Assert that what a parser made can be published: valid, and every text encodable."""
    if isinstance(made, Parsed):
        assert all(made.skipped)
        assert made.pages >= 1
        rows = made.rows
    else:
        rows = () if isinstance(made, float | None) else (made,)
    msgspec.json.encode((rows, getattr(made, "skipped", ())))
    for row in rows:
        event = as_event(row)
        assert event is None or problem(event) is None


def check_answer(parse: Callable[[Any], Any], raw: Any) -> None:
    """Assert that an answer gives what can be published, or the one error."""
    made = parsed(parse, raw)
    if isinstance(made, str):
        assert made.encode().startswith(b"bad_answer")
    else:
        check(made)


def parsed(parse: Callable[[Any], Any], raw: Any) -> Any:
    """Return what a parser makes, or the error's text."""
    try:
        return parse(raw)
    except UpstreamError as error:
        return f"{error.kind}: {error}"


every_parser = pytest.mark.parametrize(
    ("parse", "valid"),
    [
        pytest.param(parse, valid, id=f"{parse.__module__.rpartition('.')[2]} {parse.__name__}")
        for parse, valid in PARSERS
    ],
)


@every_parser
def test_each_part_missing_or_odd(parse: Callable[[Any], Any], valid: Any) -> None:
    """One fault at a time, every fault in every place."""
    for path in places(valid):
        for odd in (*NASTY, MISSING):
            answer = copy.deepcopy(valid)
            change(answer, path, odd)
            check_answer(parse, answer)


@every_parser
@settings(max_examples=60)
@given(data=st.data())
def test_several_parts_missing_or_odd(
    parse: Callable[[Any], Any], valid: Any, data: st.DataObject
) -> None:
    raw = data.draw(spoilt(valid))
    check_answer(parse, raw)
    assert parsed(parse, raw) == parsed(parse, raw)


@given(st.sampled_from(PARSERS), oddities)
def test_anything_at_all_in_place_of_an_answer(chosen: Any, raw: Any) -> None:
    check_answer(chosen[0], raw)


def test_the_valid_answers_give_a_row_each() -> None:
    for parse, valid in PARSERS:
        made = parse(valid)
        check(made)
        assert not isinstance(made, Parsed) or (len(made.rows), made.skipped) == (1, ()), parse


@given(st.data())
def test_a_spoilt_calendar_file(data: st.DataObject) -> None:
    raw = data.draw(spoilt(answers.file_events()))
    with contextlib.suppress(CalendarFileError):
        check(parse_calendar_file(json.dumps(raw), ".json"))


TABLE = "asset,title,starts_at,impact\nBTC,Halving,2026-10-05,0.5\nETH,Unlock,2026-Q4,\n"
DOCUMENT = feeds.feed(feeds.item(), feeds.item(guid="2"))


@st.composite
def torn(draw: st.DrawFn, valid: str) -> str:
    """Return a text with a piece of it replaced."""
    start = draw(st.integers(0, len(valid)))
    end = draw(st.integers(start, min(len(valid), start + 40)) | st.just(len(valid)))
    return (
        valid[:start]
        + draw(texts | st.sampled_from(["<", "&x;", '"', "\x00", "]]>"]))
        + valid[end:]
    )


@given(torn(TABLE))
def test_a_torn_table(content: str) -> None:
    with contextlib.suppress(CalendarFileError):
        check(parse_calendar_file(content, ".csv"))


@settings(max_examples=200)
@given(torn(DOCUMENT))
def test_a_torn_feed(document: str) -> None:
    check_answer(lambda raw: parse_feed(raw, feeds.URL), document)
