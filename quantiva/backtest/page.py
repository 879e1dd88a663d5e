"""A report as one page that asks no other host for anything: plotly's script is in it.

The same report makes the same bytes: nothing in it says when it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import count

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from quantiva.backtest import charts
from quantiva.backtest.collecting import Backtest
from quantiva.backtest.terminal import DIFFERENCES, differences, number
from schemas.text import moment
from streams.backtest.contents import Benchmark, Doubt, Metrics, Report, StrategyReport

_MOST_TRADES = 1_000
_TIME = "%Y-%m-%d %H:%M"
_FIGURES: Mapping[str, Sequence[tuple[str, str, int]]] = {
    "Return and risk": (
        ("total return %", "total_return_pct", 2),
        ("CAGR %", "cagr_pct", 2),
        ("volatility % a year", "volatility_pct", 2),
        ("Sharpe", "sharpe", 2),
        ("Sortino", "sortino", 2),
        ("Calmar", "calmar", 2),
        ("max drawdown %", "max_drawdown_pct", 2),
        ("its length, days", "max_drawdown_days", 0),
        ("longest drawdown, days", "longest_drawdown_days", 0),
        ("best day %", "best_day_pct", 2),
        ("worst day %", "worst_day_pct", 2),
    ),
    "Trades": (
        ("trades", "trades", 0),
        ("win rate %", "win_rate_pct", 1),
        ("profit USD", "profit_usd", 2),
        ("profit factor", "profit_factor", 2),
        ("expectancy USD", "expectancy_usd", 2),
        ("expectancy %", "expectancy_pct", 2),
        ("average win %", "average_win_pct", 2),
        ("average loss %", "average_loss_pct", 2),
        ("average hours", "average_hours", 1),
        ("SQN", "sqn", 2),
    ),
    "Costs and exposure": (
        ("fees USD", "fees_usd", 2),
        ("turnover a year", "turnover", 2),
        ("exposure %", "exposure_pct", 2),
        ("time in market %", "time_in_market_pct", 1),
        ("skew of daily returns", "skew", 2),
        ("kurtosis", "kurtosis", 2),
    ),
}


def render(runs: Mapping[str, Backtest]) -> str:
    """Return the page of one run, or of two: as it is, and what if."""
    style = files("quantiva.backtest").joinpath("page.css").read_text("utf-8")
    script = files("quantiva.backtest").joinpath("page.js").read_text("utf-8")
    numbers = count(1)
    body = _compared(runs) if len(runs) > 1 else ""
    body += "".join(_run(name, one, numbers, several=len(runs) > 1) for name, one in runs.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Backtest</title><style>{style}</style><script>{get_plotlyjs()}</script></head>"
        f"<body><main>{body}</main><script>{script}</script></body></html>\n"
    )


def _compared(runs: Mapping[str, Backtest]) -> str:
    """Return the difference of each strategy; it comes before both runs."""
    before, after = (one.report for one in runs.values())
    rows = [[escape(row[0]), *row[1:]] for row in differences(before, after)]
    said = "Equity at the end, what if less as it is; trades that came and went with the change."
    return f"<h1>What if</h1><p class=lead>{said}</p>{_table(DIFFERENCES, rows)}"


def _run(title: str, one: Backtest, numbers: Iterable[int], *, several: bool) -> str:
    report, info = one.report, one.report.info
    span = f"{moment(info.from_ms, '%Y-%m-%d')} to {moment(info.until_ms, '%Y-%m-%d')}"
    heading = f"Backtest: {title}" if several else "Backtest"
    links = "".join(
        f'<a href="#{_anchor(title, item)}">{escape(item.name)}</a>' for item in report.strategies
    )
    parts = [
        f"<h1>{escape(heading)}</h1><p class=lead>{escape(info.source)}, {span}, "
        f"{len(info.assets)} assets: {escape(', '.join(info.assets))}</p><nav>{links}</nav>",
        _doubts(report.doubts),
        _overview(report),
    ]
    parts += [_strategy(title, item, one, numbers) for item in report.strategies]
    return "".join([*parts, _origin(report)])


def _anchor(title: str, one: StrategyReport) -> str:
    return escape(f"{title}-{one.strategy_id}".replace(" ", "-"), quote=True)


def _doubts(doubts: Sequence[Doubt]) -> str:
    if not doubts:
        return ""
    items = "".join(f"<li>{escape(one.text)}</li>" for one in doubts)
    return f"<div class=doubts><h3>Where to doubt it</h3><ul>{items}</ul></div>"


def _overview(report: Report) -> str:
    rows = []
    for one in report.strategies:
        found, drawn = one.metrics, one.random_entry
        holding = one.benchmarks[0].total_return_pct if one.benchmarks else None
        cells = (
            number(found.total_return_pct, sign="+"),
            number(holding, sign="+"),
            number(found.sharpe),
            number(found.max_drawdown_pct),
            f"{found.trades:,}",
            number(found.win_rate_pct, 1),
            number(found.fees_usd),
            number(one.significance.deflated),
            number(None if drawn is None else drawn.percentile, 0),
        )
        rows.append([escape(one.name), *cells])
    titles = (
        *("strategy", "return %", "holding %", "Sharpe", "max drawdown %", "trades"),
        *("win rate %", "fees USD", "deflated Sharpe", "beats random %"),
    )
    return f"<section>{_table(titles, rows)}</section>"


def _strategy(title: str, one: StrategyReport, run: Backtest, numbers: Iterable[int]) -> str:
    traded = [item.name for item in one.by_asset]
    parts = [
        f'<section id="{_anchor(title, one)}"><h2>{escape(one.name)} '
        f"<small>{escape(one.strategy_id)}, version {one.version}</small></h2>",
        _doubts(one.doubts),
        _chart("Beside holding", charts.beside(one), numbers),
        _chart("Equity", charts.equity(one), numbers),
        _chart("Drawdown and exposure", charts.drawdown(one), numbers),
        f"<div class=columns>{''.join(_figures(t, n, one) for t, n in _FIGURES.items())}</div>",
        _benchmarks(one.benchmarks),
        _chance(one),
        _chart("Monthly returns, %", charts.months(one), numbers),
        "<div class=columns>",
        _chart("Yearly returns", charts.years(one), numbers),
        _chart("Rolling Sharpe", charts.rolling_sharpe(one), numbers),
        _chart("Returns of the trades", charts.histogram(one), numbers),
        _chart("Which engine earned it", charts.engines(one), numbers),
        _chart("By asset", charts.groups(one.by_asset), numbers),
        _chart("By regime at the entry", charts.groups(one.by_regime), numbers),
        "</div>",
        _chart("By hour of the entry, UTC", charts.groups(one.by_hour), numbers),
    ]
    for asset in traded:
        if asset in run.prices:
            figure = charts.candles(one, asset, run.prices[asset])
            parts.append(_chart(f"{asset}: trades", figure, numbers, is_open=asset == traded[0]))
    return "".join([*parts, _trades(one), "</section>"])


def _chart(title: str, figure: go.Figure, numbers: Iterable[int], *, is_open: bool = True) -> str:
    """Return a figure under its title; its script draws it once it is seen."""
    if not any(len(trace.x) for trace in figure.data):
        return f"<div><h3>{escape(title)}</h3><p>There is nothing to show.</p></div>"
    name = f"figure-{next(iter(numbers))}"
    # "</script>" in a name would end the script.
    spec = figure.to_json(engine="json").replace("</", "<\\/")
    return (
        f"<details class=chart{' open' if is_open else ''}><summary>{escape(title)}</summary>"
        f'<div id="{name}" style="height:{figure.layout.height}px"></div>'
        f'<script type="application/json" data-for="{name}">{spec}</script></details>'
    )


def _figures(title: str, wanted: Sequence[tuple[str, str, int]], one: StrategyReport) -> str:
    ranges = {item.name: f"{item.low:.2f} to {item.high:.2f}" for item in one.intervals}
    rows = [
        [escape(name), number(_value(one.metrics, field), digits), ranges.get(field, "")]
        for name, field, digits in wanted
    ]
    return f"<div><h3>{title}</h3>{_table(('', '', '95 % range'), rows)}</div>"


def _value(metrics: Metrics, field: str) -> float | None:
    value: float | None = getattr(metrics, field)
    return value


def _benchmarks(marks: Sequence[Benchmark]) -> str:
    if not marks:
        return "<p>There are no daily candles to compare with holding.</p>"
    rows = [
        [
            escape(one.name),
            number(one.total_return_pct, sign="+"),
            number(one.cagr_pct, sign="+"),
            number(one.sharpe),
            number(one.max_drawdown_pct),
        ]
        for one in marks
    ]
    titles = ("beside it", "return %", "CAGR %", "Sharpe", "max drawdown %")
    return f"<h3>Holding the same assets</h3>{_table(titles, rows)}"


def _chance(one: StrategyReport) -> str:
    """Return in words how much of it may be luck."""
    sure, drawn = one.significance, one.random_entry
    said = [
        f"The probability that the true Sharpe ratio is above 0 is {number(sure.probabilistic)}; "
        f"above what the best of {sure.trials:,} trials has by luck, {number(sure.deflated)}."
    ]
    if drawn is not None:
        said.append(
            f"Of {drawn.draws:,} times that the same trades were entered at random moments, it did "
            f"better than {drawn.percentile:.0f} % (they made {drawn.mean_usd:+,.2f} USD on "
            f"average, it made {drawn.profit_usd:+,.2f})."
        )
    return f"<h3>Skill or luck</h3><p>{escape(' '.join(said))}</p>"


def _trades(one: StrategyReport) -> str:
    rows = [
        [
            escape(trade.asset),
            moment(trade.entered_at, _TIME),
            moment(trade.exited_at, _TIME),
            number(trade.entry_price_usd, 4),
            number(trade.exit_price_usd, 4),
            number(trade.profit_usd, sign="+"),
            number(trade.return_pct, sign="+"),
            escape(f"{trade.entry_reason} / {trade.exit_reason}"),
        ]
        for trade in one.trades[-_MOST_TRADES:]
    ]
    titles = ("asset", "bought", "sold", "at USD", "for USD", "profit USD", "return %", "why")
    more = len(one.trades) - len(rows)
    said = f"<p>and {more:,} earlier ones, in the JSON</p>" if more else ""
    if not rows:
        return "<p>It closed no trade.</p>"
    whole = _table(titles, rows)
    return f"<details><summary>All {len(one.trades):,} trades</summary>{whole}{said}</details>"


def _origin(report: Report) -> str:
    info = report.info
    absent = ", ".join(info.engines_absent) or "none"
    rows = [
        ["command", f"<code>{escape(info.command)}</code>"],
        ["code", f"quantiva-streams {escape(info.code_version)}, settings {escape(info.settings)}"],
        ["fills", f"fee {info.fee_bps:g} bps, without a book {info.slippage_bps:g} bps more"],
        ["engines without data", escape(absent)],
        *[["", escape(text)] for text in (*info.gaps, *info.notes)],
    ]
    return f"<section><h2>Where it comes from</h2>{_table(('', ''), rows)}</section>"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles) if any(titles) else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
