"""Liquidity score in [0, 1] from the order book and the 24 h volume.

    score      = mean of the parts that are present: spread, size, depth, slippage, volume
    confidence = share of the parts that is present

Each part is in [0, 1], linear in the logarithm between two points of Config (`scaled`):

    spread      (ask - bid) / mid in bps
    size        USD at the best 10 levels of the thinner side
    depth       USD within 1 % and 2 % of mid, both sides together; mean of the two
    slippage    of market orders of 10k, 100k and 1M USD walked through the book, in bps of mid,
                fees left out, the worse of buying and selling; mean of the three
    volume      24 h volume over its 30-day average, and its 7-day over its 30-day average (the
                trend); mean of the two. The 30-day average is the source's where the ticks give
                one, until ours is 30 days old; without it half of this part is present after a day
                of ticks, all of it after a week

A book is a lower bound of what is there, and the score is one: at least so liquid. An order that it
cannot fill scores 0, and depth that it does not show adds nothing. The confidence is that of such a
bound, so it does not ask how far the book reaches: that is said in `detail`. More size, more levels
or a tighter spread never lower either number, and a liquid market of which twenty levels are known
is not below a thin one that is known to its end. What the newest book does not show is taken from
the deepest one of the last 25 minutes.

Our averages know only ticks: a time-weighted mean at first, then an exponential one. After a pause
of 30 days, or when the price jumps as only another coin's does, they begin anew.
"""

from __future__ import annotations

from math import expm1
from typing import Any

import msgspec

from schemas.market import OrderBook, TrendingAsset
from schemas.topics import BOOKS
from streams.engines.base import Engine, EngineReading, clamp, freshness
from streams.engines.indicators import BREAK_FACTOR
from streams.engines.liquidity_book import (
    ALL_FILLED,
    NOT_FILLED,
    WANTED_BPS,
    Book,
    Config,
    completed,
    completes,
    measure,
    scaled,
)

_MINUTE_MS = 60_000.0
_DAY_MS = 86_400_000.0
_RATIOS = ("volume_ratio", "volume_trend")
_LEAST_USD = 1.0  # a day: an average below it says nothing, and a ratio to it may overflow


class Volume(msgspec.Struct, frozen=True, gc=False):
    """24 h volume in USD from the ticks: the last one and its averages.

    first_seen, last_seen   observed_at of the first and the newest tick, ms
    price_usd               of the newest tick; 0: not kept yet
    source_usd              the source's own 30-day average, the last that a tick gave; 0: none yet
    """

    first_seen: int
    last_seen: int
    now_usd: float
    week_usd: float
    month_usd: float
    price_usd: float = 0.0
    source_usd: float = 0.0


class State(msgspec.Struct, frozen=True, gc=False):
    """The newest book and the volume so far; None: not seen yet.

    deep  the deepest book of late, None while that is the newest one
    """

    book: Book | None = None
    volume: Volume | None = None
    deep: Book | None = None


def initial(config: Config) -> State:
    """Return the state of an asset without book and volume."""
    return State()


def update(config: Config, state: State, event: Any, offset: int) -> State:
    """Apply a book or a tick; one that is not newer than the last leaves the state as it is."""
    book, volume = state.book, state.volume
    if type(event) is OrderBook:
        if book is None or event.observed_at >= book.observed_at:
            return _with_book(config, state, measure(config, event, offset))
    elif type(event) is TrendingAsset and (volume is None or event.observed_at > volume.last_seen):
        return State(book, _averaged(config, volume, event), state.deep)
    return state


def _with_book(config: Config, state: State, new: Book) -> State:
    """Return the state after a book; of two of one moment the deeper one stays, in any order."""
    book, deep = state.book, state.deep
    if book is not None and new.observed_at == book.observed_at and _order(new) <= _order(book):
        return state
    deeper = [one for one in (deep, book) if one is not None and completes(config, one, new)]
    return State(new, state.volume, max(deeper, key=_depth, default=None))


def _depth(book: Book) -> tuple[float, int]:
    return book.reach_bps, book.observed_at


def _order(book: Book) -> tuple[float, ...]:
    return book.reach_bps, book.held_usd, book.mid_usd, *book.features.values()


def _averaged(config: Config, before: Volume | None, tick: TrendingAsset) -> Volume:
    """Return the averages after a tick: its volume stands for the time since the last tick.

    The weight of the new is the larger of dt / elapsed, which makes a plain mean over time, and
    1 - exp(-dt / time constant), which makes an exponential one once there is history enough.
    """
    now, volume_usd, price_usd = tick.observed_at, tick.volume_24h_usd, tick.price_usd
    source_usd = tick.volume_30d_avg_usd or 0.0
    if before is None or _is_another(config, before, tick):
        return Volume(now, now, volume_usd, volume_usd, volume_usd, price_usd, source_usd)
    dt_ms = now - before.last_seen
    mean = dt_ms / (now - before.first_seen)
    week = max(mean, -expm1(-dt_ms / (config.week_days * _DAY_MS)))
    month = max(mean, -expm1(-dt_ms / (config.month_days * _DAY_MS)))
    return Volume(
        before.first_seen,
        now,
        volume_usd,
        before.week_usd + week * (volume_usd - before.week_usd),
        before.month_usd + month * (volume_usd - before.month_usd),
        price_usd,
        source_usd or before.source_usd,
    )


def _is_another(config: Config, before: Volume, tick: TrendingAsset) -> bool:
    """Whether the volumes before say nothing of the coin that the tick is of."""
    was, now = before.price_usd, tick.price_usd
    jumped = was > 0.0 and now > 0.0 and not was < BREAK_FACTOR * now < BREAK_FACTOR**2 * was
    return jumped or tick.observed_at - before.last_seen >= 2.0 * config.month_days * _DAY_MS


def _volume_ratios(config: Config, volume: Volume | None) -> dict[str, float]:
    """Return the ratios that there is an average and history enough for, by feature."""
    if volume is None:
        return {}
    days = (volume.last_seen - volume.first_seen) / _DAY_MS
    is_own = days >= config.own_average_days or volume.source_usd < _LEAST_USD
    month_usd = volume.month_usd if is_own else volume.source_usd
    ratios = {}
    if month_usd > 0.0 and (days >= config.ratio_warm_days or not is_own):
        ratios["volume_ratio"] = volume.now_usd / month_usd
    if month_usd > 0.0 and days >= config.trend_warm_days:
        ratios["volume_trend"] = volume.week_usd / month_usd
    return ratios


def _volume_24h(volume: Volume | None, now: int) -> dict[str, float]:
    """Return the newest tick's volume as a feature, for rules; not one that is a day old."""
    if volume is None or now - volume.last_seen >= _DAY_MS:
        return {}
    return {"volume_24h_usd": volume.now_usd}


def _score(config: Config, book: Book, ratios: dict[str, float]) -> float:
    spread, size, depth, slippage = book.parts
    total, count = spread + size + depth + slippage, len(book.parts)
    if ratios:
        volume = sum(scaled(ratio, config.volume_ratio) for ratio in ratios.values())
        total, count = total + volume / len(ratios), count + 1
    return clamp(total / count, 0.0)


def read(config: Config, state: State, now: int) -> EngineReading:
    """Return the score as of `now`, on which only the freshness and its detail depend."""
    book = state.book
    if book is None:
        return EngineReading(0.0, 0.0, 0.0, detail={"book": "none"})
    deep = state.deep
    if deep is not None:
        book = completed(config, book, deep)
    ratios = _volume_ratios(config, state.volume)
    share = (len(book.parts) + len(ratios) / 2.0) / (len(book.parts) + 1)
    age_minutes = (now - book.observed_at) / _MINUTE_MS
    return EngineReading(
        _score(config, book, ratios),
        share,
        freshness(age_minutes, config.fresh_minutes, config.stale_minutes),
        book.observed_at,
        book.mid_usd,
        book.features | ratios | _volume_24h(state.volume, now),
        (book.offset,) if deep is None else (deep.offset, book.offset),
        _detail(config, book, deep, ratios, age_minutes),
        price_at=book.observed_at,
    )


def _detail(
    config: Config, book: Book, deep: Book | None, ratios: dict[str, float], age_minutes: float
) -> dict[str, str]:
    detail = {}
    if age_minutes > config.fresh_minutes:
        detail["stale"] = f"book is {age_minutes:.0f} minutes old"
    if deep is not None:
        older = (book.observed_at - deep.observed_at) / _MINUTE_MS
        detail["deep"] = f"beyond the top levels from a book {older:.0f} minutes older"
    if book.reach_bps < WANTED_BPS:
        detail["reach"] = f"book ends {book.reach_bps:.3g} bps from mid; depth is a lower bound"
    if len(book.features) < ALL_FILLED:
        for feature, word in NOT_FILLED:
            if feature not in book.features:
                detail[word] = f"not filled: the book holds {book.held_usd:,.0f} USD"
    for name in _RATIOS:
        if name not in ratios:
            detail[name] = "too few days of ticks"
    return detail


ENGINE: Engine[Config, State] = Engine(
    "liquidity",
    BOOKS.name,
    Config(),
    State,
    initial,
    update,
    read,
    min_change=0.01,
)
