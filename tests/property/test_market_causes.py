"""The simulated market: its parts hang together, as causes and effects do."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import pytest

from marketdata.simulated import calendar_events
from marketdata.simulated.assets import ASSETS
from marketdata.simulated.bars import HOUR_MS
from schemas.market import Candle, NewsArticle, OrderBook, TrendingAsset
from schemas.times import CYCLE_MS
from tests.property._worlds import MONDAY, of, run

DAY_MS = 24 * HOUR_MS
TONES = {"positive": 1, "neutral": 0, "negative": -1}


def test_an_outcome_jumps_in_its_minute_and_is_reported():
    asset, event = max(
        (
            (asset, event)
            for asset in ASSETS
            for event in calendar_events.shocks(2, asset, MONDAY, MONDAY + 9 * DAY_MS)
        ),
        key=lambda pair: abs(pair[1].shock) / pair[0].hourly_vol,
    )
    start_ms = event.starts_at // CYCLE_MS * CYCLE_MS - CYCLE_MS
    _, later = run(2, start_ms, 2, [asset])
    mids = [(b.observed_at, (b.bid_prices[0] + b.ask_prices[0]) / 2) for b in of(OrderBook, later)]
    before = [mid for at_ms, mid in mids if at_ms <= event.starts_at][-1]
    after = next(mid for at_ms, mid in mids if at_ms > event.starts_at)
    assert math.log(after / before) == pytest.approx(0.6 * event.shock, abs=3 * asset.hourly_vol)
    assert math.copysign(1, after - before) == math.copysign(1, event.shock)
    (report,) = [a for a in of(NewsArticle, later) if "completed" in a.headline]
    assert event.starts_at < report.observed_at < event.starts_at + 120_000


@pytest.fixture(scope="module")
def many_headlines():
    """Half a day of the six largest assets in three worlds: a list of events each."""
    return [run(seed, MONDAY + HOUR_MS, 80, ASSETS[:6])[1] for seed in range(3)]


def test_headlines_of_an_asset_hardly_repeat(many_headlines):
    told = [
        (number, article.asset, article.headline)
        for number, events in enumerate(many_headlines)
        for article in of(NewsArticle, events)
    ]
    assert len(told) > 80
    assert len(set(told)) >= 0.97 * len(told)


def test_news_precedes_a_move_in_its_direction(many_headlines):
    vol = {asset.symbol: asset.hourly_vol for asset in ASSETS}
    moves = []  # over three hours, in hourly standard deviations, towards the tone
    for events in many_headlines:
        mids = defaultdict(dict)
        for book in of(OrderBook, events):
            mid = (book.bid_prices[0] + book.ask_prices[0]) / 2
            mids[book.asset][book.observed_at // 60_000] = math.log(mid)
        for article in of(NewsArticle, events):
            minute = article.observed_at // 60_000
            path = mids[article.asset]
            tone = TONES.get(article.sentiment_label, 0)
            if tone and minute + 180 in path:
                move = path[minute + 180] - path[minute]
                moves.append(tone * move / vol[article.asset])
    assert len(moves) > 40
    mean = sum(moves) / len(moves)
    deviation = math.sqrt(sum((move - mean) ** 2 for move in moves) / len(moves))
    assert mean > 0.5
    assert mean / (deviation / math.sqrt(len(moves))) > 2.5


def correlation(pairs):
    xs, ys = zip(*pairs, strict=True)
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    top = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    spread_x = math.sqrt(sum((x - mean_x) ** 2 for x in xs))
    return top / (spread_x * math.sqrt(sum((y - mean_y) ** 2 for y in ys)))


def test_volume_follows_the_size_of_the_move():
    first, _ = run(5, MONDAY - 4 * HOUR_MS + 2 * CYCLE_MS, 0)
    hourly = [c for c in of(Candle, first) if c.timeframe == "1h" and c.asset == "ETH"]
    pairs = [(abs(math.log(c.close / c.open)), math.log(c.volume)) for c in hourly]
    assert correlation(pairs) > 0.4


def test_spread_widens_when_prices_swing(many_headlines):
    hours = defaultdict(lambda: defaultdict(list))
    for number, events in enumerate(many_headlines):
        for book in of(OrderBook, events):
            quote = book.bid_prices[0], book.ask_prices[0]
            hours[number, book.asset][book.observed_at // HOUR_MS].append(quote)
    pairs = []
    for of_asset in hours.values():
        swings = [swing(quotes) for quotes in of_asset.values()]
        spreads = [sum((a - b) / b for b, a in q) / len(q) for q in of_asset.values()]
        mean_swing, mean_spread = sum(swings) / len(swings), sum(spreads) / len(spreads)
        pairs += [(x / mean_swing, y / mean_spread) for x, y in zip(swings, spreads, strict=True)]
    assert correlation(pairs) > 0.3


def swing(quotes):
    """Return the root mean square step of the bid."""
    steps = [math.log(b[0] / a[0]) for a, b in itertools.pairwise(quotes)]
    return math.sqrt(sum(step * step for step in steps) / len(steps))


def test_posts_follow_news(many_headlines):
    ratios = []
    for events in many_headlines:
        posts = defaultdict(dict)
        for tick in of(TrendingAsset, events):
            posts[tick.asset][tick.cycle] = tick.social_volume
        for article in of(NewsArticle, events):
            start_ms = article.observed_at // CYCLE_MS * CYCLE_MS
            before = posts[article.asset][start_ms]
            after = posts[article.asset].get(start_ms + CYCLE_MS)
            if after is not None:
                ratios.append(after / before)
    assert sum(ratios) / len(ratios) > 1.1
