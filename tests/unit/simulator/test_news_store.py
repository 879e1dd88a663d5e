"""Articles come out latest first, up to a time; those of one story are one."""

from __future__ import annotations

from simulator.news_store import NewsStore, stories
from tests.unit.marketdata.recorded_factory import T0, news


def test_between_is_open_at_the_start_and_closed_at_the_end():
    store = NewsStore()
    store.add([news(at_ms=T0 + 3), news(at_ms=T0 + 1)])
    store.add([news(at_ms=T0 + 2)])
    assert [one.event_time - T0 for one in store.between(T0 + 1, T0 + 3)] == [3, 2]
    assert [one.event_time - T0 for one in store.between(0, T0 + 2)] == [2, 1]
    store.drop_before(T0 + 2)
    assert [one.event_time - T0 for one in store.between(0, T0 + 9)] == [3, 2]


def test_a_story_about_two_assets_is_told_once():
    articles = [
        news("ETH", T0, "Both rise"),
        news("BTC", T0, "Both rise"),
        news("BTC", T0 - 1, "Both rise"),
    ]
    assert [story.assets for story in stories(articles)] == [("BTC", "ETH"), ("BTC",)]
