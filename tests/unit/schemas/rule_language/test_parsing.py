"""Rules as they are read."""

from __future__ import annotations

import pytest

from schemas.control import Strategy
from schemas.rule_language import (
    Indicator,
    RuleError,
    in_timeframe,
    parse,
    to_text,
    wanted,
    wrong_rule,
    wrong_rules,
)


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


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("MA20 > MA50 AND RSI < 30", "MA20 > MA50 AND RSI14 < 30", id="of the seed"),
        pytest.param(
            "RSI > 70 OR PRICE > TAKE_PROFIT", "RSI14 > 70 OR PRICE > TAKE_PROFIT", id="its second"
        ),
        pytest.param("rsi<30 and Atr>1", "RSI14 < 30 AND ATR14 > 1", id="any case"),
        pytest.param("RSI\n<\t30", "RSI14 < 30", id="any space"),
        pytest.param("RSI\u00a0< 30", "RSI14 < 30", id="space of a page"),
        pytest.param("RSI>3AND(RSI<5)", "RSI14 > 3 AND RSI14 < 5", id="no space"),
        pytest.param("RSI == 30", "RSI14 = 30", id="two signs for equal"),
        pytest.param("((RSI < 3))", "RSI14 < 3", id="parentheses too many"),
        pytest.param(
            "(RSI < 3 AND MA20 > 5) AND (MA50 > 3 AND PRICE > 1)",
            "RSI14 < 3 AND MA20 > 5 AND MA50 > 3 AND PRICE > 1",
            id="a chain is one",
        ),
        pytest.param(
            "(RSI<3 OR MA20>5) AND PRICE>3",
            "(RSI14 < 3 OR MA20 > 5) AND PRICE > 3",
            id="OR within AND",
        ),
        pytest.param(
            "RSI<3 OR MA20>5 AND PRICE>3",
            "RSI14 < 3 OR MA20 > 5 AND PRICE > 3",
            id="AND within OR",
        ),
        pytest.param(
            "NOT (RSI < 3 OR RSI > 5)", "NOT (RSI14 < 3 OR RSI14 > 5)", id="NOT of a chain"
        ),
        pytest.param(
            "NOT RSI < 3 AND RSI > 5", "NOT RSI14 < 3 AND RSI14 > 5", id="NOT binds more than AND"
        ),
        pytest.param("not not RSI < 3", "NOT NOT RSI14 < 3", id="NOT NOT"),
        pytest.param("RSI - (MA20 - 3) > 0", "RSI14 - (MA20 - 3) > 0", id="minus a difference"),
        pytest.param("(RSI - MA20) - 3 > 0", "RSI14 - MA20 - 3 > 0", id="from the left"),
        pytest.param("RSI / (MA20 * 3) > 0", "RSI14 / (MA20 * 3) > 0", id="by a product"),
        pytest.param("-(RSI + 3) * 2 < -.5", "-(RSI14 + 3) * 2 < -0.5", id="minus a sum"),
        pytest.param("1e3 < 2.50 + 1. * PRICE", "1000 < 2.5 + 1 * PRICE", id="numbers"),
        pytest.param("abs(rsi - 50) > min(1, 2)", "ABS(RSI14 - 50) > MIN(1, 2)", id="functions"),
        pytest.param("RSI @ 4H < 30", "RSI14@4h < 30", id="a timeframe"),
        pytest.param("bbands(20).upper@1D > 1", "BBANDS(20, 2).UPPER@1d > 1", id="defaults"),
        pytest.param("BBANDS(20, 2, 0).UPPER > 1", "BBANDS(20, 2).UPPER > 1", id="rare, default"),
        pytest.param("BBANDS(20, 2, 1).UPPER > 1", "BBANDS(20, 2, 1).UPPER > 1", id="rare"),
        pytest.param("BBANDS(std=2.5).LOWER < 1", "BBANDS(5, 2.5).LOWER < 1", id="by name"),
        pytest.param("ADX(10).ADX > 20", "ADX(10) > 20", id="the output of its name"),
        pytest.param("ADX(10, 10) > 20", "ADX(10) > 20", id="a default that is the first"),
        pytest.param("ADX(10, 12) > 20", "ADX(10, 12) > 20", id="and where it is not"),
        pytest.param("MACD.HIST > 0", "MACD(12, 26, 9).HIST > 0", id="pandas-ta's by its output"),
        pytest.param("MACD > MACD_HIST", "MACD > MACD_HIST", id="the engine's own"),
        pytest.param("RSI(14) < RSI", "RSI(14) < RSI14", id="both of one name"),
        pytest.param("JMA(7, -50) > 0", "JMA(7, -50) > 0", id="a parameter below 0"),
        pytest.param(
            "close crosses_above ma20*1.01", "CLOSE CROSSES_ABOVE MA20 * 1.01", id="a crossing"
        ),
    ],
)
def test_a_rule_is_printed_in_one_way(text: str, canonical: str) -> None:
    rule = parse(text)
    assert to_text(rule) == canonical
    assert parse(canonical) == rule


_VALUE = "expected a name, a number or ("
_NO_VALUE = "-, a comparison (< <= > >= = !=), CROSSES_ABOVE or CROSSES_BELOW, +, * or /, AND, OR"


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        pytest.param("", (1, 1), f"the rule is empty; {_VALUE}, NOT", id="empty"),
        pytest.param(" \n ", (1, 1), "the rule is empty", id="space"),
        pytest.param("RSI <", (1, 6), f"the rule ends here; {_VALUE}", id="half a comparison"),
        pytest.param("RSI < 3 AND", (1, 12), f"the rule ends here; {_VALUE}, NOT", id="half AND"),
        pytest.param("(RSI < 30", (1, 10), "the rule ends here; expected OR, )", id="open"),
        pytest.param("RSI < 30)", (1, 9), "')' cannot stand here; expected OR, the end", id=")"),
        pytest.param("< 30", (1, 1), f"'<' cannot stand here; {_VALUE}, NOT", id="no left"),
        pytest.param("RSI 30", (1, 5), f"'30' cannot stand here; expected {_NO_VALUE}", id="sign"),
        pytest.param("RSI IS 30", (1, 5), "'IS' cannot stand here; expected", id="a word"),
        pytest.param("RSI < 3 RSI > 5", (1, 9), "'RSI' cannot stand here; expected", id="no AND"),
        pytest.param("30 < RSI < 70", (1, 10), "join two comparisons by AND, as in", id="chain"),
        pytest.param("RSI <> 3", (1, 6), "comparisons are written < <= > >= = !=", id="unequal"),
        pytest.param("RSI > 1 AND\n\n  MA20 > > 3", (3, 10), "'>' cannot stand here", id="line 3"),
        pytest.param("RSI < 30 && RSI > 3", (1, 10), "'&' cannot stand here: write AND", id="&&"),
        pytest.param("RSI < 30 || RSI > 3", (1, 10), "write OR", id="||"),
        pytest.param("!RSI < 30", (1, 1), "write NOT, or !=", id="!"),
        pytest.param("RSI > 30%", (1, 9), "no percent signs", id="%"),
        pytest.param("RSI[1] > 30", (1, 4), "write CROSSES_ABOVE or CROSSES_BELOW", id="[1]"),
        pytest.param("RSI \u2264 30", (1, 5), "write <=", id="a sign of print"),
        pytest.param("\u042fSI > 3", (1, 1), "no rule has this sign", id="letters of a script"),
        pytest.param("R\u017fI > 3", (1, 2), "no rule has this sign", id="an old s"),
        pytest.param("RSI > \u0663", (1, 7), "no rule has this sign", id="digits of a script"),
        pytest.param("RSI > \0", (1, 7), "'?' cannot stand here", id="NUL"),
        pytest.param("RSI > 3 # x", (1, 9), "no rule has this sign", id="a comment"),
        pytest.param("RIS < 30", (1, 1), "RIS is not known; did you mean RSI?", id="a slip"),
        pytest.param(
            "STOPLOSS > 3",
            (1, 1),
            "STOPLOSS is not known; did you mean STOP_LOSS?",
            id="a word off",
        ),
        pytest.param("XYZZY > 3", (1, 1), "XYZZY is not known", id="nothing alike"),
        pytest.param("MA21 > 3", (1, 1), "write SMA(21); did you mean MA20?", id="another mean"),
        pytest.param("MA(20) > 3", (1, 1), "MA is not known; write SMA(20)", id="mean"),
        pytest.param("EMA9 > 3", (1, 1), "EMA9 is not known; write EMA(9)", id="a number behind"),
        pytest.param("RSI", (1, 1), "RSI is a number, where something true", id="a number"),
        pytest.param("NOT 3 < RSI AND 4", (1, 17), "4 is a number", id="a number in AND"),
        pytest.param("RSI + (MA20 > 3) > 2", (1, 13), "where a number is needed", id="truth in +"),
        pytest.param("RSI@2h < 3", (1, 4), "@2h is not a timeframe; there are 5m", id="timeframe"),
        pytest.param("PRICE@1h > 3", (1, 6), "PRICE has no timeframe", id="of no candle"),
        pytest.param("PRICE(3) > 1", (1, 1), "PRICE has no parameters", id="no parameters"),
        pytest.param("CLOSE.UPPER > 1", (1, 6), "CLOSE is one number", id="no output"),
        pytest.param("BBANDS(20) > 1", (1, 1), "say which: .LOWER, .MIDDLE", id="which output"),
        pytest.param("KC.UPER > 1", (1, 3), "KC has no output .UPER; there are", id="output"),
        pytest.param("KC.UPER > 1", (1, 3), "did you mean UPPER?", id="output alike"),
        pytest.param("ADX(1) > 1", (1, 5), "a whole number from 2 to 150, not 1", id="too small"),
        pytest.param("ADX(14.5) > 1", (1, 5), "a whole number from 2 to 150", id="not whole"),
        pytest.param("ADX(-14) > 1", (1, 6), "from 2 to 150, not -14", id="below 0"),
        pytest.param("ADX(len=14) > 1", (1, 5), "did you mean length?", id="parameter's name"),
        pytest.param("ADX(14, length=15) > 1", (1, 15), "length of ADX is given twice", id="twice"),
        pytest.param("SMA(20, 3) > 1", (1, 9), "too many parameters", id="too many"),
        pytest.param("ADX(RSI) > 1", (1, 5), "length of ADX is to be a number", id="no number"),
        pytest.param("ABS(1, 2) > 1", (1, 1), "takes one number in parentheses", id="ABS of two"),
        pytest.param("RSI > 1e999", (1, 7), "1e999 is larger than any number", id="too large"),
        pytest.param("RSI > 1e-999", (1, 7), "too small a number; write 0", id="nearly 0"),
        pytest.param("RSI > NaN", (1, 7), "NAN is not a number that a rule can have", id="NaN"),
        pytest.param("PRICE CROSSES_ABOVE MA20", (1, 1), "PRICE is not of one", id="no candle's"),
        pytest.param(
            "RSI CROSSES_ABOVE SENTIMENT * 9", (1, 19), "SENTIMENT is not of one", id="a score"
        ),
        pytest.param("1 CROSSES_BELOW 2", (1, 3), "only numbers here", id="numbers cross"),
        pytest.param(
            "MA20@4h CROSSES_ABOVE MA50", (1, 9), "crosses candles of 1h and 4h", id="timeframes"
        ),
        pytest.param("RSI CROSSES 30", (1, 5), "'CROSSES' cannot stand here", id="crosses where"),
        pytest.param("RSI < 1 OR " * 400 + "RSI < 2", (1, 1), "more than 4000", id="long"),
        pytest.param("1<2 OR " * 150 + "RSI < 2", (1, 1), "more than 300 names", id="large"),
        pytest.param("-" * 90 + "RSI < 2", (1, 31), "nested more than 60 deep", id="deep"),
        pytest.param(
            " AND ".join(f"SQUEEZE_PRO({number}).OFF > 0" for number in range(20, 31)),
            (1, 1),
            "its indicators cost 66, more than 60",
            id="costly",
        ),
    ],
)
def test_what_is_no_rule_is_said_with_its_place(
    text: str, place: tuple[int, int], what: str
) -> None:
    said = wrong_rule(text, "1h")
    assert said is not None
    assert what in said
    if place != (1, 1) or "more than" not in what:
        assert said.startswith(f"line {place[0]}, column {place[1]}: "), said


def test_an_error_has_its_parts() -> None:
    with pytest.raises(RuleError) as found:
        parse("RSI < 3 AND\nRSY > 5")
    error = found.value
    assert (error.line, error.column, error.nearest) == (2, 1, "RSI")
    with pytest.raises(RuleError) as found:
        parse("RSI <")
    assert found.value.expected == ("a name, a number or (",)


def test_a_timeframe_is_said_where_none_was() -> None:
    rule = in_timeframe(parse("RSI@4h < 30 AND ADX(14).PLUS > MA20 * 2"), "1h")
    assert to_text(rule) == "RSI14@4h < 30 AND ADX(14).PLUS@1h > MA20@1h * 2"


def test_two_rules_cost_together_and_each_indicator_once() -> None:
    many = " AND ".join(f"SQUEEZE_PRO({number}).OFF > 0" for number in range(20, 27))
    strategy = Strategy(strategy_id="s1", owner="admin", name="One", entry_rule=many)
    assert wrong_rules(strategy) is None
    same = Strategy(strategy_id="s1", owner="a", name="One", entry_rule=many, exit_rule=many)
    assert wrong_rules(same) is None
    others = many.replace(".OFF", ".OFF@4h")
    both = Strategy(strategy_id="s1", owner="a", name="One", entry_rule=many, exit_rule=others)
    assert wrong_rules(both) == (
        "exit_rule, with entry_rule: its indicators cost 84, more than 60; name fewer of them"
    )
