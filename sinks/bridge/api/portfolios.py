"""Model portfolios: what they are worth, what they hold, what they traded.

What is now is known from the bridge's memory of portfolio.equity, of a strategy that has been quiet
for long from the database. The past is the database's; without one it is what the memory has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby

import msgspec

from schemas.control import Strategy
from schemas.signals import PortfolioEquity, PortfolioTrade
from schemas.times import CYCLE_MS, DAY_MS, HOUR_MS
from sinks.bridge.api.answers import EquityPoint, Portfolio, copy_fields
from sinks.bridge.api.cursors import page, place
from sinks.bridge.api.database import Where, fetch, ms_or_none
from sinks.bridge.api.queries import EquityQuery, TradeQuery
from sinks.bridge.api.route_decorator import Api, Routes
from sinks.bridge.api.strategies import current, may_change
from sinks.bridge.api.values import Items, Page, StrategyId, TimeMs
from sinks.bridge.auth import Principal
from sinks.bridge.problems import ProblemError
from sinks.postgres.values import time, time_or_none

routes = Routes("portfolios")
_STEP_MS = {
    "10m": CYCLE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
    "1w": 7 * DAY_MS,
}
_NEWEST = """
    SELECT newest.body FROM unnest($1::text[]) AS wanted (strategy_id), LATERAL (
        SELECT body FROM portfolio_equity WHERE strategy_id = wanted.strategy_id
        ORDER BY as_of DESC, kind DESC LIMIT 1
    ) AS newest
"""
_POINT = ", ".join(EquityPoint.__struct_fields__)
_decode_equity = msgspec.json.Decoder(PortfolioEquity).decode
_decode_trade = msgspec.json.Decoder(PortfolioTrade).decode


class TradePlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of trades ends."""

    filled_at: TimeMs
    trade_id: str


class EquityPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of moments ends; with a step at the beginning of the last one's."""

    as_of: TimeMs
    kind: str


@routes("GET", "/portfolios")
async def every(api: Api, principal: Principal) -> Items[Portfolio]:
    """The model portfolio of each strategy that has one, with its open positions."""
    strategies = await _strategies(api)
    found = dict(api.latest.equity)
    missing = [name for name in sorted(strategies) if name not in found]
    if missing and api.database is not None:
        with suppress(ProblemError):  # away: what has been quiet for long is not in the list
            found |= await _stored(api, missing)
    return Items(
        tuple(portfolio_of(found[name], strategies.get(name), principal) for name in sorted(found))
    )


@routes("GET", "/portfolios/{strategy_id}", 404, 503)
async def one(api: Api, principal: Principal, strategy_id: StrategyId) -> Portfolio:
    """The model portfolio of a strategy as it is now, with its open positions."""
    return await find(api, principal, strategy_id)


@routes("GET", "/portfolios/{strategy_id}/trades", 503)
async def trades(api: Api, strategy_id: StrategyId, query: TradeQuery) -> Page[PortfolioTrade]:
    """The fills of a strategy's portfolio, the newest first."""
    after = place(query.cursor, TradePlace, query)
    if api.database is None:
        found = _remembered_trades(api, strategy_id, query, after)
    else:
        where = Where()
        where.add("strategy_id = {}", strategy_id)
        where.add("asset = {}", query.asset)
        where.add("side = {}", query.side)
        where.add("filled_at >= {}", time_or_none(query.since))
        where.add("filled_at < {}", time_or_none(query.until))
        if after is not None:
            where.add("(filled_at, trade_id) < ({}, {})", time(after.filled_at), after.trade_id)
        statement = (
            f"SELECT body FROM portfolio_trades {where.text()}"  # noqa: S608 - our own texts
            f" ORDER BY filled_at DESC, trade_id DESC LIMIT {query.limit + 1}"
        )
        rows = await fetch(api, statement, *where.values)
        found = [_decode_trade(row["body"]) for row in rows]
    return page(found, query, lambda one: TradePlace(one.filled_at, one.trade_id))


def _remembered_trades(
    api: Api, strategy_id: str, query: TradeQuery, after: TradePlace | None
) -> list[PortfolioTrade]:
    end = (after.filled_at, after.trade_id) if after is not None else None
    found = [
        one
        for one in api.latest.trades.values()
        if one.strategy_id == strategy_id
        and query.asset in (None, one.asset)
        and query.side in (None, one.side)
        and _is_within(one.filled_at, query.since, query.until)
        and (end is None or (one.filled_at, one.trade_id) < end)
    ]
    return sorted(found, key=lambda one: (one.filled_at, one.trade_id), reverse=True)


@routes("GET", "/portfolios/{strategy_id}/equity", 503)
async def equity(api: Api, strategy_id: StrategyId, query: EquityQuery) -> Page[EquityPoint]:
    """The equity of a strategy's portfolio over time, the newest first.

    A moment at the end of every cycle and at every change of the capital. `limit` is at most 1,000
    here.
    """
    after = place(query.cursor, EquityPlace, query)
    if api.database is None:
        found = _remembered_points(api, strategy_id, query, after)
    else:
        found = await _stored_points(api, strategy_id, query, after)

    def end(point: EquityPoint) -> EquityPlace:
        if query.step is None:
            return EquityPlace(point.as_of, point.kind)
        step_ms = _STEP_MS[query.step]
        return EquityPlace(point.as_of // step_ms * step_ms, "")

    return page(found, query, end)


async def _stored_points(
    api: Api, strategy_id: str, query: EquityQuery, after: EquityPlace | None
) -> list[EquityPoint]:
    where = Where()
    where.add("strategy_id = {}", strategy_id)
    where.add("as_of >= {}", time_or_none(query.since))
    where.add("as_of < {}", time_or_none(query.until))
    if after is not None:
        where.add("(as_of, kind) < ({}, {})", time(after.as_of), after.kind)
    chosen, part = "", ""
    if query.step is not None:
        step_s = _STEP_MS[query.step] // 1000
        part = f"date_bin('{step_s} seconds', as_of, timestamptz '1970-01-01 00:00Z')"
        chosen, part = f"DISTINCT ON ({part})", f"{part} DESC, "
    statement = (
        f"SELECT {chosen} {_POINT} FROM portfolio_equity {where.text()}"  # noqa: S608
        f" ORDER BY {part} as_of DESC, kind DESC LIMIT {query.limit + 1}"
    )
    rows = await fetch(api, statement, *where.values)
    return [EquityPoint(**{**dict(row), "as_of": ms_or_none(row["as_of"])}) for row in rows]


def _remembered_points(
    api: Api, strategy_id: str, query: EquityQuery, after: EquityPlace | None
) -> list[EquityPoint]:
    end = (after.as_of, after.kind) if after is not None else None
    found: Iterable[PortfolioEquity] = [
        one
        for one in reversed(api.latest.curve(strategy_id))
        if _is_within(one.as_of, query.since, query.until)
        and (end is None or (one.as_of, one.kind) < end)
    ]
    if query.step is not None:
        step_ms = _STEP_MS[query.step]
        found = [next(part) for _, part in groupby(found, key=lambda one: one.as_of // step_ms)]
    return [copy_fields(EquityPoint, one) for one in found]


def _is_within(at: int, since: int | None, until: int | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


async def find(api: Api, principal: Principal, name: str) -> Portfolio:
    """Return a portfolio; 404 where there is none, 503 where it may be in a database away."""
    found = api.latest.equity.get(name)
    if found is None and api.database is not None:
        found = (await _stored(api, [name])).get(name)
    strategies = await _strategies(api)
    if found is None:
        text = f"There is no strategy {name}."
        if name in strategies:
            text = f"{name} has no portfolio yet: it begins with the strategy's first cycle."
        raise ProblemError(404, text)
    return portfolio_of(found, strategies.get(name), principal)


async def _strategies(api: Api) -> Mapping[str, Strategy]:
    """Return the strategies by id, as far as they are known."""
    try:
        return await current(api)
    except ProblemError:
        return {}


async def _stored(api: Api, names: Sequence[str]) -> dict[str, PortfolioEquity]:
    rows = await fetch(api, _NEWEST, list(names))
    found = [_decode_equity(row["body"]) for row in rows]
    return {one.strategy_id: one for one in found}


def portfolio_of(
    found: PortfolioEquity, strategy: Strategy | None, principal: Principal
) -> Portfolio:
    """Return what an equity record says of a portfolio, for the one who asks."""
    profit_usd = found.equity_usd - found.invested_usd
    invested, worth = found.invested_usd > 0.0, found.equity_usd > 0.0
    return copy_fields(
        Portfolio,
        found,
        mine=strategy is not None and may_change(strategy, principal),
        profit_usd=profit_usd,
        return_pct=100.0 * profit_usd / found.invested_usd if invested else None,
        exposure_pct=100.0 * found.positions_usd / found.equity_usd if worth else 0.0,
    )
