"""A track record out of what was recorded. Pure: the figures are those of a backtest's report."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote

import msgspec

from schemas.control import Strategy
from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import CYCLE_MS
from sinks.postgres.values import time
from streams.backtest.contents import (
    Benchmark,
    CurvePoint,
    Doubt,
    Drawdown,
    Interval,
    Metrics,
    PeriodReturn,
    Significance,
)
from streams.backtest.equity import EquityCurve, curve_of
from streams.backtest.report import make_report
from streams.backtest.run_data import Prices, RunData, RunInfo, StrategyRun

MOST_POINTS = 500


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of a strategy's portfolio, oldest first; `equity` holds one moment or more.

    began_at  its first moment that is known, also where a later part is asked for
    versions  (version, ms since when)
    prices    of what it traded
    notes     what a reader should know, a sentence each
    """

    strategy: Strategy
    equity: Sequence[PortfolioEquity]
    trades: Sequence[PortfolioTrade]
    began_at: int
    versions: tuple[tuple[int, int], ...] = ()
    prices: Mapping[str, Prices] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class VersionPart(msgspec.Struct, frozen=True, kw_only=True):
    """What a version of the strategy made of its time: time-weighted return, and its fills."""

    version: int
    from_ms: int
    until_ms: int
    return_pct: float
    fills: int


class TrackRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy has earned on paper. `_ms` is ms since 1970 UTC; null: cannot be told.

    `began_at` is its first moment that is stored, `from_ms` and `until_ms` the span of the figures,
    `records` how many moments they are made of: `equity` shows at most some 500 of them.
    `benchmarks` are holding what it traded. `backtest` is the command that gives the same figures
    from an archive of these days.
    """

    strategy_id: str
    name: str
    version: int
    began_at: int
    from_ms: int
    until_ms: int
    records: int
    metrics: Metrics
    intervals: tuple[Interval, ...]
    significance: Significance
    benchmarks: tuple[Benchmark, ...]
    equity: tuple[CurvePoint, ...]
    drawdowns: tuple[Drawdown, ...]
    monthly: tuple[PeriodReturn, ...]
    yearly: tuple[PeriodReturn, ...]
    versions: tuple[VersionPart, ...]
    doubts: tuple[Doubt, ...]
    notes: tuple[str, ...]
    backtest: str


def track_record(recorded: Recorded) -> TrackRecord:
    """Return the track record of what was recorded."""
    strategy, curve = recorded.strategy, curve_of(recorded.equity)
    from_ms, until_ms = curve.at_ms[0], curve.at_ms[-1]
    fee_bps, slippage_bps = _costs(recorded.trades)
    info = RunInfo(
        kind="live",
        from_ms=from_ms,
        until_ms=until_ms,
        assets=tuple(recorded.prices),
        chosen_today=False,
        fee_bps=fee_bps,
        slippage_bps=slippage_bps,
    )
    run = StrategyRun(strategy, tuple(recorded.trades), curve)
    report = make_report(RunData(info, (run,), recorded.prices))
    (made,) = report.strategies
    return TrackRecord(
        strategy_id=strategy.strategy_id,
        name=strategy.name,
        version=strategy.version,
        began_at=recorded.began_at,
        from_ms=from_ms,
        until_ms=until_ms,
        records=len(curve),
        metrics=made.metrics,
        intervals=made.intervals,
        significance=made.significance,
        benchmarks=tuple(_thinned(one) for one in made.benchmarks),
        equity=_points(curve),
        drawdowns=made.drawdowns,
        monthly=made.monthly,
        yearly=made.yearly,
        versions=_versions(recorded, curve),
        doubts=(*report.doubts, *made.doubts),
        notes=recorded.notes,
        backtest=_command(strategy.strategy_id, from_ms, until_ms),
    )


def _costs(trades: Sequence[PortfolioTrade]) -> tuple[float, float]:
    """Return the mean fee, and half the spread with the slippage, of the fills in basis points."""
    value_usd = sum(one.value_usd for one in trades)
    if not value_usd > 0.0:
        return 0.0, 0.0
    fee = sum(one.fee_usd for one in trades)
    beside = sum((one.spread_bps / 2.0 + one.slippage_bps) * one.value_usd for one in trades)
    return 10_000.0 * fee / value_usd, beside / value_usd


def _places(count: int, *kept: int) -> list[int]:
    """Return some MOST_POINTS places of so many at most: first, last and `kept` are among them."""
    if count <= MOST_POINTS:
        return list(range(count))
    even = (round(n * (count - 1) / (MOST_POINTS - 1)) for n in range(MOST_POINTS))
    return sorted({*even, *kept})


def _points(curve: EquityCurve) -> tuple[CurvePoint, ...]:
    """Return moments of the curve, that of its deepest fall among them."""
    deepest = max(range(len(curve)), key=curve.drawdown.__getitem__)
    return tuple(
        CurvePoint(
            at_ms=curve.at_ms[place],
            growth=curve.growth[place],
            equity_usd=curve.equity_usd[place],
            invested_usd=curve.invested_usd[place],
            drawdown_pct=100.0 * curve.drawdown[place],
            exposure_pct=_exposure_pct(curve, place),
        )
        for place in _places(len(curve), deepest)
    )


def _exposure_pct(curve: EquityCurve, place: int) -> float | None:
    equity_usd = curve.equity_usd[place]
    return 100.0 * curve.positions_usd[place] / equity_usd if equity_usd > 0.0 else None


def _thinned(one: Benchmark) -> Benchmark:
    curve = tuple(one.curve[place] for place in _places(len(one.curve)))
    return msgspec.structs.replace(one, curve=curve)


def _versions(recorded: Recorded, curve: EquityCurve) -> tuple[VersionPart, ...]:
    """Return the part of each version that was in force in the curve's time."""
    if not recorded.versions:
        return ()
    starts = [*(at for _, at in recorded.versions[1:]), curve.at_ms[-1] + 1]
    filled = array("q", (one.filled_at for one in recorded.trades))
    found: list[VersionPart] = []
    for (version, since), until in zip(recorded.versions, starts, strict=True):
        first = max(bisect_left(curve.at_ms, since) - 1, 0)
        last = bisect_left(curve.at_ms, until) - 1
        if last < 0 or since > curve.at_ms[-1]:
            continue
        grown = curve.growth[last] / curve.growth[first] if curve.growth[first] > 0.0 else 1.0
        part = VersionPart(
            version=version,
            from_ms=max(since, curve.at_ms[0]),
            until_ms=curve.at_ms[last],
            return_pct=100.0 * (grown - 1.0),
            fills=bisect_left(filled, until) - (bisect_left(filled, since) if found else 0),
        )
        found.append(part)
    return tuple(found)


def _command(strategy_id: str, from_ms: int, until_ms: int) -> str:
    """Return the command; its span holds the cycles of the first and the last moment."""
    first = time(from_ms // CYCLE_MS * CYCLE_MS)
    last = time((until_ms // CYCLE_MS + 1) * CYCLE_MS)
    span = f"--from {first:%Y-%m-%dT%H:%M} --until {last:%Y-%m-%dT%H:%M}"
    return f"quantiva backtest ARCHIVE --strategy {quote(strategy_id)} {span}"
