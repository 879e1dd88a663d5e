"""What records and decisions say in words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.contract import STRUCTS
from schemas.signals import Contribution
from streams.provenance import verdict
from streams.provenance.describe import describe
from tests.unit.quantiva.status import samples
from tests.unit.streams.fusion.fusion_factories import Feed, answers, make_strategy

replace = msgspec.structs.replace
DAY_MS = 86_400_000
LATER = replace(samples.CALENDAR, starts_at=samples.T0 + 5 * DAY_MS, url="https://x.example/1")

WORDS = [
    pytest.param(
        replace(samples.NEWS, url="https://x.example/1"),
        [
            "Bitcoin rises",
            "Paper, 01-01 00:00, labelled positive by the source  https://x.example/1",
        ],
        id="headline, publisher and url",
    ),
    pytest.param(
        samples.CANDLE,
        [
            "1h candle of BTC/USDT on binance, 01-01 00:00 to 01-01 01:00, still open",
            "open 1  high 3  low 0.5  close 2  volume 9",
        ],
        id="candle",
    ),
    pytest.param(
        samples.BOOK,
        [
            "order book of BTC/USDT on binance",
            "best bid 99  best ask 101  spread 200.0 bps  (2 bids, 1 asks)",
        ],
        id="book",
    ),
    pytest.param(
        replace(samples.BOOK, ask_prices=(), ask_sizes=()),
        ["order book of BTC/USDT on binance", "2 bids, 0 asks"],
        id="book with one side",
    ),
    pytest.param(
        LATER,
        [
            "Fork",
            "hard fork on 2026-01-06 00:00 (in 5 d), impact -0.80, certainty 0.40",
            "https://x.example/1",
        ],
        id="event ahead",
    ),
    pytest.param(
        replace(samples.CALENDAR, cancelled=True, starts_at=samples.T0 - DAY_MS),
        [
            "CANCELLED: Fork",
            "hard fork on 2025-12-31 00:00 (24 h before), impact -0.80, certainty 0.40",
        ],
        id="event behind, cancelled",
    ),
    pytest.param(
        samples.FUNDAMENTALS,
        ["fundamentals from s, market cap rank 1", "market cap 2T USD"],
        id="fundamentals: only what is known",
    ),
    pytest.param(
        samples.TRENDING,
        [
            "tick of cycle 00:00: rank 3 of 50, Bitcoin at 50,000.00 USD, -1.50 % in 24 h",
            "24 h volume 1.25B USD, galaxy score 71",
        ],
        id="tick",
    ),
    pytest.param(
        samples.REQUEST,
        ["asked for at 2026-01-01 00:00:00 UTC (request r1)"],
        id="request",
    ),
]


@pytest.mark.parametrize(("event", "lines"), WORDS)
def test_a_record_in_plain_words(event: Any, lines: list[str]) -> None:
    said = describe(event, samples.T0)
    assert [said.line, *said.more] == lines


def test_every_type_says_something() -> None:
    named = [one for one in vars(samples).values() if isinstance(one, msgspec.Struct)]
    events = [*named, samples.score(), samples.letter()]
    assert {type(one) for one in events} >= set(STRUCTS.values())
    assert all(describe(one, samples.T0).line for one in events)


@pytest.mark.parametrize("hostile", ["a\nb", "\x1b[31mred", "x" * 5000], ids=repr)
def test_a_headline_cannot_break_the_screen(hostile: str) -> None:
    said = describe(replace(samples.NEWS, headline=hostile, url=hostile), samples.T0)
    for line in (said.line, *said.more):
        assert line.isprintable()
        assert len(line) <= 400


STRATEGY = make_strategy(entry_rule="RSI14@1h < 30", stop_loss_pct=5.0, take_profit_pct=10.0)
BUY = Feed(STRATEGY).signal(*answers({"sentiment": 0.9, "technical": 0.8}))
HOLD = Feed(STRATEGY).signal(*answers({"sentiment": 0.1}))
VETOED = Feed(STRATEGY).signal(*answers({"sentiment": 1.0, "event_risk": -0.9, "technical": 1.0}))

DECISIONS = [
    pytest.param(BUY, "final score +0.515 is above the buy threshold +0.300: BUY", id="buy"),
    pytest.param(HOLD, "lies between the thresholds -0.300 and +0.300: HOLD", id="hold"),
    pytest.param(
        VETOED,
        "+0.300: BUY; event risk -0.900 is below the strategy's floor -0.500, which makes it HOLD",
        id="veto",
    ),
    pytest.param(
        replace(HOLD, override="event_risk"),
        "is below the strategy's floor -0.500, which would make it HOLD in any case",
        id="veto of a hold",
    ),
    pytest.param(
        replace(HOLD, action="BUY", override="entry_rule"),
        ": HOLD; the entry rule (RSI14@1h < 30) is true, which makes it BUY",
        id="rule",
    ),
    pytest.param(
        replace(BUY, action="SELL", override="stop_loss"),
        ": BUY; the price has reached the position's stop, which makes it SELL",
        id="stop",
    ),
    pytest.param(
        replace(HOLD, action="BUY", override="band"),
        ": HOLD; the strategy's band keeps it BUY",
        id="band",
    ),
]


@pytest.mark.parametrize(("signal", "said"), DECISIONS)
def test_the_decision_names_what_decided(signal: Any, said: str) -> None:
    assert said in verdict.decision(signal, STRATEGY)


@pytest.mark.parametrize("signal", [BUY, VETOED], ids=["thresholds", "veto"])
def test_a_decision_without_its_strategy_says_so(signal: Any) -> None:
    assert "which are not known here" in verdict.decision(signal, None)


def test_the_size_is_made_of_its_terms() -> None:
    value, levels, confidence = verdict.size(BUY)
    assert value.startswith(f"{BUY.position_value_usd:,.2f} USD = base 1,000.00 x confidence")
    assert value.endswith(", at most 5,000.00")
    assert "at 50,000.00 USD, stop loss 47,500.00 (-5.00 %)" in levels
    assert "take profit 55,000.00 (+10.00 %)" in levels
    assert "0.4 x sentiment confidence 0.85 + 0.3 x trend strength 0.80" in confidence


SIZES = [
    pytest.param(HOLD, "no position: HOLD", id="hold"),
    pytest.param(
        replace(BUY, entry_price_usd=None, detail={"price": "no current price"}),
        "no current price",
        id="no price",
    ),
    pytest.param(
        replace(BUY, position_size=0.0, detail={"size": "BTC is held since then"}),
        "no position: BTC is held since then",
        id="held already",
    ),
    pytest.param(
        replace(BUY, action="SELL", position_size=0.5, position_value_usd=25e3, held_size=0.5),
        "0.5 BTC, all that the portfolio holds, 25,000.00 USD",
        id="sale",
    ),
    pytest.param(
        replace(BUY, stop_loss_usd=None, detail={"stop_loss": "ATR14@1h is not known"}),
        "no stop loss (ATR14@1h is not known)",
        id="no stop",
    ),
]


@pytest.mark.parametrize(("signal", "said"), SIZES)
def test_a_size_that_is_none_says_why(signal: Any, said: str) -> None:
    assert said in "\n".join(verdict.size(signal))


def part(engine: str, offset: int | None) -> Contribution:
    return Contribution(engine, "ok", 0.1, 0.5, 0.2, 0.02, 1000, offset)


OCCASIONS = [
    pytest.param({"trigger": "cycle", "cycle": samples.T0}, "at the cycle of 00:00", id="cycle"),
    pytest.param({"trigger": "request"}, "because somebody asked for it", id="request"),
    pytest.param(
        {
            "trigger": "change",
            "contributions": (part("sentiment", 7), part("technical", 9), part("liquidity", None)),
        },
        "between cycles: a score of technical changed the action",
        id="change: the newest score did it",
    ),
]


@pytest.mark.parametrize(("fields", "said"), OCCASIONS)
def test_the_occasion(fields: dict[str, Any], said: str) -> None:
    assert verdict.occasion(replace(BUY, **fields)) == said
