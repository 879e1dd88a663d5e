"""Do scores foretell anything: statistics of outcomes, per engine and strategy and horizon.

All of it is over the outcomes with a return, r in percent, score s, confidence c:

* **information coefficient**: correlation of the ranks of s and r (Spearman), ties at their mean.
* **hit rate**: share of s * r > 0 where s is not 0; beside it what "always up" would have had, the
  share of r > 0 among the same.
* **Brier score**: mean of (c - hit)^2, c being read as the probability that the direction is right;
  0.25 is what a coin with c = 0.5 gets. Beside it h * (1 - h) of the hit rate h, of who knew that.
* **standard errors** know that neighbouring returns overlap, and that assets move together: what
  is averaged is summed by moment, and the variance of the sum is that of Newey and West (1987),
  weights 1 - lag / (L + 1), up to two horizons. For the coefficient the average is
  its influence function u * v - ic * (u^2 + v^2) / 2 of the standardised ranks u and v.
* **n_effective**: windows of one horizon and asset with an outcome: those overlap no more. Below
  30 of them the numbers say nothing, which `is_too_few` tells; they stand there all the same.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np

from schemas.outcomes import HORIZON_MS, Outcome

ENOUGH = 30
"""Effective outcomes from which on a number says something."""
BUCKETS = 5
_BINS = 10
_STEPS = 24  # moments in a horizon that the standard error tells apart
_MOST_MOMENTS = 2_000_000
_KINDS = ("score", "signal")

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class Bucket(msgspec.Struct, frozen=True):
    """A fifth of the outcomes by score, the lowest first; equal scores stay together."""

    n: int
    lowest_score: float
    highest_score: float
    mean_return_pct: float


class CalibrationBin(msgspec.Struct, frozen=True):
    """Outcomes with a direction whose confidence is from `low` to below `high` (the last: 1)."""

    low: float
    high: float
    n: int
    mean_confidence: float
    hit_rate_pct: float


class OutcomeStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What one engine's scores, or one strategy's signals, were worth after one horizon.

    kind, name    score and the engine, or signal and the strategy
    from_ms, until_ms   the first and last scored_at with a return; 0 where there is none
    n             outcomes with a return; `without_return` others, no price having come
    n_effective   windows that do not overlap; below 30 `is_too_few`
    n_directional outcomes whose score is not 0: those have a direction, a hit rate, a Brier score
    mean_return_pct   what the asset did on average after any of them
    hit_rate_pct, base_rate_pct   of the direction, and of "always up" on the same; `_error_pct` is
                  the standard error of the first
    ic, ic_error  information coefficient and its standard error; None where scores or returns are
                  all equal, or fewer than 3
    brier, brier_base   see the module
    """

    kind: str
    name: str
    horizon: str
    from_ms: int
    until_ms: int
    n: int
    without_return: int
    n_effective: int
    is_too_few: bool
    n_directional: int
    mean_return_pct: float | None = None
    hit_rate_pct: float | None = None
    hit_rate_error_pct: float | None = None
    base_rate_pct: float | None = None
    ic: float | None = None
    ic_error: float | None = None
    brier: float | None = None
    brier_base: float | None = None
    buckets: tuple[Bucket, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()


class _Columns:
    """The outcomes of one engine or strategy and horizon, 36 bytes each."""

    __slots__ = ("assets", "confidence", "names", "returns", "scores", "times", "without")

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.assets = array("i")
        self.times = array("q")
        self.scores, self.confidence, self.returns = array("d"), array("d"), array("d")
        self.without = 0


class OutcomeTable:
    """Takes outcomes in any order, each as often as it comes, and counts it once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], _Columns] = {}
        self._without: dict[tuple[str, str, str], set[tuple[str, int]]] = {}

    def add(self, one: Outcome) -> None:
        """Take an outcome."""
        key = (one.kind, one.engine or one.strategy_id, one.horizon)
        columns = self._found.get(key)
        if columns is None:
            columns = self._found[key] = _Columns()
        if one.return_pct is None:
            self._without.setdefault(key, set()).add((one.asset, one.scored_at))
            return
        columns.assets.append(columns.names.setdefault(one.asset, len(columns.names)))
        columns.times.append(one.scored_at)
        columns.scores.append(one.score)
        columns.confidence.append(one.confidence)
        columns.returns.append(one.return_pct)

    def statistics(self) -> tuple[OutcomeStatistics, ...]:
        """Return the statistics: engines before strategies, by name, the shortest horizon first."""
        order = list(HORIZON_MS)
        keys = sorted(
            self._found, key=lambda one: (_KINDS.index(one[0]), one[1], order.index(one[2]))
        )
        return tuple(
            _statistics(key, self._found[key], len(self._without.get(key, ()))) for key in keys
        )


def statistics(outcomes: Iterable[Outcome]) -> tuple[OutcomeStatistics, ...]:
    """Return the statistics of outcomes; a repeated one counts once (see `OutcomeTable`)."""
    table = OutcomeTable()
    for one in outcomes:
        table.add(one)
    return table.statistics()


def _statistics(key: tuple[str, str, str], columns: _Columns, without: int) -> OutcomeStatistics:
    kind, name, horizon = key
    horizon_ms = HORIZON_MS[horizon]
    places = np.stack([np.asarray(columns.times), np.asarray(columns.assets, np.int64)], axis=1)
    places, chosen = np.unique(places, axis=0, return_index=True)
    times = places[:, 0]
    scores, confidence, returns = (
        np.asarray(one)[chosen] for one in (columns.scores, columns.confidence, columns.returns)
    )
    n = len(times)
    windows = Counter(zip((times // horizon_ms).tolist(), places[:, 1].tolist(), strict=True))
    common = OutcomeStatistics(
        kind=kind,
        name=name,
        horizon=horizon,
        from_ms=int(times[0]) if n else 0,
        until_ms=int(times[-1]) if n else 0,
        n=n,
        without_return=without,
        n_effective=len(windows),
        is_too_few=len(windows) < ENOUGH,
        n_directional=int(np.count_nonzero(scores)),
    )
    if not n:
        return common
    ranks = _ranks(scores)
    ic, ic_error = _coefficient(ranks, _ranks(returns), times, horizon_ms)
    return msgspec.structs.replace(
        common,
        mean_return_pct=float(returns.mean()),
        ic=ic,
        ic_error=ic_error,
        buckets=_buckets(ranks, scores, returns),
        **_directions(times, scores, confidence, returns, horizon_ms),
    )


def _directions(
    times: Floats, scores: Floats, confidence: Floats, returns: Floats, horizon_ms: int
) -> dict[str, object]:
    """Return what is said of the outcomes whose score has a direction."""
    chosen = scores != 0.0
    if not chosen.any():
        return {}
    times, sure = times[chosen], confidence[chosen]
    hits = (scores[chosen] * returns[chosen] > 0.0).astype(np.float64)
    rate = float(hits.mean())
    error = _mean_error(hits - rate, times, horizon_ms)
    return {
        "hit_rate_pct": 100.0 * rate,
        "hit_rate_error_pct": 100.0 * error,
        "base_rate_pct": 100.0 * float((returns[chosen] > 0.0).mean()),
        "brier": float(((sure - hits) ** 2).mean()),
        "brier_base": rate * (1.0 - rate),
        "calibration": _calibration(sure, hits),
    }


def _ranks(values: Floats) -> Floats:
    """Return the ranks from 1 on; equal values have the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2.0)[inverse]


def _coefficient(
    left: Floats, right: Floats, times: Floats, horizon_ms: int
) -> tuple[float | None, float | None]:
    """Return the correlation of two rankings and its standard error."""
    if len(left) < 3 or np.ptp(left) == 0.0 or np.ptp(right) == 0.0:
        return None, None
    u, v = (left - left.mean()) / left.std(), (right - right.mean()) / right.std()
    ic = min(max(float((u * v).mean()), -1.0), 1.0)
    return ic, _mean_error(u * v - ic * (u * u + v * v) / 2.0, times, horizon_ms)


def _mean_error(deviations: Floats, times: Floats, horizon_ms: int) -> float:
    """Return the standard error of a mean from the deviations from it, by Newey and West."""
    first, span_ms = times.min(), int(np.ptp(times))
    step_ms = max(horizon_ms // _STEPS, span_ms // _MOST_MOMENTS, 1)
    sums = np.bincount((times - first) // step_ms, weights=deviations)
    lags = min(2 * -(-horizon_ms // step_ms), len(sums) - 1)
    variance = float(sums @ sums)
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1)) * float(sums[lag:] @ sums[:-lag])
    return float(np.sqrt(max(variance, 0.0))) / len(deviations)


def _buckets(ranks: Floats, scores: Floats, returns: Floats) -> tuple[Bucket, ...]:
    """Return the fifths by score that hold any; equal scores are in the one of their mean rank."""
    places = ((ranks - 0.5) * BUCKETS / len(ranks)).astype(np.int64)
    found = []
    for number in range(BUCKETS):
        chosen = places == number
        if chosen.any():
            held = scores[chosen]
            mean = float(returns[chosen].mean())
            found.append(Bucket(len(held), float(held.min()), float(held.max()), mean))
    return tuple(found)


def _calibration(confidence: Floats, hits: Floats) -> tuple[CalibrationBin, ...]:
    places = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    found = []
    for number in range(_BINS):
        chosen = places == number
        if chosen.any():
            found.append(
                CalibrationBin(
                    number / _BINS,
                    (number + 1) / _BINS,
                    int(chosen.sum()),
                    float(confidence[chosen].mean()),
                    100.0 * float(hits[chosen].mean()),
                )
            )
    return tuple(found)
