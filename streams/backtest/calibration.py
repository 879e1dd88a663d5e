"""Weights of fusion learned from what came after the engines' scores, by walk-forward. Pure.

At each moment the weights are learned from the outcomes known by then, and stand until the next:

    b = argmin over b >= 0:  (1 - s) |y - X b|^2 / n  +  s v |b - k w|^2
    weights = b / sum(b) * sum(w)        # over the engines whose scores vary in training

X      scores of the engines, 0 where one has none, less their mean in training
y      returns after the horizon, less their mean, scaled to the deviation of the fixed score X w
w      the fixed weights: the strategy's own, or SPEC's
k      0.05: what b would be of a fixed score with an information coefficient of 0.05
v      mean variance of the scores that vary; an engine that never spoke keeps its fixed weight
s      the shrinkage: 0 is least squares, 1 the fixed weights

Ridge regression (Hoerl and Kennard, 1970) towards w instead of 0, with weights that cannot be
negative, as SPEC asks; solved by coordinate descent. The thresholds are those that the calibrated
score passes as often in training as the fixed score passes the strategy's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import msgspec
import numpy as np

from schemas.control import Strategy, effective_weights
from schemas.engines import ENGINES
from schemas.outcomes import Outcome
from schemas.times import DAY_MS
from streams.backtest.samples import Sample
from streams.outcomes.outcome_statistics import OutcomeStatistics, statistics

LEAST = 100
"""Outcomes from which on weights are learned; before that the fixed ones stand."""
_USEFUL_IC = 0.05
_ROUNDS = 200
_DIGITS = 4
FIXED, CALIBRATED = "fixed", "calibrated"

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class CalibrationError(ValueError):
    """What cannot be calibrated; the text says why and what to do."""


class Learned(msgspec.Struct, frozen=True):
    """Weights and thresholds from a moment on, learned from `outcomes` known by then."""

    valid_from_ms: int
    outcomes: int
    weights: dict[str, float]
    buy_threshold: float
    sell_threshold: float


class OutOfSample(msgspec.Struct, frozen=True):
    """What a way of weighing was worth on days that it had not learned from.

    buys                 scores at or above the buy threshold, with a return
    return_after_buy_pct mean return after them over the horizon, before costs; None without any
    """

    statistics: OutcomeStatistics | None
    buys: int
    return_after_buy_pct: float | None


class Calibration(msgspec.Struct, frozen=True):
    """Versions of a strategy, the oldest first, and both ways of weighing on the days after."""

    horizon: str
    train_days: int
    step_days: int
    shrinkage: float
    versions: tuple[Learned, ...]
    fixed: OutOfSample
    calibrated: OutOfSample

    @property
    def verdict(self) -> str:
        """Say in a sentence whether calibration was better out of sample."""
        one, other = self.calibrated.statistics, self.fixed.statistics
        if one is None or other is None or one.ic is None or other.ic is None:
            return "the information coefficients cannot be told: too few scores, or all alike"
        said = (
            f"information coefficient out of sample {one.ic:+.3f} +- {one.ic_error or 0.0:.3f} "
            f"calibrated, {other.ic:+.3f} +- {other.ic_error or 0.0:.3f} fixed: "
        )
        if one.is_too_few:
            return f"{said}too few to say anything"
        difference, error = one.ic - other.ic, max(one.ic_error or 0.0, other.ic_error or 0.0)
        word = "better" if difference > 0.0 else "worse" if difference < 0.0 else "the same"
        weak = (
            "" if not 0.0 < abs(difference) <= 2.0 * error else ", by less than two standard errors"
        )
        return f"{said}calibration is {word}{weak}"


def learned(
    known: Sequence[Sample], strategy: Strategy, at_ms: int, train_days: int, shrinkage: float
) -> Learned:
    """Return the weights that stand from a moment on.

    Only outcomes known by then count, of the last `train_days`; the fixed weights where they are
    fewer than `LEAST`, or where no engine's scores went with the returns.
    """
    chosen = [
        one
        for one in known
        if one.known_at_ms <= at_ms and one.at_ms >= at_ms - train_days * DAY_MS
    ]
    fixed = np.array(list(effective_weights(strategy).values()))
    fallback = Learned(
        *(at_ms, len(chosen), dict(effective_weights(strategy))),
        *(strategy.buy_threshold, strategy.sell_threshold),
    )
    if len(chosen) < LEAST or not fixed.sum() > 0.0:
        return fallback
    values = np.array([one.values for one in chosen])
    returns = np.array([one.return_pct for one in chosen])
    weights = _rounded(_weights(values, returns, fixed, shrinkage))
    if weights is None:
        return fallback
    before, after = values @ fixed, values @ weights
    buy = _same_share(before, after, strategy.buy_threshold)
    sell = _same_share(-before, -after, -strategy.sell_threshold)
    if -sell >= buy:
        return fallback
    named = dict(zip(ENGINES, map(float, weights), strict=True))
    return Learned(at_ms, len(chosen), named, buy, -sell)


def _weights(values: Floats, returns: Floats, fixed: Floats, shrinkage: float) -> Floats | None:
    """Return the weights of the formula; None where nothing can be learned."""
    x, y = values - values.mean(axis=0), returns - returns.mean()
    deviation = float((x @ fixed).std())
    if not y.std() > 0.0 or not deviation > 0.0:
        return None
    y = y * (deviation / y.std())
    gram, with_y = x.T @ x / len(x), x.T @ y / len(x)
    varies = gram.diagonal() > 0.0
    penalty = shrinkage * float(gram.diagonal()[varies].mean())
    prior = _USEFUL_IC * fixed
    found = prior.copy()
    for _ in range(_ROUNDS):
        for index in range(len(found)):
            curvature = (1.0 - shrinkage) * gram[index, index] + penalty
            if not curvature > 0.0:
                continue
            others = gram[index] @ found - gram[index, index] * found[index]
            pull = (1.0 - shrinkage) * (with_y[index] - others) + penalty * prior[index]
            found[index] = max(0.0, float(pull) / curvature)
    total = float(found[varies].sum())
    if not total > 0.0 or not isfinite(total):
        return None
    return np.where(varies, found * (fixed[varies].sum() / total), fixed)


def _rounded(weights: Floats | None) -> Floats | None:
    """Return weights as people read them, of the same sum: the largest takes the rest."""
    if weights is None:
        return None
    short = np.round(weights, _DIGITS)
    largest = int(short.argmax())
    short[largest] = np.round(short[largest] + weights.sum() - short.sum(), _DIGITS)
    return short


def _same_share(before: Floats, after: Floats, threshold: float) -> float:
    """Return what as many of `after` reach as of `before` reach the threshold.

    The threshold itself where none or all do, for nothing can be learned of it then.
    """
    reached = int((before >= threshold).sum())
    if not 0 < reached < len(before):
        return threshold
    value = float(np.sort(after)[len(after) - reached])
    return min(max(round(value, _DIGITS), -1.0), 1.0)


def calibrate(
    known: Sequence[Sample],
    strategy: Strategy,
    *,
    horizon: str,
    train_days: int,
    step_days: int,
    shrinkage: float,
) -> Calibration:
    """Learn weights every `step_days` after the first training; compare on the days after each.

    `shrinkage` is 0 to 1. Raises CalibrationError where the samples do not reach beyond a training.
    """
    if strategy.assets:
        known = [one for one in known if one.asset in strategy.assets]
    known = sorted(known)
    first = known[0].at_ms + train_days * DAY_MS if known else 0
    if not known or known[-1].at_ms < first:
        have = (known[-1].at_ms - known[0].at_ms) // DAY_MS if known else 0
        msg = (
            f"there are outcomes of {have} days, and a training takes {train_days}: read a longer "
            "span, or train on fewer days"
        )
        raise CalibrationError(msg)
    step_ms = step_days * DAY_MS
    moments = range(first, known[-1].at_ms + 1, step_ms)
    versions = tuple(learned(known, strategy, at, train_days, shrinkage) for at in moments)
    same = Learned(
        *(first, 0, dict(effective_weights(strategy))),
        *(strategy.buy_threshold, strategy.sell_threshold),
    )
    after = [one for one in known if one.at_ms >= first]
    ruling = [versions[(one.at_ms - first) // step_ms] for one in after]
    return Calibration(
        *(horizon, train_days, step_days, shrinkage, versions),
        _out_of_sample(FIXED, after, [same] * len(after), horizon),
        _out_of_sample(CALIBRATED, after, ruling, horizon),
    )


def _out_of_sample(
    name: str, after: Sequence[Sample], ruling: Sequence[Learned], horizon: str
) -> OutOfSample:
    outcomes, bought = [], []
    for one, by in zip(after, ruling, strict=True):
        score = sum(
            value * weight for value, weight in zip(one.values, by.weights.values(), strict=True)
        )
        if score >= by.buy_threshold:
            bought.append(one.return_pct)
        outcomes.append(
            Outcome(
                outcome_id="",
                kind="signal",
                asset=one.asset,
                strategy_id=name,
                scored_at=one.at_ms,
                cycle=one.at_ms,
                horizon=horizon,
                score=score,
                confidence=0.0,
                return_pct=one.return_pct,
                as_of=one.known_at_ms,
            )
        )
    found = statistics(outcomes)
    mean = sum(bought) / len(bought) if bought else None
    return OutOfSample(found[0] if found else None, len(bought), mean)


def version_of(strategy: Strategy, by: Learned) -> Strategy:
    """Return the strategy with the learned weights and thresholds."""
    return msgspec.structs.replace(
        strategy,
        weights=by.weights,
        buy_threshold=by.buy_threshold,
        sell_threshold=by.sell_threshold,
    )
