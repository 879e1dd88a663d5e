"""From coin lists to ticks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.assets.symbols import Catalogue
from producers.feeds.ticks import Price, held_over, most_watched, ticks
from producers.upstreams.rows import CoinRow, TopicRow
from schemas.validation import problem
from tests.unit.producers.feeds.coins import T0, coin

CYCLE = T0


@pytest.mark.parametrize(
    ("coins", "chosen"),
    [
        pytest.param((coin("BTC"), coin("ETH")), ["BTC", "ETH"], id="the list's order"),
        pytest.param(
            (coin("BTC", alt_rank=7), coin("ETH", alt_rank=2)), ["ETH", "BTC"], id="alt rank"
        ),
        pytest.param((coin("BTC"), coin("ETH", alt_rank=900)), ["ETH", "BTC"], id="unranked last"),
        pytest.param((coin("USDT"), coin("BTC")), ["BTC"], id="no money"),
        pytest.param((coin("BTC", price_usd=None), coin("ETH")), ["ETH"], id="no price"),
        pytest.param((coin("BTC", volume_24h_usd=None), coin("ETH")), ["ETH"], id="no volume"),
        pytest.param((coin("BTC"), coin("BTC")), ["BTC"], id="listed twice"),
        pytest.param((), [], id="nothing"),
    ],
)
def test_the_most_watched(coins: tuple[CoinRow, ...], chosen: list[str]) -> None:
    assert [one.symbol for one in most_watched(coins, Catalogue.of(coins), 5)] == chosen


def test_of_two_coins_of_one_symbol_the_larger_is_meant_however_much_it_is_watched() -> None:
    real = coin("SOL", market_cap_rank=6, alt_rank=40)
    fake = coin("SOL", name="Solana Doge", source_id="x", market_cap_rank=4000, alt_rank=1)
    both = (fake, real)
    assert most_watched(both, Catalogue.of(both), 5) == (real,)


def test_what_the_networks_said_fills_what_the_list_does_not_say() -> None:
    topic = TopicRow(
        source="lunarcrush", topic="b", social_volume=5.0, interactions=9.0, twitter_volume=3.0
    )
    (tick,) = ticks((coin("BTC", social_volume=1.0),), CYCLE, T0, {"BTC": topic})
    assert (tick.social_volume, tick.interactions, tick.twitter_volume) == (1.0, 9.0, 3.0)
    (other,) = ticks((coin("BTC", source="coingecko"),), CYCLE, T0, {"BTC": topic})
    assert (other.social_volume, other.interactions, other.twitter_volume) == (None, None, None)


@pytest.mark.parametrize(
    ("priced_at", "event_time"),
    [
        pytest.param(None, T0, id="not said"),
        pytest.param(T0 - 5_000, T0 - 5_000, id="a stale price"),
        pytest.param(T0 + 5_000, T0, id="a clock that is ahead"),
    ],
)
def test_the_time_of_a_tick_is_its_price_s(priced_at: int | None, event_time: int) -> None:
    (tick,) = ticks((coin("BTC", priced_at=priced_at),), CYCLE, T0, {})
    assert tick.event_time == event_time


def test_ticks_that_are_held_over_have_the_exchange_s_price_and_say_nothing_of_people() -> None:
    rows = (coin("BTC", galaxy_score=70.0, change_24h_pct=3.0), coin("ETH"))
    last = ticks(rows, CYCLE, T0, {})
    later = T0 + 600_000
    btc, eth = held_over(last, CYCLE + 600_000, later, {"BTC": Price(later - 5, 11.0)})
    assert (btc.source, btc.price_usd, btc.event_time) == ("exchange", 11.0, later - 5)
    assert btc.market_cap_usd == pytest.approx(1.1e9)
    assert (btc.galaxy_score, btc.change_24h_pct) == (None, None)
    assert (eth.source, eth.price_usd, eth.event_time) == ("lunarcrush", 10.0, T0)
    assert [problem(tick) for tick in (btc, eth)] == [None, None]
    assert held_over((), CYCLE, T0, {"BTC": Price(T0, 1.0)}) == ()


def test_a_price_that_is_older_than_the_tick_s_is_not_taken_and_never_made_new() -> None:
    last = ticks((coin("BTC", priced_at=T0 - 1_000),), CYCLE, T0, {})
    (kept,) = held_over(last, CYCLE + 600_000, T0 + 600_000, {"BTC": Price(T0 - 1_001, 11.0)})
    assert (kept.source, kept.price_usd, kept.event_time) == ("lunarcrush", 10.0, T0 - 1_000)
    traded = {"BTC": Price(T0, 11.0)}
    (first,) = held_over(last, CYCLE + 600_000, T0 + 600_000, traded)
    (second,) = held_over((first,), CYCLE + 1_200_000, T0 + 1_200_000, traded)
    assert (second.source, second.price_usd, second.event_time) == ("exchange", 11.0, T0)


def test_a_coin_that_another_list_names_and_ranks_otherwise_is_no_namesake() -> None:
    here = coin("BNB", name="Binance Coin", market_cap_rank=5)
    there = coin("BNB", name="BNB", market_cap_rank=4, source="coingecko")
    catalogue = Catalogue.of((here,)).updated((there,))
    assert most_watched((here,), catalogue, 5) == (here,)
    assert most_watched((there,), catalogue, 5) == (there,)
    assert most_watched((here, there), catalogue, 5) == (there,)


SYMBOLS = st.sampled_from(["BTC", "ETH", "SOL", "DOGE", "USDT", "ADA", "WBTC"])
RANKS = st.none() | st.integers(1, 5000)
ROWS = st.lists(
    st.builds(
        coin,
        SYMBOLS,
        alt_rank=RANKS,
        market_cap_rank=RANKS,
        price_usd=st.none() | st.floats(1e-9, 1e6),
        volume_24h_usd=st.none() | st.floats(0.0, 1e12),
    ),
    max_size=30,
)


@given(ROWS, st.integers(1, 6))
def test_ticks_of_any_list_are_valid_and_a_cycle(rows: list[CoinRow], size: int) -> None:
    chosen = most_watched(rows, Catalogue.of(rows), size)
    events = ticks(chosen, CYCLE, T0, {})
    assert len(events) <= size
    assert len({tick.asset for tick in events}) == len(events)
    assert [tick.rank for tick in events] == list(range(1, len(events) + 1))
    assert {tick.cycle_size for tick in events} <= {len(events)}
    assert [text for tick in events if (text := problem(tick))] == []
    assert "USDT" not in {tick.asset for tick in events}


@given(
    ROWS,
    st.dictionaries(
        SYMBOLS, st.builds(Price, st.integers(T0 - 10, T0 + 900_000), st.floats(1e-9, 1e6))
    ),
)
def test_held_over_ticks_are_a_whole_valid_cycle(
    rows: list[CoinRow], prices: dict[str, Price]
) -> None:
    last = ticks(most_watched(rows, Catalogue.of(rows), 50), CYCLE, T0, {})
    held = held_over(last, CYCLE + 600_000, T0 + 600_000, prices)
    assert [(tick.asset, tick.rank) for tick in held] == [(one.asset, one.rank) for one in last]
    assert [text for tick in held if (text := problem(tick))] == []
