"""Answers of the bridge as they are after months: a track record, and outcomes of all kinds."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from schemas.outcomes import HORIZON_MS, Outcome
from schemas.times import DAY_MS
from sinks.bridge.api.outcomes import OutcomeSample, OutcomesAnswer
from sinks.bridge.api.record_figures import Recorded, track_record
from streams.backtest.run_data import Bar, Prices
from streams.outcomes.outcome_statistics import statistics
from tests.contract.sink_samples import equity, strategy, trade

START_MS = 1_767_225_600_000  # 2026-01-01
DAYS = 150


def record_answer(strategy_id: str = "sentiment-momentum") -> bytes:
    """Return the track record of 150 days, with a fall in the middle and two versions."""
    chance = random.Random(5)
    worth, price, moments, bars = 50_000.0, 100.0, [], []
    for hours in range(0, 24 * DAYS, 6):
        at = START_MS + hours * 3_600_000
        worth *= 1.0 + chance.gauss(0.0006 if not 500 < hours < 1_300 else -0.0012, 0.006)
        price *= 1.0 + chance.gauss(0.0004, 0.008)
        fields = {"as_of": at, "equity_usd": worth, "positions_usd": worth / 3, "positions": ()}
        moments.append(equity(0, strategy_id=strategy_id, cash_usd=worth * 2 / 3, **fields))
        if hours % 24 == 0:
            bars.append(Bar(at, price, price, price, price))
    trades = []
    for number in range(120):
        at = START_MS + number * DAY_MS + number % 2 * 3_600_000
        gain = chance.gauss(4.0, 60.0)
        changes = {"profit_usd": gain, "return_pct": gain / 10.0} if number % 2 else {}
        trades.append(trade(number, strategy_id=strategy_id, filled_at=at, **changes))
    recorded = Recorded(
        strategy=strategy(strategy_id=strategy_id, name="Sentiment Momentum", version=2, assets=()),
        equity=moments,
        trades=trades,
        began_at=START_MS,
        versions=((1, START_MS), (2, START_MS + 60 * DAY_MS)),
        prices={"BTC": Prices(tuple(bars))},
    )
    return msgspec.json.encode(track_record(recorded))


def outcomes_answer() -> bytes:
    """Return outcomes of an engine that knows, one that guesses, a silent one and a young one."""
    chance, found = random.Random(3), []
    for horizon, length_ms in HORIZON_MS.items():
        for number in range(600 if length_ms < DAY_MS else 80 * DAY_MS // length_ms):
            at = START_MS + number * length_ms
            moved = chance.gauss(0.0, 2.0)
            for name, score in _scores(chance, moved, number):
                found.append(_outcome(name, horizon, at, score, moved, abs(score)))
    items = statistics(found)
    samples = tuple(
        OutcomeSample(horizon=one, step_ms=600_000, rows=2_000, from_ms=START_MS, is_cut=False)
        for one in HORIZON_MS
    )
    answer = OutcomesAnswer(made_at=START_MS, enough=30, samples=samples, items=items)
    return msgspec.json.encode(answer)


def _scores(chance: random.Random, moved: float, number: int) -> list[tuple[str, float]]:
    known = max(-1.0, min(1.0, 0.15 * moved + chance.gauss(0.0, 0.4)))
    scores = [("technical", known), ("sentiment", chance.uniform(-1.0, 1.0)), ("liquidity", 0.0)]
    scores.append(("event_risk", max(-1.0, min(1.0, chance.gauss(-0.1 * moved, 0.3)))))
    return [*scores, ("fundamental", 0.2 + 0.01 * number)] if number < 12 else scores


def _outcome(name: str, horizon: str, at: int, score: float, moved: float, sure: float) -> Outcome:
    made: dict[str, Any] = {"outcome_id": "", "kind": "score", "asset": "BTC", "engine": name}
    if name == "event_risk":
        made |= {"kind": "signal", "engine": "", "strategy_id": "sentiment-momentum"}
    return Outcome(
        **made,
        horizon=horizon,
        scored_at=at,
        cycle=at,
        as_of=at,
        score=score,
        confidence=sure,
        return_pct=moved,
    )
