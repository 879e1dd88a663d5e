"""Where a trader should doubt a report. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from streams.backtest.contents import Benchmark, Doubt, Metrics, RandomEntry, Significance
from streams.backtest.round_trips import OpenTrade, RoundTrip
from streams.backtest.run_data import RunInfo

FEW_TRADES = 30
SHORT_DAYS = 365
SURE = 0.95
_MOST_OF = 0.5


def of_run(info: RunInfo) -> tuple[Doubt, ...]:
    """Return what is doubtful about the data, so about every strategy."""
    found = [Doubt("look_ahead", one) for one in info.look_ahead]
    if info.gaps:
        more = f", and {len(info.gaps) - 1} more" if len(info.gaps) > 1 else ""
        found.append(Doubt("gaps", f"The data has holes: {info.gaps[0]}{more}."))
    if info.engines_absent:
        absent = ", ".join(info.engines_absent)
        found.append(
            Doubt("engines_absent", f"There was no data for {absent}: live it takes part too.")
        )
    if info.chosen_today and info.kind == "backtest":
        said = (
            "The assets were chosen today, among those that are still traded: what failed since is "
            "not among them (survivorship)."
        )
        found.append(Doubt("survivorship", said))
    return tuple(found)


def of_strategy(
    metrics: Metrics,
    trips: Sequence[RoundTrip],
    opened: Sequence[OpenTrade],
    benchmarks: Sequence[Benchmark],
    significance: Significance,
    random: RandomEntry | None,
) -> tuple[Doubt, ...]:
    """Return what is doubtful about one strategy's numbers."""
    found = [
        _few_trades(metrics),
        _short(metrics),
        _one_trade(metrics, trips),
        *(_beaten(metrics, one) for one in benchmarks),
        _luck(significance),
        _random(random),
        _opened(metrics, opened),
    ]
    return tuple(one for one in found if one is not None)


def _few_trades(metrics: Metrics) -> Doubt | None:
    if not metrics.trades:
        return Doubt("no_trades", "No trade was closed: there is nothing to judge.")
    if metrics.trades >= FEW_TRADES:
        return None
    said = f"{metrics.trades} closed trades are few: below {FEW_TRADES} chance decides the figures."
    return Doubt("few_trades", said)


def _short(metrics: Metrics) -> Doubt | None:
    if metrics.days >= SHORT_DAYS:
        return None
    said = (
        f"{metrics.days} days are short: figures a year are drawn out from less than one, and the "
        "market may have had one mood only."
    )
    return Doubt("short_span", said)


def _one_trade(metrics: Metrics, trips: Sequence[RoundTrip]) -> Doubt | None:
    best = max(trips, key=lambda one: one.profit_usd, default=None)
    if best is None or len(trips) < 2 or not metrics.profit_usd > 0.0:
        return None
    share = best.profit_usd / metrics.profit_usd
    if share < _MOST_OF:
        return None
    rest_usd = metrics.profit_usd - best.profit_usd
    said = (
        f"One trade of {best.asset} made {best.profit_usd:,.2f} USD of the profit of "
        f"{metrics.profit_usd:,.2f} USD; the other {len(trips) - 1} made {rest_usd:,.2f} USD."
    )
    return Doubt("one_trade", said)


def _beaten(metrics: Metrics, benchmark: Benchmark) -> Doubt | None:
    own_pct = metrics.total_return_pct
    if own_pct is None or benchmark.total_return_pct <= own_pct:
        return None
    exposure_pct = metrics.exposure_pct or 0.0
    said = (
        f"The strategy returned {own_pct:,.1f} % with {exposure_pct:.1f} % of its equity in "
        f"positions, {benchmark.name} of the same assets {benchmark.total_return_pct:,.1f} %."
    )
    return Doubt(f"beaten_by_{benchmark.name.replace(' ', '_')}", said)


def _luck(significance: Significance) -> Doubt | None:
    sure = significance.deflated
    if sure is None or sure >= SURE:
        return None
    tried = f" as the best of {significance.trials} trials" if significance.trials > 1 else ""
    said = (
        f"The Sharpe ratio may be luck{tried}: it is above chance with a probability of "
        f"{100.0 * sure:.1f} %, where {100.0 * SURE:.0f} % is asked for."
    )
    return Doubt("not_significant", said)


def _random(random: RandomEntry | None) -> Doubt | None:
    if random is None or random.percentile >= 100.0 * SURE:
        return None
    said = (
        f"The same trades at random moments did as well too often: the strategy beat "
        f"{random.percentile:.1f} % of {random.draws} draws."
    )
    return Doubt("random_entry", said)


def _opened(metrics: Metrics, opened: Sequence[OpenTrade]) -> Doubt | None:
    if not opened:
        return None
    unrealised_usd = fsum(one.unrealised_usd for one in opened)
    names = ", ".join(one.asset for one in opened)
    said = (
        f"Open at the end: {names}, with {unrealised_usd:,.2f} USD unrealised; in the return, "
        f"not in the trades' profit of {metrics.profit_usd:,.2f} USD."
    )
    return Doubt("open_at_end", said)
