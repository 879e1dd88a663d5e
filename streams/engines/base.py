"""A scoring engine: a config, a state, and three pure functions.

    initial(config)                       -> state       nothing seen yet
    update(config, state, event, offset)  -> state       one market event or tick, in log order
    read(config, state, now)              -> EngineReading   its score at `now`

An engine that computes what rules name has a fourth one, called after each update:

    want(config, state, wanted, event)    -> state       with the features in `wanted`, no others

Rules that the property tests hold every engine to:

* State and config are frozen; `update` returns a new state, or the very same object when the event
  changes nothing (a repetition, a late record, an open candle).
* `now` and all times are `observed_at` in ms. No wall clock, no randomness, no iteration over sets.
* State is a `msgspec.Struct` that survives `msgspec.msgpack` encode and decode in mid-stream
  without changing any later reading: it is what a crashed worker comes back with.
* `read` is a function of what was observed up to `now`; what came after cannot matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from streams.engines.wanted import Wanted

C = TypeVar("C")
S = TypeVar("S", bound=msgspec.Struct)


class EngineReading(msgspec.Struct, frozen=True, gc=False):
    """The score of one engine and asset at one moment, and what it rests on.

    score       -1 to 1; 0 to 1 for fundamental and liquidity
    confidence  0 to 1; 0 while warming up or without any data
    freshness   1 while the data is as young as its cadence promises, falling to 0 when stale
    data_time   observed_at of the newest market record behind it in ms, None without any
    price_usd   the last price that this engine saw, None if it sees none
    features    values that rules may use by name, for example RSI14@4h
    evidence    offsets in the engine's market topic of the records behind it, newest last
    detail      what degrades it, for people; keys are stable words
    daily_returns, returns_until   of technical, as in EngineScore
    price_at    when `price_usd` was the price, ms; None: not known
    """

    score: float
    confidence: float
    freshness: float
    data_time: int | None = None
    price_usd: float | None = None
    features: dict[str, float] = {}
    evidence: tuple[int, ...] = ()
    detail: dict[str, str] = {}
    daily_returns: tuple[float, ...] = ()
    returns_until: int | None = None
    price_at: int | None = None


@dataclass(frozen=True, slots=True)
class Engine(Generic[C, S]):
    """One scoring engine, bound to its config.

    `topic` is its market topic; the ticks (market.trending) come to every engine.
    Between ticks it emits a score when that moved by at least `min_change`.
    """

    name: str
    topic: str
    config: C
    state_type: type[S]
    initial: Callable[[C], S]
    update: Callable[[C, S, Any, int], S]
    read: Callable[[C, S, int], EngineReading]
    min_change: float = 0.01
    want: Callable[[C, S, Wanted, Any], S] | None = None


def freshness(age_ms: float | None, fresh_ms: float, stale_ms: float) -> float:
    """Return 1 up to an age of `fresh_ms`, falling in a line to 0 at `stale_ms`; None is 0."""
    if age_ms is None or age_ms >= stale_ms:
        return 0.0
    if age_ms <= fresh_ms:
        return 1.0
    return (stale_ms - age_ms) / (stale_ms - fresh_ms)


def clamp(value: float, low: float = -1.0, high: float = 1.0) -> float:
    """Return `value`, held within `low` and `high`."""
    return low if value < low else high if value > high else value
