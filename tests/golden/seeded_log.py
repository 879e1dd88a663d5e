"""A small seeded market: what five engines say of four assets in three cycles, and what users do.

Made in code, so that it can be read. Some engines never answer, some scores are stale, come twice
or out of order, a strategy is new in the second cycle, and one lists an asset that never trends.

The five engines are named here. Any further one answers every tick first, with nothing, and no
strategy gives it a weight: a cycle is complete, and the story stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

from schemas.control import SignalRequest, Strategy
from schemas.engines import ENGINES as ALL_ENGINES
from schemas.market import TrendingAsset
from schemas.scores import EngineScore
from schemas.signals import Decision
from streams.fusion.watchdog import Config, WatchdogState, due, on_decisions, on_score, on_tick

SEED = 20_240_801
ASSETS = ("BTC", "ETH", "SOL", "USDC")
T0 = 1_722_470_400_000
CYCLE_MS = 600_000
CYCLES = tuple(T0 + number * CYCLE_MS for number in range(3))
GRACE_MS = Config().grace_ms
ENGINES = ("sentiment", "technical", "fundamental", "event_risk", "liquidity")
FURTHER = tuple(engine for engine in ALL_ENGINES if engine not in ENGINES)
_NO_WEIGHT = dict.fromkeys(FURTHER, 0.0)
_PRICES_USD = {"BTC": 64_500.0, "ETH": 3_200.0, "SOL": 170.0, "USDC": 1.0}

BALANCED = Strategy(
    strategy_id="balanced",
    owner="admin",
    name="Balanced",
    weights=dict(zip(ENGINES, (0.35, 0.25, 0.15, 0.15, 0.10), strict=True)) | _NO_WEIGHT,
)
CAUTIOUS = Strategy(
    strategy_id="cautious",
    owner="user",
    user_id="u1",
    name="Cautious",
    assets=("BTC", "ETH", "DOGE"),
    weights=dict(zip(ENGINES, (0.1, 0.25, 0.15, 0.4, 0.1), strict=True)) | _NO_WEIGHT,
    buy_threshold=0.2,
    stop_loss_atr=4.0,
    take_profit_pct=12.0,
    kelly=True,
)
VERSIONS: tuple[dict[str, tuple[Strategy, int]], ...] = (
    {"balanced": (BALANCED, 0)},
    {"balanced": (BALANCED, 0), "cautious": (CAUTIOUS, 1)},
    {"balanced": (BALANCED, 0), "cautious": (CAUTIOUS, 1)},
)
"""Strategies and their offsets by cycle: `cautious` is new in the second."""


class CycleOver(NamedTuple):
    """The moment when the watchdog ends a cycle for the strategies that still wait."""

    cycle: int

    def ends(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Return what it writes, given all decisions so far."""
        watch = on_decisions(Config(), WatchdogState(), decisions, self.cycle)
        outputs = due(Config(), watch, self.cycle + 2 * GRACE_MS)[1]
        ended: list[Any] = [one.event for one in outputs]
        return [one for one in ended if one.cycle == self.cycle]


def make_log() -> list[tuple[int, Any]]:
    """Return (cycle number, event) in the order of the log; CycleOver stands for ends of cycles."""
    rng = Random(SEED)
    log: list[tuple[int, Any]] = []
    sequence = 0
    watch = WatchdogState()
    for number, cycle in enumerate(CYCLES):
        for asset in ASSETS:
            watch = on_tick(Config(), watch, _tick(asset, cycle), cycle)
            for engine in FURTHER:
                nothing = _nothing(asset, engine, cycle)
                watch = on_score(Config(), watch, nothing)
                log.append((number, nothing))
            for engine in rng.sample(ENGINES, len(ENGINES)):
                sequence += 1
                score = _score(rng, asset, engine, cycle, cycle, sequence)
                if rng.random() < 0.1:
                    continue  # this engine never answers; the watchdog will say so
                watch = on_score(Config(), watch, score)
                log.append((number, score))
        watch, outputs = due(Config(), watch, cycle + GRACE_MS)
        log += [(number, one.event) for one in outputs]
        log.append((number, CycleOver(cycle)))
        for _ in range(12):
            sequence += 1
            asset, engine = rng.choice(ASSETS), rng.choice(ENGINES)
            as_of = cycle + rng.randrange(GRACE_MS, CYCLE_MS)
            log.append((number, _score(rng, asset, engine, None, as_of, sequence)))
        log.append((number, log[-1][1]))  # the last one comes twice
        asked_at = cycle + CYCLE_MS - 1
        log.append((number, SignalRequest(f"r{number}", "ETH", "balanced", asked_at)))
    return log


def _score(
    rng: Random, asset: str, engine: str, cycle: int | None, as_of: int, sequence: int
) -> EngineScore:
    low = 0.0 if engine in {"fundamental", "liquidity"} else -1.0
    stale = rng.random() < 0.08
    price_usd = round(_PRICES_USD[asset] * rng.uniform(0.98, 1.02), 4)
    return EngineScore(
        asset=asset,
        engine=engine,
        status="ok",
        cycle=cycle,
        cycle_size=0 if cycle is None else len(ASSETS),
        as_of=as_of,
        sequence=sequence,
        score=round(rng.uniform(low, 1.0), 3),
        confidence=round(rng.random(), 3),
        freshness=0.0 if stale else round(rng.uniform(0.5, 1.0), 3),
        data_time=as_of - rng.randrange(60_000),
        price_usd=price_usd if engine in {"technical", "liquidity", "sentiment"} else None,
        features={"ATR14@1h": round(price_usd * 0.02, 4)} if engine == "technical" else {},
        detail={"model": "lexicon only"} if engine == "sentiment" and stale else {},
    )


def _nothing(asset: str, engine: str, cycle: int) -> EngineScore:
    return EngineScore(
        asset=asset,
        engine=engine,
        status="ok",
        cycle=cycle,
        cycle_size=len(ASSETS),
        as_of=cycle,
        sequence=cycle,
        score=0.0,
        confidence=0.0,
        freshness=1.0,
    )


def _tick(asset: str, cycle: int) -> TrendingAsset:
    return TrendingAsset(
        asset=asset,
        event_time=cycle,
        observed_at=cycle,
        source="golden",
        source_id=f"{asset}-{cycle}",
        cycle=cycle,
        cycle_size=len(ASSETS),
        rank=ASSETS.index(asset) + 1,
        name=asset,
        price_usd=_PRICES_USD[asset],
        volume_24h_usd=1e9,
    )
