"""A curve by days, months and years in UTC, and its falls. Pure.

A day closes with the last record up to its midnight; a day without one closes as the one before.
The first day begins at the first record, the last one ends at the last, so both may be short; each
counts as a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.times import DAY_MS
from streams.backtest.contents import Bin, CurvePoint, Drawdown, PeriodReturn
from streams.backtest.equity import EquityCurve

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
_MOST_BINS = 40


@dataclass(frozen=True, slots=True)
class Days:
    """The daily closes of a curve.

    at_ms    the first record, then each midnight, then the last record
    growth   at those moments
    returns  of each day, as a fraction; one less than moments, none of a curve without time
    """

    at_ms: Whole
    growth: Floats
    returns: Floats


def moments(from_ms: int, until_ms: int) -> Whole:
    """Return the moment given first, each UTC midnight after it, and the end."""
    midnights = np.arange((from_ms // DAY_MS + 1) * DAY_MS, until_ms, DAY_MS, dtype=np.int64)
    ends = [until_ms] if until_ms > from_ms else []
    return np.concatenate(([from_ms], midnights, ends)).astype(np.int64)


def days_of(curve: EquityCurve) -> Days:
    """Return a curve's daily closes."""
    if not len(curve):
        return Days(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    at_ms = moments(curve.at_ms[0], curve.at_ms[-1])
    return daily(at_ms, np.asarray(curve.growth)[places(curve, at_ms)])


def daily(at_ms: Whole, growth: Floats) -> Days:
    """Return days of their moments and growth; after nothing is left, nothing is earned."""
    before = growth[:-1]
    ratios = np.divide(growth[1:], before, out=np.ones_like(before), where=before > 0.0)
    return Days(at_ms, growth, ratios - 1.0)


def places(curve: EquityCurve, at_ms: Whole) -> Whole:
    """Return the index of the last record up to each moment; of the first moment the first."""
    found = np.searchsorted(np.asarray(curve.at_ms), at_ms, side="right") - 1
    found[0] = 0
    return found


def closes(curve: EquityCurve, days: Days) -> tuple[CurvePoint, ...]:
    """Return the curve at its daily closes."""
    points = []
    for at_ms, place in zip(days.at_ms.tolist(), _at(curve, days), strict=True):
        equity_usd, positions_usd = curve.equity_usd[place], curve.positions_usd[place]
        points.append(
            CurvePoint(
                *(at_ms, curve.growth[place], equity_usd, curve.invested_usd[place]),
                100.0 * curve.drawdown[place],
                100.0 * positions_usd / equity_usd if equity_usd > 0.0 else None,
            )
        )
    return tuple(points)


def months(days: Days) -> tuple[PeriodReturn, ...]:
    """Return the return of each month."""
    return _periods(days, "M")


def years(days: Days) -> tuple[PeriodReturn, ...]:
    """Return the return of each year."""
    return _periods(days, "Y")


def _at(curve: EquityCurve, days: Days) -> list[int]:
    return places(curve, days.at_ms).tolist() if len(curve) else []


def _periods(days: Days, unit: str) -> tuple[PeriodReturn, ...]:
    if not days.returns.size:
        return ()
    of_day = calendar_periods(days.at_ms[1:], unit)
    last = np.flatnonzero(np.append(of_day[1:] != of_day[:-1], [True]))
    growth = np.append(days.growth[:1], days.growth[1:][last])
    returns = daily(days.at_ms, growth).returns
    found = []
    for period, returned in zip(of_day[last].tolist(), returns.tolist(), strict=True):
        year, month = divmod(period, 12) if unit == "M" else (period, -1)
        found.append(PeriodReturn(1970 + year, month + 1, 100.0 * returned))
    return tuple(found)


def calendar_periods(ends_ms: Whole, unit: str) -> Whole:
    """Return which month ("M") or year ("Y") since 1970 each day is of, by when it ends."""
    return (ends_ms - 1).astype("datetime64[ms]").astype(f"datetime64[{unit}]").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Falls:
    """Times below an earlier high, as indexes of records; `ends` is the recovery, or the last.

    longest_ms  the longest of them; 0 without any
    """

    starts: Whole
    ends: Whole
    depths: Floats
    recovers: bool
    longest_ms: int


def falls(curve: EquityCurve) -> Falls:
    """Return all times below an earlier high, in their order."""
    drawdown = np.asarray(curve.drawdown)
    highs = np.flatnonzero(drawdown == 0.0)
    recovers = not drawdown.size or bool(drawdown[-1] == 0.0)
    ends_of = np.append(highs, [] if recovers else [drawdown.size - 1]).astype(np.int64)
    is_fall = np.diff(ends_of) > 1
    if not recovers:
        is_fall[-1] = True
    starts, ends = ends_of[:-1][is_fall], ends_of[1:][is_fall]
    if not starts.size:
        return Falls(starts, ends, np.zeros(0), True, 0)
    edges = np.stack((starts, ends + 1), axis=1).ravel()
    depths = np.maximum.reduceat(np.append(drawdown, [0.0]), edges)[::2]
    at_ms = np.asarray(curve.at_ms)
    return Falls(starts, ends, depths, recovers, int((at_ms[ends] - at_ms[starts]).max()))


def deepest(curve: EquityCurve, most: int = 10) -> tuple[Drawdown, ...]:
    """Return the deepest falls, deepest first, the earlier of two equal ones first."""
    found = falls(curve)
    chosen = []
    for number in np.argsort(-found.depths, kind="stable")[:most].tolist():
        start, end = int(found.starts[number]), int(found.ends[number])
        lowest = start + int(np.argmax(np.asarray(curve.drawdown)[start : end + 1]))
        lasts = not found.recovers and number == found.starts.size - 1
        high_ms, end_ms = curve.at_ms[start], curve.at_ms[end]
        chosen.append(
            Drawdown(
                *(high_ms, curve.at_ms[lowest], None if lasts else end_ms),
                *(100.0 * float(found.depths[number]), (end_ms - high_ms) / DAY_MS),
            )
        )
    return tuple(chosen)


def histogram(values_pct: Floats) -> tuple[Bin, ...]:
    """Return how often values occur, in at most 40 bins of 1, 2 or 5 times a power of 10.

    0 is always an edge; empty bins between others are there. A bin holds its lower edge.
    """
    if not values_pct.size:
        return ()
    width = _width(float(values_pct.max() - values_pct.min()))
    bins = np.floor(values_pct / width).astype(np.int64)
    first = int(bins.min())
    counts = np.bincount(bins - first)
    edges = [round((first + place) * width, 9) for place in range(counts.size + 1)]
    return tuple(Bin(*one) for one in zip(edges, edges[1:], counts.tolist(), strict=False))


def _width(span: float) -> float:
    least = max(span, 1e-6) / (_MOST_BINS - 2)
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(one * power for one in (1.0, 2.0, 5.0, 10.0) if one * power >= least))
