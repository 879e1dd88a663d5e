"""Rules asked of facts: true, false or unknown, and what they saw."""

from __future__ import annotations

import math

import pytest

from schemas.rule_language import RuleError, parse
from schemas.rule_language.names import VALUES, fact
from schemas.signals import TracePart
from streams.rules import compile_rule

FACTS: dict[str, float | None] = {
    "MA20@1h": 101.0,
    "MA50@1h": 100.0,
    "MA20@1h[1]": 99.0,
    "MA50@1h[1]": 99.0,
    "MA50@1d": 90.0,
    "RSI14@1h": 28.0,
    "RSI14@1h[1]": 31.0,
    "RSI14@4h": 55.0,
    "CLOSE@1h": 102.0,
    "CLOSE@1h[1]": 98.0,
    "BBANDS(20, 2).UPPER@1d": 120.0,
    "ADX(14).ADX@4h": 25.0,
    "ATR14@1h": 0.0,
    "PRICE": 103.0,
    "POSITION": 1.0,
    "PROFIT_PCT": -2.5,
    "SENTIMENT": 0.2,
    "spread_bps": 4.0,
    "MA200@1h": None,
    "MACD@1h": math.nan,
    "MACD_HIST@1h": math.inf,
    "VOLUME@1h": 1e308,
}


@pytest.mark.parametrize(
    ("rule", "truth"),
    [
        pytest.param("MA20 > MA50 AND RSI < 30", True, id="the specification's first"),
        pytest.param("RSI > 70 OR PRICE > TAKE_PROFIT", None, id="its second, no position"),
        pytest.param("RSI < 70 OR PRICE > TAKE_PROFIT", True, id="true OR unknown"),
        pytest.param("RSI < 28", False, id="less"),
        pytest.param("RSI <= 28", True, id="less or equal"),
        pytest.param("RSI >= 28.0", True, id="greater or equal"),
        pytest.param("RSI = 28", True, id="equal"),
        pytest.param("RSI == 28.5", False, id="not equal numbers"),
        pytest.param("RSI != 28", False, id="unequal"),
        pytest.param("28 > RSI", False, id="the number first"),
        pytest.param("RSI@4h > 50 AND MA50@1d < 100", True, id="other timeframes"),
        pytest.param("NOT RSI < 30", False, id="not"),
        pytest.param("NOT MA200 > 0", None, id="not unknown"),
        pytest.param("MA200 > 0 AND RSI > 30", False, id="unknown AND false"),
        pytest.param("MA200 > 0 AND RSI < 30", None, id="unknown AND true"),
        pytest.param("MA200 > 0 OR RSI > 30", None, id="unknown OR false"),
        pytest.param("RSI > 30 AND MA200 > 0", False, id="false AND unknown"),
        pytest.param("RSI > 30 OR MA200 > 0", None, id="false OR unknown"),
        pytest.param("MA200 = MA200", None, id="unknown is not itself"),
        pytest.param("0 * MA200 = 0", None, id="nothing of the unknown"),
        pytest.param("MIN(RSI, MA200) < 50", None, id="least with an unknown one"),
        pytest.param("MACD < 1 OR MACD >= 1", None, id="not a number"),
        pytest.param("MACD_HIST > 1", None, id="infinite"),
        pytest.param("-MACD_HIST > 1", None, id="minus infinite"),
        pytest.param("VOLUME * 10 > 1", None, id="too large a product"),
        pytest.param("PRICE / ATR > 3", None, id="divided by 0"),
        pytest.param("ATR / PRICE = 0", True, id="0 divided"),
        pytest.param("PRICE > MA20 * 1.01", True, id="a product"),
        pytest.param("PRICE - MA20 > 1 + 2 * 3", False, id="precedence"),
        pytest.param("(1 + 2) * 3 = 9 AND PRICE > 0", True, id="parentheses"),
        pytest.param("10 - 4 - 3 = 3", True, id="from the left"),
        pytest.param("12 / 2 / 3 = 2", True, id="quotients from the left"),
        pytest.param("-PROFIT_PCT > 2", True, id="minus"),
        pytest.param("ABS(PROFIT_PCT) = 2.5", True, id="absolute"),
        pytest.param("MAX(MA20, MA50, 3) = 101", True, id="greatest"),
        pytest.param("MIN(MA20, MA50, 3) = 3", True, id="least"),
        pytest.param("BBANDS(20, 2).UPPER@1d > CLOSE", True, id="an output"),
        pytest.param("ADX(14)@4h > 20", True, id="a parameterised one"),
        pytest.param("adx(length=14)@4H > 30", False, id="by name, in small letters"),
        pytest.param("ADX(15)@4h > 20", None, id="not computed"),
        pytest.param("spread_bps < 5", True, id="a feature of another engine"),
        pytest.param("POSITION = 1 AND PROFIT_PCT < -2", True, id="of the position"),
        pytest.param("MA20 CROSSES_ABOVE MA50", True, id="crosses, having touched"),
        pytest.param("MA50 CROSSES_BELOW MA20", True, id="seen from the other side"),
        pytest.param("MA20 CROSSES_BELOW MA50", False, id="in the other direction"),
        pytest.param("RSI CROSSES_BELOW 30", True, id="crosses a number"),
        pytest.param("RSI CROSSES_ABOVE 30", False, id="does not cross it upwards"),
        pytest.param("CLOSE CROSSES_ABOVE MA20 * 1.005", True, id="crosses a product"),
        pytest.param("MA200 CROSSES_ABOVE 3", None, id="unknown crosses"),
        pytest.param("RSI@4h CROSSES_ABOVE 60", False, id="below now: it cannot have crossed"),
        pytest.param("RSI@4h CROSSES_ABOVE 50", None, id="before is not known"),
    ],
)
def test_truth(rule: str, truth: bool | None) -> None:
    assert compile_rule(rule, "1h").truth(FACTS.get) is truth


def test_a_rule_follows_the_timeframe_of_its_strategy() -> None:
    assert compile_rule("RSI > 50", "4h").truth(FACTS.get) is True
    assert compile_rule("RSI > 50", "1h").truth(FACTS.get) is False
    assert compile_rule("RSI > 50", "4h").text == "RSI14@4h > 50"


def test_it_is_compiled_once() -> None:
    assert compile_rule("RSI > 50", "4h") is compile_rule("RSI > 50", "4h")


def test_what_is_no_rule_is_said_with_its_place() -> None:
    with pytest.raises(RuleError, match=r"line 1, column 6: .* expected a name"):
        compile_rule("RSI >", "1h")
    with pytest.raises(RuleError, match="crosses candles of 1h and 4h"):
        compile_rule("RSI@4h CROSSES_ABOVE RSI30", "1h")


@pytest.mark.parametrize("name", VALUES)
def test_facts_are_asked_by_the_names_that_fusion_gives(name: str) -> None:
    assert compile_rule(f"{name} > 1", "1h").facts == (fact(name),)


def test_it_says_what_it_asks_for() -> None:
    rule = compile_rule("MA20 CROSSES_ABOVE CLOSE * 2 OR SPREAD_BPS > RSI AND RSI < PRICE", "1h")
    assert rule.facts == (
        *("MA20@1h", "MA20@1h[1]", "CLOSE@1h", "CLOSE@1h[1]"),
        *("spread_bps", "RSI14@1h", "PRICE"),
    )
    asked: list[str] = []

    def facts(name: str) -> float | None:
        asked.append(name)
        return None

    assert rule.truth(facts) is None
    assert set(asked) <= set(rule.facts)


def test_the_trace_has_the_parts_in_order_and_the_whole() -> None:
    rule = compile_rule("MA20 CROSSES_ABOVE MA50 AND NOT (RSI > 70 OR MA200 > PRICE)", "1h")
    assert rule.trace(FACTS.get, "entry_rule") == (
        TracePart(
            "entry_rule",
            "MA20@1h CROSSES_ABOVE MA50@1h",
            "true",
            "MA20@1h 101 (before: 99); MA50@1h 100 (before: 99)",
        ),
        TracePart("entry_rule", "RSI14@1h > 70", "false", "RSI14@1h 28"),
        TracePart("entry_rule", "MA200@1h > PRICE", "unknown", "MA200@1h missing; PRICE 103"),
        TracePart(
            "entry_rule",
            "MA20@1h CROSSES_ABOVE MA50@1h AND NOT (RSI14@1h > 70 OR MA200@1h > PRICE)",
            "unknown",
        ),
    )


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        pytest.param("RSI > 30", "RSI14@1h 28", id="a single one has no whole"),
        pytest.param("PRICE > MA20 * 1.01", "PRICE 103; MA20@1h 101; MA20@1h * 1.01 102.01"),
        pytest.param("PRICE / ATR > 1", "PRICE 103; ATR14@1h 0; PRICE / ATR14@1h divides by 0"),
        pytest.param("MA200 * 2 > 1", "MA200@1h missing; MA200@1h * 2 unknown", id="unknown"),
        pytest.param("VOLUME * 10 > 1", f"VOLUME@1h {10**308:.6g}; VOLUME@1h * 10 unknown"),
        pytest.param("RSI < 28.00000001", "RSI14@1h 28", id="alike to six digits: all of them"),
        pytest.param("RSI CROSSES_BELOW 30", "RSI14@1h 28 (before: 31)", id="crossing"),
        pytest.param("RSI@4h CROSSES_BELOW 60", "RSI14@4h 55 (before: missing)", id="missing"),
        pytest.param("1 < 2", "", id="numbers alone"),
    ],
)
def test_what_a_part_saw(rule: str, values: str) -> None:
    (part,) = compile_rule(rule, "1h").trace(FACTS.get)
    assert part.values == values


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(29.99999999, "29.99999999", id="as close as it is"),
        pytest.param(28.4123456, "28.4123", id="six digits"),
        pytest.param(63123.456, "63123.5", id="a price"),
        pytest.param(1234567890.5, "1234567890", id="a volume"),
        pytest.param(-1e16, "-1e+16", id="larger than a whole number is exact"),
        pytest.param(0.0000123456789, "1.23457e-05", id="small"),
        pytest.param(-0.0, "0", id="minus nothing"),
    ],
)
def test_numbers_of_a_trace(value: float, shown: str) -> None:
    (part,) = compile_rule("RSI < 30", "1h").trace({"RSI14@1h": value}.get)
    assert part.values == f"RSI14@1h {shown}"


def test_the_trace_says_what_the_rule_says() -> None:
    for text in ("RSI < 30", "NOT RSI < 30", "RSI < 30 AND MA200 > 1"):
        rule = compile_rule(text, "1h")
        truth = {True: "true", False: "false", None: "unknown"}[rule.truth(FACTS.get)]
        assert rule.trace(FACTS.get)[-1].truth == truth


def test_the_deepest_rule_is_evaluated() -> None:
    text = "NOT (" * 20 + "RSI < 30" + ")" * 20
    assert compile_rule(text, "1h").truth(FACTS.get) is True
    with pytest.raises(RuleError, match="nested more than"):
        parse("NOT (" * 100 + "RSI < 30" + ")" * 100)
