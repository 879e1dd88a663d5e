"""What the engines themselves declare of their warm-up and memory, out of their configs."""

from __future__ import annotations

from math import ceil, log
from typing import Any

from schemas.times import DAY_MS, HOUR_MS
from streams.engines.base import Engine
from streams.lookahead.warmup import TOLERANCE


def memory_of(engine: Engine[Any, Any]) -> str:
    """Return a sentence for people; for an engine that is not known here it says so.

    A memory is the time, or the number of inputs, until what came before weighs less than
    TOLERANCE: twenty half-lives, or fourteen time constants.
    """
    say = _SENTENCES.get(engine.name)
    return "declares nothing" if say is None else say(engine.config)


def _technical(config: Any) -> str:
    from streams.engines.indicators import KEPT, WARM_AT

    # The slowest average is Wilder's of 30, which begins with the mean of the first 30 changes.
    settled = 31 + ceil(log(TOLERANCE) / log(1.0 - 1.0 / 30.0))
    return (
        f"speaks after {WARM_AT} candles of a timeframe; RSI30 forgets within {settled}, what "
        f"rules name besides is made of the last {KEPT}; a hole "
        f"lowers the confidence for {config.gap_memory_candles}, one as long ends the series"
    )


def _sentiment(config: Any) -> str:
    cycles = log(TOLERANCE) / log(1.0 - config.alpha)
    return (
        f"speaks at once; forgets headlines within {_half_lives(config.half_life_ms)}, its average "
        f"within {_span(cycles * config.cycle_ms)}, the social baselines within "
        f"{_half_lives(config.social.baseline_half_life_ms)}"
    )


def _fundamental(config: Any) -> str:
    return (
        f"speaks at once; a field counts for {_span(config.stale_ms)}; forgets baselines within "
        f"{_half_lives(config.baseline_half_life_ms)}"
    )


def _event_risk(config: Any) -> str:
    return (
        "speaks at once; knows a date since its announcement was last published, and forgets it "
        f"when it has passed; the calendar is live for {_span(config.stale_ms)} after a record"
    )


def _liquidity(config: Any) -> str:
    forgets_days = -log(TOLERANCE) * config.month_days
    return (
        "speaks with the first book, and forgets it with the next; compares volumes after "
        f"{_span(config.ratio_warm_days * DAY_MS)}, their trend after "
        f"{_span(config.trend_warm_days * DAY_MS)}; forgets volumes within "
        f"{_span(forgets_days * DAY_MS)}"
    )


def _half_lives(half_life_ms: float) -> str:
    return _span(-log(TOLERANCE, 2.0) * half_life_ms)


def _span(span_ms: float) -> str:
    """Return a time in days from two days on, else in hours."""
    if span_ms >= 2 * DAY_MS:
        return f"{ceil(span_ms / DAY_MS)} days"
    return f"{ceil(span_ms / HOUR_MS)} hours"


_SENTENCES = {
    "technical": _technical,
    "sentiment": _sentiment,
    "fundamental": _fundamental,
    "event_risk": _event_risk,
    "liquidity": _liquidity,
}
