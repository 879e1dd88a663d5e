"""What makes an event valid: one row a rule, each a change of a valid event."""

from __future__ import annotations

import re
from math import inf, nan, nextafter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.control import Strategy
from schemas.market import (
    CATEGORIES,
    CalendarEvent,
    Candle,
    Fundamentals,
    NewsArticle,
    OrderBook,
    TrendingAsset,
)
from schemas.scores import EngineScore, InputPosition, LexiconHit
from schemas.validation import ENGINES, LEAST_PRICE, MOST_AMOUNT, MOST_PRICE, problem
from tests import factories

AT = 1_700_000_000_000
HOUR_MS = 3_600_000
HEAD: dict[str, Any] = {
    "asset": "BTC",
    "event_time": AT,
    "observed_at": AT + 5,
    "source": "test",
    "source_id": "1",
}
CANDLE = Candle(
    **HEAD,
    exchange="binance",
    symbol="BTC/USDT",
    timeframe="1h",
    open_time=AT - HOUR_MS,
    close_time=AT,
    open=10.0,
    high=12.0,
    low=9.0,
    close=11.0,
    volume=3.0,
    closed=True,
)
BOOK = OrderBook(
    **HEAD,
    exchange="binance",
    symbol="BTC/USDT",
    bid_prices=(10.0, 9.0),
    bid_sizes=(1.0, 2.0),
    ask_prices=(11.0, 12.0),
    ask_sizes=(1.0, 0.0),
)
TICK = TrendingAsset(
    **HEAD, cycle=AT, cycle_size=50, rank=1, name="Bitcoin", price_usd=50_000.0, volume_24h_usd=1e9
)
FUNDAMENTALS = Fundamentals(**HEAD, market_cap_usd=1e12, github_stars=70_000)
NEWS = NewsArticle(**HEAD, headline="Bitcoin rises", url="https://x.test/1", publisher="X")
CALENDAR = CalendarEvent(
    **HEAD, title="Fork", category="hard_fork", starts_at=AT + 1, impact=0.9, certainty=1.0
)
SCORE = EngineScore(
    asset="BTC",
    engine="technical",
    status="ok",
    as_of=AT,
    sequence=1,
    score=-1.0,
    confidence=1.0,
    freshness=0.0,
    price_usd=50_000.0,
)
STRATEGY = Strategy(strategy_id="s", owner="admin", name="S", weights={"technical": 0.5})

NEWS_SCORE = factories.news_score()
VALID = (CANDLE, BOOK, TICK, FUNDAMENTALS, NEWS, NEWS_SCORE, CALENDAR, SCORE, STRATEGY)
MARKET = VALID[:6]


def name_of(event: Any) -> str:
    return type(event).__name__


@pytest.mark.parametrize("event", VALID, ids=name_of)
def test_a_valid_event_has_no_problem(event: Any) -> None:
    assert problem(event) is None


@pytest.mark.parametrize("event", MARKET, ids=name_of)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"asset": ""}, "not a symbol in capitals", id="no asset"),
        pytest.param({"asset": "btc"}, "not a symbol in capitals", id="small letters"),
        pytest.param({"asset": "BTC USDT"}, "not a symbol in capitals", id="a space"),
        pytest.param({"observed_at": 0}, "observed_at 0 is no time", id="observed at 0"),
        pytest.param({"observed_at": -1}, "observed_at -1 is no time", id="observed before 1970"),
        pytest.param({"event_time": 0}, "event_time 0 is no time", id="happened at 0"),
        pytest.param({"event_time": AT * 1000}, "is no time in ms", id="microseconds"),
    ],
)
def test_the_head_of_every_market_event(event: Any, change: dict[str, Any], reason: str) -> None:
    assert reason in str(problem(msgspec.structs.replace(event, **change)))


@pytest.mark.parametrize(
    ("event", "change", "reason"),
    [
        pytest.param(CANDLE, {"open": nan}, "open nan", id="candle: NaN price"),
        pytest.param(CANDLE, {"high": inf}, "high inf", id="candle: infinite price"),
        pytest.param(CANDLE, {"low": 0.0}, "low 0.0", id="candle: price 0"),
        pytest.param(CANDLE, {"close": -1.0}, "close -1.0", id="candle: negative price"),
        pytest.param(CANDLE, {"high": 10.5}, "contradict", id="candle: high below close"),
        pytest.param(CANDLE, {"low": 10.5}, "contradict", id="candle: low above open"),
        pytest.param(CANDLE, {"volume": -1.0}, "volume -1.0", id="candle: negative volume"),
        pytest.param(CANDLE, {"volume": nan}, "volume nan", id="candle: NaN volume"),
        pytest.param(CANDLE, {"volume": inf}, "volume inf", id="candle: infinite volume"),
        pytest.param(CANDLE, {"close_time": AT - HOUR_MS}, "before it opens", id="candle: no time"),
        pytest.param(
            CANDLE, {"close_time": AT - 2 * HOUR_MS}, "before it opens", id="candle: back"
        ),
        pytest.param(CANDLE, {"timeframe": "2h"}, "timeframe '2h'", id="candle: timeframe"),
        pytest.param(CANDLE, {"close_time": AT + 1}, "longer than 1h", id="candle: too long"),
        pytest.param(BOOK, {"bid_sizes": (1.0,)}, "2 bid prices but 1", id="book: sizes missing"),
        pytest.param(BOOK, {"ask_prices": (), "ask_sizes": ()}, "no ask levels", id="book: empty"),
        pytest.param(BOOK, {"bid_prices": (nan, 9.0)}, "a bid price", id="book: NaN price"),
        pytest.param(BOOK, {"ask_prices": (11.0, inf)}, "an? ask price", id="book: infinite"),
        pytest.param(BOOK, {"bid_prices": (10.0, 0.0)}, "a bid price", id="book: price 0"),
        pytest.param(BOOK, {"ask_sizes": (1.0, -1.0)}, "an? ask size", id="book: negative size"),
        pytest.param(BOOK, {"bid_sizes": (nan, 1.0)}, "a bid size", id="book: NaN size"),
        pytest.param(BOOK, {"bid_prices": (9.0, 10.0)}, "not best first", id="book: bids rise"),
        pytest.param(BOOK, {"ask_prices": (12.0, 11.0)}, "not best first", id="book: asks fall"),
        pytest.param(BOOK, {"bid_prices": (11.0, 9.0)}, "crossed", id="book: locked"),
        pytest.param(BOOK, {"bid_prices": (11.5, 9.0)}, "crossed", id="book: crossed"),
        pytest.param(TICK, {"price_usd": 0.0}, "price_usd 0.0", id="tick: price 0"),
        pytest.param(TICK, {"price_usd": nan}, "price_usd nan", id="tick: NaN price"),
        pytest.param(TICK, {"cycle_size": 0}, "cycle_size 0", id="tick: an empty cycle"),
        pytest.param(TICK, {"sentiment_pct": 101.0}, "sentiment_pct 101", id="tick: 101 %"),
        pytest.param(TICK, {"galaxy_score": -1.0}, "galaxy_score -1", id="tick: galaxy score"),
        pytest.param(TICK, {"volume_24h_usd": -1.0}, "volume_24h_usd -1", id="tick: volume"),
        pytest.param(TICK, {"change_24h_pct": nan}, "change_24h_pct nan", id="tick: NaN change"),
        pytest.param(
            FUNDAMENTALS, {"github_stars": -1.0}, "github_stars -1", id="fundamentals: < 0"
        ),
        pytest.param(FUNDAMENTALS, {"hash_rate": inf}, "hash_rate inf", id="fundamentals: inf"),
        pytest.param(
            FUNDAMENTALS, {"measured_at": {"stars": 1}}, "'stars', which is no", id="no measure"
        ),
        pytest.param(
            FUNDAMENTALS,
            {"measured_at": {"hash_rate": 1 << 60}},
            "measured_at of hash_rate is 1152921504606846976, not before it was observed",
            id="measured in the future",
        ),
        pytest.param(
            FUNDAMENTALS, {"measured_at": {"hash_rate": 0}}, "hash_rate is 0, not", id="never"
        ),
        pytest.param(NEWS_SCORE, {"bullish": None}, "not all there", id="two probabilities"),
        pytest.param(NEWS_SCORE, {"model": None}, "not all there", id="nobody's probabilities"),
        pytest.param(NEWS_SCORE, {"bullish": 0.5}, "sum to 0.7", id="probabilities of 0.7"),
        pytest.param(NEWS_SCORE, {"bullish": nan}, "sum to nan", id="a probability that is NaN"),
        pytest.param(NEWS_SCORE, {"bearish": -0.1, "bullish": 1.0}, "bearish", id="below 0"),
        pytest.param(NEWS_SCORE, {"score": 1.1}, "score 1.1 is not in -1 to 1", id="headline: 1.1"),
        pytest.param(NEWS_SCORE, {"confidence": nan}, "confidence nan", id="headline: confidence"),
        pytest.param(NEWS_SCORE, {"label": "good"}, "label 'good'", id="headline: another label"),
        pytest.param(NEWS_SCORE, {"source_label": "Positive"}, "source_label", id="capitals"),
        pytest.param(NEWS_SCORE, {"source_weight": 1e9}, "source_weight", id="a heavy source"),
        pytest.param(
            NEWS_SCORE,
            {"article": InputPosition("market.books", 0, 1)},
            "no place in market.news",
            id="another topic's article",
        ),
        pytest.param(
            NEWS_SCORE, {"hits": (LexiconHit("x", nan),)}, "hits have", id="a hit that is NaN"
        ),
        pytest.param(NEWS, {"headline": "  "}, "headline is empty", id="news: no headline"),
        pytest.param(CALENDAR, {"category": "party"}, "category 'party'", id="calendar: category"),
        pytest.param(CALENDAR, {"impact": 1.1}, "impact 1.1", id="calendar: impact"),
        pytest.param(CALENDAR, {"certainty": nan}, "certainty nan", id="calendar: NaN certainty"),
        pytest.param(SCORE, {"engine": "astrology"}, "unknown engine", id="score: engine"),
        pytest.param(SCORE, {"status": "late"}, "status 'late'", id="score: status"),
        pytest.param(SCORE, {"score": 1.01}, "score 1.01", id="score: above 1"),
        pytest.param(SCORE, {"score": nan}, "score nan", id="score: NaN"),
        pytest.param(SCORE, {"confidence": -0.1}, "confidence -0.1", id="score: confidence"),
        pytest.param(SCORE, {"freshness": nan}, "freshness nan", id="score: freshness"),
        pytest.param(SCORE, {"price_usd": 0.0}, "price_usd 0.0", id="score: price 0"),
        pytest.param(STRATEGY, {"weights": {"luck": 1.0}}, "unknown engine", id="strategy: engine"),
        pytest.param(
            STRATEGY, {"weights": {"technical": -1.0}}, "weight -1", id="strategy: weight"
        ),
        pytest.param(STRATEGY, {"weights": {"technical": inf}}, "weight inf", id="strategy: inf"),
        pytest.param(STRATEGY, {"buy_threshold": -0.3}, "not below buy", id="strategy: thresholds"),
        pytest.param(STRATEGY, {"sell_threshold": nan}, "not below buy", id="strategy: NaN"),
        pytest.param(
            STRATEGY, {"portfolio_value_usd": 0.0}, "not above 0", id="strategy: no money"
        ),
    ],
)
def test_what_is_wrong_is_said(event: Any, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        raise ValueError(problem(msgspec.structs.replace(event, **change)))


LARGEST_PRICE, LARGEST = nextafter(MOST_PRICE, 0.0), nextafter(MOST_AMOUNT, 0.0)


def flat(price: float) -> dict[str, float]:
    return dict.fromkeys(("open", "high", "low", "close"), price)


ABSURD = [
    *(
        pytest.param(CANDLE, flat(price), f"open {price}", id=f"candle: price {price}")
        for price in (1e308, MOST_PRICE, 1e-19, 5e-324)
    ),
    pytest.param(CANDLE, {"high": 1e15}, "high 1000000000000000.0", id="candle: high"),
    pytest.param(CANDLE, {"volume": 1e308}, "volume 1e+308", id="candle: volume"),
    pytest.param(CANDLE, {"volume": MOST_AMOUNT}, "volume 1e+33", id="candle: volume at bound"),
    pytest.param(BOOK, {"ask_prices": (11.0, 1e308)}, "a ask price", id="book: price 1e308"),
    pytest.param(BOOK, {"ask_prices": (11.0, 1e15)}, "a ask price", id="book: price at bound"),
    pytest.param(BOOK, {"bid_prices": (10.0, 1e-19)}, "a bid price", id="book: price 1e-19"),
    pytest.param(BOOK, {"bid_sizes": (1e308, 0.0)}, "a bid size", id="book: size 1e308"),
    pytest.param(BOOK, {"bid_sizes": (1.0, 1e33)}, "a bid size", id="book: size at bound"),
    pytest.param(BOOK, {"ask_sizes": (LARGEST, nan)}, "a ask size", id="book: large and NaN"),
    pytest.param(TICK, {"price_usd": 1e308}, "price_usd 1e+308", id="tick: price 1e308"),
    pytest.param(
        TICK, {"price_usd": 1e15}, "price_usd 1000000000000000.0", id="tick: price at bound"
    ),
    pytest.param(TICK, {"price_usd": 5e-324}, "price_usd 5e-324", id="tick: price 5e-324"),
    pytest.param(TICK, {"market_cap_usd": 1e308}, "market_cap_usd", id="tick: market cap"),
    pytest.param(TICK, {"social_volume": 1e33}, "social_volume 1e", id="tick: posts"),
    pytest.param(TICK, {"change_24h_pct": 1e33}, "change_24h_pct 1e", id="tick: rise"),
    pytest.param(TICK, {"change_24h_pct": -1e308}, "change_24h_pct -1e", id="tick: fall"),
    pytest.param(FUNDAMENTALS, {"hash_rate": 1e308}, "hash_rate 1e", id="fundamentals: hash rate"),
    pytest.param(FUNDAMENTALS, {"max_supply": 1e33}, "max_supply 1e", id="fundamentals: supply"),
]


@pytest.mark.parametrize(("event", "change", "reason"), ABSURD)
def test_numbers_beyond_any_market_are_refused(
    event: Any, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        raise ValueError(problem(msgspec.structs.replace(event, **change)))


@pytest.mark.parametrize(
    ("event", "change"),
    [
        pytest.param(CANDLE, {**flat(LEAST_PRICE), "volume": LARGEST}, id="candle: least price"),
        pytest.param(CANDLE, flat(LARGEST_PRICE), id="candle: largest price"),
        pytest.param(
            BOOK,
            {"ask_prices": (LARGEST_PRICE,) * 2, "ask_sizes": (LARGEST,) * 2},
            id="book: each within its bound, the sums beyond",
        ),
        pytest.param(
            BOOK, {"bid_prices": (LEAST_PRICE,), "bid_sizes": (0.0,)}, id="book: least price"
        ),
        pytest.param(
            TICK, {"price_usd": LARGEST_PRICE, "change_24h_pct": 1e32}, id="tick: largest"
        ),
        pytest.param(TICK, {"price_usd": LEAST_PRICE, "market_cap_usd": LARGEST}, id="tick: least"),
        pytest.param(FUNDAMENTALS, {"hash_rate": 8e20, "max_supply": 1e18}, id="hash rate today"),
    ],
)
def test_numbers_within_the_bounds_pass(event: Any, change: dict[str, Any]) -> None:
    assert problem(msgspec.structs.replace(event, **change)) is None


@pytest.mark.parametrize(
    ("closed", "seen_ms", "reason"),
    [
        pytest.param(True, 1_000, None, id="a second after its close"),
        pytest.param(True, 0, None, id="at its close"),
        pytest.param(True, -60_000, None, id="a minute early: clocks differ"),
        pytest.param(True, -60_001, "is closed, but was seen at .* 60001 ms before", id="earlier"),
        pytest.param(True, -HOUR_MS, "is closed, but was seen", id="as it opened"),
        pytest.param(False, -60_001, None, id="open, and says so"),
    ],
)
def test_a_candle_cannot_close_after_it_was_seen(
    closed: bool, seen_ms: int, reason: str | None
) -> None:
    candle = msgspec.structs.replace(CANDLE, closed=closed, observed_at=AT + seen_ms)
    wrong = problem(candle)
    assert (wrong is None) if reason is None else re.search(reason, str(wrong))


@pytest.mark.parametrize(
    ("event", "change"),
    [
        pytest.param(CANDLE, {"volume": 0.0}, id="no trade in a candle"),
        pytest.param(
            CANDLE, {"open": 9.0, "high": 9.0, "close": 9.0}, id="a price that stood still"
        ),
        pytest.param(CANDLE, {"close_time": AT - HOUR_MS + 1}, id="an open candle, just begun"),
        pytest.param(BOOK, {"bid_sizes": (0.0, 0.0)}, id="sizes of 0"),
        pytest.param(TICK, {"sentiment_pct": 100.0, "galaxy_score": 0.0}, id="bounds are in"),
        pytest.param(TICK, {"change_24h_pct": -99.0}, id="a fall of 99 %"),
        pytest.param(STRATEGY, {"kelly": True}, id="Kelly"),
        pytest.param(STRATEGY, {"weights": {one: 0.0 for one in ENGINES}}, id="weights of 0"),
    ],
)
def test_what_is_unusual_but_right(event: Any, change: dict[str, Any]) -> None:
    assert problem(msgspec.structs.replace(event, **change)) is None


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_every_category_is_accepted(category: str) -> None:
    assert problem(msgspec.structs.replace(CALENDAR, category=category)) is None


LEVELS = st.lists(
    st.tuples(
        st.sampled_from((1.0, 2.0, 3.0, LEAST_PRICE, MOST_PRICE / 2, MOST_PRICE, nan, inf, 0.0)),
        st.sampled_from((0.0, 1.0, MOST_AMOUNT / 2, MOST_AMOUNT, -1.0, nan)),
    ),
    max_size=3,
)


@given(LEVELS, LEVELS)
def test_a_book_is_as_good_as_its_levels(
    bids: list[tuple[float, float]], asks: list[tuple[float, float]]
) -> None:
    bid_prices, ask_prices = [price for price, _ in bids], [price for price, _ in asks]
    good = (
        all(LEAST_PRICE <= price < MOST_PRICE for price in bid_prices + ask_prices)
        and all(0.0 <= size < MOST_AMOUNT for _, size in bids + asks)
        and bid_prices == sorted(bid_prices, reverse=True) != []
        and ask_prices == sorted(ask_prices) != []
        and bid_prices[0] < ask_prices[0]
    )
    sides = {
        "bid_prices": tuple(bid_prices),
        "bid_sizes": tuple(size for _, size in bids),
        "ask_prices": tuple(ask_prices),
        "ask_sizes": tuple(size for _, size in asks),
    }
    assert (problem(msgspec.structs.replace(BOOK, **sides)) is None) == good
