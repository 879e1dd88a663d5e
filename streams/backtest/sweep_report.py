"""What the trials of a sweep say together. Pure.

The best of many trials is good by luck alone: the deflated Sharpe ratio is told how many there
were and how much they differ (`streams.backtest.metrics`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from schemas.times import DAY_MS
from streams.backtest.metrics import DAYS_A_YEAR
from streams.backtest.significance import significance
from streams.backtest.trials import METRICS, Metric, Trial, total_return
from streams.backtest.walk_forward import (
    Window,
    WindowResult,
    between,
    known,
    overfit_probability,
    window_result,
)

_SHOWN = 10
_FEW_TRADES, _FEW_DAYS = 30, 30


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A trial over the whole span; `metric` is the one that the sweep goes by."""

    choice: dict[str, str]
    key: str
    metric: float | None
    sharpe: float | None
    total_return: float
    trades: int


class Chained(msgspec.Struct, frozen=True, kw_only=True):
    """The out-of-sample days of all windows as one series."""

    days: int
    metric: float | None
    total_return: float
    in_sample: float | None


class SweepReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep came to. Ratios are of 1: a return of 0.01 is 1 %.

    trials        of this sweep that were made, `refused` choices that make no strategy
    counted       all that were ever made on these scores, which the deflated Sharpe is told of
    sharpe_variance   of their daily Sharpe ratios, not annualised; None: of fewer than two
    best          the first ten by the metric, over the whole span: all in sample
    probabilistic, deflated   probability that the true Sharpe of the best is above 0, and above
                  what the best of so many trials without any skill would show; None: not known
    overfit       probability of backtest overfitting, None: not known
    windows       walk-forward, in their order; `chained` the chosen ones' test days one after
                  the other, without the costs of changing from one to the next
    warnings      sentences about what a trader should doubt
    """

    metric: str
    from_ms: int
    until_ms: int
    trials: int
    refused: int
    counted: int
    sharpe_variance: float | None
    best: tuple[Ranked, ...]
    probabilistic: float | None
    deflated: float | None
    overfit: float | None
    windows: tuple[WindowResult, ...]
    chained: Chained | None
    warnings: tuple[str, ...]


def report_of(
    trials: Sequence[Trial],
    metric: str,
    from_ms: int,
    until_ms: int,
    *,
    refused: int = 0,
    others: Sequence[Trial] = (),
    windows: Sequence[tuple[Window, frozenset[str]]] = (),
) -> SweepReport:
    """Return what a sweep came to; `others` are trials on the same scores that are not of it.

    `windows` name the keys of the trials among which each chooses.
    """
    of = METRICS[metric]
    whole = [between(one.returns, one.first_day_ms, from_ms, until_ms) for one in trials]
    values = [known(of(returns)) for returns in whole]
    order = sorted(
        range(len(trials)),
        key=lambda place: (values[place] is None, -(values[place] or 0.0), place),
    )
    best = tuple(_ranked(trials[place], whole[place], values[place]) for place in order[:_SHOWN])
    variance = _variance(
        whole + [between(one.returns, one.first_day_ms, from_ms, until_ms) for one in others]
    )
    results = tuple(
        found
        for window, keys in windows
        if (found := _windowed([one for one in trials if one.key in keys], window, of)) is not None
    )
    first = np.asarray(whole[order[0]] if order else ())
    luck = significance(first, len(trials) + len(others), variance)
    made = SweepReport(
        metric=metric,
        from_ms=from_ms,
        until_ms=until_ms,
        trials=len(trials),
        refused=refused,
        counted=luck.trials,
        sharpe_variance=variance,
        best=best,
        probabilistic=luck.probabilistic,
        deflated=luck.deflated,
        overfit=overfit_probability(_equally_long(whole)),
        windows=results,
        chained=_chained(trials, results, of),
        warnings=(),
    )
    return msgspec.structs.replace(made, warnings=tuple(_warnings(made)))


def _variance(series: Sequence[Sequence[float]]) -> float | None:
    """Return the variance of the trials' daily Sharpe ratios; None of fewer than two."""
    yearly = [value for one in series if (value := METRICS["sharpe"](one)) is not None]
    return float(np.var(yearly, ddof=1)) / DAYS_A_YEAR if len(yearly) > 1 else None


def _ranked(one: Trial, returns: Sequence[float], value: float | None) -> Ranked:
    return Ranked(
        choice=one.choice,
        key=one.key,
        metric=value,
        sharpe=known(METRICS["sharpe"](returns)),
        total_return=total_return(returns),
        trades=one.trades,
    )


def _windowed(trials: Sequence[Trial], window: Window, of: Metric) -> WindowResult | None:
    def values(from_ms: int, until_ms: int) -> list[float | None]:
        return [
            known(of(between(one.returns, one.first_day_ms, from_ms, until_ms))) for one in trials
        ]

    return window_result(
        window,
        [one.choice for one in trials],
        [one.key for one in trials],
        values(window.train_from_ms, window.test_from_ms),
        values(window.test_from_ms, window.test_until_ms),
    )


def _chained(
    trials: Sequence[Trial], results: Sequence[WindowResult], of: Metric
) -> Chained | None:
    if not results:
        return None
    by_key = {one.key: one for one in trials}
    days: list[float] = []
    for one in results:
        trial, window = by_key[one.key], one.window
        days += between(
            trial.returns, trial.first_day_ms, window.test_from_ms, window.test_until_ms
        )
    inside = [one.in_sample for one in results if one.in_sample is not None]
    return Chained(
        days=len(days),
        metric=known(of(days)),
        total_return=total_return(days),
        in_sample=float(np.mean(inside)) if inside else None,
    )


def _equally_long(series: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """Return the series that have all days; one that ended early has nothing to compare."""
    longest = max(map(len, series), default=0)
    return [one for one in series if len(one) == longest]


def _warnings(made: SweepReport) -> list[str]:
    said = []
    days = (made.until_ms - made.from_ms) // DAY_MS
    if days < _FEW_DAYS:
        said.append(f"{days} days say little about any of these numbers")
    if made.best and made.best[0].trades < _FEW_TRADES:
        few = made.best[0].trades
        said.append(f"the best one closed {few} trades: fewer than {_FEW_TRADES} may be luck")
    if made.overfit is not None and made.overfit >= 0.5:
        said.append("what is best on some of the days is mostly in the worse half on the others")
    if made.deflated is not None and made.deflated < 0.95:
        said.append(
            f"the best of {made.counted} trials without skill would often look as good "
            f"(deflated Sharpe {made.deflated:.2f}, not above 0.95)"
        )
    if made.chained is not None and made.chained.total_return <= 0.0:
        lost = made.chained.total_return < 0.0
        said.append(f"what was chosen {'lost' if lost else 'made nothing'} out of sample")
    if not made.windows:
        said.append("all of this is in sample; --walk-forward judges a choice on later days")
    return said
