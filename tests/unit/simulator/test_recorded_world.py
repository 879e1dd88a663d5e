"""A world out of recorded files: every hour as recorded, holes stay, the rest is not made up."""

from __future__ import annotations

import asyncio

import pytest

from marketdata.recorded.files import RecordedDataError
from simulator.recorded_world import RecordedWorld
from simulator.shapes import UnknownAssetError
from tests.factories import HOUR_MS
from tests.unit.marketdata.recorded_factory import T0, hours, write_candles, write_headlines

MINUTE_MS = 60_000
FALLING = (T0 + 3 * HOUR_MS, 105.0, 107.0, 100.0, 101.0, 6.0)


@pytest.fixture
def folder(tmp_path):
    """Hours 0 to 2 rise, hour 3 falls, hours 4 and 5 are missing, then two more."""
    rows = [*hours(3), FALLING, *hours(2, T0 + 6 * HOUR_MS, 300.0)]
    write_candles(tmp_path, "BTC", "1h", rows)
    write_candles(tmp_path, "ZZZ", "1h", hours(9))
    write_headlines(
        tmp_path,
        [
            (f"2022-03-01 0{hour}:30:00+00:00", title, "", "Site", "altcoin", f"https://a/{hour}")
            for hour, title in enumerate(("Bitcoin and ZZZ rise", "BTC falls", "Later BTC news"))
        ],
    )
    return tmp_path


def test_an_hour_goes_from_open_over_its_extremes_to_its_close(folder):
    world = RecordedWorld(folder, T0)
    path = [world.price("BTC", FALLING[0] + minute * MINUTE_MS) for minute in (0, 15, 45, 60)]
    assert path == [105.0, 107.0, 100.0, 101.0]  # falling: the high comes first
    for minute in range(60):
        now_ms = FALLING[0] + minute * MINUTE_MS + 500
        (row,) = world.candles("BTC", "1h", None, 1, now_ms)
        assert not row.closed
        assert FALLING[3] <= row.low <= row.close <= row.high <= FALLING[2]
    after = world.candles("BTC", "1h", FALLING[0], 1, FALLING[0] + HOUR_MS)
    assert after == [(*FALLING, True)]


def test_a_hole_stays_a_hole(folder):
    world = RecordedWorld(folder, T0)
    rows = world.candles("BTC", "1h", T0, 100, T0 + 8 * HOUR_MS)
    assert [(row.open_time - T0) // HOUR_MS for row in rows] == [0, 1, 2, 3, 6, 7]
    assert world.price("BTC", T0 + 5 * HOUR_MS) == 101.0
    assert world.candles("BTC", "1h", None, 1, T0 + 5 * HOUR_MS)[0].open_time == FALLING[0]


def test_news_comes_when_it_was_published_once_an_asset(folder):
    world = RecordedWorld(folder, T0)
    now_ms = T0 + 2 * HOUR_MS
    asyncio.run(world.ready(now_ms))
    seen = [(article.asset, article.headline) for article in world.news(now_ms, 0)]
    assert seen[0] == ("BTC", "BTC falls")
    assert sorted(seen[1:]) == [("BTC", "Bitcoin and ZZZ rise"), ("ZZZ", "Bitcoin and ZZZ rise")]


def test_what_was_not_recorded_is_null(folder):
    world = RecordedWorld(folder, T0)
    coins = {coin.asset: coin for coin in world.coins(T0 + HOUR_MS)}
    assert coins["BTC"].sentiment_pct is None
    assert coins["ZZZ"].market_cap_usd is None  # nobody knows its supply
    assert world.fundamentals("BTC", T0 + HOUR_MS).github_stars is None
    assert world.calendar(T0) == ()
    book = world.book("ZZZ", T0 + HOUR_MS, 5)
    assert book.bids[0][0] < world.price("ZZZ", T0 + HOUR_MS) < book.asks[0][0]


def test_errors_say_what_is_missing(folder, tmp_path_factory):
    with pytest.raises(RecordedDataError, match="no hourly candles around"):
        RecordedWorld(folder, T0 - HOUR_MS)
    with pytest.raises(RecordedDataError, match="nothing to play"):
        RecordedWorld(tmp_path_factory.mktemp("empty"), T0)
    with pytest.raises(UnknownAssetError, match="'NOBODY'"):
        RecordedWorld(folder, T0).price("NOBODY", T0)
