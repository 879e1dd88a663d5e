"""The cycle's watchdog: who has not answered a tick in time, and when a cycle's wait is over.

A decision that needs the wall clock is taken at the edge and written to the log as an event. The
edge reads market.trending and engine.scores and passes in `now_ms`; what is due is decided here.

* `grace_ms` after a tick was seen, each engine that has not answered it is written into
  engine.scores as missing, once.
* Twice `grace_ms` after the cycle's last tick was seen, one grace record closes the cycle in the
  rankings. The edge sends it to every partition of signals.ranking.

Several watchdogs, or one that reads a stretch of the log again, do no harm: a missing record in the
log counts as an answer here, fusion and ranking ignore what they know already. At most
`max_cycles` cycles are remembered, the newest; one that is pushed out gets no grace record,
but the next cycle's closes it too.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas.engines import ENGINES
from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import RankEntry
from schemas.topics import RANKING, SCORES
from streams.fusion.state import ALL_ANSWERED, ENGINE_INDEX
from streams.stage import Output


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the watchdog.

    grace_ms    how long an engine may take to answer a tick
    max_cycles  cycles remembered at the same time
    """

    grace_ms: int = 30_000
    max_cycles: int = 4


class Watch(msgspec.Struct, frozen=True, gc=False):
    """One asset in one cycle. `seen_ms` is None while only answers, but no tick, have been seen.

    seen_ms      when the edge saw the tick (wall clock)
    observed_at  of the tick: as_of of the missing records, so that event time stays event time
    answered     bit i: engine i has answered, or was written off
    """

    seen_ms: int | None = None
    observed_at: int = 0
    answered: int = 0


class CycleWatch(msgspec.Struct, frozen=True, gc=False):
    """A cycle: its size, when its last tick was seen (None: none yet), its assets."""

    size: int = 0
    last_tick_ms: int | None = None
    closed: bool = False
    assets: dict[str, Watch] = {}


class WatchdogState(msgspec.Struct, frozen=True, gc=False):
    """The newest cycles by their start."""

    cycles: dict[int, CycleWatch] = {}


def on_tick(
    config: Config, state: WatchdogState, tick: TrendingAsset, now_ms: int
) -> WatchdogState:
    """Note a tick that the edge saw at `now_ms`; one seen before changes nothing."""
    cycle = state.cycles.get(tick.cycle, CycleWatch())
    watch = cycle.assets.get(tick.asset, Watch())
    if watch.seen_ms is not None:
        return state
    watch = Watch(now_ms, tick.observed_at, watch.answered)
    assets = {**cycle.assets, tick.asset: watch}
    return _with(
        config, state, tick.cycle, CycleWatch(tick.cycle_size, now_ms, cycle.closed, assets)
    )


def on_score(config: Config, state: WatchdogState, score: EngineScore) -> WatchdogState:
    """Note an answer, or a missing record; scores between cycles pass."""
    if score.cycle is None:
        return state
    cycle = state.cycles.get(score.cycle, CycleWatch())
    watch = cycle.assets.get(score.asset, Watch())
    answered = watch.answered | 1 << ENGINE_INDEX[score.engine]
    if answered == watch.answered:
        return state
    assets = {**cycle.assets, score.asset: msgspec.structs.replace(watch, answered=answered)}
    return _with(config, state, score.cycle, msgspec.structs.replace(cycle, assets=assets))


def due(
    config: Config, state: WatchdogState, now_ms: int
) -> tuple[WatchdogState, tuple[Output, ...]]:
    """Return what is due at `now_ms`: missing records by cycle and asset, then grace records."""
    outputs: list[Output] = []
    cycles = {}
    for start in sorted(state.cycles):
        cycle = state.cycles[start]
        assets = dict(cycle.assets)
        for asset in sorted(assets):
            watch = assets[asset]
            if _overdue(watch, now_ms, config.grace_ms):
                outputs += _missing(config, start, cycle.size, asset, watch)
                assets[asset] = msgspec.structs.replace(watch, answered=ALL_ANSWERED)
        closed = cycle.closed
        last_ms = cycle.last_tick_ms
        if not closed and last_ms is not None and now_ms - last_ms >= 2 * config.grace_ms:
            closed = True
            grace = RankEntry("*", "grace", start, 0, "", "", "", 0.0, 0.0)
            outputs.append(Output(RANKING.name, "*", grace))
        cycles[start] = CycleWatch(cycle.size, last_ms, closed, assets)
    if not outputs:
        return state, ()
    return WatchdogState(cycles), tuple(outputs)


def _overdue(watch: Watch, now_ms: int, grace_ms: int) -> bool:
    seen_ms = watch.seen_ms
    return seen_ms is not None and watch.answered != ALL_ANSWERED and now_ms - seen_ms >= grace_ms


def _missing(config: Config, start: int, size: int, asset: str, watch: Watch) -> list[Output]:
    as_of = watch.observed_at
    text = f"no answer to the cycle within {config.grace_ms / 1000:g} s"
    return [
        Output(SCORES.name, asset, missing_score(asset, engine, start, size, as_of, text))
        for index, engine in enumerate(ENGINES)
        if not watch.answered >> index & 1
    ]


def missing_score(
    asset: str, engine: str, cycle: int, cycle_size: int, as_of: int, why: str
) -> EngineScore:
    """Return what stands in the scores for an engine that does not answer a cycle."""
    return EngineScore(
        asset=asset,
        engine=engine,
        status="missing",
        cycle=cycle,
        cycle_size=cycle_size,
        as_of=as_of,
        sequence=0,
        score=0.0,
        confidence=0.0,
        freshness=0.0,
        detail={"answer": why},
    )


def _with(config: Config, state: WatchdogState, start: int, cycle: CycleWatch) -> WatchdogState:
    cycles = {**state.cycles, start: cycle}
    for oldest in sorted(cycles)[: -config.max_cycles]:
        del cycles[oldest]
    return WatchdogState(cycles)
