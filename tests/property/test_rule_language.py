"""Rules of any form: printed and parsed they are the same; any text is answered soon."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.checks import CANDLE_MS
from schemas.rule_language import (
    Indicator,
    Rule,
    in_timeframe,
    in_words,
    meanings,
    parse,
    to_text,
    wrong_rule,
)
from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.names import ALIASES, CANDLE_VALUES, FUNCTIONS, VALUES
from schemas.rule_language.nodes import (
    And,
    Arithmetic,
    Comparison,
    Crossing,
    Function,
    Negative,
    Not,
    Number,
    Or,
    Value,
)
from streams.rules import compile_rule

MOST_CPU_S = 0.05
NUMBERS = st.floats(0.0, 1e300).map(lambda one: Number(one + 0.0))
TIMEFRAMES = st.sampled_from(["", *CANDLE_MS])


@st.composite
def parameterised(draw: st.DrawFn, timeframe: str | None = None) -> Indicator:
    row = draw(st.sampled_from(list(INDICATORS.values())))
    params = tuple(
        float(draw(st.integers(int(one.least), int(one.most))))
        if one.is_whole
        else draw(st.floats(one.least, one.most)) + 0.0
        for one in row.parameters
    )
    output = draw(st.sampled_from(row.outputs))
    said = draw(TIMEFRAMES) if timeframe is None else timeframe
    return Indicator(row.name, params, output, said)


def named(timeframe: str | None = None) -> st.SearchStrategy[Indicator]:
    frames = TIMEFRAMES if timeframe is None else st.just(timeframe)
    plain = st.builds(Indicator, st.sampled_from(list(CANDLE_VALUES)), timeframe=frames)
    return plain | parameterised(timeframe)


def terms(leaves: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner)
            | st.builds(Negative, inner)
            | st.builds(Function, st.just("ABS"), st.tuples(inner))
            | st.builds(Function, st.sampled_from(["MIN", "MAX"]), st.tuples(inner, inner))
        ),
        max_leaves=4,
    )


TERMS = terms(NUMBERS | st.builds(Value, st.sampled_from(list(VALUES))) | named())


@st.composite
def crossings(draw: st.DrawFn) -> Crossing:
    timeframe = draw(TIMEFRAMES)
    sides = terms(NUMBERS | named(timeframe))
    return Crossing(draw(st.booleans()), draw(named(timeframe)), draw(sides))


def chain(kind: type[And] | type[Or], inner: st.SearchStrategy[object]) -> object:
    others = inner.filter(lambda one: not isinstance(one, kind))
    return st.builds(kind, st.lists(others, min_size=2, max_size=3).map(tuple))


CONDITIONS = st.recursive(
    st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), TERMS, TERMS)
    | crossings(),
    lambda inner: st.builds(Not, inner) | chain(And, inner) | chain(Or, inner),
    max_leaves=5,
)


@given(CONDITIONS.map(Rule))
def test_a_rule_that_is_printed_and_parsed_is_the_same_rule(rule: Rule) -> None:
    text = to_text(rule)
    wrong = wrong_rule(text, "4h")
    if wrong is not None:
        assert "more than" in wrong, text  # too long or costly, and nothing else
        return
    found = parse(text)
    assert found == rule
    assert to_text(found) == text
    assert parse(text.lower()) == rule
    whole = in_timeframe(rule, "4h")
    assert parse(to_text(whole)) == whole
    compiled = compile_rule(text, "4h")
    assert compiled.truth({}.get) in {None, True, False}
    assert len(compiled.trace({}.get)) >= 1
    assert in_words(rule)
    assert len(meanings(rule)) <= len(text)


_SIGNS = r"""
AND OR NOT and or not < <= > >= = == != <> ( ( ( ) ) ) , + - * / . @ @1h @4h @2h CROSSES_ABOVE
crosses_below CROSSES 1 0 20 14 2.5 .5 1e3 1e999 1e-400 -1 length=20 NaN inf TRUE IF THEN RIS MA21
PRCIE & && | ! % [1] # ; " ' \ $ { } ^ é ≤ ≠ 🂡 ß İ
"""
NAMES = (
    *(*CANDLE_VALUES, *ALIASES, *VALUES),
    *(f"{row.name}.{row.outputs[-1]}" for row in INDICATORS.values()),
)
WORDS = (
    *_SIGNS.split(),
    *("\0", "\n", "\t", "\x1b", "\u2028", "\u2212", "\u017f"),
    *(*NAMES, *FUNCTIONS),
    *(f"{row.name}({', '.join('14' for _ in row.parameters)})" for row in INDICATORS.values()),
)
WHOLE = (
    "MA20 > MA50 AND RSI < 30",
    "RSI > 70 OR PRICE > TAKE_PROFIT",
    "BBANDS(20, 2).UPPER@1d > CLOSE AND NOT (ADX(14)@4h < 20 OR ABS(PROFIT_PCT) > 2 * 1.5)",
    "EMA(9) CROSSES_ABOVE EMA(21) * 1.001 AND SENTIMENT >= -0.2",
)


def text_of(random: Random) -> str:
    """Return words in disorder, a rule with faults in it, letters of any kind, or deep nesting."""
    kind = random.randrange(8)
    if kind < 2:
        count = random.choice((3, 5, 8, 13, 200))
        return random.choice((" ", "", " ")).join(random.choices(WORDS, k=count))
    if kind < 4:
        letters = list(random.choice(WHOLE))
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(letters))
            letters[at : at + random.randint(0, 4)] = random.choice(WORDS)[: random.randint(0, 9)]
        return "".join(letters)
    if kind < 6:
        return random.choice((" and ", " OR ", " AND NOT ")).join(
            f"{random.choice(NAMES)} {random.choice('<>=')} {random.choice(WORDS[30:])}"
            for _ in range(random.randint(1, 3))
        )
    if kind == 6:
        return "".join(chr(random.randrange(0x11_0000)) for _ in range(random.randint(0, 60)))
    part = random.choice(("(", "NOT ", "-", "ABS(", "RSI < 3 OR ", "1+", "MIN(1,", "RSI AND "))
    return part * random.randint(1, 4_200 // len(part)) + random.choice(WHOLE)


def asked(text: str) -> tuple[float, str | None]:
    """Return the processor time of this thread for one text, and what is wrong with it."""
    begin = time.thread_time()
    wrong = wrong_rule(text, "1h")
    return time.thread_time() - begin, wrong


SOAK = [pytest.param(seed, 5_000, marks=pytest.mark.long, id=f"soak {seed}") for seed in range(20)]


@pytest.mark.parametrize(("seed", "count"), [pytest.param(99, 1_000, id=""), *SOAK])
def test_any_text_is_a_rule_or_is_refused_with_its_place_in_no_time(seed: int, count: int) -> None:
    random = Random(seed)
    wrong_rule("RSI < 30", "1h")  # the parser is made once
    valid, slowest = 0, 0.0
    for _ in range(count):
        text = text_of(random)
        spent, wrong = asked(text)
        if spent > MOST_CPU_S:  # once more: it may have been the garbage of others
            parse.cache_clear()
            spent = min(spent, asked(text)[0])
        assert spent < MOST_CPU_S, text
        slowest = max(slowest, spent)
        if wrong is not None:
            assert wrong.startswith("line "), text
            assert all(one.isprintable() for one in wrong), text
            continue
        valid += 1
        rule = parse(text)
        assert parse(to_text(rule)) == rule
        compile_rule(text, "1h").trace({}.get)
    assert valid > count // 100
    print(f"{valid:,} of {count:,} are rules, the slowest took {slowest * 1000:.1f} ms")
