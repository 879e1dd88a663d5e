"""The simulated market as events: a back-fill, then one cycle after the other.

Pure and deterministic: all follows from seed, time and state, there is no clock and no generator
that outlives a call. Two calls with the same arguments give the same events, byte for byte.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from marketdata.simulated.assets import ASSETS, Asset
from marketdata.simulated.bars import HOUR_MS, aggregate, candle, extended, traded
from marketdata.simulated.books import order_book
from marketdata.simulated.calendar_events import Planned, calendar, shocks
from marketdata.simulated.headlines import article, outcome
from marketdata.simulated.hidden_state import advance, market_moves
from marketdata.simulated.history import Past, common_past, first_hour_ms, past, timeframes
from marketdata.simulated.state import AssetState, MarketState, seeded
from marketdata.simulated.views import fundamentals, ticks
from schemas.events import MarketEvent, order_key
from schemas.market import CalendarEvent, Candle, NewsArticle
from schemas.times import CYCLE_MS, MINUTE_MS
from schemas.validation import TIMEFRAME_MS

BACKFILL_CANDLES = 300
_MINUTE_H = 1.0 / 60.0
_MINUTES = CYCLE_MS // MINUTE_MS
_EVENT_SHARE = 0.6  # of a scheduled event's move that comes at once

# When the parts of a cycle are observed, ms after its start (or after the minute's).
_CANDLES_AT = 1_000
_FUNDAMENTALS_AT = 3_000
_CALENDAR_AT = 4_000
_BOOK_AT = 30_000
_NEWS_PUBLISHED_AT, _NEWS_AT = 40_000, 50_000
_OPEN_CANDLES_AT = 9 * MINUTE_MS + 45_000


def backfill(
    seed: int, now_ms: int, assets: Sequence[Asset] = ASSETS
) -> tuple[MarketState, list[MarketEvent]]:
    """Return the market at `now_ms` and what a producer that starts then finds.

    300 closed candles a timeframe and asset, the headlines of the last day, fundamentals, the
    calendar, a book: all observed at `now_ms`, not before, for the newest of it happens then, and
    before the first ticks, which come later in that cycle. `now_ms` is a multiple of 10 minutes
    (ValueError otherwise).
    """
    if now_ms % CYCLE_MS or now_ms <= 0:
        msg = f"now_ms {now_ms} is not the start of a cycle (a multiple of {CYCLE_MS})"
        raise ValueError(msg)
    hour_ms = now_ms // HOUR_MS * HOUR_MS
    start_ms = first_hour_ms(now_ms, BACKFILL_CANDLES)
    common, moves = common_past(seed, start_ms, hour_ms)
    pasts = [past(seed, asset, moves, start_ms) for asset in assets]
    state = MarketState(seed, hour_ms, common, tuple(one.state for one in pasts))
    while state.now_ms < now_ms:  # the hour has begun already
        state, _ = cycle(state, state.now_ms)
    events: list[MarketEvent] = [*_past_candles(pasts, now_ms)]
    events.extend(_past_news(seed, pasts, now_ms))
    events.extend(_snapshot(state, now_ms))
    return state, sorted(events, key=order_key)


def _past_candles(pasts: Sequence[Past], now_ms: int) -> Iterator[Candle]:
    for one in pasts:
        for timeframe, bars in timeframes(one.bars, BACKFILL_CANDLES).items():
            for bar in bars:
                yield candle(one.state.asset, bar, timeframe, now_ms, closed=True)


def _past_news(seed: int, pasts: Sequence[Past], now_ms: int) -> Iterator[NewsArticle]:
    for one in pasts:
        rng = seeded(seed, one.state.asset.symbol, "past news")
        for headline in one.headlines:
            at_ms = headline.published_at
            yield article(one.state.asset, headline.tone, at_ms, now_ms, rng)


def _snapshot(state: MarketState, now_ms: int) -> Iterator[MarketEvent]:
    yield from fundamentals(state.seed, state.assets, now_ms, now_ms)
    for one in state.assets:
        yield from calendar(state.seed, one.asset, now_ms, now_ms, everything=True)
        rng = seeded(state.seed, one.asset.symbol, "first book", now_ms)
        yield order_book(one, now_ms, rng)


def cycle(state: MarketState, cycle_start_ms: int) -> tuple[MarketState, list[MarketEvent]]:
    """Return the market ten minutes later, and the events of those minutes as observed.

    A tick an asset at the start (it knows what was observed before); candles that close with the
    start, and on the hour fundamentals and calendar; a book a minute, headlines as they come; the
    candles under way near the end. ValueError if `cycle_start_ms` is not where the state stands.
    """
    if cycle_start_ms != state.now_ms:
        msg = f"the market stands at {state.now_ms}, not at the cycle start {cycle_start_ms}"
        raise ValueError(msg)
    after = state.copied(cycle_start_ms + CYCLE_MS)
    events: list[MarketEvent] = list(ticks(state.seed, state.assets, cycle_start_ms))
    rng = seeded(state.seed, "market", cycle_start_ms)
    moves = market_moves(after.common, _MINUTES, _MINUTE_H, rng)
    on_the_hour = cycle_start_ms % HOUR_MS == 0
    for one in after.assets:
        events.extend(_closed_candles(one, cycle_start_ms))
        if on_the_hour:
            events.extend(_calendar(state.seed, one.asset, cycle_start_ms))
    if on_the_hour:
        at_ms = cycle_start_ms + _FUNDAMENTALS_AT
        events.extend(fundamentals(state.seed, after.assets, cycle_start_ms, at_ms))
    for number, one in enumerate(after.assets):
        events.extend(_minutes(state.seed, one, number, cycle_start_ms, moves))
        events.extend(_open_candles(one, cycle_start_ms))
    return after, sorted(events, key=order_key)


def _calendar(seed: int, asset: Asset, now_ms: int) -> list[CalendarEvent]:
    return calendar(seed, asset, now_ms, now_ms + _CALENDAR_AT, everything=False)


def _closed_candles(one: AssetState, now_ms: int) -> Iterator[Candle]:
    """Close the hour if it ends now and yield the candles that end with it."""
    if one.roll(now_ms) is None:
        return
    for timeframe, length_ms in TIMEFRAME_MS.items():
        if now_ms % length_ms == 0:
            bar = aggregate([bar for bar in one.hours if bar.open_time >= now_ms - length_ms])
            yield candle(one.asset, bar, timeframe, now_ms + _CANDLES_AT, closed=True)


def _open_candles(one: AssetState, now_ms: int) -> Iterator[Candle]:
    for timeframe, length_ms in TIMEFRAME_MS.items():
        bar = aggregate(one.since(now_ms // length_ms * length_ms))
        yield candle(one.asset, bar, timeframe, now_ms + _OPEN_CANDLES_AT, closed=False)


def _minutes(
    seed: int, one: AssetState, number: int, start_ms: int, moves: Sequence[float]
) -> Iterator[MarketEvent]:
    """Move an asset through the cycle's minutes and yield its books and headlines."""
    asset = one.asset
    rng = seeded(seed, asset.symbol, start_ms)
    due = list(shocks(seed, asset, start_ms, start_ms + CYCLE_MS))
    for minute, common in enumerate(moves):
        minute_ms = start_ms + minute * MINUTE_MS
        now_due = [event for event in due if 0 <= event.starts_at - minute_ms < MINUTE_MS]
        tone = _minute(one, common, rng, now_due)
        yield order_book(one, minute_ms + _BOOK_AT + number, rng)
        published_at, observed_at = minute_ms + _NEWS_PUBLISHED_AT, minute_ms + _NEWS_AT + number
        for event in now_due:
            yield outcome(asset, event, published_at, observed_at, rng)
        if tone is not None:
            yield article(asset, tone, published_at, observed_at, rng)


def _minute(
    one: AssetState, common: float, rng: random.Random, due: Sequence[Planned]
) -> int | None:
    """Move an asset by a minute and return the tone of its headline, None without one."""
    asset, hidden = one.asset, one.hidden
    shock = sum(event.shock for event in due)
    step = advance(asset, hidden, common, _MINUTE_H, rng, _EVENT_SHARE * shock)
    hidden.impulse += (1.0 - _EVENT_SHARE) * shock
    hidden.attention += sum(event.impact for event in due)
    price = max(round(math.exp(hidden.log_price), asset.decimals), 10.0**-asset.decimals)
    volume = traded(asset, step.surprise, hidden.attention, _MINUTE_H, rng)
    one.hour = extended(one.hour, price, volume)
    return step.tone
