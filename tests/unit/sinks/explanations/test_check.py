"""Which numbers a text may state."""

from __future__ import annotations

import msgspec
import pytest

from sinks.explanations.check import rejection, unsupported_number
from sinks.explanations.facts import facts_of
from tests.contract.sink_samples import signal

AGAINST = tuple(
    msgspec.structs.replace(one, score=-0.1, contribution=-0.015)
    if one.engine == "event_risk"
    else one
    for one in signal().contributions
)
FACTS = facts_of(
    signal(
        1,
        asset="1INCH",
        strategy_id="ma20-cross",
        final_score=-0.4132,
        contributions=AGAINST,
        features={"RSI14@4h": 55.04, "news_count_24h": 12.0, "spread_bps": 1.234},
        detail={"technical.warming_4h": "17 of 50 candles", "sentiment.model": "scored 41% of it"},
        entry_price_usd=64_231.5624,
    )
)

RIGHT = (
    "The score is -0.4132.",
    "The score is -0.413, or -0.41.",
    "A score of \u22120.41 is clear.",
    "The score lost 0.41.",
    "The confidence is 81.4 %.",
    "Confidence: 81 percent.",
    "Sentiment (0.72, weight 35%) adds 0.252.",
    "It trades at $64,231.56.",
    "It trades at 64231.6 USD.",
    "It trades at about $64,200.",
    "It trades at about $64.2k.",
    "It trades at 64.2 thousand dollars.",
    "The stop lies at $47,500 and the target at 55,000.",
    "All five engines count.",
    "All 5 engines count.",
    "The 5 scores agree.",
    "Four of the five engines agree, and twelve headlines.",
    "RSI14 is 55 on the 4h chart; RSI(14) stands at 55.0.",
    "There were 12 headlines in 24 h, in the last 24 hours, within a 24-hour window.",
    "The spread is 1.23 bps, or 1.2 basis points.",
    "The spread is 1.23 bp; the score stands at minus 0.41; the confidence is 81 Percent.",
    "It is one to follow.",
    "Only 17 of 50 candles are there, and 41% of it is scored.",
    "1INCH is a sale for ma20-cross.",
    "The range 0.58-0.72 holds both.",
    "It is first, and one of the best.",
    "As of 2026-01-01, 1 January 2026, January 1, 2026 at 00:00 UTC.",
    "No number at all.",
    "On 1INCH: The engines agree on the direction.",
)
WRONG = {
    "another score": ("The score is -0.45.", "-0.45"),
    "rounded too far": ("The score is about -0.", "-0"),
    "rounded to a half": ("The score is -0.5.", "-0.5"),
    "rounded wrong": ("The score is -0.42.", "-0.42"),
    "the other sign": ("The score is +0.4132.", "+0.4132"),
    "a minus where there is none": ("Sentiment is at -0.72.", "-0.72"),
    "another percentage": ("The confidence is 84 %.", "84 %"),
    "a price in percent": ("It gained 64,231 %.", "64,231 %"),
    "a score in dollars": ("A stop of $0.72.", "$0.72"),
    "another price": ("It trades at $65,000.", "$65,000"),
    "a price rounded too far": ("It trades at $60,000.", "$60,000"),
    "a sum": ("Together they add 0.397.", "0.397"),
    "a count of something else": ("Five reasons speak for it.", "Five"),
    "a count in digits": ("The 5 reasons.", "5"),
    "too many engines": ("All seven engines agree.", "seven"),
    "tens": ("Twenty-four reasons.", "Twenty-four"),
    "another span": ("Over 48 hours.", "48"),
    "another date": ("On 2026-01-02 it rose.", "2026"),
    "another note": ("Only 18 of 50 candles.", "18"),
    "a factor": ("It may rise 10x.", "10x"),
    "an exponent": ("It is 1e9 strong.", "1e9"),
    "a fraction": ("It is ½ done.", "1"),
    "another script": ("It is ٩٩ strong.", "٩٩"),
    "a word of quantity": ("It may rise twofold.", "twofold"),
    "a vague quantity": ("Dozens of headlines.", "Dozens"),
    "double": ("It could double.", "double"),
    "a version": ("Model v3 says so.", "v3"),
    "a decimal comma": ("The score is 0,41.", "0"),
    "a quarter of the year": ("In Q3 it rose.", "Q3"),
    "zero for little": ("The spread is 0 bps.", "0 bps"),
    "a percentage in words": ("It rose by twelve percent.", "twelve percent"),
    "one percent": ("It rose by one percent.", "one percent"),
    "dollars in words": ("It costs twelve dollars.", "twelve dollars"),
    "basis points in words": ("It moved twelve basis points.", "twelve basis points"),
    "percent in capitals": ("It rose by 12 PERCENT.", "12 PERCENT"),
    "percent with a hyphen": ("After a 12-percent rise.", "12-percent"),
    "percent cut short": ("It rose by 12 pct.", "12 pct"),
    "percentage points": ("It rose by 12 percentage points.", "12 percentage points"),
    "per mille": ("It rose by 12\u2030.", "12\u2030"),
    "another currency": ("It trades at \u20ac64,231.56.", "\u20ac64,231.56"),
    "another currency behind": ("It trades at 64,231.56 \u20ac.", "64,231.56 \u20ac"),
    "minus as a word": ("Sentiment is at minus 0.72.", "minus 0.72"),
    "another multiple": ("It could quadruple.", "quadruple"),
    "hundredths": ("By 12 hundredths.", "hundredths"),
}


@pytest.mark.parametrize("text", RIGHT)
def test_numbers_of_the_signal_pass(text: str) -> None:
    assert unsupported_number(text, FACTS) is None
    assert rejection(text, FACTS) is None


@pytest.mark.parametrize("name", ["H", "RSI", "4", "24", "MA"])
def test_a_name_takes_nothing_from_other_names(name: str) -> None:
    """There are assets with such names; a strategy may have any."""
    facts = msgspec.structs.replace(FACTS, asset=name, strategy_id="ma20-50")
    text = f"{name} in ma20-50: 12 headlines of the last 24 h, RSI14 on the 4h chart, MA200."
    assert unsupported_number(text, facts) is None


@pytest.mark.parametrize(("text", "named"), WRONG.values(), ids=WRONG.keys())
def test_other_numbers_are_named(text: str, named: str) -> None:
    said = unsupported_number(text, FACTS)
    assert said is not None
    assert f" {named} " in said
    assert rejection(text, FACTS) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(" ", "no text", id="empty"),
        pytest.param("word " * 200, "1000 characters", id="long"),
        pytest.param("See https://example.org", "address", id="address"),
        pytest.param("**BUY** it", "markup", id="markup"),
        pytest.param("- a list\n- of things", "markup", id="list"),
        pytest.param("a\x00b", "nobody can print", id="control"),
    ],
)
def test_texts_that_no_page_should_show(text: str, said: str) -> None:
    assert said in (rejection(text, FACTS) or "")
