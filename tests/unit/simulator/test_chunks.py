"""Ten minutes of the market as the world keeps them, against the market's own state."""

from __future__ import annotations

from itertools import pairwise

import pytest

from marketdata.simulated.assets import ASSETS
from simulator.chunks import compute_chunk, compute_past

START_MS = 1_760_000_400_000
TWO = ASSETS[:2]


@pytest.fixture(scope="module")
def chunks():
    """The past, and two hours of chunks after it."""
    made = [compute_past(7, START_MS, TWO)]
    for _ in range(13):
        made.append(compute_chunk(made[-1].after))
    return made


def test_minutes_chain_and_end_where_the_market_stands(chunks):
    for asset in TWO:
        bars = [bar for chunk in chunks[1:] for bar in chunk.minutes[asset.symbol]]
        assert [bar.open_time for bar in bars] == [
            START_MS + number * 60_000 for number in range(130)
        ]
        assert all(after.open == before.close for before, after in pairwise(bars))
    for chunk in chunks[1:]:
        for state in chunk.after.assets:
            assert chunk.minutes[state.asset.symbol][-1].close == state.price_usd


def test_minutes_add_up_to_the_candles_of_the_market(chunks):
    closed = [chunk.closed["BTC"]["1h"][0] for chunk in chunks[1:] if chunk.closed]
    assert [row.open_time for row in closed] == [START_MS, START_MS + 3_600_000]
    bars = [bar for chunk in chunks[1:] for bar in chunk.minutes["BTC"]]
    for number, row in enumerate(closed):
        hour = bars[number * 60 : number * 60 + 60]
        assert (row.open, row.close) == (hour[0].open, hour[-1].close)
        assert (row.high, row.low) == (
            max(bar.high for bar in hour),
            min(bar.low for bar in hour),
        )
        assert row.volume == pytest.approx(sum(bar.volume for bar in hour), rel=1e-6)


def test_the_past_has_300_candles_and_no_books(chunks):
    past = chunks[0]
    assert {name: len(rows) for name, rows in past.closed["ETH"].items()} == {
        "1h": 300,
        "4h": 300,
        "1d": 300,
    }
    assert past.books == {}
    assert past.minutes == {}
    assert past.fundamentals["BTC"].market_cap_rank == 1
