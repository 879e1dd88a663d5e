"""Position sizing: how much of the portfolio a signal is about (SPEC 2).

    base       = portfolio value * 0.02
    multiplier = 0.4 sentiment confidence + 0.3 |technical| + 0.2 data freshness
               + 0.1 diversification weight                        # also the signal's confidence
    value      = base * multiplier [* kelly * kelly share] * stop factor
               at most 10 % of the portfolio less what is held of the asset, and at most the cash
    size       = value / price

All of it is of the strategy's model portfolio as it stands: its value is cash and positions at the
last prices, Kelly's numbers are those of its own closed trades. A BUY of what is held adds nothing;
a SELL closes what is held, as a whole. Size and value are what the signal wants at the price that
was seen; what fee, spread and slippage make of it is the fill's. Every reduction is named: its
number in `terms`, its reason in `detail`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum

import msgspec

from schemas.names import MOST_ASSETS
from schemas.signals import Decision
from schemas.text import moment
from streams.confidence.diversification import Config as Diversification
from streams.confidence.diversification import diversification
from streams.confidence.portfolio import Portfolio
from streams.constants import Count, Positive, Share
from streams.engines.base import clamp

_ROUNDING = 1e-9
PURCHASE_TERMS = frozenset(
    ("base_usd", "multiplier", "kelly", "stop_factor", "room_usd", "cash_room_usd")
)
"""The terms that a purchase's value is made of."""


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of position sizing; the weights of the multiplier are together at most 1."""

    base_share: Share = 0.02
    """Share of the portfolio that a multiplier of 1 makes (SPEC)."""
    sentiment_weight: Share = 0.4
    """Of sentiment's confidence in the multiplier (SPEC)."""
    trend_weight: Share = 0.3
    """Of |technical score| in the multiplier (SPEC)."""
    freshness_weight: Share = 0.2
    """Of the freshness of the data in the multiplier (SPEC)."""
    diversification_weight: Share = 0.1
    """Of the share of the portfolio that does not move with the asset (SPEC)."""
    max_asset_share: Share = 0.10
    """The most of the portfolio in one asset, at the entry (SPEC)."""
    reference_stop: Positive = 0.05
    """Stop distance as a fraction of the price up to which the position keeps its full size; a stop
    twice as wide halves it, so that the money lost at the stop never grows beyond that of it."""
    kelly_trades: Count = 30
    """Closed trades of the portfolio from which Kelly's fraction counts (SPEC)."""
    least_order_usd: Positive = 1.0
    """A purchase worth less is not made: no exchange takes it."""
    diversification: Diversification = field(default_factory=Diversification)
    """How much of the portfolio moves with the asset."""

    def __post_init__(self) -> None:
        weights = (
            *(self.sentiment_weight, self.trend_weight, self.freshness_weight),
            self.diversification_weight,
        )
        if fsum(weights) > 1.0 + 1e-9:
            msg = f"the weights of the multiplier sum to {fsum(weights):g}, more than 1"
            raise ValueError(msg)


class Conviction(msgspec.Struct, frozen=True, gc=False):
    """The engines' inputs to the size, each 0 to 1; 0 where an engine is missing or stale."""

    sentiment_confidence: float
    trend_strength: float
    data_freshness: float


class Sizing(msgspec.Struct, frozen=True, gc=False):
    """A sized signal. Amounts in USD, size in units of the asset; both 0 where nothing trades.

    confidence  the multiplier, 0 to 1
    held_size   what the portfolio held of the asset before
    terms       every number that the value was made of, by name
    detail      every reduction, and what could not be done, for people
    """

    confidence: float
    value_usd: float
    size: float
    held_size: float
    terms: dict[str, float]
    detail: dict[str, str]


def kelly_fraction(win_rate: float, avg_win: float, avg_loss: float) -> float:
    """Return Kelly's share, `(p * win - (1 - p) * loss) / win`, held within 0 to 1.

    `avg_win` and `avg_loss` are fractions of the stake from 0 on, `win_rate` is 0 to 1. 0 where
    nothing was ever won.
    """
    if not avg_win > 0.0:
        return 0.0
    return clamp((win_rate * avg_win - (1.0 - win_rate) * avg_loss) / avg_win, 0.0, 1.0)


def conviction(decision: Decision) -> Conviction:
    """Return what the engines say of the size."""
    return Conviction(
        decision.sentiment_confidence, decision.trend_strength, decision.data_freshness
    )


def multiplier(config: Config, conviction: Conviction, diversification_weight: float) -> float:
    """Return the weighted sum of the four terms, 0 to 1."""
    return clamp(
        config.sentiment_weight * conviction.sentiment_confidence
        + config.trend_weight * conviction.trend_strength
        + config.freshness_weight * conviction.data_freshness
        + config.diversification_weight * diversification_weight,
        0.0,
        1.0,
    )


def wanted_usd(terms: dict[str, float]) -> float:
    """Return the value of a purchase of these terms: base, factors and the room that is left."""
    value_usd = terms["base_usd"] * terms["multiplier"] * terms["kelly"] * terms["stop_factor"]
    return min(value_usd, terms["room_usd"], terms["cash_room_usd"])


def size(config: Config, portfolio: Portfolio, decision: Decision, fee_share: float) -> Sizing:
    """Size a decision by the portfolio as it stands, after prices and fills up to the decision."""
    weight, moving = diversification(config.diversification, portfolio, decision)
    confidence = multiplier(config, conviction(decision), weight)
    held = portfolio.positions.get(decision.asset)
    terms = {
        "portfolio_usd": portfolio.equity_usd,
        "base_usd": portfolio.equity_usd * config.base_share,
        "sentiment_confidence": decision.sentiment_confidence,
        "trend_strength": decision.trend_strength,
        "data_freshness": decision.data_freshness,
        "diversification_weight": weight,
        "multiplier": confidence,
    }
    sized = Sizing(confidence, 0.0, 0.0, held.size if held else 0.0, terms, {})
    if decision.action == "SELL":
        return _sale(portfolio, decision, sized)
    if decision.action == "BUY":
        return _purchase(config, portfolio, decision, sized, fee_share, moving)
    return sized


def _sale(portfolio: Portfolio, decision: Decision, sized: Sizing) -> Sizing:
    asset = decision.asset
    held, order = portfolio.positions.get(asset), portfolio.orders.get(asset)
    if order is not None and order.side == "buy":
        said = f"the BUY of {_time(order.decided_at)}, which waited for a price, is cancelled"
        return _none(sized, "size", said)
    if held is None:
        return _none(sized, "size", f"nothing of {asset} is held, so there is nothing to sell")
    if order is not None:
        said = f"the SELL of {_time(order.decided_at)} waits for the next price of {asset}"
        return _none(sized, "size", said)
    price_usd = held.price_usd if decision.price_usd is None else decision.price_usd
    return msgspec.structs.replace(sized, size=held.size, value_usd=held.size * price_usd)


def _purchase(
    config: Config,
    portfolio: Portfolio,
    decision: Decision,
    sized: Sizing,
    fee_share: float,
    moving: str | None,
) -> Sizing:
    price_usd = decision.price_usd
    refused = _refusal(portfolio, decision)
    if refused is not None or price_usd is None:
        return _none(sized, *(refused or ("price", "")))
    terms, detail = sized.terms, sized.detail
    if moving is not None:
        detail["size.diversification"] = moving
    kelly = _kelly(config, portfolio, decision, detail)
    stop = _stop_distance(decision, price_usd)
    stop_factor = _stop_factor(config, stop)
    room_usd = config.max_asset_share * portfolio.equity_usd
    waiting = [one.value_usd for one in portfolio.orders.values() if one.side == "buy"]
    cash_usd = max(0.0, portfolio.cash_usd / (1.0 + fee_share) - fsum(waiting))
    most_usd = terms["base_usd"] * sized.confidence * kelly * stop_factor
    terms |= {"kelly": kelly, "stop_factor": stop_factor, "room_usd": room_usd}
    terms["cash_room_usd"] = cash_usd
    if stop is not None:
        terms["stop_distance"] = stop
    if stop_factor < 1.0:
        detail["size.stop"] = (
            f"the stop lies {stop or 0.0:.1%} away, more than {config.reference_stop:.1%}: "
            f"times {stop_factor:.3f}"
        )
    value_usd = wanted_usd(terms)
    if room_usd < most_usd:
        detail["size.cap"] = (
            f"{most_usd:,.2f} USD are more than {config.max_asset_share:.0%} of the portfolio, "
            f"{room_usd:,.2f} USD"
        )
    if cash_usd < min(most_usd, room_usd):
        detail["size.cash"] = (
            f"{most_usd:,.2f} USD are wanted, {cash_usd:,.2f} USD of cash are left after the fee"
            f"{' and the orders that wait' if waiting else ''}"
        )
    if value_usd < config.least_order_usd:
        least = f"less than the least order of {config.least_order_usd:,.2f} USD"
        return _none(sized, "size", f"{value_usd:,.2f} USD, {least}: nothing is bought")
    return msgspec.structs.replace(sized, value_usd=value_usd, size=value_usd / price_usd)


def _refusal(portfolio: Portfolio, decision: Decision) -> tuple[str, str] | None:
    """Return why a BUY adds nothing, whatever its size would be: a key and a sentence."""
    asset = decision.asset
    held, order = portfolio.positions.get(asset), portfolio.orders.get(asset)
    if held is not None and order is not None:
        said = f"the SELL of {_time(order.decided_at)} waits for the next price of {asset} first"
        return "size", f"{said}: nothing is bought before"
    if held is not None:
        return "size", f"{asset} is held since {_time(held.entered_at)}: a BUY adds nothing"
    if order is not None:
        said = f"the BUY of {_time(order.decided_at)} waits for the next price of {asset}"
        return "size", f"{said}: another adds nothing"
    if len(portfolio.positions) + len(portfolio.orders) >= MOST_ASSETS:
        return "size", f"the portfolio holds {MOST_ASSETS} assets, which is the most"
    if decision.price_usd is None:
        return "price", f"no current price of {asset} is known, so the BUY has no size"
    return None


def _kelly(
    config: Config, portfolio: Portfolio, decision: Decision, detail: dict[str, str]
) -> float:
    """Return what Kelly makes of the size, 0 to 1; 1 while it is off or the trades are too few."""
    if not decision.kelly:
        return 1.0
    closed, won = portfolio.closed, portfolio.won
    if closed < config.kelly_trades:
        detail["size.kelly"] = (
            f"Kelly needs {config.kelly_trades} closed trades, there are {closed}: not applied"
        )
        return 1.0
    avg_win = portfolio.wins / won if won else 0.0
    avg_loss = portfolio.losses / (closed - won) if closed > won else 0.0
    fraction = kelly_fraction(won / closed, avg_win, avg_loss)
    kelly = fraction * decision.kelly_share
    detail["size.kelly"] = (
        f"{won} of {closed} trades won, {avg_win:.2%} on average, the others lost {avg_loss:.2%}: "
        f"Kelly's fraction {fraction:.3f}, of which {decision.kelly_share:g} is taken"
    )
    return kelly


def _stop_distance(decision: Decision, price_usd: float) -> float | None:
    """Return how far below the price the first of the stops lies, as a fraction; None: no stop."""
    there = decision.position
    if there is None:
        return None
    stops = [one for one in (there.stop_loss_usd, there.trailing_stop_usd) if one is not None]
    if not stops or not max(stops) < price_usd:
        return None
    return (price_usd - max(stops)) / price_usd


def _stop_factor(config: Config, stop: float | None) -> float:
    factor = 1.0 if stop is None else min(1.0, config.reference_stop / stop)
    return factor if factor < 1.0 - _ROUNDING else 1.0


def _none(sized: Sizing, key: str, said: str) -> Sizing:
    return msgspec.structs.replace(sized, detail={**sized.detail, key: said})


def _time(time_ms: int) -> str:
    return moment(time_ms, "%Y-%m-%d %H:%M UTC")
