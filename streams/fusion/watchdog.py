"""The cycle's watchdog: who has not answered a tick in time, and when a cycle's wait is over.

A decision that needs the wall clock is taken at the edge and written to the log as an event. The
edge reads market.trending, engine.scores and signals.decisions and passes in `now_ms`; what is due
is decided here.

* `grace_ms` after a tick was seen, each engine that has not answered it is written into
  engine.scores as missing, once.
* Twice `grace_ms` after the cycle's last tick, or after a strategy's last decision where that came
  later, a strategy that still lacks decisions of the cycle gets a cycle_end in signals.decisions.

Several watchdogs, or one that reads a stretch of the log again, do no harm: a missing record in the
log counts as an answer here and a cycle_end as the end; fusion and the confidence agent ignore what
they know already. At most `max_cycles` cycles are remembered, the newest; one that is pushed out
gets no cycle_end, but the strategy's next one closes it too. Of each cycle and strategy no more is
kept than a bit for each asset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from schemas.engines import ENGINES
from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import Decision
from schemas.topics import DECISIONS, SCORES
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


class StrategyWatch(msgspec.Struct, frozen=True, gc=False):
    """One strategy in one cycle, of which decisions were seen.

    expected  decisions that the cycle has for it; 0: its end was seen
    received  bit i: the decision of the cycle's asset number i was seen
    seen_ms   when the edge saw the last of them (wall clock)
    as_of     the newest of them: event time of the cycle_end
    """

    expected: int = 0
    received: int = 0
    seen_ms: int = 0
    as_of: int = 0

    def is_open(self) -> bool:
        """Return whether there are decisions to wait for."""
        return self.received.bit_count() < self.expected


class CycleWatch(msgspec.Struct, frozen=True, gc=False):
    """A cycle: its size, when its last tick was seen (None: none yet), its assets and strategies.

    `numbers` are those of the assets in the strategies' bits.
    """

    size: int = 0
    last_tick_ms: int | None = None
    assets: dict[str, Watch] = {}
    numbers: dict[str, int] = {}
    strategies: dict[str, StrategyWatch] = {}


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
    after = msgspec.structs.replace(cycle, size=tick.cycle_size, last_tick_ms=now_ms, assets=assets)
    return _with(config, state, tick.cycle, after)


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


def on_decisions(
    config: Config, state: WatchdogState, decisions: Iterable[Decision], now_ms: int
) -> WatchdogState:
    """Note decisions of cycles, and ends of cycles, that the edge saw at `now_ms`."""
    by_cycle: dict[int, list[Decision]] = {}
    for one in decisions:
        if one.cycle is not None and one.kind in ("decision", "cycle_end"):
            by_cycle.setdefault(one.cycle, []).append(one)
    for start, several in by_cycle.items():
        cycle = state.cycles.get(start, CycleWatch())
        numbers, strategies = dict(cycle.numbers), dict(cycle.strategies)
        for one in several:
            before = strategies.get(one.strategy_id, StrategyWatch())
            if one.kind == "cycle_end":
                strategies[one.strategy_id] = StrategyWatch()
                continue
            received = before.received | 1 << numbers.setdefault(one.asset, len(numbers))
            if received != before.received:
                strategies[one.strategy_id] = StrategyWatch(
                    max(before.expected, one.cycle_size),
                    received,
                    now_ms,
                    max(before.as_of, one.as_of),
                )
        after = msgspec.structs.replace(cycle, numbers=numbers, strategies=strategies)
        state = _with(config, state, start, after)
    return state


def is_waiting(state: WatchdogState) -> bool:
    """Return whether an answer to a tick, or a decision of a cycle, is still to come."""
    return any(
        any(one.seen_ms is not None and one.answered != ALL_ANSWERED for one in assets.values())
        or any(one.is_open() for one in strategies.values())
        for assets, strategies in ((one.assets, one.strategies) for one in state.cycles.values())
    )


def due(
    config: Config, state: WatchdogState, now_ms: int
) -> tuple[WatchdogState, tuple[Output, ...]]:
    """Return what is due at `now_ms`: by cycle the missing records by asset, then the ends."""
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
        strategies = dict(cycle.strategies)
        silent_ms = now_ms - 2 * config.grace_ms
        if cycle.last_tick_ms is None or cycle.last_tick_ms <= silent_ms:
            for strategy_id in sorted(strategies):
                one = strategies[strategy_id]
                if one.is_open() and one.seen_ms <= silent_ms:
                    end = cycle_end(strategy_id, start, one.as_of)
                    outputs.append(Output(DECISIONS.name, strategy_id, end))
                    strategies[strategy_id] = StrategyWatch()
        cycles[start] = msgspec.structs.replace(cycle, assets=assets, strategies=strategies)
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


def cycle_end(strategy_id: str, cycle: int, as_of: int) -> Decision:
    """Return what ends the wait for a strategy's decisions of a cycle, whoever writes it."""
    named = blake2b(f"{strategy_id}|cycle_end|{cycle}".encode(), digest_size=16).hexdigest()
    return Decision(
        decision_id=named, strategy_id=strategy_id, kind="cycle_end", as_of=as_of, cycle=cycle
    )


def _with(config: Config, state: WatchdogState, start: int, cycle: CycleWatch) -> WatchdogState:
    cycles = {**state.cycles, start: cycle}
    for oldest in sorted(cycles)[: -config.max_cycles]:
        del cycles[oldest]
    return WatchdogState(cycles)
