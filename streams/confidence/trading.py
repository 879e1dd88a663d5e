"""What a strategy's model portfolio does with each record of `signals.decisions` (SPEC 4). Pure.

* A decision of a cycle or a change marks what is held, fills what waited for this price, is sized
  by the portfolio as it then stands, and trades: with an order book at once, at the decision's
  price and costs; without one it becomes an order that waits for the asset's next decision with a
  price seen after it.
* A SELL of a purchase that still waits cancels it. A sale that waits comes before a purchase.
* A decision of a request, or of a dry run, is sized and trades nothing: a request by the portfolio
  as it stands, a dry run by a fresh one of its own capital.
* A decision before the last one of its asset is late: it trades nothing, its signal has size 0.
  One that was applied already, or may have been, is a repetition: it has no signal again, for its
  size would differ.
* Deposits, withdrawals and resets change the capital, each once.

The cap of an asset and the cash are kept at the fill too, whatever the price has become.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from schemas.names import MOST_ASSETS
from schemas.scores import InputPosition
from schemas.signals import Decision, PortfolioEquity, PortfolioTrade
from schemas.text import moment
from schemas.times import DAY_MS, HOUR_MS
from streams.confidence import fills, position_sizing
from streams.confidence.bookkeeping import (
    Fill,
    begun,
    bought,
    deposited,
    marked,
    reset,
    sold,
    withdrawn,
)
from streams.confidence.portfolio import Order, Portfolio, equity
from streams.confidence.position_sizing import Sizing

_KEPT_DECISIONS = 8  # of an asset: so many times a batch of fusion may be sent twice
_KEPT_ANSWERS = 32  # to requests, of a strategy
_MOST_DECIDED = 2 * MOST_ASSETS
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of position sizing and of fills."""

    sizing: position_sizing.Config = field(default_factory=position_sizing.Config)
    fills: fills.Config = field(default_factory=fills.Config)


class Traded(msgspec.Struct, frozen=True, gc=False):
    """What came of a decision: the portfolio, the size of the signal, fills in their order.

    sizing  None for a repetition, which has no signal
    """

    portfolio: Portfolio
    sizing: Sizing | None
    trades: tuple[PortfolioTrade, ...] = ()


class CapitalChanged(msgspec.Struct, frozen=True, gc=False):
    """What came of a capital event; `equity` is None for a repetition."""

    portfolio: Portfolio
    equity: PortfolioEquity | None
    trades: tuple[PortfolioTrade, ...] = ()


def trade(config: Config, before: Portfolio, decision: Decision, place: InputPosition) -> Traded:
    """Apply a decision; `place` is its own in the log."""
    fee_share = config.fills.fee_share
    if decision.trigger == "dry_run":
        fresh = begun(Portfolio(), decision)
        return Traded(before, position_sizing.size(config.sizing, fresh, decision, fee_share))
    portfolio = begun(before, decision)
    if decision.trigger == "request":
        if decision.decision_id in before.asked:
            return Traded(before, None)
        sized = position_sizing.size(config.sizing, portfolio, decision, fee_share)
        asked = (*before.asked, decision.decision_id)[-_KEPT_ANSWERS:]
        return Traded(replace(before, asked=asked), sized)
    applied = before.decided.get(decision.asset, ())
    if _is_repeated(applied, decision.as_of):
        return Traded(before, None)
    if applied and decision.as_of < applied[-1]:
        sized = position_sizing.size(config.sizing, portfolio, decision, fee_share)
        return Traded(_remembered(before, decision), _late(sized, applied[-1]))
    portfolio = _without_old(config.fills, _remembered(portfolio, decision), decision.as_of)
    portfolio, trades, said = _waiting(config, marked(portfolio, decision), decision, place)
    sized = position_sizing.size(config.sizing, portfolio, decision, fee_share)
    portfolio, more, also = _now(config, portfolio, decision, sized, place)
    detail = {**sized.detail, **said, **also}
    return Traded(portfolio, replace(sized, detail=detail), (*trades, *more))


def change_capital(
    config: Config, before: Portfolio, event: Decision, place: InputPosition
) -> CapitalChanged:
    """Apply a deposit, withdrawal or reset; its equity is published at once."""
    if event.decision_id in before.events:
        return CapitalChanged(before, None)
    detail: dict[str, str] = {}
    trades: tuple[PortfolioTrade, ...] = ()
    if event.kind == "deposit":
        portfolio = deposited(before, event)
    elif event.kind == "withdrawal":
        portfolio, detail = withdrawn(before, event)
    else:
        portfolio, trades = reset(before, event, config.fills.fee_share, place)
    at = (event.kind, event.as_of, None, (place,), detail)
    worth = equity(portfolio, event.strategy_id, *at)
    return CapitalChanged(portfolio, worth, trades)


def _late(sized: Sizing, last_ms: int) -> Sizing:
    said = f"it comes after a decision of {_time(last_ms)}, so nothing is traded"
    return replace(sized, value_usd=0.0, size=0.0, detail={**sized.detail, "late": said})


def _is_repeated(applied: tuple[int, ...], as_of: int) -> bool:
    """Return whether a decision was applied, or may have been: older than all remembered ones."""
    return as_of in applied or (len(applied) == _KEPT_DECISIONS and as_of < applied[0])


def _remembered(portfolio: Portfolio, decision: Decision) -> Portfolio:
    """Return the portfolio with the decision among the last ones of its asset.

    When another asset comes, those silent for a day are forgotten, and of too many the first; never
    one that is held.
    """
    asset, decided = decision.asset, portfolio.decided
    if asset not in decided:
        oldest_ms = decision.as_of - DAY_MS
        needed = portfolio.positions.keys() | portfolio.orders.keys()
        decided = {key: one for key, one in decided.items() if one[-1] > oldest_ms or key in needed}
        if len(decided) >= _MOST_DECIDED:
            del decided[next(key for key in decided if key not in needed)]
    last = tuple(sorted((*decided.get(asset, ()), decision.as_of)))[-_KEPT_DECISIONS:]
    return replace(portfolio, decided={**decided, asset: last})


def _without_old(config: fills.Config, portfolio: Portfolio, now_ms: int) -> Portfolio:
    """Return the portfolio without purchases that have waited too long for a price."""
    oldest_ms = now_ms - config.pending_hours * HOUR_MS
    orders = {
        asset: one
        for asset, one in portfolio.orders.items()
        if one.side == "sell" or one.decided_at >= oldest_ms
    }
    return replace(portfolio, orders=orders) if len(orders) < len(portfolio.orders) else portfolio


Step = tuple[Portfolio, tuple[PortfolioTrade, ...], dict[str, str]]


def _waiting(
    config: Config, portfolio: Portfolio, decision: Decision, place: InputPosition
) -> Step:
    """Fill the order that waits for a price of the asset, where the decision brings one."""
    order = portfolio.orders.get(decision.asset)
    price_at = decision.as_of if decision.price_at is None else decision.price_at
    if order is None or decision.price_usd is None or price_at <= order.decided_at:
        return portfolio, (), {}
    portfolio = _with_order(portfolio, decision.asset, None)
    decided = InputPosition(place.topic, place.partition, order.offset)
    after, trades, said = _filled(config, portfolio, decision, order, price_at, (decided, place))
    return after, trades, {"order": said["fill"]} if said else {}


def _now(
    config: Config,
    portfolio: Portfolio,
    decision: Decision,
    sized: Sizing,
    place: InputPosition,
) -> Step:
    """Trade what was decided: at once with a book, as an order that waits without one."""
    asset = decision.asset
    other = {"BUY": "sell", "SELL": "buy"}.get(decision.action)
    there = portfolio.orders.get(asset)
    if there is not None and there.side == other:
        if there.side == "sell":  # a stop is not called off because the rule would buy again
            return portfolio, (), {}
        return _with_order(portfolio, asset, None), (), {}
    if not sized.size > 0.0:
        return portfolio, (), {}
    order = Order(
        "buy" if decision.action == "BUY" else "sell",
        sized.size,
        sized.value_usd,
        decision.decision_id,
        decision.as_of,
        decision.override or "thresholds",
        decision.strategy_version,
        place.offset,
    )
    if decision.spread_bps is None or decision.price_usd is None:
        said = f"there is no fresh order book: the next price of {asset} fills it"
        return _with_order(portfolio, asset, order), (), {"fill": said}
    return _filled(config, portfolio, decision, order, decision.as_of, (place,))


def _filled(
    config: Config,
    portfolio: Portfolio,
    decision: Decision,
    order: Order,
    filled_at: int,
    inputs: tuple[InputPosition, ...],
) -> Step:
    """Fill an order at the price of a decision, with the costs of its book."""
    asset, price_usd, said = decision.asset, decision.price_usd or 0.0, ""
    if order.side == "sell":
        size = portfolio.positions[asset].size
    else:
        size, said = _affordable(config, portfolio, decision, order.size)
    if not size > 0.0:
        return portfolio, (), {"fill": f"the BUY of {_time(order.decided_at)} buys nothing: {said}"}
    quote = fills.quote(
        *(config.fills, order.side, price_usd, size * price_usd),
        *(decision.spread_bps, decision.features),
    )
    fee_usd = size * quote.price_usd * config.fills.fee_share
    fill = Fill(
        *(decision.strategy_id, asset, order, size, price_usd, quote, filled_at, fee_usd, inputs)
    )
    detail = {"fill": f"{size:.6g} of {order.size:.6g} {asset} bought: {said}"} if said else {}
    if order.side == "sell":
        portfolio, done = sold(portfolio, fill)
        if size * price_usd > quote.most_usd:
            thin = f"the book is known to fill {quote.most_usd:,.0f} USD; the sale is of more"
            detail["fill"] = f"{thin}, at {quote.slippage_bps:.1f} bps of slippage"
    else:
        portfolio, done = bought(portfolio, fill, decision)
    return portfolio, (done,), detail


def _affordable(
    config: Config, portfolio: Portfolio, decision: Decision, wanted: float
) -> tuple[float, str]:
    """Return how much of a purchase the book, the cap and the cash allow, and what limits it.

    The cap is of the portfolio as it is after the costs, so that no position is above it then.
    """
    price_usd, fee = decision.price_usd or 0.0, config.fills.fee_share
    book = (decision.spread_bps, decision.features)
    quote = fills.quote(config.fills, "buy", price_usd, wanted * price_usd, *book)
    limits = [(wanted, "")]
    limits.append(
        (quote.most_usd / price_usd, f"the book is known to fill {quote.most_usd:,.0f} USD")
    )
    first = min(wanted, quote.most_usd / price_usd)
    fill_usd = fills.quote(config.fills, "buy", price_usd, first * price_usd, *book).price_usd
    share = config.sizing.max_asset_share
    lost_usd = fill_usd - price_usd + fee * fill_usd  # of equity, for each unit bought
    most = share * portfolio.equity_usd * (1.0 - _ROUNDING) / (fill_usd + share * lost_usd)
    limits.append((most, f"more would be above {share:.0%} of the portfolio"))
    cash = portfolio.cash_usd * (1.0 - _ROUNDING) / (fill_usd * (1.0 + fee))
    limits.append((cash, "there is no more cash"))
    size, said = min(limits, key=lambda one: one[0])
    if size * price_usd < config.sizing.least_order_usd:
        return 0.0, said or "it is worth less than the least order"
    return size, said


def _with_order(portfolio: Portfolio, asset: str, order: Order | None) -> Portfolio:
    orders = {key: one for key, one in portfolio.orders.items() if key != asset}
    if order is not None:
        orders[asset] = order
    return replace(portfolio, orders=orders)


def _time(time_ms: int) -> str:
    return moment(time_ms, "%Y-%m-%d %H:%M:%S UTC")
