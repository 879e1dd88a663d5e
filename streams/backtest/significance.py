"""Whether it could be luck: resampling, the Sharpe ratio's own error, random entries. Pure.

Everything drawn comes from a seed, so that the same run gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import e, fsum, sqrt
from statistics import NormalDist

import numpy as np

from streams.backtest import metrics
from streams.backtest.benchmarks import bars_of
from streams.backtest.contents import Interval, RandomEntry, Significance
from streams.backtest.daily import Floats, Whole
from streams.backtest.round_trips import RoundTrip
from streams.backtest.run_data import Bar, Prices

LEVEL_PCT = 95.0
RESAMPLES = 1_000
DRAWS = 200
_LEAST_DAYS = 30
_LEAST_TRADES = 10
_AT_ONCE = 100  # resamples in memory
_EULER = 0.5772156649015329
_NORMAL = NormalDist()


def intervals(returns: Floats, trips: Sequence[RoundTrip], seed: int) -> tuple[Interval, ...]:
    """Return 95 % intervals of figures by the stationary bootstrap (Politis & Romano 1994).

    Of daily returns from 30 days on, of trades from 10 on; a figure that too often cannot be told
    in the resamples is left out.
    """
    random = np.random.default_rng(seed)
    found = []
    if returns.size >= _LEAST_DAYS:
        found += _of_returns(returns, random)
    if len(trips) >= _LEAST_TRADES:
        profits = np.asarray([one.profit_usd for one in trips])
        means, won = [], []
        for places in _resamples(profits.size, random):
            means.append(profits[places].mean(axis=1))
            won.append(100.0 * (profits[places] > 0.0).mean(axis=1))
        found.append(_interval("expectancy_usd", np.concatenate(means)))
        found.append(_interval("win_rate_pct", np.concatenate(won)))
    return tuple(one for one in found if one is not None)


def _of_returns(returns: Floats, random: np.random.Generator) -> list[Interval | None]:
    figures = {
        "cagr_pct": lambda drawn: 100.0 * metrics.cagr(drawn),
        "volatility_pct": lambda drawn: 100.0 * metrics.volatility(drawn),
        "sharpe": metrics.sharpe,
        "sortino": metrics.sortino,
    }
    values: dict[str, list[Floats]] = {name: [] for name in figures}
    for places in _resamples(returns.size, random):
        drawn = returns[places]
        for name, figure in figures.items():
            values[name].append(figure(drawn))
    return [_interval(name, np.concatenate(one)) for name, one in values.items()]


def _resamples(size: int, random: np.random.Generator) -> Iterator[Whole]:
    """Yield indexes of resamples: blocks of geometric lengths, of the cube root of the size."""
    ends = 1.0 / max(1.0, size ** (1.0 / 3.0))
    steps = np.arange(size)
    for _ in range(RESAMPLES // _AT_ONCE):
        begins = random.random((_AT_ONCE, size)) < ends
        begins[:, 0] = True
        firsts = random.integers(0, size, (_AT_ONCE, size))
        block = np.maximum.accumulate(np.where(begins, steps, 0), axis=1)
        yield (np.take_along_axis(firsts, block, axis=1) + steps - block) % size


def _interval(name: str, values: Floats) -> Interval | None:
    known = values[np.isfinite(values)]
    if known.size < 0.9 * values.size:
        return None
    apart = (100.0 - LEVEL_PCT) / 2.0
    low, high = np.percentile(known, [apart, 100.0 - apart]).tolist()
    return Interval(name, low, high, LEVEL_PCT)


def significance(returns: Floats, trials: int, variance: float | None) -> Significance:
    """Return the probabilistic and the deflated Sharpe ratio of daily returns.

    `variance` is that of the trials' daily Sharpe ratios; None: 1 / (days - 1), that of strategies
    without any skill.
    """
    if returns.size < 3:
        return Significance(None, None, trials, None)
    apart = sqrt(1.0 / (returns.size - 1) if variance is None else variance)
    best = apart * best_of(trials)
    return Significance(
        probabilistic(returns, 0.0),
        probabilistic(returns, best),
        trials,
        best * sqrt(metrics.DAYS_A_YEAR),
    )


def best_of(trials: int) -> float:
    """Return the expected highest of so many standard normal values; 0 of one.

    (1 - g) * Z(1 - 1 / n) + g * Z(1 - 1 / (n * e)), g Euler's constant (Bailey & Lopez de Prado
    2014, equation 1).
    """
    if trials < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    return (1.0 - _EULER) * first + _EULER * _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))


def probabilistic(returns: Floats, above: float) -> float | None:
    """Return the probability that the true daily Sharpe ratio is above a value.

    None where nothing varies, or the error cannot be told.
    """
    skew, kurtosis = metrics.skew_and_kurtosis(returns)
    if skew is None or kurtosis is None:
        return None
    ratio = float(returns.mean() / metrics.deviation(returns))
    return probability(ratio, above, returns.size, skew, kurtosis)


def probability(
    ratio: float, above: float, size: int, skew: float, kurtosis: float
) -> float | None:
    """Return the probability that a Sharpe ratio, measured over so many returns, is truly above.

    N((s - above) * sqrt(n - 1) / sqrt(1 - skew * s + (kurtosis - 1) / 4 * s^2)), s the ratio of a
    period, not annualised (Bailey & Lopez de Prado 2012). None where the root has no value.
    """
    error = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    if not error > 0.0:
        return None
    return _NORMAL.cdf((ratio - above) * sqrt(size - 1) / sqrt(error))


def random_entry(
    trips: Sequence[RoundTrip],
    prices: Mapping[str, Prices],
    from_ms: int,
    until_ms: int,
    seed: int,
) -> RandomEntry | None:
    """Return how the trades compare with the same ones at random moments of the run.

    In each asset as many trades, as long, of as much money, at the costs that they paid; they do
    not overlap. None where no asset that was traded has prices.
    """
    random = np.random.default_rng(seed)
    totals, own, counted = np.zeros(DRAWS), [], 0
    for asset in sorted({one.asset for one in trips}):
        bars = [
            bar
            for bar in (bars_of(prices[asset]) if asset in prices else ())
            if from_ms <= bar.at_ms <= until_ms and bar.close_usd > 0.0
        ]
        if len(bars) < 2:
            continue
        mine = [one for one in trips if one.asset == asset]
        totals += _drawn(mine, bars, random)
        own += [one.profit_usd for one in mine]
        counted += len(mine)
    if not counted:
        return None
    profit_usd = fsum(own)
    beaten = float((totals < profit_usd).mean() + (totals == profit_usd).mean() / 2.0)
    low, high = np.percentile(totals, [5.0, 95.0]).tolist()
    return RandomEntry(
        *(DRAWS, counted, profit_usd, float(totals.mean()), low, high, 100.0 * beaten)
    )


def _drawn(trips: Sequence[RoundTrip], bars: Sequence[Bar], random: np.random.Generator) -> Floats:
    """Return the profit of each draw.

    The candles outside of all trades are dealt out before, between and behind them by chance, and
    the trades come in any order.
    """
    ends = np.asarray([bar.at_ms for bar in bars])
    closes = np.asarray([bar.close_usd for bar in bars])
    entered = np.searchsorted(ends, [one.entered_at for one in trips])
    exited = np.searchsorted(ends, [one.exited_at for one in trips])
    lengths = np.clip(exited - entered, 1, len(bars) - 1)
    costs_usd = np.asarray([one.cost_usd for one in trips])
    paid_usd = fsum(one.costs_usd for one in trips)
    free = len(bars) - 1 - int(lengths.sum())
    found = np.empty(DRAWS)
    for draw in range(DRAWS):
        order = random.permutation(len(trips))
        held = lengths[order]
        if free >= 0:
            gaps = np.sort(random.integers(0, free + 1, len(trips)))
            starts = gaps + np.cumsum(held) - held
        else:  # Trades shorter than a candle do not fit beside each other.
            starts = random.integers(0, len(bars) - held)
        earned = costs_usd[order] * (closes[starts + held] / closes[starts] - 1.0)
        found[draw] = earned.sum() - paid_usd
    return found
