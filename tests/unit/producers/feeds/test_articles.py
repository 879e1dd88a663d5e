"""From rows of news, calendars and coins to events."""

from __future__ import annotations

import pytest

from marketdata.assets.symbols import Catalogue
from producers.feeds.articles import articles, fundamentals, heartbeat, scheduled
from producers.upstreams.rows import DetailRow, EventRow, NewsRow
from schemas.validation import problem
from tests.unit.producers.feeds.coins import T0, coin

COINS = (coin("BTC", slug="bitcoin"), coin("ETH", slug="ethereum"), coin("SOL", slug="solana"))
CATALOGUE = Catalogue.of(COINS)
NEWS = NewsRow(source="rss", source_id="7", headline="Bitcoin and Ether rise", url="https://x.y/a")
EVENT = EventRow(
    source="coinmarketcal",
    source_id="9",
    title="Upgrade",
    coins=(("bitcoin", ""),),
    category="upgrade",
    starts_at=T0 + 86_400_000,
    precision="day",
    impact=0.5,
    certainty=0.9,
)
DETAIL = DetailRow(
    source="coingecko",
    source_id="bitcoin",
    symbol="BTC",
    name="Bitcoin",
    market_cap_usd=5e8,
    github_stars=70_000.0,
)


@pytest.mark.parametrize(
    ("published_at", "event_time"),
    [
        pytest.param(T0 - 60_000, T0 - 60_000, id="earlier"),
        pytest.param(None, T0, id="not said"),
        pytest.param(T0 + 60_000, T0, id="from the future"),
    ],
)
def test_a_headline_is_an_article_an_asset(published_at: int | None, event_time: int) -> None:
    row = NewsRow(**{**_fields(NEWS), "published_at": published_at})
    found = articles(row, ["BTC", "ETH"], T0)
    assert [(one.asset, one.source_id) for one in found] == [("BTC", "7:BTC"), ("ETH", "7:ETH")]
    assert {one.event_time for one in found} == {event_time}
    assert {one.publisher for one in found} == {"rss"}  # where no publisher is named
    assert [problem(one) for one in found] == [None, None]


def test_a_headline_about_nothing_followed_is_no_article() -> None:
    assert articles(NEWS, [], T0) == ()


@pytest.mark.parametrize(
    ("coins", "assets"),
    [
        pytest.param((("bitcoin", ""),), ["BTC"], id="by slug"),
        pytest.param((("", "ETH"),), ["ETH"], id="by ticker"),
        pytest.param((("bitcoin", "ETH"),), ["BTC"], id="the slug counts more"),
        pytest.param((("unheard-of", "ETH"),), ["ETH"], id="unknown slug, known ticker"),
        pytest.param((("", "SOL"),), [], id="not followed"),
        pytest.param((("", "NOPE"), ("nope", "")), [], id="unknown"),
        pytest.param(
            (("bitcoin", "BTC"), ("", "XBT"), ("", "ETH")), ["BTC", "ETH"], id="each once"
        ),
    ],
)
def test_a_scheduled_event_is_one_of_each_followed_coin(
    coins: tuple[tuple[str, str], ...], assets: list[str]
) -> None:
    row = EventRow(**{**_fields(EVENT), "coins": coins})
    found = scheduled(row, CATALOGUE, ["ETH", "BTC"], T0)
    assert [one.asset for one in found] == assets
    assert [text for one in found if (text := problem(one))] == []


def test_fundamentals_join_list_and_detail_and_the_list_counts_more() -> None:
    both = fundamentals("BTC", T0, COINS[0], DETAIL, 2e6)
    assert both is not None
    assert (both.market_cap_usd, both.github_stars) == (1e9, 70_000.0)
    assert (both.volume_30d_avg_usd, both.source) == (2e6, "lunarcrush")
    assert problem(both) is None


@pytest.mark.parametrize(
    ("row", "detail", "source"),
    [
        pytest.param(None, DETAIL, "coingecko", id="the detail alone"),
        pytest.param(COINS[0], None, "lunarcrush", id="the list alone"),
        pytest.param(None, None, None, id="nothing"),
    ],
)
def test_fundamentals_of_what_there_is(row, detail, source) -> None:
    event = fundamentals("BTC", T0, row, detail)
    assert (None if event is None else event.source) == source


def test_a_heartbeat_is_valid_and_says_that_somebody_looked() -> None:
    beat = heartbeat("coinmarketcal", "BTC", T0)
    assert problem(beat) is None
    assert (beat.source_id, beat.impact) == ("heartbeat:BTC", 0.0)


def _fields(row) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
