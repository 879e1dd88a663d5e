"""Rules in words."""

from __future__ import annotations

import pytest

from schemas.rule_language import in_timeframe, in_words, meanings, parse
from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.names import CANDLE_VALUES, VALUES


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param("rsi<30", "RSI14 is below 30", id="one"),
        pytest.param("RSI = 30", "RSI14 is exactly 30", id="equal"),
        pytest.param("NOT RSI >= 30", "not: RSI14 is not below 30", id="not"),
        pytest.param(
            "MA20 CROSSES_BELOW MA50",
            "MA20 has just come below MA50: it is, and one closed candle before it was not",
            id="crossing",
        ),
        pytest.param(
            "MA20 > MA50 AND (RSI < 30 OR NOT (PRICE > 5 OR AGE != 3))",
            "all of these:\n"
            "- MA20 is above MA50\n"
            "- at least one of these:\n"
            "  - RSI14 is below 30\n"
            "  - not:\n"
            "    - at least one of these:\n"
            "      - PRICE is above 5\n"
            "      - AGE is not exactly 3",
            id="outline",
        ),
    ],
)
def test_words(rule: str, words: str) -> None:
    assert in_words(parse(rule)) == words


def test_meanings_of_the_names() -> None:
    rule = in_timeframe(parse("ADX(14)@4h > 20 AND RSI < PRICE AND PRICE > 3 AND RSI > 5"), "1h")
    assert meanings(rule) == {
        "ADX(14)@4h": "average directional index; PLUS and MINUS are +DI and -DI (length 14, "
        "lensig 14); candles of 4h",
        "RSI14@1h": "relative strength index of 14 candles, 0 to 100; `RSI` is the same; candles "
        "of 1h",
        "PRICE": "newest price known, in USD",
    }


def test_every_name_has_a_meaning() -> None:
    plain = [*CANDLE_VALUES, *VALUES]
    outputs = [f"{row.name}.{row.outputs[0]}" for row in INDICATORS.values()]
    called = [one.replace(".", "().", 1) for one in outputs]
    for name in (*plain, *called):
        assert all(meanings(parse(f"{name} > 1")).values())
