"""What the bridge remembers has bounds."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from schemas.signals import Contribution
from schemas.topics import CANDLES, EQUITY, EXPLANATIONS, SIGNALS, TRADES
from sinks.base import SinkRecord
from sinks.bridge.hub import core as core_module
from sinks.bridge.hub.answers import Answers
from sinks.bridge.hub.channels import frame_of
from sinks.bridge.hub.core import Core
from sinks.bridge.hub.filters import Filter
from sinks.bridge.hub.views import (
    MOST_CANDLE_SERIES,
    MOST_CANDLES,
    MOST_CURVES,
    MOST_EXPLANATIONS,
    MOST_POINTS,
    MOST_TRADES,
    Latest,
)
from tests.contract.sink_samples import equity, trade
from tests.unit.quantiva.status import samples
from tests.unit.sinks.bridge.memory_log import signal


def record(topic: str, event: object, offset: int = 0) -> SinkRecord:
    return SinkRecord(
        topic=topic, partition=0, offset=offset, timestamp_ms=1, key=b"", value=b"", event=event
    )


def candle(asset: str, number: int = 0) -> object:
    return msgspec.structs.replace(samples.CANDLE, asset=asset, open_time=number)


def test_the_series_of_candles_that_changed_last_are_kept() -> None:
    latest = Latest()
    most = MOST_CANDLE_SERIES
    for number in range(most):
        latest.apply(record(CANDLES.name, candle(f"A{number}")))
    latest.apply(record(CANDLES.name, candle("A0", 1)))
    latest.apply(record(CANDLES.name, candle("NEW")))
    assert len(latest.candles) == most
    assert ("A1", "1h") not in latest.candles
    assert len(latest.candles[("A0", "1h")]) == 2
    assert ("NEW", "1h") in latest.candles


def test_the_candles_of_a_series_are_those_that_opened_last() -> None:
    latest = Latest()
    for number in [*range(MOST_CANDLES + 50), 20]:
        latest.apply(record(CANDLES.name, candle("A", number)))
    assert [one.open_time for one in latest.candles[("A", "1h")]] == [*range(50, MOST_CANDLES + 50)]


def test_candles_of_two_exchanges_are_never_in_one_row() -> None:
    latest = Latest()
    for number in range(5):
        latest.apply(record(CANDLES.name, candle("A", number)))
    for number in (2, 3):
        other = msgspec.structs.replace(candle("A", number), exchange="kraken")
        latest.apply(record(CANDLES.name, other))
    found = latest.candles[("A", "1h")]
    assert [(one.exchange, one.open_time) for one in found] == [("kraken", 2), ("kraken", 3)]


def test_explanations_have_a_bound() -> None:
    latest = Latest()
    for number in range(MOST_EXPLANATIONS + 3):
        event = msgspec.structs.replace(samples.EXPLANATION, signal_id=f"s{number}")
        latest.apply(record(EXPLANATIONS.name, event, number))
    assert len(latest.explanations) == len([*latest.frames("explanations")]) == MOST_EXPLANATIONS
    assert "s2" not in latest.explanations


def test_snapshots_are_kept_until_the_next_change_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_module, "_MOST_CACHED", 4)
    core = Core()
    core.recent_events.begin(("signals", 0), 0)
    first = core.snapshot(("signals",), Filter(), "0")
    assert core.snapshot(("signals",), Filter(), "0") is first
    for number in range(9):
        core.snapshot(("signals",), Filter(), str(number))
        assert len(core._snapshots) <= 4
    core.take(record(SIGNALS.name, signal(0)))
    core.snapshot(("signals",), Filter(), "a")
    assert len(core._snapshots) == 1


def test_the_last_trades_of_each_strategy_are_kept() -> None:
    latest = Latest()
    for number in range(MOST_TRADES + 3):
        latest.apply(record(TRADES.name, trade(number), number))
    latest.apply(record(TRADES.name, trade(0, strategy_id="other", trade_id="o"), 0))
    latest.apply(record(TRADES.name, trade(MOST_TRADES), 0))  # read again after a crash
    ids = [one.trade_id for one in latest.trades.values() if one.strategy_id == "momentum"]
    assert sorted(ids) == [f"{n:032x}" for n in range(3, MOST_TRADES + 3)]
    assert len(latest.trades) == len([*latest.frames("trades")]) == MOST_TRADES + 1


def test_the_last_moments_of_each_equity_are_kept_once_and_without_positions() -> None:
    latest = Latest()
    for number in (*range(MOST_POINTS + 5), 900, MOST_POINTS + 4):
        latest.apply(record(EQUITY.name, equity(number), number))
    points = latest.curve("momentum")
    assert [one.as_of for one in points] == [
        equity(number).as_of for number in range(5, MOST_POINTS + 5)
    ]
    assert {one.positions for one in points} == {()}
    assert latest.equity["momentum"].positions
    assert len([*latest.frames("equity")]) == 1
    assert latest.curve("nobody") == ()


def test_a_deposit_at_the_time_of_a_cycle_is_a_moment_of_its_own() -> None:
    latest = Latest()
    for kind in ("cycle", "deposit", "deposit"):
        latest.apply(record(EQUITY.name, equity(1, kind=kind)))
    assert [one.kind for one in latest.curve("momentum")] == ["cycle", "deposit"]


def test_curves_have_a_bound() -> None:
    latest = Latest()
    for number in range(MOST_CURVES + 1):
        latest.apply(record(EQUITY.name, equity(strategy_id=f"s{number}"), number))
    assert (len(latest.curve("s0")), len(latest.curve("s1"))) == (0, 1)
    assert "s0" in latest.equity


PART = Contribution("technical", "ok", 0.5, 0.9, 0.35, 0.175, 1, 7)
ANSWER = {"cycle": None, "trigger": "request", "request_id": "r1"}


@pytest.mark.parametrize(
    ("changes", "is_for_all"),
    [
        pytest.param({**ANSWER, "contributions": (PART,)}, True, id="an answer"),
        pytest.param(ANSWER, False, id="an answer without data"),
        pytest.param(
            {**ANSWER, "trigger": "dry_run", "contributions": (PART,)}, False, id="a dry run"
        ),
    ],
)
async def test_an_answer_is_for_who_asked_and_a_dry_run_for_nobody_else(
    changes: dict[str, Any], *, is_for_all: bool
) -> None:
    core = Core()
    core.recent_events.begin(("signals", 0), 0)
    waiting = asyncio.ensure_future(core.latest.answers.wait("r1", 5.0))
    others = asyncio.ensure_future(core.latest.answers.wait("r2", 0.05))
    await asyncio.sleep(0)
    made = signal(1, **changes)
    core.take(record(SIGNALS.name, made))
    assert await waiting == made
    assert await others is None
    assert core.latest.answers.get("r1") == made
    assert (list(core.latest.signals.values()) == [made]) is is_for_all
    assert bool(core.recent_events.since(("signals", 0), 0)) is is_for_all
    assert (frame_of(record(SIGNALS.name, made)) is not None) is is_for_all


def test_answers_have_a_bound_and_can_be_asked_for_again() -> None:
    answers = Answers(3)
    for number in range(5):
        answers.take(signal(number, request_id=f"r{number}"))
    answers.take(signal(9))
    assert [answers.get(f"r{number}") is None for number in range(5)] == [1, 1, 0, 0, 0]
    answers.forget("r4")
    assert answers.get("r4") is None
