"""A report in the terminal: the figures that people ask for first, and every doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.table import Table

from quantiva.commands.output import console
from streams.backtest.contents import Report, StrategyReport

Figure = Callable[[StrategyReport], str]


def number(value: float | None, digits: int = 2, sign: str = "") -> str:
    """Return a number with thousands separators; "-" for None."""
    return "-" if value is None else f"{value:{sign},.{digits}f}"


def _benchmark(name: str) -> Figure:
    def figure(one: StrategyReport) -> str:
        found = [mark for mark in one.benchmarks if mark.name == name]
        return number(found[0].total_return_pct, sign="+") if found else "-"

    return figure


def _luck(one: StrategyReport) -> str:
    return number(None if one.random_entry is None else one.random_entry.percentile, 0)


def _range(one: StrategyReport, name: str) -> str:
    found = [item for item in one.intervals if item.name == name]
    return f"{found[0].low:.2f} to {found[0].high:.2f}" if found else "-"


_FIGURES: Mapping[str, Figure] = {
    "return %": lambda one: number(one.metrics.total_return_pct, sign="+"),
    "holding %": _benchmark("holding"),
    "CAGR %": lambda one: number(one.metrics.cagr_pct, sign="+"),
    "Sharpe": lambda one: number(one.metrics.sharpe),
    "  95 % range": lambda one: _range(one, "sharpe"),
    "Sortino": lambda one: number(one.metrics.sortino),
    "max drawdown %": lambda one: number(one.metrics.max_drawdown_pct),
    "trades": lambda one: f"{one.metrics.trades:,}",
    "win rate %": lambda one: number(one.metrics.win_rate_pct, 1),
    "profit factor": lambda one: number(one.metrics.profit_factor),
    "profit USD": lambda one: number(one.metrics.profit_usd, sign="+"),
    "fees USD": lambda one: number(one.metrics.fees_usd),
    "exposure %": lambda one: number(one.metrics.exposure_pct),
    "Sharpe above 0": lambda one: number(one.significance.probabilistic),
    "  after all trials": lambda one: number(one.significance.deflated),
    "beats random %": _luck,
}


def show(reports: Mapping[str, Report]) -> None:
    """Print a column for each strategy, of several runs one below the other, and what is doubtful.

    Of two runs the differences in equity and trades come last.
    """
    for title, report in reports.items():
        table = Table(box=None, pad_edge=False)
        table.add_column(title)
        for one in report.strategies:
            table.add_column(one.strategy_id, justify="right")
        for name, figure in _FIGURES.items():
            table.add_row(name, *[figure(one) for one in report.strategies])
        console.print(table)
        _say(report)
    if len(reports) > 1:
        _differences(*reports.values())


def _say(report: Report) -> None:
    info = report.info
    if info.engines_absent:
        said = ", ".join(info.engines_absent)
        console.print(f"no data for {said}: what they would have said is missing", markup=False)
    for sentence in info.notes:
        console.print(sentence, markup=False)
    console.print(f"settings {info.settings}, {info.command}", markup=False)
    for doubt in report.doubts:
        console.print(f"! {doubt.text}", markup=False)
    for one in report.strategies:
        for doubt in one.doubts:
            console.print(f"! {one.strategy_id}: {doubt.text}", markup=False)


DIFFERENCES = ("what if, compared", "equity USD", "trades", "new", "gone")


def differences(before: Report, after: Report) -> list[list[str]]:
    """Return a row of `DIFFERENCES` for each strategy of two runs: what the change brought."""
    known = {one.strategy_id: one for one in before.strategies}
    rows = []
    for one in after.strategies:
        was = known.get(one.strategy_id)
        if was is None:
            continue
        trades, earlier = _entries(one), _entries(was)
        rows.append(
            [
                one.strategy_id,
                number(_equity_usd(one) - _equity_usd(was), sign="+"),
                f"{len(trades) - len(earlier):+,}",
                f"{len(trades - earlier):,}",
                f"{len(earlier - trades):,}",
            ]
        )
    return rows


def _differences(before: Report, after: Report) -> None:
    table = Table(box=None, pad_edge=False)
    for title in DIFFERENCES:
        table.add_column(title, justify="left" if title.startswith("what") else "right")
    for row in differences(before, after):
        table.add_row(*row)
    console.print(table)


def _entries(one: StrategyReport) -> frozenset[tuple[str, int, int]]:
    return frozenset((trade.asset, trade.entered_at, trade.exited_at) for trade in one.trades)


def _equity_usd(one: StrategyReport) -> float:
    return one.equity[-1].equity_usd if one.equity else 0.0
