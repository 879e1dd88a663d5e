"""Candles and order books in ccxt's form as events of the contract, or why not. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from typing import Any, NamedTuple, TypeAlias

from msgspec.structs import replace

from marketdata.candles import joined
from producers.upstreams.rows import Parsed
from schemas.market import Candle, OrderBook
from schemas.times import epoch_ms
from schemas.validation import CANDLE_MS, CLOSE_EARLY_MS, problem

UNFOLLOWED_MS = 60_000
"""How long after its close a candle counts as closed although no later one is there yet."""
STALE_BOOK_MS = 60_000
JUDGED_SHARES = (0.01, 0.02)
"""How far from mid, as shares of the price, the depth of a book is judged."""
_Numbers: TypeAlias = tuple[float, ...]
_NAMES = ("open", "high", "low", "close", "volume")
_LATEST_MS = 253_402_300_800_000  # the year 10000


class Listing(NamedTuple):
    """The market of an asset on an exchange; `symbol` as ccxt writes it, for example BTC/USDT."""

    exchange: str
    asset: str
    symbol: str


def candles_of(
    listing: Listing, timeframe: str, rows: Iterable[Sequence[Any]], observed_at_ms: int
) -> Parsed[Candle]:
    """Return the candles of `[open_time, open, high, low, close, volume]` rows, oldest first.

    A candle is closed when the answer has a later one, or when it should have closed a minute ago
    and nothing was traded since: an exchange whose clock is behind ours is not taken to be done.
    Rows of one time become one candle (`marketdata.candles.joined`), whatever their order.
    """
    found: dict[int, list[Sequence[Any]]] = {}
    skipped: list[str] = []
    for row in rows:
        wrong = _time_problem(row, timeframe, observed_at_ms)
        if wrong:
            skipped.append(f"{_name(listing, timeframe, row)}: {wrong}")
        else:
            found.setdefault(row[0], []).append(row)
    candles: list[Candle] = []
    latest = max(found, default=0)
    for open_time in sorted(found):
        closed = open_time < latest or (
            observed_at_ms >= open_time + CANDLE_MS[timeframe] + UNFOLLOWED_MS
        )
        of_time: list[Candle] = []
        for row in found[open_time]:
            candle = _candle(listing, timeframe, row, observed_at_ms, closed=closed)
            if isinstance(candle, Candle):
                of_time.append(candle)
            else:
                skipped.append(f"{_name(listing, timeframe, row)}: {candle}")
        if of_time:
            candles.append(joined(of_time))
    return Parsed(tuple(candles), tuple(skipped))


def _name(listing: Listing, timeframe: str, row: Any) -> str:
    time = row[0] if isinstance(row, list | tuple) and row else row
    return f"{timeframe} candle {time!r} of {listing.symbol} on {listing.exchange}"[:160]


def _time_problem(row: Any, timeframe: str, observed_at_ms: int) -> str | None:
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) < 1 + len(_NAMES):
        return "not a row of six numbers"
    time = row[0]
    if not isinstance(time, int) or isinstance(time, bool) or epoch_ms(time) != time:
        return "no time in ms since 1970"
    if time % CANDLE_MS[timeframe]:
        return f"does not start where a candle of {timeframe} does"
    if time > observed_at_ms + CLOSE_EARLY_MS:
        return f"starts {time - observed_at_ms} ms after it was seen"
    return None


def _candle(
    listing: Listing, timeframe: str, row: Sequence[Any], observed_at_ms: int, *, closed: bool
) -> Candle | str:
    numbers: list[float] = []
    for name, value in zip(_NAMES, row[1:], strict=False):
        number = _number(value)
        if number is None:
            return f"{name} {value!r} is not a number"
        numbers.append(number)
    open_time = row[0]
    close_time = open_time + CANDLE_MS[timeframe]
    candle = Candle(
        asset=listing.asset,
        event_time=close_time if closed else observed_at_ms,
        observed_at=observed_at_ms,
        source=listing.exchange,
        source_id=f"{listing.symbol}:{timeframe}:{open_time}",
        exchange=listing.exchange,
        symbol=listing.symbol,
        timeframe=timeframe,
        open_time=open_time,
        close_time=close_time,
        open=numbers[0],
        high=numbers[1],
        low=numbers[2],
        close=numbers[3],
        volume=numbers[4],
        closed=closed,
    )
    return problem(candle) or candle


def book_of(
    listing: Listing,
    raw: Mapping[str, Any],
    observed_at_ms: int,
    levels: int,
    max_age_ms: int = STALE_BOOK_MS,
) -> Parsed[OrderBook]:
    """Return the top `levels` of ccxt's order book, or no row and why: empty, crossed, stale.

    The exchange's time is the event's where it gives one; Binance's REST does not.
    """
    book = _book(listing, raw, observed_at_ms, levels, max_age_ms)
    if isinstance(book, OrderBook):
        return Parsed((book,))
    return Parsed((), (f"order book of {listing.symbol} on {listing.exchange}: {book}",))


def _book(
    listing: Listing, raw: Mapping[str, Any], observed_at_ms: int, levels: int, max_age_ms: int
) -> OrderBook | str:
    time = raw.get("timestamp")
    wrong = _age_problem(time, observed_at_ms, max_age_ms)
    if wrong:
        return wrong
    bids, asks = _side(raw.get("bids"), levels), _side(raw.get("asks"), levels)
    if isinstance(bids, str) or isinstance(asks, str):
        return bids if isinstance(bids, str) else str(asks)
    event_time = observed_at_ms if time is None else time
    nonce = raw.get("nonce")
    book = OrderBook(
        asset=listing.asset,
        event_time=event_time,
        observed_at=observed_at_ms,
        source=listing.exchange,
        source_id=f"{listing.symbol}:{'' if nonce is None else nonce}:{event_time}",
        exchange=listing.exchange,
        symbol=listing.symbol,
        bid_prices=bids[0],
        bid_sizes=bids[1],
        ask_prices=asks[0],
        ask_sizes=asks[1],
    )
    return problem(book) or book


def reach(book: OrderBook) -> float:
    """Return how far from mid the shorter side of a book goes, as a share of the price."""
    mid = (book.bid_prices[0] + book.ask_prices[0]) / 2.0
    return min(mid - book.bid_prices[-1], book.ask_prices[-1] - mid) / mid


def condensed(book: OrderBook, levels: int) -> OrderBook:
    """Return a deep book in at most twice `levels` a side: all that a record need hold of it.

    The best `levels` and the last one stay. Those between are joined, the farther the wider, at
    their mean price: the money up to 1 % and 2 % from mid stays the same to the cent.
    """
    mid = (book.bid_prices[0] + book.ask_prices[0]) / 2.0
    bids = _joined(mid, book.bid_prices, book.bid_sizes, levels)
    asks = _joined(mid, book.ask_prices, book.ask_sizes, levels)
    return replace(
        book, bid_prices=bids[0], bid_sizes=bids[1], ask_prices=asks[0], ask_sizes=asks[1]
    )


def _joined(
    mid: float, prices: _Numbers, sizes: _Numbers, levels: int
) -> tuple[_Numbers, _Numbers]:
    if len(prices) <= 2 * levels:
        return prices, sizes
    apart = [abs(price - mid) for price in prices]
    wider = (apart[-1] / apart[levels]) ** (1.0 / (levels - 3))
    edges = sorted(
        (
            *(apart[levels] * wider**number for number in range(1, levels - 3)),
            *(mid * share for share in JUDGED_SHARES),
        )
    )
    joined: dict[int, list[int]] = {}
    for place in range(levels, len(prices) - 1):
        joined.setdefault(bisect_left(edges, apart[place]), []).append(place)
    means, sums = [], []
    for places in joined.values():
        size = fsum(sizes[place] for place in places)
        mean = fsum(prices[place] * sizes[place] for place in places) / size
        low, high = sorted((prices[places[0]], prices[places[-1]]))
        means.append(min(max(mean, low), high))
        sums.append(size)
    return (*prices[:levels], *means, prices[-1]), (*sizes[:levels], *sums, sizes[-1])


def _age_problem(time: Any, observed_at_ms: int, max_age_ms: int) -> str | None:
    if time is None:
        return None
    if not isinstance(time, int) or not 0 < time < _LATEST_MS:
        return f"its time {time!r} is no time in ms since 1970"
    if observed_at_ms - time > max_age_ms:
        return f"stale, {observed_at_ms - time} ms old"
    if time - observed_at_ms > CLOSE_EARLY_MS:
        return f"dated {time - observed_at_ms} ms after it was seen"
    return None


def _side(side: Any, levels: int) -> tuple[tuple[float, ...], tuple[float, ...]] | str:
    """Return the best `levels` prices and sizes of a side, or why not; no empty levels."""
    if not isinstance(side, Sequence) or isinstance(side, str):
        return "a side is missing"
    prices: list[float] = []
    sizes: list[float] = []
    for level in side:
        if len(prices) == levels:
            break
        if not isinstance(level, Sequence) or isinstance(level, str) or len(level) < 2:
            return f"a level is {level!r}"[:80]
        price, size = _number(level[0]), _number(level[1])
        if price is None or size is None:
            return f"a level is {list(level)!r}"[:80]
        if size > 0.0:
            prices.append(price)
            sizes.append(size)
    return tuple(prices), tuple(sizes)


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
