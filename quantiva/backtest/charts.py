"""The figures of a report's page, for plotly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go

from streams.backtest.contents import Group, StrategyReport
from streams.backtest.run_data import Bar, Prices

BLUE, GREY, GREEN, RED, AMBER = "#3b82f6", "#94a3b8", "#10a37f", "#e5484d", "#d97706"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_HOURLY = 3_000


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _figure(height: int, **layout: Any) -> go.Figure:
    found = go.Figure()
    found.update_layout(
        height=height,
        margin={"l": 56, "r": 16, "t": 8, "b": 32},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 12, "color": GREY},
        legend={"orientation": "h", "y": 1.08, "x": 0},
        hovermode="x unified",
        bargap=0.15,
        template="none",
        **layout,
    )
    lines = {"gridcolor": "rgba(128,128,128,.18)", "zerolinecolor": "rgba(128,128,128,.45)"}
    found.update_xaxes(**lines)
    found.update_yaxes(**lines)
    return found


def equity(one: StrategyReport) -> go.Figure:
    """Return the equity alone, beside what was put in: next to holding it may look flat."""
    found = _figure(240, yaxis={"title": "USD"})
    days = [_moment(at.at_ms) for at in one.equity]
    invested = [at.invested_usd for at in one.equity]
    values = [at.equity_usd for at in one.equity]
    found.add_scatter(x=days, y=invested, name="put in", line={"color": GREY, "width": 1})
    found.add_scatter(x=days, y=values, name="equity", line={"color": BLUE, "width": 2})
    return found


def beside(one: StrategyReport) -> go.Figure:
    """Return what 1 USD became, beside holding and equal weight."""
    found = _figure(340, yaxis={"title": "1 USD became"})
    for mark, dash in zip(one.benchmarks, ("dot", "dash"), strict=False):
        days = [_moment(at.at_ms) for at in mark.curve]
        values = [at.value for at in mark.curve]
        line = {"color": GREY, "dash": dash, "width": 1.5}
        found.add_scatter(x=days, y=values, name=mark.name, line=line)
    days = [_moment(at.at_ms) for at in one.equity]
    values = [at.growth for at in one.equity]
    found.add_scatter(x=days, y=values, name=one.name, line={"color": BLUE, "width": 2})
    return found


def drawdown(one: StrategyReport) -> go.Figure:
    """Return the drawdown below the highest equity so far, and the exposure."""
    found = _figure(220, yaxis={"title": "%"})
    days = [_moment(at.at_ms) for at in one.equity]
    falls = [-at.drawdown_pct for at in one.equity]
    exposures = [at.exposure_pct for at in one.equity]
    line = {"color": RED, "width": 1}
    found.add_scatter(x=days, y=falls, name="drawdown", fill="tozeroy", line=line)
    found.add_scatter(x=days, y=exposures, name="exposure", line={"color": AMBER, "width": 1})
    return found


def rolling_sharpe(one: StrategyReport) -> go.Figure:
    """Return the Sharpe ratio of the 90 days before each day."""
    found = _figure(200)
    days = [_moment(at.at_ms) for at in one.rolling_sharpe]
    values = [at.value for at in one.rolling_sharpe]
    found.add_scatter(x=days, y=values, name="Sharpe, 90 days", line={"color": BLUE, "width": 1.5})
    return found


def months(one: StrategyReport) -> go.Figure:
    """Return the monthly returns, a row a year."""
    years = sorted({item.year for item in one.monthly})
    table: list[list[float | None]] = [[None] * len(_MONTHS) for _ in years]
    for item in one.monthly:
        table[years.index(item.year)][item.month - 1] = item.return_pct
    texts = [["" if value is None else f"{value:+.2f}" for value in row] for row in table]
    found = _figure(60 + 34 * len(years), hoverlabel={"namelength": 0})
    found.add_heatmap(
        z=table,
        x=_MONTHS,
        y=[str(year) for year in years],
        text=texts,
        texttemplate="%{text}",
        colorscale=[[0, RED], [0.5, "rgba(128,128,128,.08)"], [1, GREEN]],
        zmid=0,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    found.update_yaxes(type="category", autorange="reversed")
    return found


def years(one: StrategyReport) -> go.Figure:
    """Return the return of each year."""
    found = _figure(200, yaxis={"title": "%"})
    values = [item.return_pct for item in one.yearly]
    names = [str(item.year) for item in one.yearly]
    found.add_bar(x=names, y=values, marker_color=[_colour(value) for value in values], name="%")
    found.update_xaxes(type="category")
    return found


def histogram(one: StrategyReport) -> go.Figure:
    """Return how the trades' returns are distributed."""
    found = _figure(220, yaxis={"title": "trades"}, xaxis={"title": "return of a trade, %"})
    middles = [(item.low_pct + item.high_pct) / 2 for item in one.trade_returns]
    counts = [item.count for item in one.trade_returns]
    found.add_bar(x=middles, y=counts, marker_color=[_colour(at) for at in middles], name="trades")
    return found


def engines(one: StrategyReport) -> go.Figure:
    """Return the part of each engine in the profit."""
    names = [item.engine for item in one.by_engine]
    return _bars(names, [item.profit_usd for item in one.by_engine])


def groups(items: Sequence[Group]) -> go.Figure:
    """Return the profit of groups of trades."""
    return _bars([item.name for item in items], [item.profit_usd for item in items])


def _bars(names: Sequence[str], values: Sequence[float]) -> go.Figure:
    found = _figure(220, yaxis={"title": "profit, USD"})
    colours = [_colour(value) for value in values]
    found.add_bar(x=list(names), y=list(values), marker_color=colours, name="USD")
    found.update_xaxes(type="category")
    return found


def _colour(value: float) -> str:
    return GREEN if value >= 0.0 else RED


def candles(one: StrategyReport, asset: str, prices: Prices) -> go.Figure:
    """Return the candles of an asset with the trades on them: hourly, of a long run daily."""
    bars: Sequence[Bar] = prices.hourly
    if not bars or len(bars) > _MOST_HOURLY:
        bars = [bar for bar in prices.daily if not one.from_ms or bar.at_ms >= one.from_ms]
    found = _figure(360, xaxis={"rangeslider": {"visible": False}}, yaxis={"title": "USD"})
    found.add_candlestick(
        x=[_moment(bar.at_ms) for bar in bars],
        open=[bar.open_usd for bar in bars],
        high=[bar.high_usd for bar in bars],
        low=[bar.low_usd for bar in bars],
        close=[bar.close_usd for bar in bars],
        increasing={"line": {"color": GREEN, "width": 1}},
        decreasing={"line": {"color": RED, "width": 1}},
        name=asset,
    )
    trades = [trade for trade in one.trades if trade.asset == asset]
    opened = [at for at in one.open_trades if at.asset == asset]
    entries = [(trade.entered_at, trade.entry_price_usd) for trade in trades]
    entries += [(at.entered_at, at.entry_price_usd) for at in opened]
    exits = [(trade.exited_at, trade.exit_price_usd) for trade in trades]
    for name, symbol, places in (
        ("bought", "triangle-up", entries),
        ("sold", "triangle-down", exits),
    ):
        marker = {"symbol": symbol, "size": 10, "color": BLUE if name == "bought" else AMBER}
        found.add_scatter(
            x=[_moment(at_ms) for at_ms, _ in places],
            y=[price_usd for _, price_usd in places],
            mode="markers",
            marker=marker,
            name=name,
        )
    return found
