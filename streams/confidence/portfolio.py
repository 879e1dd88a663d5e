"""The model portfolio of a strategy: cash, positions, fills, capital (SPEC 4). Pure.

    cash   = invested + realised - fees - sum(size * entry price)
    equity = cash + sum(size * last price) = invested + realised + unrealised - fees

Cash is worked out from the totals each time, so that the two sides cannot drift apart, however many
fills there were. `realised` and `unrealised` are before fees; `invested` is the capital at the
start and deposits less withdrawals. All totals are those since the last reset.

What changes it is in `bookkeeping`; what trades when, and how much, in `trading`.
"""

from __future__ import annotations

from math import fsum

import msgspec

from schemas.scores import InputPosition
from schemas.signals import HeldPosition, PortfolioEquity


class Position(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What is held of an asset.

    entry_price_usd, entered_at  of the fill
    entry_fee_usd                paid for it
    price_usd, price_at          the last price, and when it was seen
    stop_loss_usd and so on      levels of the strategy's newest decision
    returns, returns_until       daily returns, oldest first, and the close of the last day
    """

    size: float
    entry_price_usd: float
    entry_fee_usd: float
    entered_at: int
    price_usd: float
    price_at: int
    stop_loss_usd: float | None = None
    take_profit_usd: float | None = None
    trailing_stop_usd: float | None = None
    returns: tuple[float, ...] = ()
    returns_until: int | None = None

    @property
    def cost_usd(self) -> float:
        """What was paid, fees left out."""
        return self.size * self.entry_price_usd

    @property
    def value_usd(self) -> float:
        """What it is worth at the last price."""
        return self.size * self.price_usd


class Order(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A buy or sell that was decided; kept while it waits for the next price.

    size      in units of the asset; of a sale all that is held counts, whatever this says
    value_usd that size at the price of the decision
    offset    of the decision in `signals.decisions`
    """

    side: str
    size: float
    value_usd: float
    signal_id: str
    decided_at: int
    reason: str
    version: int
    offset: int


class Portfolio(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A strategy's portfolio and what its bookkeeping needs to remember.

    begun                 False: no decision yet that said with how much it begins
    capital_usd           the strategy's portfolio value as of its newest decision
    wins, losses          sums of the returns of won trades and of lost ones, both above 0, as
                          fractions of what the entry cost
    positions, orders     by asset; at most one of each
    decided               as_of of the last decisions by asset, oldest first
    events, asked         ids of the last capital events, and of the last answers to requests
    clock_ms              the newest as_of of all that was applied
    """

    begun: bool = False
    capital_usd: float = 0.0
    user_id: str | None = None
    version: int = 1
    invested_usd: float = 0.0
    realised_usd: float = 0.0
    fees_usd: float = 0.0
    closed: int = 0
    won: int = 0
    wins: float = 0.0
    losses: float = 0.0
    positions: dict[str, Position] = {}
    orders: dict[str, Order] = {}
    decided: dict[str, tuple[int, ...]] = {}
    events: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    clock_ms: int = 0

    @property
    def cash_usd(self) -> float:
        """Cash; never below 0."""
        costs = [-one.cost_usd for one in self.positions.values()]
        # The totals are rounded, so that nothing at all may come out as -1e-12.
        return max(0.0, fsum((self.invested_usd, self.realised_usd, -self.fees_usd, *costs)))

    @property
    def positions_usd(self) -> float:
        """Positions at their last prices."""
        return fsum([one.value_usd for one in self.positions.values()])

    @property
    def unrealised_usd(self) -> float:
        """Made by open positions before fees."""
        return fsum([one.value_usd - one.cost_usd for one in self.positions.values()])

    @property
    def equity_usd(self) -> float:
        """Cash and positions."""
        return self.cash_usd + self.positions_usd


def equity(
    portfolio: Portfolio,
    strategy_id: str,
    kind: str,
    as_of: int,
    cycle: int | None,
    inputs: tuple[InputPosition, ...],
    detail: dict[str, str] | None = None,
) -> PortfolioEquity:
    """Return what the portfolio is worth; `kind` is cycle, deposit, withdrawal or reset.

    As of the moment given, or of the newest decision, for the curve runs forward only.
    """
    rows = [_row(asset, one) for asset, one in sorted(portfolio.positions.items())]
    return PortfolioEquity(
        strategy_id=strategy_id,
        user_id=portfolio.user_id,
        kind=kind,
        as_of=max(as_of, portfolio.clock_ms),
        cycle=cycle,
        equity_usd=portfolio.equity_usd,
        cash_usd=portfolio.cash_usd,
        positions_usd=portfolio.positions_usd,
        invested_usd=portfolio.invested_usd,
        realised_usd=portfolio.realised_usd,
        unrealised_usd=portfolio.unrealised_usd,
        fees_usd=portfolio.fees_usd,
        closed_trades=portfolio.closed,
        won_trades=portfolio.won,
        positions=tuple(rows),
        inputs=inputs,
        detail=detail or {},
    )


def _row(asset: str, held: Position) -> HeldPosition:
    return HeldPosition(
        *(asset, held.size, held.entry_price_usd, held.entered_at, held.price_usd),
        held.value_usd,
        held.value_usd - held.cost_usd,
        *(held.stop_loss_usd, held.take_profit_usd, held.trailing_stop_usd),
    )
