"""What changes a model portfolio: its beginning, prices, fills, capital put in or taken out. Pure.

Each function returns the new portfolio, and with a fill the trade that is published.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from schemas.scores import MOST_RETURNS, InputPosition
from schemas.signals import Decision, PortfolioTrade
from streams.confidence.fills import Quote
from streams.confidence.portfolio import Order, Portfolio, Position

_MOST_EVENTS = 32  # capital events that are known again when they come twice


class Fill(msgspec.Struct, frozen=True, gc=False):
    """An order that was filled, with where the price came from."""

    strategy_id: str
    asset: str
    order: Order
    size: float
    seen_price_usd: float
    quote: Quote
    filled_at: int
    fee_usd: float
    inputs: tuple[InputPosition, ...]

    @property
    def value_usd(self) -> float:
        """Size times fill price."""
        return self.size * self.quote.price_usd


def begun(portfolio: Portfolio, decision: Decision) -> Portfolio:
    """Return the portfolio with the strategy's capital in it from its first decision on.

    Later changes of the strategy's portfolio value move no money; a reset takes the newest.
    """
    capital_usd = decision.portfolio_value_usd
    return replace(
        portfolio,
        begun=True,
        capital_usd=capital_usd,
        user_id=decision.user_id,
        version=decision.strategy_version,
        invested_usd=portfolio.invested_usd + (0.0 if portfolio.begun else capital_usd),
        clock_ms=max(portfolio.clock_ms, decision.as_of),
    )


def marked(portfolio: Portfolio, decision: Decision) -> Portfolio:
    """Return the portfolio with the price, levels and returns that a decision brings of an asset.

    Nothing of an older price; nothing at all where the asset is not held.
    """
    held = portfolio.positions.get(decision.asset)
    if held is None:
        return portfolio
    changes: dict[str, object] = {}
    price_at = decision.as_of if decision.price_at is None else decision.price_at
    if decision.price_usd is not None and price_at >= held.price_at:
        changes |= {"price_usd": decision.price_usd, "price_at": price_at}
    changes |= _levels(decision)
    until = decision.returns_until
    if until is not None and until >= (held.returns_until or 0):
        changes |= _returns(decision)
    return _with_position(portfolio, decision.asset, replace(held, **changes))


def bought(
    portfolio: Portfolio, fill: Fill, decision: Decision
) -> tuple[Portfolio, PortfolioTrade]:
    """Return the portfolio with an asset that it did not hold, and the trade."""
    position = Position(
        fill.size,
        fill.quote.price_usd,
        fill.fee_usd,
        fill.filled_at,
        fill.seen_price_usd,
        decision.as_of if decision.price_at is None else decision.price_at,
    )
    position = replace(position, **_levels(decision), **_returns(decision))
    after = _with_position(portfolio, fill.asset, position)
    after = replace(after, fees_usd=after.fees_usd + fill.fee_usd)
    return after, _trade(after, fill)


def sold(portfolio: Portfolio, fill: Fill) -> tuple[Portfolio, PortfolioTrade]:
    """Return the portfolio without an asset that it held, and the trade."""
    held = portfolio.positions[fill.asset]
    gross_usd = fill.value_usd - held.cost_usd
    profit_usd = gross_usd - held.entry_fee_usd - fill.fee_usd
    share = profit_usd / (held.cost_usd + held.entry_fee_usd)
    is_won = profit_usd > 0.0
    after = replace(
        portfolio,
        positions={key: one for key, one in portfolio.positions.items() if key != fill.asset},
        realised_usd=portfolio.realised_usd + gross_usd,
        fees_usd=portfolio.fees_usd + fill.fee_usd,
        closed=portfolio.closed + 1,
        won=portfolio.won + is_won,
        wins=portfolio.wins + (share if is_won else 0.0),
        losses=portfolio.losses + (0.0 if is_won else -share),
    )
    return after, replace(
        _trade(after, fill),
        entered_at=held.entered_at,
        entry_price_usd=held.entry_price_usd,
        profit_usd=profit_usd,
        return_pct=share * 100.0,
    )


def deposited(portfolio: Portfolio, event: Decision) -> Portfolio:
    """Return the portfolio with more cash."""
    return _after_event(
        portfolio, event, invested_usd=portfolio.invested_usd + (event.amount_usd or 0.0)
    )


def withdrawn(portfolio: Portfolio, event: Decision) -> tuple[Portfolio, dict[str, str]]:
    """Return the portfolio with less cash, and what could not be had: at most the cash goes."""
    asked_usd, cash_usd = event.amount_usd or 0.0, portfolio.cash_usd
    taken_usd = min(asked_usd, cash_usd)
    after = _after_event(portfolio, event, invested_usd=portfolio.invested_usd - taken_usd)
    if taken_usd == asked_usd:
        return after, {}
    said = f"{asked_usd:,.2f} USD asked for, {taken_usd:,.2f} USD of cash were there and taken"
    return after, {"withdrawal": said}


def reset(
    portfolio: Portfolio, event: Decision, fee_share: float, place: InputPosition
) -> tuple[Portfolio, tuple[PortfolioTrade, ...]]:
    """Return a portfolio that begins again, and the sales of all positions at their last prices.

    It begins with the event's amount; without one with the strategy's portfolio value. The
    statistics of trades begin again as well.
    """
    trades = []
    for asset, held in sorted(portfolio.positions.items()):
        order = Order(
            *("sell", held.size, held.value_usd, event.decision_id, event.as_of, "reset"),
            portfolio.version,
            place.offset,
        )
        quote = Quote(held.price_usd, 0.0, 0.0, held.value_usd)
        fee_usd = held.value_usd * fee_share
        fill = Fill(
            *(event.strategy_id, asset, order, held.size, held.price_usd, quote, event.as_of),
            fee_usd,
            (place,),
        )
        portfolio, trade = sold(portfolio, fill)
        trades.append(trade)
    capital_usd = portfolio.capital_usd if event.amount_usd is None else event.amount_usd
    fresh = Portfolio(
        begun=portfolio.begun or event.amount_usd is not None,
        capital_usd=portfolio.capital_usd,
        user_id=portfolio.user_id,
        version=portfolio.version,
        invested_usd=capital_usd,
        decided=portfolio.decided,
        events=portfolio.events,
        asked=portfolio.asked,
        clock_ms=portfolio.clock_ms,
    )
    return _after_event(fresh, event), tuple(trades)


def _trade(after: Portfolio, fill: Fill) -> PortfolioTrade:
    order, quote = fill.order, fill.quote
    said = f"{order.signal_id}|{order.side}|{fill.asset}"
    return PortfolioTrade(
        trade_id=blake2b(said.encode(), digest_size=16).hexdigest(),
        strategy_id=fill.strategy_id,
        strategy_version=order.version,
        user_id=after.user_id,
        asset=fill.asset,
        side=order.side,
        reason=order.reason,
        signal_id=order.signal_id,
        decided_at=order.decided_at,
        filled_at=fill.filled_at,
        size=fill.size,
        seen_price_usd=fill.seen_price_usd,
        fill_price_usd=quote.price_usd,
        value_usd=fill.value_usd,
        fee_usd=fill.fee_usd,
        spread_bps=quote.half_spread_bps,
        slippage_bps=quote.slippage_bps,
        cash_usd=after.cash_usd,
        inputs=fill.inputs,
    )


def _levels(decision: Decision) -> dict[str, float | None]:
    """Return the levels of a decision's position; none where it has no position."""
    there = decision.position
    if there is None:
        return {}
    return {
        "stop_loss_usd": there.stop_loss_usd,
        "take_profit_usd": there.take_profit_usd,
        "trailing_stop_usd": there.trailing_stop_usd,
    }


def _returns(decision: Decision) -> dict[str, object]:
    if decision.returns_until is None:
        return {}
    newest = decision.daily_returns[-MOST_RETURNS:]
    return {"returns": newest, "returns_until": decision.returns_until}


def _with_position(portfolio: Portfolio, asset: str, position: Position) -> Portfolio:
    return replace(portfolio, positions={**portfolio.positions, asset: position})


def _after_event(portfolio: Portfolio, event: Decision, **changes: object) -> Portfolio:
    """Return the portfolio after a capital event, which it will know again."""
    return replace(
        portfolio,
        events=(*portfolio.events, event.decision_id)[-_MOST_EVENTS:],
        clock_ms=max(portfolio.clock_ms, event.as_of),
        **changes,
    )
