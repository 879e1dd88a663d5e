"""What it would have been to hold the assets, at the same costs. Pure.

The price of a moment is the last close up to it; before its first close an asset counts with that
one, as cash that waits. Every purchase and sale pays `fee_bps` and `slippage_bps` of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum

import numpy as np

from streams.backtest import metrics
from streams.backtest.contents import Benchmark, Moment
from streams.backtest.daily import Floats, Whole, calendar_periods, daily
from streams.backtest.run_data import Bar, Prices, RunInfo

_PER_BPS = 1e-4


def equal_parts(ratios: Sequence[float]) -> float:
    """Return the growth of money put into assets in equal parts and left there."""
    return fsum(ratios) / len(ratios)


def bars_of(prices: Prices) -> tuple[Bar, ...]:
    """Return the finest candles there are."""
    return prices.hourly or prices.daily


def price_growth(
    prices: Mapping[str, Prices], assets: Sequence[str], at_ms: Whole
) -> dict[str, Floats]:
    """Return price / price at the first moment at each moment, of the assets that have any."""
    found = {}
    for asset in assets:
        bars = bars_of(prices[asset]) if asset in prices else ()
        ends = np.asarray([bar.at_ms for bar in bars], np.int64)
        places = np.maximum(np.searchsorted(ends, at_ms, side="right") - 1, 0)
        if not bars or not len(at_ms) or ends[0] > at_ms[-1]:
            continue
        closes = np.asarray([bar.close_usd for bar in bars])[places]
        if closes[0] > 0.0:
            found[asset] = closes / closes[0]
    return found


def bought_share(info: RunInfo) -> float:
    """Return what of an amount is in the asset once it was bought with it."""
    return 1.0 / ((1.0 + info.slippage_bps * _PER_BPS) * (1.0 + info.fee_bps * _PER_BPS))


def benchmarks(info: RunInfo, growth: Mapping[str, Floats], at_ms: Whole) -> tuple[Benchmark, ...]:
    """Return holding and equal weight; nothing without prices or time."""
    if not growth or len(at_ms) < 2:
        return ()
    assets = tuple(sorted(growth))
    ratios = np.stack([growth[asset] for asset in assets])
    return (
        _benchmark("holding", assets, at_ms, _held(info, ratios)),
        _benchmark("equal weight", assets, at_ms, _equal_weight(info, ratios, at_ms)),
    )


def _held(info: RunInfo, ratios: Floats) -> Floats:
    return np.asarray([equal_parts(column) for column in ratios.T.tolist()]) * bought_share(info)


def _equal_weight(info: RunInfo, ratios: Floats, at_ms: Whole) -> Floats:
    """Return the growth with equal parts again at the first close of each month."""
    cost = (info.fee_bps + info.slippage_bps) * _PER_BPS
    parts = np.full(len(ratios), bought_share(info) / len(ratios))
    month = calendar_periods(at_ms, "M")
    month[0] = month[1]  # they are equal at the start
    growth = [float(parts.sum())]
    for day in range(1, len(at_ms)):
        parts = parts * np.divide(
            ratios[:, day],
            ratios[:, day - 1],
            out=np.ones(len(ratios)),
            where=ratios[:, day - 1] > 0.0,
        )
        worth = float(parts.sum())
        if month[day] != month[day - 1]:
            equal = worth / len(ratios)
            worth -= cost * float(np.abs(parts - equal).sum())
            parts = np.full(len(ratios), worth / len(ratios))
        growth.append(worth)
    return np.asarray(growth)


def _benchmark(name: str, assets: tuple[str, ...], at_ms: Whole, growth: Floats) -> Benchmark:
    # What the first purchase cost falls into the first day.
    growth = np.concatenate(([1.0], growth[1:]))
    returns = daily(at_ms, growth).returns
    moments = zip(at_ms.tolist(), growth.tolist(), strict=True)
    return Benchmark(
        *(name, assets, 100.0 * (float(growth[-1]) - 1.0)),
        max_drawdown_pct=100.0 * float(metrics.max_drawdown(returns)),
        curve=tuple(Moment(*one) for one in moments),
        **metrics.of_returns(returns),
    )
