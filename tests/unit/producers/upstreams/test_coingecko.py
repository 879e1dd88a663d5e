"""CoinGecko's answers and their traps."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from producers.upstreams.coingecko import parse_markets, parse_trending
from producers.upstreams.coingecko_detail import parse_detail, parse_mean_volume
from producers.upstreams.rows import CoinRow, DetailRow, Parsed
from tests.unit.producers.upstreams import answers
from tests.unit.producers.upstreams.reading import only, refusal

NO_CODE = {
    "forks": 0,
    "stars": 0,
    "total_issues": 0,
    "closed_issues": 0,
    "pull_requests_merged": 0,
    "pull_request_contributors": 0,
    "commit_count_4_weeks": 0,
}


def test_a_trending_coin():
    assert parse_trending(answers.trending()) == Parsed(
        (
            CoinRow(
                source="coingecko",
                source_id="bonk",
                slug="bonk",
                symbol="BONK",
                name="Bonk",
                price_usd=0.0000059386,
                volume_24h_usd=31_701_707.0,
                market_cap_usd=521_967_819.0,
                market_cap_rank=103,
                change_24h_pct=-3.27,
            ),
        )
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({"price": "$0.1"}, {"price_usd": 0.1}, id="price in dollars, as in 2023"),
        pytest.param(
            {"price": '$0.0<sub title="$0.0000059386">5</sub>9386'},
            {"price_usd": 0.0000059386},
            id="price in HTML",
        ),
        pytest.param({"price": None}, {"price_usd": None}, id="null price"),
        pytest.param({"market_cap": "$0"}, {"market_cap_usd": None}, id="market cap $0"),
        pytest.param({"market_cap": ""}, {"market_cap_usd": None}, id="market cap empty"),
        pytest.param({"market_cap": 5e8}, {"market_cap_usd": 5e8}, id="market cap a number"),
        pytest.param(
            {"price_change_percentage_24h": None}, {"change_24h_pct": None}, id="no changes"
        ),
        pytest.param({"content": {"title": "x"}}, {"symbol": "BONK"}, id="content an object"),
    ],
)
def test_odd_trending_data(data, expected):
    row = parse_trending(answers.trending(data)).rows[0]
    assert only(row, expected) == expected


def test_trending_coins_of_2021_have_no_data():
    raw = answers.trending(market_cap_rank=None)
    del raw["coins"][0]["item"]["data"]
    row = parse_trending(raw).rows[0]
    assert (row.symbol, row.price_usd, row.market_cap_rank) == ("BONK", None, None)


def test_trending_coins_are_ranked_by_score_and_not_by_market_cap():
    raw = {"coins": []}
    for slug, score, rank in (("a", 2, 1), ("b", None, 2), ("c", 0, 900), ("d", 1, 3)):
        changed = answers.trending(id=slug, symbol=slug, score=score, market_cap_rank=rank)
        raw["coins"] += changed["coins"]
    assert [row.symbol for row in parse_trending(raw).rows] == ["C", "D", "A", "B"]


def test_trending_without_its_parts():
    raw = {"coins": [{"item": None}, {"item": {"id": "a"}}, None]}
    assert parse_trending(raw).skipped == (
        "coingecko trending coin 1 has no id",
        "coingecko trending coin 2 (a) has no symbol",
        "coingecko trending coin 3 is null, not an object",
    )


def test_a_market():
    row = parse_markets(answers.markets()).rows[0]
    assert (row.symbol, row.slug, row.price_usd, row.max_supply) == (
        "BTC",
        "bitcoin",
        70187.0,
        None,
    )
    assert (row.change_24h_pct, row.priced_at) == (3.12502, 1712508571736)


def test_every_number_of_a_market_may_be_null():
    nulls = {name: None for name in answers.MARKET if name not in ("id", "symbol", "name")}
    parsed = parse_markets(answers.markets(**nulls))
    assert parsed.bare == ("coingecko coin 1 has no current_price and no total_volume",)
    assert replace(parsed, bare=()) == Parsed(
        (
            CoinRow(
                source="coingecko",
                source_id="bitcoin",
                slug="bitcoin",
                symbol="BTC",
                name="Bitcoin",
            ),
        )
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            {"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}},
            "You've exceeded the Rate Limit",
            id="errors of one shape",
        ),
        pytest.param(
            {"error": "Missing parameter vs_currency"},
            "Missing parameter vs_currency",
            id="and of the other",
        ),
    ],
)
def test_errors_come_in_two_shapes(raw, message):
    said = refusal(parse_markets, raw)
    assert said == f"coingecko: the answer is an object, not a list; it says: {message}"


def test_details():
    assert parse_detail(answers.detail()) == DetailRow(
        source="coingecko",
        source_id="bitcoin",
        symbol="BTC",
        name="Bitcoin",
        updated_at=1712503491021,
        market_cap_rank=1,
        market_cap_usd=1373546629363.0,
        circulating_supply=19675962.0,
        max_supply=21000000.0,
        volume_24h_usd=18867210007.0,
        github_commits_4w=108.0,
        github_contributors=846.0,
        github_stars=73168.0,
        github_forks=36426.0,
        github_merged_pull_requests=11215.0,
        github_issues_closed_pct=87.5,
        votes_up_pct=84.07,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"community_data": {"reddit_subscribers": 0, "telegram_channel_user_count": 5}},
            {"reddit_subscribers": None, "telegram_members": 5.0},
            id="0 subscribers are not counted",
        ),
        pytest.param(
            {"community_data": {"twitter_followers": 7_000}},
            {"twitter_followers": 7_000.0},
            id="followers, as long as they were given",
        ),
        pytest.param(
            {"developer_data": NO_CODE},
            {"github_stars": None, "github_commits_4w": None, "github_issues_closed_pct": None},
            id="0 everywhere: no repository known",
        ),
        pytest.param(
            {"developer_data": {"commit_count_4_weeks": 0}},
            {"github_commits_4w": 0.0, "github_stars": 73168.0},
            id="no commits, but a repository",
        ),
        pytest.param(
            {"developer_data": {"total_issues": 0}},
            {"github_issues_closed_pct": None},
            id="no issues",
        ),
        pytest.param(
            {"developer_data": {"closed_issues": 9000}},
            {"github_issues_closed_pct": 100.0},
            id="more closed than there are",
        ),
        pytest.param(
            {"developer_data": {"code_additions_deletions_4_weeks": {"additions": None}}},
            {"github_stars": 73168.0},
            id="no additions",
        ),
        pytest.param(
            {"market_data": {"max_supply": None, "market_cap": {}}},
            {"max_supply": None, "market_cap_usd": None, "volume_24h_usd": 18867210007.0},
            id="no most supply, no dollars",
        ),
        pytest.param(
            {"market_cap_rank": None, "market_data": {"market_cap_rank": 3}},
            {"market_cap_rank": 3},
            id="rank among the market data",
        ),
        pytest.param(
            {"market_data": None, "community_data": None, "developer_data": None},
            {"market_cap_usd": None, "telegram_members": None, "github_forks": None},
            id="parts switched off",
        ),
    ],
)
def test_odd_details(changes, expected):
    row = parse_detail(answers.detail(**changes))
    assert only(row, expected) == expected


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"error": "coin not found"}, id="not found"),
        pytest.param([], id="list"),
        pytest.param({**answers.DETAIL, "symbol": None}, id="no symbol"),
    ],
)
def test_details_of_nothing_are_an_error(raw):
    assert refusal(parse_detail, raw).startswith("coingecko: the ")


@pytest.mark.parametrize(
    ("volumes", "mean"),
    [
        pytest.param([[day, 900.0] for day in range(31)], 900.0, id="a month"),
        pytest.param([[0, 1e9], *[[day, 5] for day in range(30)]], 5.0, id="the last 30 days"),
        pytest.param([[day, 900.0] for day in range(6)], None, id="too few days"),
        pytest.param([[0, None], "x", [1], *[[day, 7] for day in range(7)]], 7.0, id="nulls"),
        pytest.param([], None, id="none"),
    ],
)
def test_mean_volume(volumes, mean):
    assert parse_mean_volume({"total_volumes": volumes}) == mean


def test_mean_volume_without_volumes_is_an_error():
    said = refusal(parse_mean_volume, {"error": "Missing parameter vs_currency"})
    assert said.endswith("it says: Missing parameter vs_currency")
