"""Streams of any valid events of a topic, ticks in between: what the laws of engines are tried on.

Times are out of order and often the same: what late and repeated records are made of.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas.market import MEASURES, OrderBook
from schemas.topics import BOOKS, CALENDAR, CANDLES, FUNDAMENTALS, NEWS_SCORES
from schemas.validation import CATEGORIES, MOST_AMOUNT, TIMEFRAME_MS
from streams.headlines.probabilities import single
from tests.factories import DAY_MS
from tests.unit.streams.engines._market import START_MS, make_book, make_candle, random_walk
from tests.unit.streams.engines._market import make_tick as make_market_tick
from tests.unit.streams.engines._records import T0, make_event, make_fundamentals, make_news, scored
from tests.unit.streams.engines._records import make_tick as make_social_tick

times = st.integers(T0, T0 + 3 * DAY_MS)
amounts = st.floats(0.0, MOST_AMOUNT, exclude_max=True) | st.sampled_from(
    [0.0, 1.0, 1e-300, 1e6, 1e12]
)
percents = st.floats(0.0, 100.0)
shares = st.floats(0.0, 1.0)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ticks = st.builds(
    make_social_tick,
    times,
    price_usd=st.floats(1e-9, 1e9),
    volume_24h_usd=amounts,
    market_cap_usd=maybe(amounts),
    galaxy_score=maybe(percents),
    sentiment_pct=maybe(percents),
    twitter_volume=maybe(amounts),
    twitter_sentiment_pct=maybe(percents),
    reddit_volume=maybe(amounts),
    social_volume=maybe(amounts),
    interactions=maybe(amounts),
    votes_up_pct=maybe(percents),
    fear_greed=maybe(percents),
)

VOCABULARY = """
    bitcoin bullish hacked not crash surge in fees denied ? but very all time high loses
    liquidations etf approved denies 5% , may exchange
"""
headlines = st.lists(st.sampled_from(VOCABULARY.split()), min_size=1, max_size=12).map(
    " ".join
) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(str.strip)
news = st.builds(
    make_news,
    headlines,
    times,
    summary=maybe(headlines),
    published_at=maybe(st.integers(T0 - 3 * DAY_MS, T0 + 4 * DAY_MS)),
    url=st.sampled_from(["", "u1", "u2", "u3"]) | st.uuids().map(str),
    sentiment_label=st.sampled_from([None, "positive", "neutral", "negative", "Positive"]),
)
probabilities = st.tuples(shares, shares).map(
    lambda drawn: single(*(one / (sum(drawn) + 0.5) for one in (*drawn, 0.5)))
)


@st.composite
def news_scores(draw: st.DrawFn) -> list[Any]:
    """Draw scored headlines, by a model or without, and ticks; each headline has its own place."""
    drawn = draw(st.lists(st.tuples(news, maybe(probabilities)) | ticks, max_size=25))
    return [
        scored(one[0], place, one[1]) if isinstance(one, tuple) else one
        for place, one in enumerate(drawn)
    ]


measures = st.dictionaries(st.sampled_from(MEASURES), amounts).map(
    lambda drawn: {
        name: min(int(value), 10_000) if name == "market_cap_rank" else value
        for name, value in drawn.items()
    }
)
fundamentals = st.builds(
    lambda at, source, drawn: make_fundamentals(at, source=source, **drawn),
    times,
    st.sampled_from(["coingecko", "lunarcrush"]),
    measures,
)
calendar = st.builds(
    make_event,
    st.sampled_from(sorted(CATEGORIES)),
    st.integers(-2 * DAY_MS, 40 * DAY_MS) | st.integers(-(2**50), 2**50),
    times,
    source_id=st.sampled_from("abcdef"),
    source=st.sampled_from(["lunarcrush", "file"]),
    impact=shares,
    certainty=shares,
    cancelled=st.booleans(),
)


@st.composite
def books(draw: st.DrawFn, observed_at: int = START_MS) -> OrderBook:
    """Draw a book: up to 30 levels a side, from hair-thin to hollow, sizes of 0 included."""
    price = draw(st.floats(1e-6, 1e6))
    steps = st.lists(st.floats(1e-7, 0.02), min_size=1, max_size=30)
    sizes = st.one_of(st.just(0.0), st.floats(1e-6, 1e9))
    sides = []
    for sign in (-1, 1):
        levels = [price * (1 + sign * far) for far in accumulate(draw(steps))]
        sides.append([(level, draw(sizes) / price) for level in levels])
    return make_book(*sides, observed_at)


@st.composite
def book_streams(draw: st.DrawFn) -> list[Any]:
    """Draw books and ticks in any order of time, repetitions and late ones included."""
    events: list[Any] = []
    now = START_MS
    for kind in draw(st.lists(st.sampled_from(["book", "tick", "repeat"]), max_size=25)):
        now += draw(st.integers(-600_000, 86_400_000))
        if kind == "book":
            events.append(draw(books(now)))
        elif kind == "tick":
            volume = draw(st.one_of(st.just(0.0), st.floats(1.0, 1e12)))
            events.append(make_market_tick(now, volume_24h_usd=volume))
        elif events:
            events.append(draw(st.sampled_from(events)))
    return events


@st.composite
def candle_streams(draw: st.DrawFn) -> list[Any]:
    """Draw candles of all timeframes, mixed, with holes, open ones, repetitions and ticks.

    Enough of them to be warm in most timeframes; the odds shrink towards a plain market.
    """
    seed = draw(st.integers(0, 2**32))
    volatility = draw(st.sampled_from([0.01, 0.0, 0.001, 0.3]))
    odds = {kind: draw(st.sampled_from([0.0, 0.02, 0.2])) for kind in ("hole", "repeat", "tick")}
    random = Random(seed)
    queues = {}
    for timeframe in TIMEFRAME_MS:
        count = draw(st.sampled_from([220, 0, 40, 199, 320]))
        walk = random_walk(random.randrange(2**32), count, volatility)
        queues[timeframe] = [
            make_candle(place, ohlc, timeframe) for place, ohlc in enumerate(walk)
        ][::-1]
    events: list[Any] = []
    while any(queues.values()):
        queue = queues[random.choice([name for name in TIMEFRAME_MS if queues[name]])]
        candle = queue.pop()
        if random.random() < odds["tick"]:
            events.append(make_market_tick(candle.observed_at, candle.open))
            events.append(msgspec.structs.replace(candle, closed=False))
        if random.random() >= odds["hole"]:
            events.append(candle)
        if events and random.random() < odds["repeat"]:
            events.append(random.choice(events))
    return events


STREAMS: dict[str, st.SearchStrategy[list[Any]]] = {
    NEWS_SCORES.name: news_scores(),
    FUNDAMENTALS.name: st.lists(fundamentals | ticks, max_size=15),
    CALENDAR.name: st.lists(calendar | ticks, max_size=25),
    BOOKS.name: book_streams(),
    CANDLES.name: candle_streams(),
}
"""By market topic. An engine on another topic needs a stream here; the laws then hold it too."""
