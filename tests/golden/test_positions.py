"""Lives of positions, line by line against the committed text; and on real candles, step by step.

To accept a change: QUANTIVA_UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/golden

A line is a decision that enters or leaves, or whose action is another than before.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

import msgspec
import pytest

from schemas.control import Strategy
from schemas.market import Candle
from schemas.signals import Decision
from schemas.times import MINUTE_MS
from tests.factories import HOUR_MS, START_MS, strategy
from tests.golden.lives import calendar, candles, decisions, strategies
from tests.unit.streams.engines._market import recorded_candles

GOLDEN = Path(__file__).parent / "positions.txt"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6f}".rstrip("0").rstrip(".")


def turns(found: Iterable[Decision]) -> Iterator[Decision]:
    """Yield the decisions that a line is about."""
    before: dict[str, tuple[object, ...]] = {}
    for one in found:
        held = None if one.position is None or one.action == "SELL" else one.position.entered_at
        now = (one.action, held)
        if before.get(one.strategy_id) != now:
            yield one
        before[one.strategy_id] = now


def line(one: Decision) -> str:
    held = one.position
    where = "out"
    if held is not None:
        levels = (held.stop_loss_usd, held.take_profit_usd, held.trailing_stop_usd)
        where = (
            f"{'left' if one.action == 'SELL' else 'in'} "
            f"{number(held.entry_price_usd)}@{hour(held.entered_at)} "
            f"stop={number(levels[0])} target={number(levels[1])} trailing={number(levels[2])}"
        )
    steps = "; ".join(
        f"{step.rule}: {step.part} {step.truth}{f' ({step.values})' if step.values else ''}"
        for step in one.trace
        if step.rule != "thresholds"
    )
    return (
        f"{one.strategy_id:8} {hour(one.as_of):>7} {one.trigger:6} {one.action:4} "
        f"{one.override or '-':13} price={number(one.price_usd)} {where} | {steps}"
    )


def hour(at_ms: int) -> str:
    return f"{(at_ms - START_MS) / HOUR_MS:.2f}h"


def test_lives_of_positions_are_the_committed_lines() -> None:
    found = turns(decisions(candles(), calendar(), strategies()))
    text = "".join(f"{line(one)}\n" for one in sorted(found, key=lambda one: one.strategy_id))
    if os.environ.get("QUANTIVA_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, "utf-8")
    assert text.splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_the_lives_hold_every_way_in_and_out() -> None:
    found = decisions(candles(), calendar(), strategies())
    assert {one.override for one in found} == {
        *("stop_loss", "trailing_stop", "take_profit", "max_age", "exit_rule", "event_risk"),
        *("entry_rule", "minimum_hold", None),
    }


Life = tuple[int, float, int, str | None]
"""Entry (hour since 1970, price), exit (hour, why)."""


def lives(found: Iterable[Decision]) -> Iterator[Life]:
    """Yield the positions that were left."""
    for one in found:
        held = one.position
        if held is not None and one.action == "SELL":
            hours = held.entered_at // HOUR_MS, one.as_of // HOUR_MS  # a candle is seen 1.5 s late
            yield hours[0], held.entry_price_usd, hours[1], one.override


def expected(market: Sequence[Candle], strategy: Strategy) -> Iterator[Life]:
    """Do by hand over closes what the strategy says, in the plainest way."""
    closes, held, action, since_ms = [], None, "", 0
    for one in market:
        now_ms, price = one.close_time, one.close
        closes.append(price)
        ma20, ma50 = fmean(closes[-20:]), fmean(closes[-50:])
        enters = len(closes) >= 50 and price > ma20 > ma50
        left = "exit_rule" if strategy.exit_rule and len(closes) >= 50 and price < ma50 else None
        if held is not None:
            at_ms, entry, highest = held
            held = at_ms, entry, max(highest, price)
            levels = {
                "stop_loss": price <= entry * (1 - (strategy.stop_loss_pct or 100) / 100),
                "trailing_stop": price <= held[2] * (1 - (strategy.trailing_stop_pct or 100) / 100),
                "take_profit": price >= entry * (1 + (strategy.take_profit_pct or 1e9) / 100),
                "max_age": now_ms - at_ms >= (strategy.max_age_hours or 1e9) * HOUR_MS,
            }
            left = next((name for name, fired in levels.items() if fired), left)
        rests = now_ms - since_ms >= strategy.minimum_hold_minutes * MINUTE_MS
        wanted = "SELL" if left else "BUY" if enters and (rests or action != "SELL") else "HOLD"
        if wanted == "HOLD" and not rests:
            wanted = action
        if wanted == "SELL" and held is not None:
            yield held[0] // HOUR_MS, held[1], now_ms // HOUR_MS, left
            held = None
        elif wanted == "BUY" and held is None:
            held = now_ms, price, price
        if wanted != action:
            action, since_ms = wanted, now_ms


PERCENTS = [
    strategy(
        name,
        entry_rule="CLOSE > MA20 AND MA20 > MA50",
        buy_threshold=0.99,
        sell_threshold=-0.99,
        minimum_hold_minutes=600.0,
        **way,
    )
    for name, way in {
        "age": {"max_age_hours": 12.0},
        "rule": {"exit_rule": "CLOSE < MA50"},
        "stop": {"stop_loss_pct": 2.0, "take_profit_pct": 4.0},
        "trailing": {"trailing_stop_pct": 3.0, "stop_loss_pct": 1.5, "max_age_hours": 200.0},
    }.items()
]


@pytest.mark.shared_data
@pytest.mark.parametrize("asset", ["BTC", "SOL"])
def test_lives_on_real_candles_are_those_reckoned_by_hand(shared_data: Path, asset: str) -> None:
    market = [
        msgspec.structs.replace(one, asset="BTC")
        for one in recorded_candles(shared_data, asset, "1h")[6_000:8_000]
    ]
    found = decisions(market, (), PERCENTS)
    ways: Counter[str | None] = Counter()
    for one in PERCENTS:
        made = list(lives(each for each in found if each.strategy_id == one.strategy_id))
        assert made == list(expected(market, one))
        ways.update(life[3] for life in made)
    assert set(ways) == {"stop_loss", "trailing_stop", "take_profit", "max_age", "exit_rule"}
    assert ways.total() > 100
