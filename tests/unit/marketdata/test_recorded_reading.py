"""`read_directory` on tiny files: times, warm-up, ticks, order."""

from __future__ import annotations

import gzip
import itertools

import pytest

from marketdata.recorded.source import ReadReport, read_directory
from schemas.events import order_key
from schemas.market import Candle, NewsArticle, OrderBook, TrendingAsset
from schemas.validation import problem
from tests.factories import DAY_MS, HOUR_MS
from tests.unit.marketdata.recorded_factory import (
    T0,
    hours,
    write_books,
    write_candles,
    write_headlines,
    write_posts,
)

CYCLE_MS = 600_000


def read(path, start_ms=T0, end_ms=T0 + DAY_MS, kind=None, **options):
    events = list(read_directory(path, start_ms, end_ms, **options))
    assert [problem(event) for event in events if problem(event)] == []
    keys = [order_key(event) for event in events]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    return events if kind is None else [event for event in events if type(event) is kind]


def test_a_candle_has_the_times_and_names_of_its_file_and_row(tmp_path):
    write_candles(tmp_path, "DOGE", "4h", [(T0, 1, 3, 0.5, 2, 7)])
    assert read(tmp_path, kind=Candle) == [
        Candle(
            asset="DOGE",
            event_time=T0 + 4 * HOUR_MS,
            observed_at=T0 + 4 * HOUR_MS + 1000,
            source="binance",
            source_id=f"DOGE/USDT:4h:{T0}",
            exchange="binance",
            symbol="DOGE/USDT",
            timeframe="4h",
            open_time=T0,
            close_time=T0 + 4 * HOUR_MS,
            open=1.0,
            high=3.0,
            low=0.5,
            close=2.0,
            volume=7.0,
            closed=True,
        )
    ]


def test_the_span_is_by_observed_at_and_its_end_is_excluded(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(6))
    first_seen = T0 + HOUR_MS + 1000
    seen = read(tmp_path, first_seen, first_seen + 2 * HOUR_MS, Candle, warmup=0)
    assert [event.open_time for event in seen] == [T0, T0 + HOUR_MS]


@pytest.mark.parametrize(
    ("warmup", "count"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(3, 3, id="three"),
        pytest.param(300, 10, id="fewer there"),
    ],
)
def test_warm_up_is_the_last_candles_before_the_start(tmp_path, warmup, count):
    write_candles(tmp_path, "BTC", "1h", hours(12))
    start_ms = T0 + 11 * HOUR_MS
    events = read(tmp_path, start_ms, start_ms + HOUR_MS, warmup=warmup)
    before = [event for event in events if event.observed_at < start_ms]
    assert all(type(event) is Candle for event in before)
    expected = [T0 + n * HOUR_MS for n in range(10 - count, 10)]
    assert [event.open_time for event in before] == expected


def test_warm_up_comes_even_when_the_file_ends_before_the_start(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(5))
    assert len(read(tmp_path, T0 + 3 * DAY_MS, T0 + 4 * DAY_MS, Candle, warmup=2)) == 2


def test_a_tick_knows_the_candles_seen_before_its_cycle_and_no_later_one(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(3))
    ticks = read(tmp_path, T0, T0 + 3 * HOUR_MS, TrendingAsset)
    # The candle that closes at T0 + 1 h is seen a second later: the tick then is without it.
    assert ticks[0].cycle == T0 + HOUR_MS + CYCLE_MS
    assert ticks[0].price_usd == 100.0
    at_two = next(tick for tick in ticks if tick.cycle == T0 + 2 * HOUR_MS)
    assert at_two.price_usd == 100.0
    assert ticks[ticks.index(at_two) + 1].price_usd == 101.0


def test_a_tick_sums_24_hours_and_measures_the_change_over_them(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(30))
    start_ms = T0 + 26 * HOUR_MS
    (tick,) = read(tmp_path, start_ms, start_ms + CYCLE_MS, TrendingAsset)
    closes = [100.0 + n for n in range(25)]  # the 26th closes now and is not seen yet
    assert tick.price_usd == 124.0
    assert tick.volume_24h_usd == pytest.approx(sum(2.0 * close for close in closes[-24:]))
    assert tick.change_24h_pct == pytest.approx(24.0)
    assert tick.name == "Bitcoin"
    assert tick.market_cap_usd is None
    assert tick.social_volume is None


def test_ticks_rank_by_volume_and_say_the_size_of_their_cycle(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(3, price=10.0))
    write_candles(tmp_path, "ETH", "1h", hours(3, price=20.0))
    write_candles(tmp_path, "SOL", "1h", hours(3, first_ms=T0 + HOUR_MS, price=30.0))
    ticks = read(tmp_path, T0, T0 + 2 * HOUR_MS + 2 * CYCLE_MS, TrendingAsset)
    by_cycle = {tick.cycle: [] for tick in ticks}
    for tick in ticks:
        assert tick.observed_at == tick.cycle + tick.rank
        by_cycle[tick.cycle].append((tick.asset, tick.rank, tick.cycle_size))
    assert by_cycle[T0 + 2 * HOUR_MS] == [("ETH", 1, 2), ("BTC", 2, 2)]
    assert by_cycle[T0 + 2 * HOUR_MS + CYCLE_MS] == [("ETH", 1, 3), ("SOL", 2, 3), ("BTC", 3, 3)]


def test_cycles_stand_on_multiples_of_their_length_also_after_the_last_candle(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(1))
    ticks = read(tmp_path, T0 + HOUR_MS + 5000, T0 + 3 * DAY_MS, TrendingAsset, cycle_ms=HOUR_MS)
    cycles = [tick.cycle for tick in ticks]
    assert cycles[0] == T0 + 2 * HOUR_MS
    # An asset without a candle for a day is not traded any more.
    assert cycles[-1] == T0 + 24 * HOUR_MS
    assert all(after - before == HOUR_MS for before, after in itertools.pairwise(cycles))


def test_headlines_go_to_the_asset_of_the_subject_and_those_named(tmp_path):
    write_headlines(
        tmp_path,
        [
            ("2022-03-01T01:00:00Z", "Miners sell", "s", "CryptoNews", "bitcoin", "https://a"),
            ("2022-03-01T02:00:00Z", "Ripple \\x93 in court", "", "P", "altcoin", "https://b"),
            ("2022-03-01T03:00:00Z", "Solana beats Ethereum", "", "P", "bitcoin", "https://c"),
            ("2022-03-01T04:00:00Z", "Cats on chain", "ETH in text", "P", "nft", "https://d"),
        ],
    )
    report = ReadReport()
    articles = read(tmp_path, kind=NewsArticle, report=report)
    assert [(article.asset, article.headline) for article in articles] == [
        ("BTC", "Miners sell"),
        ("XRP", "Ripple \u2013 in court"),
        ("BTC", "Solana beats Ethereum"),
        ("ETH", "Solana beats Ethereum"),
        ("SOL", "Solana beats Ethereum"),
    ]
    assert articles[0].published_at == T0 + HOUR_MS
    assert articles[0].observed_at == T0 + HOUR_MS + 60_000
    assert (articles[0].publisher, articles[0].summary, articles[1].summary) == (
        "CryptoNews",
        "s",
        None,
    )
    assert report.skipped == {"crypto_headlines_2021_2022.csv.gz: about no played asset": 1}
    assert report.events["market.news"] == 5


@pytest.mark.parametrize(
    ("title", "assets"),
    [
        pytest.param("Bitcoin Cash forks", {"BCH"}, id="longest name"),
        pytest.param("Ethereum Name Service soars", set(), id="other thing of that name"),
        pytest.param("A cause for optimism, makers say", set(), id="words"),
        pytest.param("MATIC and RNDR rally", {"POL"}, id="earlier ticker"),
        pytest.param("Cosmos hack, Lido grows", {"ATOM", "LDO"}, id="nicknames"),
        pytest.param("ZZZ listed", {"ZZZ"}, id="asset that no list has"),
    ],
)
def test_recorded_headlines_are_tagged_as_live_ones(tmp_path, title, assets):
    for asset in ("BTC", "BCH", "ETH", "OP", "MKR", "POL", "ATOM", "LDO", "ZZZ"):
        write_candles(tmp_path, asset, "1h", hours(1))
    write_headlines(tmp_path, [("2022-03-01T01:00:00Z", title, "", "P", "altcoin", "")])
    assert {article.asset for article in read(tmp_path, kind=NewsArticle)} == assets


def test_a_tag_of_a_post_that_is_mostly_a_word_counts_where_the_title_names_it(tmp_path):
    for asset in ("ETH", "OP"):
        write_candles(tmp_path, asset, "1h", hours(1))
    write_posts(
        tmp_path,
        [
            ("7", "2022-03-01T01:00:00Z", "Up", "ETH|OP"),
            ("8", "2022-03-01T02:00:00Z", "Optimism (OP) upgrades", "OP"),
        ],
    )
    tagged = [(article.asset, article.headline) for article in read(tmp_path, kind=NewsArticle)]
    assert tagged == [("ETH", "Up"), ("OP", "Optimism (OP) upgrades")]


def test_only_played_assets_get_news(tmp_path):
    write_candles(tmp_path, "ETH", "1h", hours(1))
    write_headlines(
        tmp_path, [("2022-03-01T01:00:00Z", "Bitcoin and Ethereum", "", "P", "bitcoin", "")]
    )
    write_posts(tmp_path, [("7", "2022-03-01T01:00:00Z", "Up", "BTC|ETH|A|US")])
    articles = read(tmp_path, kind=NewsArticle)
    assert sorted((article.source, article.asset) for article in articles) == [
        ("crypto_headlines", "ETH"),
        ("cryptopanic", "ETH"),
    ]


def test_books_keep_the_levels_that_are_there(tmp_path):
    full = {
        "symbol": "BTCUSDT",
        "ts_ms": T0 + 5,
        "last_update_id": 9,
        **{"bid_px_0": 10.0, "bid_sz_0": 1.0, "bid_px_1": 9.0, "bid_sz_1": 2.0},
        **{"ask_px_0": 11.0, "ask_sz_0": 3.0, "ask_px_1": 12.0, "ask_sz_1": 4.0},
    }
    thin = {**full, "ts_ms": T0 + 6, "ask_px_1": None, "ask_sz_1": None}
    crossed = {**full, "ts_ms": T0 + 7, "bid_px_0": 11.5}
    write_books(tmp_path, [full, thin, crossed])
    report = ReadReport()
    first, second = read(tmp_path, kind=OrderBook, report=report)
    assert (first.bid_prices, first.bid_sizes) == ((10.0, 9.0), (1.0, 2.0))
    assert (first.ask_prices, first.ask_sizes) == ((11.0, 12.0), (3.0, 4.0))
    assert (first.asset, first.symbol, first.observed_at) == ("BTC", "BTC/USDT", T0 + 5)
    assert (second.ask_prices, second.ask_sizes) == ((11.0,), (3.0,))
    assert report.skipped.total() == 1


def test_missing_parts_are_said(tmp_path):
    write_candles(tmp_path, "BTC", "1h", hours(1))
    report = ReadReport()
    read(tmp_path, report=report)
    assert report.files == ["ohlcv/BTCUSDT-1h.parquet"]
    assert [line.split()[1] for line in report.missing] == [
        "books/{symbol}usdt_depth20_1s.parquet",
        "news/crypto_headlines_2021_2022.csv.gz",
        "news/cryptopanic_tagged.csv.gz",
    ]


def test_equal_times_are_ordered_by_topic_then_asset_then_source_id(tmp_path):
    at_ms = T0 + 4 * HOUR_MS
    write_candles(tmp_path, "ETH", "1h", [(at_ms - HOUR_MS, 1, 1, 1, 1, 1)])
    write_candles(tmp_path, "BTC", "4h", [(T0, 1, 1, 1, 1, 1)])
    write_candles(tmp_path, "BTC", "1h", [(at_ms - HOUR_MS, 1, 1, 1, 1, 1)])
    with gzip.open(write_posts(tmp_path, []), "wt") as file:
        file.write("id,published_at,title,source,source_type,currencies,votes\n")
        file.write("1,2022-03-01T03:59:01Z,Up,s,link,ETH,{}\n")
    events = read(tmp_path, at_ms + 1000, at_ms + 1001)
    assert [(type(event).__name__, event.source_id) for event in events] == [
        ("NewsArticle", "1:ETH"),
        ("Candle", f"BTC/USDT:1h:{at_ms - HOUR_MS}"),
        ("Candle", f"BTC/USDT:4h:{T0}"),
        ("Candle", f"ETH/USDT:1h:{at_ms - HOUR_MS}"),
    ]
