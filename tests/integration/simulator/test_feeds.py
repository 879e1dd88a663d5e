"""What each feed answers over real HTTP: formats, keys, pages, the traps of the real ones."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import feedparser
import pytest
import pytest_asyncio

from simulator.keys import KEYS
from simulator.rss import FEEDS
from tests.integration.simulator.feeds_harness import (
    BROWSER,
    FEW,
    START_MS,
    UNLIMITED,
    Harness,
    harnessed,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
SYMBOLS = [asset.symbol for asset in FEW]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness():
    async with harnessed(UNLIMITED) as started:
        yield started


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/lunarcrush/api4/public/coins/list/v1", {}, 401),
        ("/lunarcrush/api4/public/coins/list/v1", {"Authorization": "Bearer no"}, 401),
        ("/lunarcrush/api4/public/coins/list/v1?key=" + KEYS["lunarcrush"], {}, 200),
        ("/coingecko/api/v3/ping", {}, 200),
        ("/coingecko/api/v3/ping", {"x-cg-demo-api-key": "no"}, 401),
        ("/coingecko/api/v3/ping", {"x-cg-demo-api-key": KEYS["coingecko"]}, 200),
        ("/cryptonews/api/v1?tickers=BTC&token=no", {}, 403),
        ("/stocknews/api/v1?tickers=BTC&token=" + KEYS["cryptonews"], {}, 403),
        ("/stocknews/api/v1?tickers=BTC&token=" + KEYS["stocknews"], {}, 200),
        ("/coinmarketcal/v1/events", {}, 403),
        ("/rss/coindesk", {}, 403),
        ("/rss/coindesk", BROWSER, 200),
        ("/rss/nobody", BROWSER, 404),
        ("/nothing", {}, 404),
    ],
)
async def test_keys(harness: Harness, path, headers, status):
    assert (await harness.get(path, headers)).status == status


async def test_coin_list_is_sorted_and_paged(harness: Harness):
    first = (await harness.lunarcrush("/coins/list/v2", limit=2, sort="alt_rank")).json
    second = (await harness.lunarcrush("/coins/list/v2", limit=2, sort="alt_rank", page=1)).json
    ranks = [row["alt_rank"] for row in first["data"] + second["data"]]
    assert ranks == [1, 2, 3, 4]
    assert first["config"]["total_rows"] == len(SYMBOLS) + 5  # stablecoins and the like beside
    everything = (await harness.lunarcrush("/coins/list/v1", limit=1000, desc="false")).json["data"]
    caps = [row["market_cap"] for row in everything]
    assert caps == sorted(caps)  # any `desc` descends: the last rank comes first
    assert len((await harness.lunarcrush("/coins/list/v1")).json["data"]) == 10  # the default


async def test_coin_rows_have_the_vendors_types_and_nulls(harness: Harness):
    rows = (await harness.lunarcrush("/coins/list/v1", limit=100)).json["data"]
    by_symbol = {row["symbol"]: row for row in rows if row["sentiment"] is not None}
    assert sorted(by_symbol) == sorted(SYMBOLS)
    bitcoin = by_symbol["BTC"]
    assert type(bitcoin["sentiment"]) is int
    assert type(bitcoin["categories"]) is str
    assert bitcoin["topic"] == "btc bitcoin"
    assert by_symbol["ETH"]["max_supply"] is None
    quiet = [row for row in rows if row["symbol"] not in by_symbol]
    assert {row["galaxy_score"] for row in quiet} == {None}
    # Symbols are not unique; the larger coin is the one meant.
    assert [row["symbol"] for row in rows].count("PEPE") == 2
    assert (await harness.lunarcrush("/coins/pepe/v1")).json["data"]["name"] == "Pepe"


async def test_series_of_the_recorded_answer_are_all_there(harness: Harness, shared_data):
    import orjson

    path = shared_data / "fixtures" / "lunarcrush_v4_docs_20251016"
    recorded = orjson.loads((path / "coins_list_v2.json").read_bytes())["body"]["data"][0]
    given = (await harness.lunarcrush("/coins/list/v2", limit=1)).json["data"][0]
    assert set(given) == set(recorded)
    recorded = orjson.loads((path / "topic_news.json").read_bytes())["body"]["data"][0]
    given = (await harness.lunarcrush("/topic/bitcoin/news/v1")).json["data"][0]
    assert set(given) == set(recorded)
    recorded = orjson.loads((path / "topic.json").read_bytes())["body"]["data"]
    assert set((await harness.lunarcrush("/topic/bitcoin/v1")).json["data"]) == set(recorded)
    markets = shared_data / "fixtures" / "coingecko_jkorf" / "GetMarkets.json"
    recorded = orjson.loads(markets.read_bytes())["body"][0]
    given = (await harness.coingecko("/coins/markets", vs_currency="usd")).json[0]
    assert set(given) == set(recorded)
    searched = shared_data / "fixtures" / "coingecko_jkorf" / "GetTrendingSearches.json"
    recorded = orjson.loads(searched.read_bytes())["body"]["coins"][0]["item"]
    given = (await harness.coingecko("/search/trending")).json["coins"][0]["item"]
    assert set(given) == set(recorded)
    assert set(given["data"]) == set(recorded["data"])


async def test_topic_news_and_unknown_topics(harness: Harness):
    answer = (await harness.lunarcrush("/topic/btc/news/v1")).json
    assert answer["config"]["symbol"] == "BTC"
    created = [row["post_created"] for row in answer["data"]]
    assert created == sorted(created, reverse=True)
    assert all(1.0 <= row["post_sentiment"] <= 5.0 for row in answer["data"])
    assert (await harness.lunarcrush("/topic/nobody/news/v1")).status == 404


async def test_trending_is_ranked_by_score_with_amounts_as_text(harness: Harness):
    coins = [row["item"] for row in (await harness.coingecko("/search/trending")).json["coins"]]
    assert [coin["score"] for coin in coins] == list(range(len(SYMBOLS)))
    assert coins[0]["data"]["market_cap"].startswith("$")
    assert "," in coins[0]["data"]["total_volume"]
    assert type(coins[0]["data"]["price_btc"]) is str


async def test_markets_need_a_currency_and_are_paged(harness: Harness):
    refused = await harness.coingecko("/coins/markets")
    assert (refused.status, refused.json) == (422, {"error": "Missing parameter vs_currency"})
    pages = [
        (await harness.coingecko("/coins/markets", vs_currency="usd", per_page=4, page=page)).json
        for page in (1, 2, 3, 4)
    ]
    assert [len(page) for page in pages] == [4, 4, 2, 0]
    rows = [row for page in pages for row in page]
    assert len({row["id"] for row in rows}) == 10
    assert [row["symbol"] for row in rows if row["current_price"] is None] == ["pepe"]
    chosen = await harness.coingecko("/coins/markets", vs_currency="usd", ids="ripple,solana")
    assert [row["symbol"] for row in chosen.json] == ["xrp", "sol"]


async def test_coin_detail_leaves_out_what_is_switched_off(harness: Harness):
    whole = (await harness.coingecko("/coins/ethereum")).json
    assert whole["developer_data"]["commit_count_4_weeks"] > 0
    assert whole["market_data"]["max_supply"] is None
    lean = await harness.coingecko("/coins/ethereum", localization="false", market_data="false")
    assert set(whole) - set(lean.json) == {"localization", "market_data"}
    assert (await harness.coingecko("/coins/bitcoin")).json["community_data"][
        "reddit_subscribers"
    ] == 0
    unknown = await harness.coingecko("/coins/nobody")
    assert (unknown.status, unknown.json) == (404, {"error": "coin not found"})


async def test_news_by_ticker_pages_and_dates(harness: Harness):
    both = (await harness.cryptonews(tickers="BTC,ETH", items=5)).json
    assert all({"BTC", "ETH"} & set(row["tickers"]) for row in both["data"])
    assert both["total_pages"] == -(-both["total_items"] // 5)
    dates = [parsedate_to_datetime(row["date"]) for row in both["data"]]
    assert dates == sorted(dates, reverse=True)
    assert {date.utcoffset().total_seconds() for date in dates} == {-4 * 3600}
    assert all(date.timestamp() * 1000 <= START_MS for date in dates)
    only = (await harness.cryptonews(**{"tickers-only": "ETH"})).json["data"]
    assert {tuple(row["tickers"]) for row in only} == {("ETH",)}
    gloomy = (await harness.cryptonews(tickers="BTC", sentiment="negative")).json["data"]
    assert {row["sentiment"] for row in gloomy} == {"Negative"}


@pytest.mark.parametrize(
    ("path", "query"),
    [("", {}), ("", {"tickers": "BTC", "page": 6}), ("/category", {"section": "nothing"})],
    ids=["no ticker", "a page beyond the plan", "no such section"],
)
async def test_news_says_some_errors_with_status_200(harness: Harness, path, query):
    answer = await harness.cryptonews(path, **query)
    assert answer.status == 200
    assert "data" not in answer.json


async def test_news_events_and_general_section(harness: Harness):
    events = (await harness.cryptonews("/events", tickers="BTC,SOL,XRP")).json["data"]
    assert {tuple(row["tickers"]) for row in events} <= {("BTC",), ("SOL",), ("XRP",)}
    assert all(row["event_id"] and row["event_name"] for row in events)
    general = (await harness.cryptonews("/category", section="general", items=3)).json["data"]
    assert all("tickers" not in row for row in general)


async def test_calendar_by_slug_pages_and_dates(harness: Harness):
    first = (await harness.coinmarketcal("/events", max=1)).json
    count = first["_metadata"]["total_count"]
    assert first["_metadata"]["page_count"] == count
    rows = [
        row
        for page in range(1, count + 1)
        for row in (await harness.coinmarketcal("/events", max=1, page=page)).json["body"]
    ]
    assert len({row["id"] for row in rows}) == count
    assert [row["date_event"] for row in rows[:1]] >= ["2025-10-09"]
    own = (await harness.coinmarketcal("/events", max=75, coins="solana")).json["body"]
    assert {row["coins"][0]["symbol"] for row in own} <= {"SOL"}
    assert len(own) < count
    until = (await harness.coinmarketcal("/events", max=75, dateRangeEnd="2025-10-12")).json["body"]
    assert all(row["date_event"] < "2025-10-13" for row in until)
    wrong = (await harness.coinmarketcal("/events", dateRangeEnd="soon")).json
    assert wrong["status"]["error_code"] == 400


@pytest.mark.parametrize("feed", FEEDS)
async def test_rss_is_read_by_feedparser(harness: Harness, feed):
    answer = await harness.get(f"/rss/{feed}", BROWSER)
    parsed = feedparser.parse(answer.body)
    assert parsed.bozo == 0
    assert parsed.entries
    latest = parsed.entries[0]
    assert latest.title
    assert latest.link.startswith("https://news.example/")
    assert ("utm_source" in latest.link) == (feed == "cointelegraph")
    at = datetime(*latest.published_parsed[:6], tzinfo=UTC)
    assert at.timestamp() * 1000 <= START_MS


async def test_rss_is_not_sent_again_when_nothing_is_new(harness: Harness):
    first = await harness.get("/rss/decrypt", BROWSER)
    etag, since = first.headers["ETag"], first.headers["Last-Modified"]
    by_etag = await harness.get("/rss/decrypt", BROWSER | {"If-None-Match": etag})
    by_time = await harness.get("/rss/decrypt", BROWSER | {"If-Modified-Since": since})
    assert (by_etag.status, by_time.status, by_etag.body) == (304, 304, b"")
    other = await harness.get("/rss/decrypt", BROWSER | {"If-None-Match": '"other"'})
    assert other.status == 200


async def test_the_same_story_comes_from_several_sources(harness: Harness):
    wire = (await harness.cryptonews(tickers=",".join(SYMBOLS))).json["data"]
    urls = {row["news_url"] for row in wire}
    parsed = feedparser.parse((await harness.get("/rss/cointelegraph", BROWSER)).body)
    linked = {entry.link.split("?")[0] for entry in parsed.entries}
    posted = {
        row["post_link"]
        for row in (await harness.lunarcrush("/topic/bitcoin/news/v1")).json["data"]
    }
    assert urls & linked
    assert urls & posted
