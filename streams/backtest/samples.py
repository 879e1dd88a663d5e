"""What calibration learns from: the scores of a tick, and what the price did after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.engines import ENGINES
from schemas.outcomes import HORIZON_MS
from schemas.scores import EngineScore
from schemas.times import HOUR_MS


class Sample(NamedTuple):
    """The engines' scores of an asset at a moment, and what came after.

    known_at_ms  when the later price was seen; before that the return does not exist
    values       in the order of `ENGINES`, 0 where an engine counts not
    """

    at_ms: int
    asset: str
    known_at_ms: int
    values: tuple[float, ...]
    return_pct: float


def samples(scores: Iterable[EngineScore], horizon: str) -> list[Sample]:
    """Return the samples of scores in the order of their log: of ticks an hour or more apart.

    The return is up to the first tick at or after the horizon. A tick without a price makes none.
    """
    ticks: dict[tuple[str, int], dict[str, EngineScore]] = {}
    for one in scores:
        if one.cycle is not None:
            ticks.setdefault((one.asset, one.cycle), {})[one.engine] = one
    horizon_ms = HORIZON_MS[horizon]
    found = []
    for asset in sorted({asset for asset, _ in ticks}):
        times = sorted(at_ms for one, at_ms in ticks if one == asset)
        prices = [_price(ticks[asset, at_ms]) for at_ms in times]
        later, last_ms = 0, -HOUR_MS
        for at_ms, price in zip(times, prices, strict=True):
            while later < len(times) and times[later] < at_ms + horizon_ms:
                later += 1
            if later == len(times):
                break
            after = prices[later]
            if price is None or after is None or at_ms - last_ms < HOUR_MS:
                continue
            last_ms = at_ms
            values = tuple(_value(ticks[asset, at_ms].get(engine)) for engine in ENGINES)
            found.append(Sample(at_ms, asset, times[later], values, (after / price - 1.0) * 100.0))
    return sorted(found)


def _price(of_tick: Mapping[str, EngineScore]) -> float | None:
    one = of_tick.get("technical")
    return None if one is None else one.price_usd


def _value(score: EngineScore | None) -> float:
    counts = score is not None and score.status == "ok" and score.freshness > 0.0
    return score.score if score is not None and counts else 0.0
