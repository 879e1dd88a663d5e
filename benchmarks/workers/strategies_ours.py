"""The four pre-built strategies, decided at every recorded candle, as fusion decides them.

Outside the clock: the technical engine computes what they name, and the other engines, of which
there are no recorded inputs, get scores that go up and down. Within it: both rules, the levels of a
position, the weighted sum, thresholds and hysteresis; half of the strategies hold the asset.
"""

from __future__ import annotations

from math import sin
from typing import Any

import msgspec

from benchmarks.recorded import bars
from benchmarks.workers.alone import report, task, timed
from benchmarks.workers.alone_ours import candle
from producers.strategies import PREBUILT
from schemas.engines import ENGINES
from schemas.scores import EngineScore
from streams.confidence.position_sizing import Config as Sizing
from streams.engines.scoring_stage import ScoringStage
from streams.engines.technical import ENGINE
from streams.fusion.choice import choose
from streams.fusion.position import enter
from streams.fusion.state import LatestScore, Pinned, latest_score, pin
from streams.fusion.view import View, view
from streams.runner import Produced, TopologyRunner
from streams.stage import StrategyAt

_STALE_AFTER_MS = 1_200_000
_ROUNDS = 5


def _other(engine: str, score: EngineScore, place: int) -> LatestScore:
    """Return the score of an engine that has no recorded inputs."""
    value = sin(place / 50.0 + ENGINES.index(engine))
    made = msgspec.structs.replace(
        score, engine=engine, score=value, confidence=abs(value), features={}
    )
    return latest_score(made, place, None)


def views(limit: int | None) -> list[View]:
    """Return how the engines count after each candle, in the order of the log."""
    made: list[View] = []

    def emit(one: Produced) -> None:
        score: EngineScore = one.event
        held = tuple(
            latest_score(score, len(made), None)
            if engine == score.engine
            else _other(engine, score, len(made))
            for engine in ENGINES
        )
        made.append(view(held, score.as_of, _STALE_AFTER_MS))

    runner = TopologyRunner([ScoringStage(ENGINE)], 1, PREBUILT, emit)
    for bar in bars(limit):
        runner.publish(candle(bar))
    return made


def pairs(seen: list[View]) -> list[tuple[Pinned, View]]:
    """Return every strategy at every view; at every second one it holds the asset."""
    found: list[tuple[Pinned, View]] = []
    plain = [pin(StrategyAt(one, place), "HOLD") for place, one in enumerate(PREBUILT)]
    for place, one in enumerate(seen):
        is_held = place % 2 and one.price_usd
        found += [(_held(each, one) if is_held else each, one) for each in plain]
    return found


def _held(pinned: Pinned, seen: View) -> Pinned:
    """Return a strategy that has just bought the asset."""
    price_usd = seen.price_usd or 0.0
    holding, _ = enter(pinned.strategy, price_usd, seen.now_ms, price_usd / 100.0)
    return msgspec.structs.replace(pinned, holding=holding, action="BUY")


def main() -> None:
    """Decide, and report how often which action came of it."""
    evaluated = pairs(views(task().limit))
    sizing, actions = Sizing(), dict.fromkeys(("BUY", "SELL", "HOLD"), 0)
    kinds: dict[str, Any] = {}

    def work() -> None:
        for _ in range(_ROUNDS):
            for pinned, seen in evaluated:
                choice = choose(pinned, seen, sizing)
                actions[choice[1]] += 1
                kinds[str(choice[3])] = kinds.get(str(choice[3]), 0) + 1

    times = timed(work)
    report(times, {}, evaluations=_ROUNDS * len(evaluated), actions=actions, overrides=kinds)


if __name__ == "__main__":
    main()
