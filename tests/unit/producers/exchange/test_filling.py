"""What an exchange answers for missing candles: published once, or an error that says why not."""

from __future__ import annotations

from typing import Any, cast

import pytest

from producers.exchange.backfill import Filled, fill
from producers.exchange.candle_tracker import CandleTracker, Key
from producers.exchange.candles import _OpenCandles
from producers.exchange.connection import Connection
from schemas.market import Candle
from schemas.validation import TIMEFRAME_MS
from tests.unit.producers.http_client.harness import StepClock

HOUR = TIMEFRAME_MS["1h"]
NOON = 1_767_614_400_000
KEY = Key("BTC", "1h")


class Answers:
    """An exchange that answers every request for candles with the same rows."""

    name, has_sockets, most_candles = "binance", True, 1000

    def __init__(self, rows: list[list[Any]]) -> None:
        self.rows, self.clock = rows, StepClock(NOON + 2_000)

    async def candles(self, *_: Any) -> list[list[Any]]:
        """Return the rows."""
        return self.rows


class Capped(Answers):
    """An exchange that gives the newest 60 candles of what is too much for one answer."""

    most_candles = 60

    def __init__(self) -> None:
        super().__init__([row(hour) for hour in range(-400, 1)])
        self.asked = 0

    async def candles(self, symbol: str, timeframe: str, since: int, limit: int) -> list[list[Any]]:
        """Return the rows from `since` on, the newest of them where there are too many."""
        self.asked += 1
        found = [one for one in self.rows if since <= one[0] < since + limit * HOUR]
        return found[-self.most_candles :]


def row(hour: int, volume: float = 5.0, scale: float = 1) -> list[Any]:
    return [int((NOON + hour * HOUR) * scale), 10.0, 12.0, 9.0, 11.0, volume]


async def filled(rows: list[list[Any]]) -> tuple[Filled, list[Candle]]:
    connection = Answers(rows)
    tracker = CandleTracker("binance", {"BTC": "BTC/USDT"}, timeframes=("1h",), count=3)
    published: list[Any] = []

    async def emit(events: Any) -> None:
        published.extend(events)

    return await fill(cast(Connection, connection), tracker, [KEY], emit), published


async def test_an_exchange_that_gives_few_candles_at_once_is_asked_for_no_more() -> None:
    connection = Capped()
    tracker = CandleTracker("binance", {"BTC": "BTC/USDT"}, timeframes=("1h",))
    published: list[Candle] = []

    async def emit(events: Any) -> None:
        published.extend(events)

    for _ in range(6):
        await fill(cast(Connection, connection), tracker, [KEY], emit)
        connection.clock.at_ms += 3_000
    assert [one.open_time for one in published] == [NOON + hour * HOUR for hour in range(-300, 0)]
    assert not tracker.holes()


async def test_candles_are_published() -> None:
    found, published = await filled([row(hour) for hour in (-3, -2, -1, 0)])
    assert (found.candles, found.errors, found.skipped) == (3, (), ())
    assert [candle.closed for candle in published] == [True] * 3


@pytest.mark.parametrize("scale", [1000, 0.001], ids=["us", "s"])
async def test_an_answer_of_which_no_row_is_a_candle_is_an_error(scale: float) -> None:
    found, published = await filled([row(hour, scale=scale) for hour in (-3, -2, -1, 0)])
    assert published == []
    (error,) = found.errors
    assert "none of 4 rows could be used: 1h candle" in str(error)


async def test_a_row_that_is_none_costs_itself_alone() -> None:
    found, published = await filled([row(-3), row(-2), row(-1), row(0), [NOON, None]])
    assert len(published) == 3
    assert len(found.skipped) == 1


@pytest.mark.parametrize("rows", [[row(0), row(0, 0.5)], [row(0, 0.5), row(0)], [row(0), row(-1)]])
async def test_case_candle_twice_while_it_is_open(rows: list[list[Any]]) -> None:
    connection = cast(Connection, Answers(rows))
    tracker = CandleTracker("binance", {"BTC": "BTC/USDT"}, timeframes=("1h",), count=3)
    opened = _OpenCandles(connection, tracker, None)
    candles, errors = await opened.changed()
    assert ([candle.volume for candle in candles], errors) == ([5.0], [])
