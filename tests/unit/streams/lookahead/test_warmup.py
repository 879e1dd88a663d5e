"""The warm-up table against engines whose memory is known, and the real ones against theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil, log
from typing import Any

import msgspec
import pytest

from marketdata.recorded.source import read_directory
from schemas.topics import CANDLES, NEWS
from streams.engines.base import Engine, EngineReading
from streams.lookahead.declared_memory import memory_of
from streams.lookahead.records import MarketRecord, Source, numbered
from streams.lookahead.render import figure_text, warm_up_table
from streams.lookahead.sources import seeded
from streams.lookahead.warmup import Figure, WarmUp, measure
from streams.topology import scoring_engine, scoring_engines
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.streams.engines._market import make_candle, random_walk
from tests.unit.streams.engines._records import T0, make_news

LENGTH = 400


class Memory(msgspec.Struct, frozen=True):
    """Whatever an engine of this file remembers."""

    values: tuple[float, ...] = ()


Step = Callable[[tuple[float, ...], float], tuple[float, ...]]
Say = Callable[[tuple[float, ...]], float]


def engine(step: Step, say: Say, topic: str = CANDLES.name) -> Engine[Any, Any]:
    """Return an engine that steps by a number from 0 to 1 of each record."""

    def update(config: None, state: Memory, event: Any, offset: int) -> Memory:
        return Memory(step(state.values, event.observed_at // HOUR_MS % 97 / 97.0))

    def read(config: None, state: Memory, now: int) -> EngineReading:
        said = say(state.values)
        return EngineReading(said, 1.0, 1.0, features={"said": said, "one": 1.0})

    return Engine("known", topic, None, Memory, lambda config: Memory(), update, read)


def window(length: int) -> Engine[Any, Any]:
    return engine(lambda kept, new: (*kept, new)[-length:], lambda kept: sum(kept) / length)


def average(alpha: float) -> Engine[Any, Any]:
    def step(kept: tuple[float, ...], new: float) -> tuple[float, ...]:
        return (new if not kept else kept[0] + alpha * (new - kept[0]),)

    return engine(step, lambda kept: kept[0] if kept else 0.0)


def endless() -> Engine[Any, Any]:
    """Return an engine that counts: it never forgets where it began."""
    return engine(lambda kept, new: ((kept[0] if kept else 0.0) + 1.0,), lambda kept: kept[0] / 1e3)


def candles() -> Iterator[MarketRecord]:
    return numbered(make_candle(place, ohlc) for place, ohlc in enumerate(random_walk(1, LENGTH)))


def hourly(one: Engine[Any, Any]) -> WarmUp:
    return next(row for row in measure(Source(candles), [one]) if row.inputs == "candles 1h")


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_a_window_forgets_exactly_with_its_length(length: int) -> None:
    row = hourly(window(length))
    for figure in (row.close, row.exact):
        assert figure.inputs is not None
        assert max(1, length - 1) <= figure.inputs <= length
    assert row.runs == 3
    assert row.records == LENGTH


@pytest.mark.parametrize("alpha", [0.9, 0.5, 0.2])
def test_an_average_forgets_by_its_share(alpha: float) -> None:
    row = hourly(average(alpha))
    by_share = ceil(log(1e-6) / log(1.0 - alpha))
    assert row.close.inputs is not None
    assert by_share - 5 <= row.close.inputs <= by_share + 1
    assert row.coarse.inputs is not None
    assert row.coarse.inputs < row.close.inputs
    assert row.slowest == "said"
    assert row.close.after_ms == (row.close.inputs - 2) * HOUR_MS


def test_what_never_forgets_is_said_not_to_settle() -> None:
    row = hourly(endless())
    assert row.coarse.inputs is None
    assert row.coarse.watched == 350
    assert figure_text(row.coarse, ", ") == "> 350, 15 d"


def test_beginnings_that_came_too_late_do_not_spoil_the_figure() -> None:
    """Of 400 candles the runs watch 350, 300 and 200; a memory of 250 fits into two of them."""
    row = hourly(window(250))
    assert row.close.inputs is not None
    assert 249 <= row.close.inputs <= 250


def test_a_topic_without_records_is_said_not_to_be_there() -> None:
    rows = measure(Source(candles), [window(3), engine(lambda kept, new: kept, len, NEWS.name)])
    assert [(row.inputs, row.records) for row in rows] == [
        ("candles 1h", LENGTH),
        ("candles 4h", 0),
        ("candles 1d", 0),
        ("news, ticks", 0),
    ]


def test_assets_are_measured_apart_and_the_slowest_counts() -> None:
    def records() -> Iterator[MarketRecord]:
        news = [make_news(str(n), T0 + n * HOUR_MS, asset="BTC") for n in range(LENGTH)]
        few = [make_news(str(n), T0 + n * HOUR_MS, asset="ETH") for n in range(16)]
        return numbered(sorted([*news, *few], key=lambda one: (one.observed_at, one.asset)))

    slow = engine(lambda kept, new: (*kept, new)[-20:], lambda kept: sum(kept) / 20, NEWS.name)
    (row,) = measure(Source(records), [slow])
    assert row.runs == 6
    assert row.close.inputs is not None
    assert 19 <= row.close.inputs <= 20


@pytest.mark.shared_data
def test_technical_keeps_its_word(shared_data: Any) -> None:
    start_ms, days = 1_640_995_200_000, 120  # 2022-01-01

    def records() -> Iterator[MarketRecord]:
        events = read_directory(
            shared_data, start_ms, start_ms + days * DAY_MS, cycle_ms=1_000 * DAY_MS
        )
        return (one for one in numbered(events) if one.topic == CANDLES.name)

    row = measure(Source(records), [scoring_engine("technical")])[0]
    assert row.inputs == "candles 1h"
    assert row.coarse.inputs is not None
    assert row.coarse.inputs >= 200, "nothing is said before candle 200"
    assert row.close.inputs is not None
    assert row.close.inputs <= 439
    assert row.slowest.startswith("RSI30")
    assert row.slowest_close.inputs is not None
    assert row.slowest_close.inputs <= 500


def test_the_calendar_is_learned_with_the_next_fetches() -> None:
    row = measure(seeded(2, 3, ("BTC",)), [scoring_engine("event_risk")])[0]
    assert row.exact.inputs is not None
    assert row.exact.after_ms <= 2 * DAY_MS


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("technical", ("200 candles", "within 439")),
        ("sentiment", ("5 days", "18 hours", "140 days")),
        ("fundamental", ("24 hours", "140 days")),
        ("event_risk", ("2 days",)),
        ("liquidity", ("24 hours", "7 days", "208 days")),
    ],
)
def test_what_engines_declare_comes_from_their_configs(name: str, said: tuple[str, ...]) -> None:
    sentence = memory_of(scoring_engine(name))
    assert all(part in sentence for part in said), sentence


def test_the_first_five_engines_declare_something() -> None:
    silent = [one.name for one in scoring_engines()[:5] if memory_of(one) == "declares nothing"]
    assert silent == []
    assert memory_of(window(3)) == "declares nothing"


def test_the_table_has_a_line_a_row() -> None:
    rows = measure(Source(candles), [window(3)])
    assert warm_up_table(rows).row_count == len(rows) == 3


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Figure(1, 0, 10), "1"),
        (Figure(310, 13 * DAY_MS, 5_000), "310\n13 d"),
        (Figure(None, 2 * DAY_MS, 5_000), "> 5,000\n2 d"),
    ],
)
def test_figures(figure: Figure, said: str) -> None:
    assert figure_text(figure) == said
