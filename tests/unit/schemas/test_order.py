"""The order of events, and where ticks stand in it."""

from __future__ import annotations

from marketdata.recorded.ticks import TickMaker, with_ticks
from schemas.events import order_key
from tests.unit.marketdata.recorded_factory import T0, book, candle, news, tick

CYCLE_MS = 600_000


def test_events_are_ordered_by_time_topic_asset_and_source_id():
    ordered = [
        tick("ZZZ", T0),
        news("ZZZ", T0),
        candle("AAA", T0, source_id="9"),
        candle("BBB", T0, source_id="1"),
        candle("BBB", T0, source_id="2"),
        book("AAA", T0),
        tick("AAA", T0 + 1),
    ]
    assert sorted(reversed(ordered), key=order_key) == ordered


def test_a_tick_is_made_of_what_was_observed_before_its_cycle_to_the_millisecond():
    candles = [
        candle("BTC", T0 - 1, close=10.0),
        candle("BTC", T0, close=11.0),
        candle("BTC", T0 + 1, close=12.0),
        candle("BTC", T0 + 2, close=9.0),
        candle("BTC", T0 + CYCLE_MS - 1, close=10.5),
    ]
    keyed = [(order_key(event), event) for event in candles]
    woven = list(with_ticks(keyed, TickMaker(), T0, T0 + 2 * CYCLE_MS, CYCLE_MS))
    prices = [getattr(event, "price_usd", None) for event in woven]
    # At T0 + 1 the tick goes before the candle: its topic ranks first.
    assert prices == [None, None, 10.0, None, None, None, 10.5]
    assert woven == sorted(woven, key=order_key)


def test_an_open_candle_or_another_timeframe_says_nothing_to_a_tick():
    maker = TickMaker()
    maker.see(candle("BTC", T0, close=10.0))
    maker.see(candle("BTC", T0 + 1, close=11.0, closed=False))
    maker.see(candle("BTC", T0 + 1, close=12.0, timeframe="4h"))
    (made,) = maker.ticks(T0 + CYCLE_MS)
    assert (made.price_usd, made.name, made.change_24h_pct) == (10.0, "Bitcoin", None)
