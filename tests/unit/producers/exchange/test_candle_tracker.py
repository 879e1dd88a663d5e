"""The followed series: who is due, when to look again, what is remembered."""

from __future__ import annotations

from producers.exchange.candle_tracker import CandleTracker, Key
from producers.exchange.series import missing, published
from schemas.validation import TIMEFRAME_MS

HOUR = TIMEFRAME_MS["1h"]
NOON = 1_767_614_400_000
MARKETS = {"BTC": "BTC/USDT", "ETH": "ETH/USDT"}


def filled(tracker: CandleTracker, now_ms: int) -> None:
    for key in tracker.followed():
        tracker[key] = published(tracker[key], missing(tracker[key], now_ms, tracker.count))


def test_short_timeframes_come_first() -> None:
    tracker = CandleTracker("binance", MARKETS, timeframes=("1h", "1d"))
    assert tracker.followed() == (
        Key("BTC", "1h"),
        Key("ETH", "1h"),
        Key("BTC", "1d"),
        Key("ETH", "1d"),
    )


def test_what_is_known_is_not_missing() -> None:
    times = [NOON - hour * HOUR for hour in range(1, 300)]
    tracker = CandleTracker("binance", {"BTC": "BTC/USDT"}, known={("BTC", "1h"): times})
    assert tracker.missing(NOON + 2_000) == 1 + 300 + 300


def test_what_is_known_may_be_asked_for_when_an_asset_comes() -> None:
    times = [NOON - hour * HOUR for hour in range(1, 301)]
    tracker = CandleTracker(
        "binance",
        {},
        known=lambda asset, timeframe: times if (asset, timeframe) == ("ETH", "1h") else (),
        timeframes=("1h",),
    )
    tracker.follow(MARKETS)
    assert tracker.due(NOON + 2_000) == (Key("BTC", "1h"),)


def test_remembered_holes_are_not_missing() -> None:
    holes = {("BTC", "1h"): (NOON - HOUR, NOON - 2 * HOUR)}
    tracker = CandleTracker("binance", {"BTC": "BTC/USDT"}, holes=holes, timeframes=("1h",))
    assert tracker.missing(NOON + 2_000) == 298
    assert tracker.holes() == {("BTC", "1h"): (NOON - 2 * HOUR, NOON - HOUR)}


def test_due_and_wake_follow_the_candles_closes() -> None:
    now_ms = NOON + 2_000
    tracker = CandleTracker("binance", MARKETS)
    assert len(tracker.due(now_ms)) == 6
    filled(tracker, now_ms)
    assert tracker.due(now_ms) == ()
    assert tracker.wake_at(now_ms) == NOON + HOUR + 1_500
    assert tracker.due(NOON + HOUR + 1_499) == ()
    assert [key.timeframe for key in tracker.due(NOON + HOUR + 1_500)] == ["1h", "1h"]
    assert len(tracker.due(NOON + 4 * HOUR + 1_500)) == 4
    assert len(tracker.due(NOON + 12 * HOUR + 1_500)) == 6


def test_nobody_followed_is_nobody_due() -> None:
    tracker = CandleTracker("binance", {})
    assert tracker.due(NOON) == ()
    assert tracker.wake_at(NOON) is None


def test_an_asset_that_comes_back_goes_on_where_it_was() -> None:
    now_ms = NOON + 2_000
    tracker = CandleTracker("binance", MARKETS, timeframes=("1h",))
    filled(tracker, now_ms)
    tracker.follow({"BTC": "BTC/USDT"})
    assert tracker.listing(Key("ETH", "1h")) is None
    later = now_ms + 2 * HOUR
    assert tracker.due(later) == (Key("BTC", "1h"),)
    tracker.follow({"ETH": "ETH/USDT"})
    assert missing(tracker[Key("ETH", "1h")], later, tracker.count) == (NOON, NOON + HOUR)


def test_one_at_a_time_is_at_a_series() -> None:
    tracker, key = CandleTracker("binance", MARKETS), Key("BTC", "1h")
    with tracker.taken(key) as first:
        with tracker.taken(key) as second:
            assert (first, second) == (True, False)
        with tracker.taken(key) as third:
            assert not third
    with tracker.taken(key) as fourth:
        assert fourth
