"""The job that all three stream processors do in `stage_*`: a candle in, an EngineScore out.

Per asset an EMA of the close and a count. This module needs the repository's `schemas` only, so
that the peers' own environment can import it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas.codec import Codec
from schemas.market import Candle
from schemas.scores import EngineScore, InputPosition

ALPHA = 0.125
ENGINE = "technical"
INPUT_TOPIC = "market.candles"


class Ema(msgspec.Struct, frozen=True, gc=False):
    """State of one asset."""

    count: int = 0
    ema: float = 0.0


def moved(count: int, ema: float, close: float) -> tuple[int, float]:
    """Return count and EMA after one more close."""
    return count + 1, close if count == 0 else ema + ALPHA * (close - ema)


def deviation(ema: float, close: float) -> float:
    """Return how far the close lies from its EMA, as a score in [-1, 1]."""
    return max(-1.0, min(1.0, close / ema - 1.0))


def features(count: int, ema: float) -> dict[str, float]:
    """Return the state as the output's features, so that a check can follow every step of it."""
    return {"EMA": ema, "COUNT": float(count)}


def score_of(candle: Candle, count: int, ema: float, partition: int, offset: int) -> EngineScore:
    """Return what our stage publishes for this candle, field by field."""
    return EngineScore(
        asset=candle.asset,
        engine=ENGINE,
        status="ok",
        as_of=candle.observed_at,
        sequence=offset + 1,
        score=deviation(ema, candle.close),
        confidence=1.0,
        freshness=1.0,
        data_time=candle.observed_at,
        price_usd=candle.close,
        features=features(count, ema),
        inputs=(InputPosition(INPUT_TOPIC, partition, offset),),
    )


def candle(number: int, assets: int) -> Candle:
    """Return the n-th candle of the preloaded input; the price moves a little, never the same."""
    asset = f"A{number % assets:02d}"
    close = 100.0 + (number * 7919 % 1000) / 100.0
    closed_ms = 1_700_000_000_000 + number
    return Candle(
        asset=asset,
        event_time=closed_ms,
        observed_at=closed_ms,  # an open one would be refused
        source="benchmark",
        source_id=f"{asset}:{number}",
        exchange="benchmark",
        symbol=f"{asset}/USDT",
        timeframe="1h",
        open_time=closed_ms - 3_600_000,
        close_time=closed_ms,
        open=close,
        high=close + 1.0,
        low=close - 1.0,
        close=close,
        volume=2.0,
        closed=True,
    )


def problems(values: list[bytes], codec: Codec, events: int, assets: int) -> str | None:
    """Return what is wrong with a side's outputs, or None: every step of every state, once each."""
    if len(values) != events:
        return f"{len(values):,} outputs for {events:,} inputs"
    state: dict[str, tuple[int, float]] = {}
    wanted = set()
    for number in range(events):
        one = candle(number, assets)
        state[one.asset] = moved(*state.get(one.asset, (0, 0.0)), one.close)
        wanted.add((one.asset, *state[one.asset]))
    scores = [codec.decode(value) for value in values]
    found = {(s.asset, int(s.features["COUNT"]), s.features["EMA"]) for s in scores}
    missing = len(wanted - found)
    return f"{missing:,} of {events:,} outputs are wrong or missing" if missing else None


class Times(NamedTuple):
    """Seconds since the first event: on the wall, of the processor, and lost to other processes."""

    wall_s: float
    cpu_s: float
    lost_s: float


class Stopwatch:
    """Takes the time of this process from its first event on."""

    def __init__(self) -> None:
        self._start: _Clocks | None = None

    def first(self) -> None:
        """Call for every event; only the first one counts."""
        if self._start is None:
            self._start = _now()

    def read(self) -> Times:
        """Return the times so far.

        Lost is how long the main thread could have run while other processes had its core; what
        other threads of this process ran meanwhile is taken off. None on an idle machine.
        """
        if self._start is None:
            msg = "nothing was processed"
            raise RuntimeError(msg)
        wall, cpu, waited, main_cpu = (
            now - then for now, then in zip(_now(), self._start, strict=True)
        )
        return Times(wall, cpu, max(0.0, waited - max(0.0, cpu - main_cpu)))


class _Clocks(NamedTuple):
    wall: float
    cpu: float
    waited: float
    main_cpu: float


def _now() -> _Clocks:
    try:
        # Of the main thread: ns on a core, ns in the queue for one (Linux only).
        on_core, waited, _ = Path("/proc/self/schedstat").read_text("ascii").split()
    except OSError:
        on_core, waited = "0", "0"
    return _Clocks(time.perf_counter(), time.process_time(), int(waited) / 1e9, int(on_core) / 1e9)
