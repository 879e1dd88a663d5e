"""What a strategy has earned since it began: the report of a backtest over what was recorded live.

The figures are those of `streams.backtest`, so that the backtest of the same days gives the same.
Read is what portfolio.equity and portfolio.trades said, out of the database or else the memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from schemas.control import Strategy
from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import CYCLE_MS, DAY_MS, HOUR_MS
from sinks.bridge.api.database import Where, fetch, ms_or_none
from sinks.bridge.api.queries import TrackRecordQuery
from sinks.bridge.api.record_figures import Recorded, TrackRecord, track_record
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.api.strategies import current
from sinks.bridge.api.values import StrategyId
from sinks.bridge.problems import ProblemError
from sinks.postgres.values import time, time_or_none
from streams.backtest.run_data import Bar, Prices

routes = Routes("portfolios")
MOST_RECORDS, MOST_TRADES = 120_000, 20_000
"""Read of one strategy: more than two years of cycles."""
_PAGE = 20_000
_MOST_PRICED = 50
_HOURLY_MS = 31 * DAY_MS
_BEFORE_MS = 30 * DAY_MS  # so that the regime is known from the start
_COLUMNS = (
    *("kind", "as_of", "equity_usd", "cash_usd", "positions_usd", "invested_usd"),
    *("realised_usd", "unrealised_usd", "fees_usd", "closed_trades", "won_trades"),
)
_LAST = """
    SELECT body FROM portfolio_equity WHERE strategy_id = $1 AND as_of = $2 AND kind = $3
"""
_BEGAN = "SELECT min(as_of) AS began FROM portfolio_equity WHERE strategy_id = $1"
_VERSIONS = """
    SELECT version, changed_at FROM strategy_versions
    WHERE strategy_id = $1 AND version > 0 ORDER BY changed_at, version
"""
_PRICES = """
    SELECT wanted.asset, moment.at, found.price_usd
    FROM unnest($1::text[]) AS wanted (asset)
    CROSS JOIN generate_series($2::timestamptz, $3::timestamptz, $4::interval) AS moment (at)
    CROSS JOIN LATERAL (
        SELECT price_usd FROM trending_assets AS one
        WHERE one.asset = wanted.asset
          AND one.cycle <= moment.at AND one.cycle > moment.at - $4::interval
        ORDER BY one.cycle DESC LIMIT 1
    ) AS found ORDER BY 1, 2
"""
_decode_equity = msgspec.json.Decoder(PortfolioEquity).decode
_decode_trade = msgspec.json.Decoder(PortfolioTrade).decode


@dataclass(slots=True)
class _Notes:
    """What a reader should know of what was read."""

    lines: list[str] = field(default_factory=list)

    def cut(self, most: int, what: str) -> None:
        self.lines.append(f"Only the newest {most:,} {what} were read: older ones are not in it.")


@routes("GET", "/strategies/{strategy_id}/track-record", 404, 503)
async def one(api: Api, strategy_id: StrategyId, query: TrackRecordQuery) -> TrackRecord:
    """Return what a strategy has earned on paper since it began, and how well.

    Equity (at most some 500 moments), the figures of a backtest's report, benchmarks, monthly
    returns, drawdowns, and each version's part. `backtest` is the command that gives the same
    figures out of an archive. Kept for a minute.
    """
    strategy = await _strategy(api, strategy_id)
    key = ("track-record", strategy_id, strategy.version, query)
    return await api.kept.get(key, api.now_ms(), lambda: _make(api, strategy, query))


async def _strategy(api: Api, strategy_id: str) -> Strategy:
    """Return a strategy as far as it is known: it may be deleted, or the database away."""
    try:
        known = await current(api)
    except ProblemError:
        known = api.latest.strategies
    return known.get(strategy_id) or Strategy(strategy_id=strategy_id, owner="", name=strategy_id)


async def _make(api: Api, strategy: Strategy, query: TrackRecordQuery) -> TrackRecord:
    notes = _Notes()
    if api.database is None:
        recorded = _remembered(api, strategy, query, notes)
    else:
        recorded = await _stored(api, strategy, query, notes)
    return await asyncio.to_thread(track_record, recorded)


def _remembered(api: Api, strategy: Strategy, query: TrackRecordQuery, notes: _Notes) -> Recorded:
    """Return what the memory has: the last 1,000 moments and 200 trades, no prices."""
    notes.lines.append(
        "This bridge has no database: these are the last moments and trades that it remembers."
    )
    name = strategy.strategy_id
    curve = [one for one in api.latest.curve(name) if _is_within(one.as_of, query)]
    last = api.latest.equity.get(name)
    if curve and last is not None and last.as_of == curve[-1].as_of:
        curve[-1] = last
    if not curve:
        raise _nothing(strategy)
    trades = [one for one in api.latest.trades.values() if one.strategy_id == name]
    return Recorded(
        strategy=strategy,
        equity=curve,
        trades=sorted(_of_span(trades, curve, query), key=_order),
        began_at=curve[0].as_of,
        notes=tuple(notes.lines),
    )


async def _stored(api: Api, strategy: Strategy, query: TrackRecordQuery, notes: _Notes) -> Recorded:
    name = strategy.strategy_id
    curve = await _curve(api, name, query, notes)
    if not curve:
        raise _nothing(strategy)
    trades = _of_span(await _trades(api, name, query, notes), curve, query)
    (began,) = await fetch(api, _BEGAN, name)
    versions = [
        (row["version"], ms_or_none(row["changed_at"]) or 0)
        for row in await fetch(api, _VERSIONS, name)
    ]
    return Recorded(
        strategy=strategy,
        equity=curve,
        trades=trades,
        began_at=ms_or_none(began["began"]) or curve[0].as_of,
        versions=tuple(versions),
        prices=await _prices(api, trades, curve, notes),
        notes=tuple(notes.lines),
    )


async def _curve(
    api: Api, name: str, query: TrackRecordQuery, notes: _Notes
) -> list[PortfolioEquity]:
    """Return the moments, oldest first, the last one with its positions.

    By pages of columns and not of documents: the positions of every cycle are most of the bytes.
    """
    found: list[PortfolioEquity] = []
    while len(found) < MOST_RECORDS:
        where = Where()
        where.add("strategy_id = {}", name)
        where.add("as_of >= {}", time_or_none(query.since))
        where.add("as_of < {}", time_or_none(query.until))
        if found:
            where.add("(as_of, kind) < ({}, {})", time(found[-1].as_of), found[-1].kind)
        statement = (
            f"SELECT {', '.join(_COLUMNS)} FROM portfolio_equity {where.text()}"  # noqa: S608
            f" ORDER BY as_of DESC, kind DESC LIMIT {_PAGE}"
        )
        rows = await fetch(api, statement, *where.values)
        found += [_moment(name, row) for row in rows]
        if len(rows) < _PAGE:
            break
    else:
        notes.cut(MOST_RECORDS, "moments of the equity")
    if found:
        (row,) = await fetch(api, _LAST, name, time(found[0].as_of), found[0].kind)
        found[0] = _decode_equity(row["body"])
    found.reverse()
    return found


def _moment(name: str, row: Any) -> PortfolioEquity:
    return PortfolioEquity(strategy_id=name, **{**dict(row), "as_of": ms_or_none(row["as_of"])})


async def _trades(
    api: Api, name: str, query: TrackRecordQuery, notes: _Notes
) -> list[PortfolioTrade]:
    where = Where()
    where.add("strategy_id = {}", name)
    where.add("filled_at >= {}", time_or_none(query.since))
    where.add("filled_at < {}", time_or_none(query.until))
    statement = (
        f"SELECT body FROM portfolio_trades {where.text()}"  # noqa: S608 - our own texts
        f" ORDER BY filled_at DESC, trade_id DESC LIMIT {MOST_TRADES + 1}"
    )
    rows = await fetch(api, statement, *where.values)
    if len(rows) > MOST_TRADES:
        notes.cut(MOST_TRADES, "trades")
    return [_decode_trade(row["body"]) for row in reversed(rows[:MOST_TRADES])]


async def _prices(
    api: Api, trades: Sequence[PortfolioTrade], curve: Sequence[PortfolioEquity], notes: _Notes
) -> dict[str, Prices]:
    """Return prices of what was traded or is held, as each cycle's snapshot had them."""
    values: dict[str, float] = {one.asset: one.value_usd for one in curve[-1].positions}
    for trade in trades:
        values[trade.asset] = values.get(trade.asset, 0.0) + trade.value_usd
    assets = sorted(values, key=lambda asset: (-values[asset], asset))
    if len(assets) > _MOST_PRICED:
        text = f"Holding is that of the {_MOST_PRICED} assets of {len(assets)} traded the most."
        notes.lines.append(text)
    assets = sorted(assets[:_MOST_PRICED])
    first, last = curve[0].as_of, curve[-1].as_of
    daily = await _bars(api, assets, first - _BEFORE_MS, last, DAY_MS)
    hourly: dict[str, list[Bar]] = {}
    if last - first <= _HOURLY_MS:
        hourly = await _bars(api, assets, first - HOUR_MS, last, HOUR_MS)
    return {
        one: Prices(tuple(daily.get(one, ())), tuple(hourly.get(one, ())))
        for one in assets
        if one in daily or one in hourly
    }


async def _bars(
    api: Api, assets: Sequence[str], first_ms: int, last_ms: int, step_ms: int
) -> dict[str, list[Bar]]:
    start = -(-max(first_ms, 0) // step_ms) * step_ms
    step = timedelta(milliseconds=step_ms)
    found: dict[str, list[Bar]] = {}
    for row in await fetch(api, _PRICES, list(assets), time(start), time(last_ms), step):
        price = row["price_usd"]
        at_ms = ms_or_none(row["at"]) or 0
        found.setdefault(row["asset"], []).append(Bar(at_ms, price, price, price, price))
    return found


def _of_span(
    trades: Sequence[PortfolioTrade], curve: Sequence[PortfolioEquity], query: TrackRecordQuery
) -> list[PortfolioTrade]:
    """Return the trades of the curve's time: its first moment ends the cycle of the first ones."""
    first_ms = curve[0].as_of - CYCLE_MS
    return [one for one in trades if one.filled_at >= first_ms and _is_within(one.filled_at, query)]


def _order(trade: PortfolioTrade) -> tuple[int, str]:
    return trade.filled_at, trade.trade_id


def _is_within(at: int, query: TrackRecordQuery) -> bool:
    return (query.since or 0) <= at and (query.until is None or at < query.until)


def _nothing(strategy: Strategy) -> ProblemError:
    name = strategy.strategy_id
    text = f"There is no record of {name} in that time: one begins with a strategy's first cycle."
    return ProblemError(404, text)
