"""Dates in the data, planted records, what differs, what the seal refuses, and the words."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.validation import problem
from streams.lookahead.dates import DateCheck, EarlyRecords
from streams.lookahead.findings import Leak, Proof
from streams.lookahead.future_records import planted
from streams.lookahead.output_digest import flat, unequal
from streams.lookahead.records import MarketRecord, numbered, pack, unpack, usable
from streams.lookahead.render import early_line, leak_lines, span, verdict
from streams.lookahead.steps import load_stage
from streams.topology import stage_names
from tests.conftest import ROOT
from tests.factories import HOUR_MS
from tests.unit.streams.engines._market import START_MS, make_book, make_candle, make_tick
from tests.unit.streams.engines._records import make_event, make_fundamentals, make_news

T0 = 1_700_000_400_000


def early(event: Any) -> list[EarlyRecords]:
    check = DateCheck()
    check.see(MarketRecord("topic", 0, 7, event))
    return check.found()


@pytest.mark.parametrize(
    ("event", "said", "ahead_ms"),
    [
        pytest.param(make_candle(0, 1.0), None, 0, id="a candle seen after its close"),
        pytest.param(
            make_candle(0, 1.0, observed_at=START_MS + HOUR_MS), None, 0, id="seen at its close"
        ),
        pytest.param(
            make_candle(0, 1.0, observed_at=START_MS + HOUR_MS - 1),
            "a close after it was seen",
            1,
            id="seen before its close",
        ),
        pytest.param(
            make_candle(0, 1.0, closed=False, observed_at=START_MS + 5), None, 0, id="open candle"
        ),
        pytest.param(make_news("a", T0, published_at=T0 - 1), None, 0, id="published before"),
        pytest.param(
            make_news("a", T0, published_at=T0 + 9),
            "a published_at after it was seen",
            9,
            id="published after",
        ),
        pytest.param(
            make_fundamentals(T0, event_time=T0 + 3),
            "an event_time after it was seen",
            3,
            id="happens",
        ),
        pytest.param(make_event("unlock", HOUR_MS, event_time=T0 * 2), None, 0, id="scheduled"),
    ],
)
def test_look_ahead_in_the_data(event: Any, said: str | None, ahead_ms: int) -> None:
    found = early(event)
    assert [one.problem for one in found] == ([] if said is None else [said])
    assert [one.ahead_ms for one in found] == ([] if said is None else [ahead_ms])


def test_early_records_are_counted_by_kind_and_the_first_is_told() -> None:
    check = DateCheck()
    for offset in range(3):
        event = make_news("a", T0 + offset, published_at=T0 + 100 * offset)
        check.see(MarketRecord("market.news", 2, offset, event))
    (found,) = check.found()
    assert (found.offset, found.records, found.ahead_ms) == (1, 2, 198)
    assert early_line(found) == (
        "market.news: 2 records with a published_at after it was seen, by up to 198 ms; first 2:1 "
        "BTC 2023-11-14 22:20:00"
    )


@pytest.mark.parametrize("name", stage_names())
@given(now_ms=st.integers(START_MS, 2 * START_MS))
def test_planted_records_are_valid_and_of_the_future(name: str, now_ms: int) -> None:
    topics = [topic for topic in load_stage(name).inputs if topic != "control.requests"]
    for topic in topics:
        events = planted(topic, "BTC", now_ms)
        assert events
        for event in events:
            assert problem(event) is None
            seen_ms = getattr(event, "observed_at", None) or getattr(event, "as_of", event.cycle)
            assert seen_ms > now_ms


def test_records_cross_into_the_twin_unchanged() -> None:
    events = [make_candle(0, 1.5), make_tick(), make_book([(1.0, 2.0)], [(3.0, 4.0)])]
    for record in numbered(events):
        assert unpack(pack(record)) == record


def test_only_what_a_stage_would_get_is_used() -> None:
    bad = make_news("a", T0)
    records = [
        MarketRecord("market.news", 0, 0, make_news("a", T0)),
        MarketRecord("market.news", 0, 1, make_news("b", T0, asset="ETH")),
        MarketRecord("market.news", 0, 2, ValueError("not decodable")),
        MarketRecord("market.news", 0, 3, type(bad)(**{**_fields(bad), "headline": " "})),
        MarketRecord("control.strategies", 0, 0, bad),
    ]
    assert [record.offset for record in usable(records)] == [0, 1]
    assert [record.offset for record in usable(records, ("ETH",))] == [1]


def _fields(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}


def test_what_differs_is_named_most_important_first() -> None:
    here = flat({"as_of": 1, "features": {"a": 1.0, "b": float("nan")}, "score": 0.5, "list": [1]})
    there = flat({"as_of": 2, "features": {"a": 1, "b": float("nan")}, "score": 0.1, "list": []})
    assert list(unequal(here, there)) == ["score", "as_of", "features.a", "list.0"]


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        pytest.param("open('/etc/hostname')", True, id="a file"),
        pytest.param("import os; os.open('/etc/hostname', os.O_RDONLY)", True, id="a file, lower"),
        pytest.param("open(0)", True, id="a descriptor"),
        pytest.param("import mmap; mmap.mmap(-1, 8)", True, id="shared memory"),
        pytest.param("import sqlite3; sqlite3.connect(':memory:')", True, id="a database"),
        pytest.param("import this", False, id="code"),
        pytest.param("open('written.py', 'w')", True, id="code written"),
        pytest.param("1 + 1", False, id="nothing"),
    ],
)
def test_the_guard(code: str, refused: bool) -> None:
    """In a process of its own: there is no way back from it."""
    script = (
        "import sqlite3, mmap, os\n"
        "from streams.lookahead.guard import FileGuard, RefusedFileError\n"
        "guard = FileGuard(); guard.close()\n"
        f"try:\n exec({code!r})\nexcept RefusedFileError: pass\n"
        "said = guard.refusal()\n"
        "print('refused' if said else 'allowed', guard.refusal() == '', said)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    last = run.stdout.strip().splitlines()[-1]
    assert last.startswith(f"{'refused' if refused else 'allowed'} True")


LEAK = Leak(
    "technical", "future", "score", "0.5", "0.25", 41, "market.candles", 3, 7, "BTC", T0, records=12
)


def proof(*leaks: Leak) -> Proof:
    return Proof(("technical", "liquidity"), ("fusion",), 1_234, 1, 1_234, list(leaks), [])


@pytest.mark.parametrize(
    ("given_proof", "said"),
    [
        pytest.param(
            proof(), "no look-ahead: 2 engines, fusion, 1,234 records, every prefix", id="clean"
        ),
        pytest.param(
            proof(LEAK), "look-ahead: technical at market.candles 3:7 (BTC)", id="one leak"
        ),
        pytest.param(
            proof(Leak("liquidity", "sealed", "error", "loaded", "refused"), LEAK),
            "look-ahead: liquidity at its import; 2 leak: liquidity, technical",
            id="two leaks",
        ),
    ],
)
def test_the_last_line(given_proof: Proof, said: str) -> None:
    assert verdict(given_proof) == said


def test_a_leak_is_told_with_its_place_and_both_values() -> None:
    text = "\n".join(leak_lines(LEAK, 1_234))
    for part in (
        "technical: differs",
        "market.candles 3:7, BTC, observed 2023-11-14 22:20:00 (record 42 of 1,234)",
        "0.5",
        "0.25",
        "shows at 12 records",
    ):
        assert part in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(
    ("time_ms", "said"),
    [
        (900, "900 ms"),
        (2_000, "2 s"),
        (7_200_000, "2 h"),
        (3 * 86_400_000, "3 d"),
        (100_000, "100 s"),
    ],
)
def test_spans(time_ms: int, said: str) -> None:
    assert span(time_ms) == said
