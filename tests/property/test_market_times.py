"""The simulated market: nothing is observed before it happened, whenever the market starts."""

from __future__ import annotations

import pytest

from marketdata.simulated.assets import ASSETS
from marketdata.simulated.bars import HOUR_MS
from schemas.events import MarketEvent, order_key
from schemas.market import (
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.times import CYCLE_MS
from tests.property._worlds import MONDAY, run

KINDS = {NewsArticle, Candle, OrderBook, Fundamentals}
"""What a back-fill and an hour of cycles are made of, besides ticks and the calendar."""


def happened_at(event: MarketEvent) -> int:
    """Return the latest time that an event tells of as past."""
    closed_at = event.close_time if isinstance(event, Candle) and event.closed else 0
    return max(event.event_time, event.published_at or 0, closed_at)


def early(events: list[MarketEvent]) -> list[MarketEvent]:
    """Return what was observed before it happened; the calendar is exempt, for it is scheduled."""
    past = [event for event in events if not isinstance(event, CalendarEvent)]
    assert {type(event) for event in past} >= KINDS
    return [event for event in past if happened_at(event) > event.observed_at]


@pytest.mark.parametrize("seed", [1, 6, 2**40])
@pytest.mark.parametrize(
    "start_ms",
    [
        pytest.param(MONDAY, id="midnight"),
        pytest.param(MONDAY + 9 * HOUR_MS, id="on the hour"),
        pytest.param(MONDAY + 9 * HOUR_MS + CYCLE_MS, id="minute 10"),
        pytest.param(MONDAY + 9 * HOUR_MS + 5 * CYCLE_MS, id="minute 50"),
        pytest.param(MONDAY + 24 * HOUR_MS - CYCLE_MS, id="before midnight"),
    ],
)
def test_nothing_is_observed_before_it_happened(seed: int, start_ms: int) -> None:
    first, later = run(seed, start_ms, 7, ASSETS[:2])
    assert early(first) == []
    assert early(later) == []
    ticks = [order_key(event) for event in later if isinstance(event, TrendingAsset)]
    assert max(map(order_key, first)) < min(ticks)
