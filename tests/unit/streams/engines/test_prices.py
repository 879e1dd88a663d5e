"""When the price of an engine was the price: a tick's or a book's time, not the score's."""

from __future__ import annotations

import pytest

from streams.runner import TopologyRunner
from streams.topology import scoring_engines, stage
from tests.factories import HOUR_MS, START_MS, book, calendar_event, fundamentals, news_score, tick

TICK_MS, LATER_MS = START_MS + 1000, START_MS + HOUR_MS // 2
LATER = {
    "sentiment": news_score(at_ms=LATER_MS),
    "fundamental": fundamentals(at_ms=LATER_MS, volume_24h_usd=1e6, market_cap_usd=1e9),
    "event_risk": calendar_event(at_ms=LATER_MS),
    "liquidity": book(at_ms=LATER_MS, bids=((9.0, 1e4),), asks=((10.0, 1e4),)),
}


@pytest.mark.parametrize("engine", LATER)
def test_what_an_engine_reads_later_makes_the_price_no_newer(engine: str) -> None:
    runner = TopologyRunner([stage(engine)])
    runner.publish(tick(at_ms=TICK_MS, price_usd=10.0))
    (said,) = [one.event for one in runner.publish(LATER[engine])]
    expected = (9.5, LATER_MS) if engine == "liquidity" else (10.0, TICK_MS)
    assert (said.price_usd, said.price_at) == expected
    assert said.as_of == LATER_MS


def test_all_engines_are_covered() -> None:
    assert {one.name for one in scoring_engines()} == {*LATER, "technical"}
