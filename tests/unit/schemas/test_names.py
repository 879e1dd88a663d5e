"""What a symbol, an id and a text may be, and how a source's long id becomes one that fits."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.assets.notation import as_symbol
from schemas.market import NewsArticle
from schemas.names import (
    MOST_ID,
    MOST_SOURCE_ID,
    MOST_SYMBOL,
    SYMBOL_PATTERN,
    is_symbol,
    short_id,
    wrong_id,
    wrong_text,
)
from schemas.signals import RankedSignal, TopSignals
from schemas.validation import problem
from tests.factories import (
    START_MS,
    book,
    calendar_event,
    candle,
    decision,
    fundamentals,
    news,
    request,
    score,
    signal,
    strategy,
    tick,
)


@pytest.mark.parametrize(
    "text", ["BTC", "币安人生", "1INCH", "USDC.E", "C+CHARGE", "ETH-BULL", "♥", "ÉTÉ", "A" * 20]
)
def test_case_asset_in_chinese_a_symbol_is_of_any_script(text: str) -> None:
    assert is_symbol(text)
    assert as_symbol(f"  ${text.lower()} ") == text, "as a coin list has it"
    assert problem(candle(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "btc", "é", "ß", "B TC", "A/B", "A:B", "A,B", "A|B", "$X", "#X", ".X", "..", "-X"),
        *("B\n", "B\0", "B\u200b", "\ud83d", "\uff22TC", "\ufb01", "A" * (MOST_SYMBOL + 1)),
    ],
)
def test_what_is_no_symbol(text: str) -> None:
    assert not is_symbol(text)
    assert "not a symbol in capitals" in str(problem(msgspec.structs.replace(candle(), asset=text)))


@given(st.text(max_size=30))
def test_every_symbol_looks_like_one_and_a_list_gives_nothing_else(text: str) -> None:
    if is_symbol(text):
        assert re.search(SYMBOL_PATTERN, text)
        assert as_symbol(text) == text
    listed = as_symbol(text)
    assert listed is None or is_symbol(listed)


@pytest.mark.parametrize("length", [MOST_SOURCE_ID - MOST_SYMBOL, 1_200, 100_000])
def test_case_long_source_id_gets_a_digest(length: int) -> None:
    text = "汤" * length
    made, other = short_id(text), short_id(text[:-1] + "x")
    assert made == short_id(text) != other
    assert len(made) + 1 + MOST_SYMBOL == MOST_SOURCE_ID, "there is room for an asset"
    assert made.startswith("汤汤汤")


def test_an_id_that_fits_stays_as_it_is() -> None:
    text = "x" * (MOST_SOURCE_ID - MOST_SYMBOL - 1)
    assert short_id(text) == text
    assert short_id("") == ""


@given(st.text(st.characters(exclude_categories=[])))
def test_a_short_id_is_always_one_that_the_contract_takes(text: str) -> None:
    assert wrong_text(short_id(text), MOST_SOURCE_ID) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a\0b", "NUL", id="a NUL"),
        pytest.param("a\ud83db", "half a character", id="half a character"),
    ],
)
def test_what_can_be_stored_nowhere(text: str, said: str) -> None:
    assert said in str(wrong_text(text))
    assert wrong_text("ab\n汤") is None


def test_ids() -> None:
    assert wrong_id("x" * MOST_ID) is None
    assert wrong_id("my strategy 汤") is None
    for text in ("", "x" * (MOST_ID + 1), "a\0b", "a\nb", "\ud83d"):
        assert wrong_id(text) is not None


LONG, NUL = "x" * 400_000, "a\0b"
TOP = TopSignals("s", START_MS, True, 1, 1, (RankedSignal(1, "f0", "BTC", "BUY", 0.5, 0.8),))
HEAD = [("source", LONG), ("source", NUL), ("source_id", LONG), ("source_id", NUL)]
MARKET = [("exchange", LONG), ("exchange", NUL), ("symbol", LONG), ("symbol", NUL)]
TEXTS: list[tuple[Any, str, Any]] = [
    *((one, *wrong) for one in (candle(), book(), tick(), news()) for wrong in HEAD),
    *((one, *wrong) for one in (fundamentals(), calendar_event()) for wrong in HEAD),
    *((one, *wrong) for one in (candle(), book()) for wrong in MARKET),
    *((news(), name, NUL) for name in ("headline", "summary", "url", "publisher")),
    (news(), "headline", "a\ud83d"),
    (news(), "sentiment_label", "odd"),
    (news(), "sentiment_label", NUL),
    (news(), "published_at", 2**60),
    (calendar_event(), "title", NUL),
    (calendar_event(), "url", NUL),
    (tick(), "name", NUL),
    (tick(), "rank", 0),
    (tick(), "cycle", 2**60),
    (request(), "request_id", LONG),
    (request(), "strategy_id", LONG),
    (request(), "request_id", NUL),
    (request(), "strategy_id", "\ud83d"),
    (score(), "detail", {"model": NUL}),
    (score(), "features", {NUL: 1.0}),
    *((strategy(), name, LONG) for name in ("strategy_id", "user_id", "name", "entry_rule")),
    *((strategy(), name, NUL) for name in ("strategy_id", "user_id", "name", "exit_rule")),
    (strategy(), "assets", (NUL,)),
    (strategy(), "assets", ("btc",)),
    (strategy(), "assets", ("BTC",) * 501),
    (strategy(), "owner", "nobody"),
    (strategy(), "version", 0),
    (strategy(), "updated_at", 2**60),
    (strategy(), "weights", {"technical": 0.6, "sentiment": 0.5}),
    (strategy(), "buy_threshold", 1.1),
    (strategy(), "sell_threshold", -1.1),
    (strategy(), "event_risk_floor", -1.1),
    *((signal(), name, LONG) for name in ("signal_id", "strategy_id", "user_id", "request_id")),
    (signal(), "detail", {"model": NUL}),
    *((decision(), name, LONG) for name in ("strategy_id", "decision_id", "asset")),
    (TOP, "strategy_id", LONG),
    (TOP, "ranked", (RankedSignal(1, LONG, "BTC", "BUY", 0.5, 0.8),)),
]


@pytest.mark.parametrize(
    ("event", "field", "value"),
    TEXTS,
    ids=[f"{type(event).__name__}.{field} {str(value)[:6]!r}" for event, field, value in TEXTS],
)
def test_what_a_later_part_cannot_take_is_refused_by_the_contract(
    event: Any, field: str, value: Any
) -> None:
    assert problem(event) is None
    wrong = problem(msgspec.structs.replace(event, **{field: value}))
    assert wrong is not None
    assert len(wrong) < 500
    assert field.rstrip("s") in wrong


@pytest.mark.parametrize("label", ["positive", "Negative", "NEUTRAL", None])
def test_a_label_in_any_case_is_one(label: str | None) -> None:
    assert problem(news(sentiment_label=label)) is None


def test_the_longest_key_of_news_fits_into_an_index() -> None:
    """2,704 bytes a row, and a letter of any script has at most 4."""
    longest = NewsArticle(
        asset="\U00020000" * MOST_SYMBOL,
        event_time=START_MS,
        observed_at=START_MS,
        source="\U00020000" * MOST_ID,
        source_id="\U00020000" * MOST_SOURCE_ID,
        headline="x",
        url="",
        publisher="",
    )
    assert problem(longest) is None
    key = (longest.source, longest.source_id, longest.asset)
    assert sum(len(part.encode()) + 8 for part in key) + 16 < 2_704


def test_ten_equal_weights_may_miss_1_by_a_rounding() -> None:
    weights = dict(zip(("sentiment", "technical", "liquidity"), (0.1, 0.2, 0.7), strict=True))
    assert problem(strategy(weights=weights)) is None
