"""Rules as they are read."""

from __future__ import annotations

import pytest

from schemas.control import Strategy
from schemas.rule_language import Indicator, parse, to_text, wanted


def test_what_a_strategy_s_rules_want_of_the_technical_engine() -> None:
    strategy = Strategy(
        strategy_id="s1",
        owner="admin",
        name="One",
        timeframe="4h",
        entry_rule="BBANDS(20, 2).UPPER@1d < CLOSE@1d AND VOLUME > 5 AND RSI > 3",
        exit_rule="MACD CROSSES_BELOW ADX(14) OR PRICE > 5",
    )
    assert wanted(strategy) == (
        Indicator("ADX", (14.0, 14.0), "ADX", "4h"),
        Indicator("ADX", (14.0, 14.0), "ADX", "4h", 1),
        Indicator("BBANDS", (20.0, 2.0, 0.0), "UPPER", "1d"),
        Indicator("MACD", timeframe="4h", lag=1),
        Indicator("VOLUME", timeframe="4h"),
    )
    assert [one.feature for one in wanted(strategy)] == [
        "ADX(14).ADX@4h",
        "ADX(14).ADX@4h[1]",
        "BBANDS(20, 2).UPPER@1d",
        "MACD@4h[1]",
        "VOLUME@4h",
    ]


@pytest.mark.parametrize("rule", ["MA20 > MA50 AND RSI < 30", "RSI > 70 OR PRICE > TAKE_PROFIT"])
def test_the_rules_of_the_specification(rule: str) -> None:
    assert to_text(parse(rule)) == rule.replace("RSI", "RSI14")
