"""Walk-forward: chosen on one span, judged on the next; and how much of the choice was luck. Pure.

Every trial runs once over the whole span, as it would have live; a window looks at the daily
returns of its own days. A choice of a window sees nothing after its last training day.

overfit     Bailey, Borwein, Lopez de Prado and Zhu, "The probability of backtest overfitting"
            (2015): the span in an even number of blocks of days; for each half of them, the trial
            that is best there; the share of halves in which it is in the worse half of the trials
            on the other blocks (CSCV). By Sharpe, ties by mean rank.
correlation Spearman's, of the trials in and out of sample, ties by mean rank
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import isfinite

import msgspec
import numpy as np

from schemas.text import moment
from schemas.times import DAY_MS

BLOCKS = 10
"""Of days for `overfit_probability`: 252 halves. Fewer where there are not two days for each."""
_LEAST_BLOCKS = 4


class WindowError(ValueError):
    """Windows that do not fit into a span; the text says why and what to do."""


class Window(msgspec.Struct, frozen=True):
    """A span to choose on and the one after it, in ms at UTC midnights; ends are not included."""

    train_from_ms: int
    test_from_ms: int
    test_until_ms: int


class WindowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a window's choice came to.

    trials        how many had a metric in sample, `judged` out of it
    in_sample, out_of_sample   the metric of the chosen trial; None where it has none
    median_out    of all trials out of sample; what a choice by chance may expect
    rank_out      place of the chosen one out of sample, 1 the best; ties take the mean
    correlation   of the trials' metric in and out of sample; None: too few, or all alike
    """

    window: Window
    chosen: dict[str, str]
    key: str
    trials: int
    judged: int
    in_sample: float | None
    out_of_sample: float | None
    median_out: float | None
    rank_out: float | None
    correlation: float | None


def windows(
    from_ms: int, until_ms: int, count: int, train_days: int | None, test_days: int | None
) -> tuple[Window, ...]:
    """Return windows that end with the span, each a test's length after the one before.

    Without days of training and test, the span is divided so that a training is twice as long as a
    test. Raises WindowError where they do not fit.
    """
    first, last = -(-from_ms // DAY_MS), until_ms // DAY_MS
    days = last - first
    if test_days is None:
        test_days = days // (count + 2) if train_days is None else (days - train_days) // count
    if train_days is None:
        train_days = days - count * test_days
    needed = train_days + count * test_days
    if test_days < 1 or train_days < 1 or needed > days:
        msg = (
            f"{count} windows of {train_days} days of training and {test_days} of test need "
            f"{needed} whole UTC days; the span has {days}"
        )
        raise WindowError(msg)
    found = []
    for number in range(count):
        test = last - (count - number) * test_days
        places = (test - train_days, test, test + test_days)
        found.append(Window(*(place * DAY_MS for place in places)))
    return tuple(found)


def between(
    returns: Sequence[float], first_day_ms: int, from_ms: int, until_ms: int
) -> tuple[float, ...]:
    """Return the daily returns of the days in a span; the first of all is of `first_day_ms`."""
    start = max((from_ms - first_day_ms) // DAY_MS, 0)
    return tuple(returns[start : max((until_ms - first_day_ms) // DAY_MS, 0)])


def best_of(values: Sequence[float | None]) -> int | None:
    """Return the place of the largest value, the first of equals; None where there is none."""
    known = [(-value, place) for place, value in enumerate(values) if value is not None]
    return min(known)[1] if known else None


def rank_correlation(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Return Spearman's correlation; None for fewer than 3 pairs, or where a side is constant."""
    if len(left) < 3:
        return None
    one, other = ranks(left), ranks(right)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0.0 else None


def ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the rank of each value, 1 the least; equals share the mean of their ranks."""
    found = np.asarray(values, dtype=float)
    ordered = np.sort(found)
    below, upto = np.searchsorted(ordered, found), np.searchsorted(ordered, found, side="right")
    return (below + upto + 1) / 2.0


def window_result(
    window: Window,
    choices: Sequence[dict[str, str]],
    keys: Sequence[str],
    in_sample: Sequence[float | None],
    out_of_sample: Sequence[float | None],
) -> WindowResult | None:
    """Return what came of choosing the trial that is best in sample; None where none has a metric.

    All sequences are of the same trials in the same order.
    """
    place = best_of(in_sample)
    if place is None:
        return None
    both = [
        (one, other)
        for one, other in zip(in_sample, out_of_sample, strict=True)
        if one is not None and other is not None
    ]
    after = [other for other in out_of_sample if other is not None]
    chosen = out_of_sample[place]
    rank = None
    if chosen is not None:
        better, equal = sum(one > chosen for one in after), sum(one == chosen for one in after)
        rank = better + (equal + 1) / 2.0
    return WindowResult(
        window=window,
        chosen=choices[place],
        key=keys[place],
        trials=sum(value is not None for value in in_sample),
        judged=len(after),
        in_sample=in_sample[place],
        out_of_sample=chosen,
        median_out=float(np.median(after)) if after else None,
        rank_out=rank,
        correlation=rank_correlation([one for one, _ in both], [other for _, other in both]),
    )


def overfit_probability(returns: Sequence[Sequence[float]]) -> float | None:
    """Return the probability of backtest overfitting (PBO), 0 to 1; see above.

    `returns` are the trials' daily returns, all of the same days. None for fewer than 2 trials,
    fewer than 8 days, or trials that are all alike.
    """
    if len(returns) < 2 or len(returns[0]) < 2 * _LEAST_BLOCKS:
        return None
    daily = np.asarray(returns, dtype=float).T
    if not (daily != daily[:, :1]).any():
        return None
    blocks = min(BLOCKS, len(daily) // 2 // 2 * 2)
    parts = np.array_split(daily, blocks)
    days = np.array([len(part) for part in parts], dtype=float)
    sums = np.array([part.sum(axis=0) for part in parts])
    squares = np.array([(part**2).sum(axis=0) for part in parts])
    worse = 0
    halves = list(combinations(range(blocks), blocks // 2))
    for half in halves:
        inside = list(half)
        outside = [block for block in range(blocks) if block not in half]
        best = int(np.argmax(_sharpes(days[inside], sums[inside], squares[inside])))
        after = _sharpes(days[outside], sums[outside], squares[outside])
        worse += bool(2.0 * ranks(after)[best] <= len(after) + 1)
    return worse / len(halves)


def _sharpes(days: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return mean over deviation of each trial, 0 where nothing moved."""
    total = days.sum()
    mean = sums.sum(axis=0) / total
    spread = np.sqrt(np.maximum(squares.sum(axis=0) / total - mean**2, 0.0))
    moved = spread > 1e-12
    return np.where(moved, mean / np.where(moved, spread, 1.0), 0.0)


def known(value: float | None) -> float | None:
    """Return a metric, None where it is not a finite number: JSON has no other."""
    return value if value is not None and isfinite(value) else None


def days_said(from_ms: int, until_ms: int) -> str:
    """Return a span in whole days for people: `2022-03-01 to 2022-03-20`, both included."""
    return f"{moment(from_ms, '%Y-%m-%d')} to {moment(until_ms - DAY_MS, '%Y-%m-%d')}"
