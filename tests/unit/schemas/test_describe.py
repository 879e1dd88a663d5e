"""One line a record: every type of the contract has its own."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.contract import STRUCTS
from schemas.describe import _LINES, key_text, one_line
from tests import factories
from tests.unit.quantiva.status import samples

LINES = [
    (samples.TRENDING, "rank 3 of 50 Bitcoin 50,000.00 USD -1.50% 24h vol 1.25B galaxy 71"),
    (samples.NEWS, "[positive] Bitcoin rises (Paper)"),
    (
        samples.NEWS_SCORE,
        "positive +0.650 conf 0.90 by small ba9876543210; rises +0.50 (market.news:2:67)",
    ),
    (samples.CANDLE, "1h 01 00:00 O 1 H 3 L 0.5 C 2 open"),
    (samples.BOOK, "BTC/USDT bid 99 ask 101 spread 200.0 bps, 2 and 1 levels"),
    (samples.FUNDAMENTALS, "rank 1 cap 2T vol - commits -"),
    (samples.CALENDAR, "2026-01-01 hard_fork impact -0.80 certainty 0.40 Fork"),
    (samples.STRATEGY, "v1 Momentum, admin, 1h entry: RSI < 30"),
    (samples.REQUEST, "s1 asked for at 01-01 00:00:00 (r1)"),
    (samples.score(), "sentiment   +0.250 conf 0.50 fresh 1.00 cycle 00:00 | model: no weights"),
    (samples.score(status="missing", detail={}), "cycle 00:00 MISSING"),
    (samples.SIGNAL, "BUY  momentum final +0.582 conf 0.81 at 50,000.00 for 814 cycle by entry"),
    (factories.cycle_end(cycle=samples.T0), "the wait for cycle 01-01 00:00:00 is over"),
    (samples.DECISION, "BUY  BTC final +0.000 at 50,000.00"),
    (samples.TRADE, "buy 0.5 BTC at 50,010.00 for 25k fee 25.00 by thresholds"),
    (samples.EQUITY, "50000.00 USD, 25000.00 of it cash, 0 positions, 0 of 0 trades won"),
    (samples.OUTCOME, "technical said +0.500 of BTC at 01-01 00:00:00: +2.00% after 4h"),
    (samples.TOP, "cycle 00:00 INCOMPLETE 3 of 50 1.BTC BUY"),
    (samples.letter(), "2:7 sentiment BadEvent: not in the Confluent wire format"),
    (samples.EXPLANATION, "f00 momentum (done, template) BTC rises."),
    (samples.SOURCE, "degraded for news, 7 of 500 requests today, circuit closed | it is slow"),
]


@pytest.mark.parametrize(("event", "line"), LINES, ids=lambda value: type(value).__name__)
def test_the_telling_fields_come_first(event: Any, line: str) -> None:
    assert line in one_line(event)


def test_every_type_of_the_contract_has_a_line() -> None:
    assert set(_LINES) == set(STRUCTS.values())


@pytest.mark.parametrize(
    ("key", "text"),
    [
        pytest.param(None, "-", id="no key"),
        pytest.param(b"BTC", "BTC", id="text"),
        pytest.param(b"\xff\x01", "0xff01", id="bytes"),
        pytest.param(b"a\nb", '"a\\nb"', id="a line break stays on the line"),
    ],
)
def test_any_key_can_be_shown(key: bytes | None, text: str) -> None:
    assert key_text(key) == text
