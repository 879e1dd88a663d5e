"""Articles that came before, by address or by title."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from producers.dedup.headlines import WITHIN_MS, SeenNews, canonical_url
from producers.dedup.published_index import PublishedIndex
from tests.unit.marketdata.assets._catalogue import HOUR_MS, T0, article

URL = "https://coindesk.com/markets/a-story"
SAME_URLS = (
    "http://coindesk.com/markets/a-story",
    "https://www.coindesk.com/markets/a-story/",
    "HTTPS://WWW.CoinDesk.com:443/markets/a-story",
    "https://coindesk.com/markets/a-story?utm_source=rss_feed&UTM_Medium=rss&fbclid=x",
    "https://coindesk.com/markets/a-story#comments",
    "https://m.coindesk.com/markets/a-story?ref=home",
    "https://coindesk.com/markets/a-story/amp/",
    "  https://coindesk.com/markets/a-story?  ",
)
OTHER_URLS = (
    "https://coindesk.com/markets/a-story-2",
    "https://coindesk.com/markets/A-Story",
    "https://coindesk.com/markets/a-story?page=2",
    "https://coindesk.org/markets/a-story",
    "https://coindesk.com:8443/markets/a-story",
    "https://[2001:db8::1]:8443/markets/a-story?utm_source=rss",
)


@pytest.mark.parametrize("url", SAME_URLS)
def test_addresses_of_one_article(url: str) -> None:
    assert canonical_url(url) == canonical_url(URL)


@pytest.mark.parametrize("url", OTHER_URLS)
def test_addresses_of_other_articles(url: str) -> None:
    assert canonical_url(url) != canonical_url(URL)


def test_the_order_of_parameters_makes_no_difference() -> None:
    assert canonical_url(f"{URL}?b=2&a=1") == canonical_url(f"{URL}?a=1&b=2")


def test_hosts_that_are_nothing_but_prefixes_stay() -> None:
    assert canonical_url("http://www.m.") == "https://m."
    assert canonical_url("https://m.com/x") == "https://m.com/x"
    assert canonical_url("https://www.m.site.org/x") == "https://site.org/x"


@pytest.mark.parametrize("url", ["", "no address", "https://[bad", "ftp://x/y", "https://x:99999/"])
def test_what_is_no_address_stays(url: str) -> None:
    assert canonical_url(url) == url


def test_same_address_is_no_news() -> None:
    seen = SeenNews()
    seen.apply(article("Bitcoin gains on inflows", url=URL))
    again = article("A wholly other headline", T0 + HOUR_MS, url=f"{URL}?utm_source=x")
    assert seen.why_not(again) == "same url"


def test_same_title_elsewhere_is_no_news() -> None:
    seen = SeenNews()
    seen.apply(article("Bitcoin gains on strong inflows", url=URL))
    assert (
        seen.why_not(article("Bitcoin Gains on Strong Inflow", url="https://b.org/x"))
        == "same title"
    )


def test_of_another_asset_it_is_news() -> None:
    seen = SeenNews()
    seen.apply(article("Bitcoin and ether gain", url=URL))
    assert seen.is_new(article("Bitcoin and ether gain", url=URL, asset="ETH"))


def test_without_addresses_only_titles_count() -> None:
    seen = SeenNews()
    seen.apply(article("Bitcoin gains on inflows"))
    assert seen.is_new(article("Bitcoin loses on outflows"))


@pytest.mark.parametrize(
    ("published_after_ms", "reason"),
    [(WITHIN_MS - 1, "same url"), (WITHIN_MS, None)],
    ids=["just within", "just after"],
)
def test_after_48_hours_it_is_news_again(published_after_ms: int, reason: str | None) -> None:
    seen = SeenNews()
    seen.apply(article("Bitcoin gains on inflows", url=URL, published_at=T0))
    later = T0 + published_after_ms
    again = article("Bitcoin gains on inflows", later, url=URL, published_at=later)
    assert seen.why_not(again) == reason


def test_an_old_article_still_in_a_feed_is_not_new_again() -> None:
    seen = SeenNews()
    first = article("Bitcoin gains on inflows", url=URL, published_at=T0)
    reasons = []
    for hour in range(0, 24 * 9, 6):
        again = msgspec.structs.replace(first, observed_at=T0 + hour * HOUR_MS)
        reasons.append(seen.why_not(again))
        if reasons[-1] is None:
            seen.apply(again)
        seen.apply(article(f"Something of hour {hour} happened", again.observed_at))
    assert reasons == [None, *["same url"] * 7, *["old"] * 28]


def test_a_time_to_come_is_the_time_it_was_seen() -> None:
    seen = SeenNews()
    seen.apply(article("Bitcoin gains on inflows", url=URL, published_at=T0 + 30 * 24 * HOUR_MS))
    again = article("Bitcoin gains on inflows", T0 + HOUR_MS, url=URL, published_at=T0 + HOUR_MS)
    assert not seen.is_new(again)


def test_a_snapshot_goes_through_a_file() -> None:
    seen, restored = SeenNews(), SeenNews()
    seen.apply(article("Bitcoin gains on inflows", url=URL))
    restored.restore(orjson.loads(orjson.dumps(seen.snapshot())))
    assert restored.snapshot() == seen.snapshot()
    assert restored.why_not(article("Bitcoin gains on inflows")) == "same title"
    restored.restore(SeenNews().snapshot())
    assert restored.is_new(article("Bitcoin gains on inflows"))


@pytest.mark.parametrize("data", [None, [], {}, {"clock": 1, "assets": {"BTC": [[1]]}}])
def test_what_is_no_snapshot_is_refused(data: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        SeenNews().restore(data)


def test_memory_is_bounded_by_time() -> None:
    seen = SeenNews()
    for hour in range(2000):
        asset = "BTC" if hour % 2 else "ETH"
        seen.apply(article(f"Story number {hour} of the day", T0 + hour * HOUR_MS, asset=asset))
    assert len(seen) <= 2 * WITHIN_MS // HOUR_MS + 1


def test_the_order_of_assets_makes_no_difference() -> None:
    articles = [
        article(f"Story number {hour} of the day", T0 + hour * HOUR_MS, asset=asset)
        for asset in ("BTC", "ETH")
        for hour in range(120)
    ]
    one, other = SeenNews(), SeenNews()
    for each in articles:
        one.apply(each)
    for each in sorted(articles, key=lambda each: each.observed_at):
        other.apply(each)
    assert one.snapshot() == other.snapshot()


def test_a_journal_can_use_it() -> None:
    index = PublishedIndex(SeenNews())
    index.apply(article("Bitcoin gains on inflows", url=URL))
    assert not index.claim(article("Bitcoin gains on inflow", url="https://b.org/x"))
    assert index.claim(article("Bitcoin loses on outflows", url="https://b.org/x"))
