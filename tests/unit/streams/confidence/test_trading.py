"""What a model portfolio does with decisions, orders that wait, and capital events."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.scores import InputPosition
from schemas.signals import Decision, OpenPosition, PortfolioTrade
from streams.confidence import fills, position_sizing
from streams.confidence.portfolio import Portfolio
from streams.confidence.position_sizing import Sizing
from streams.confidence.trading import CapitalChanged, Config, change_capital, trade
from tests.factories import HOUR_MS, MINUTE_MS, START_MS
from tests.unit.streams.confidence.worked import decision

NO_BOOK: dict[str, Any] = {"spread_bps": None, "features": {}}


class Desk:
    """A portfolio that is told what happens, a minute apart."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.portfolio = Portfolio()
        self.at = 0
        self.trades: list[PortfolioTrade] = []

    def now(self) -> int:
        return START_MS + self.at * MINUTE_MS

    def decide(
        self, action: str = "BUY", price_usd: float | None = 100.0, **changes: Any
    ) -> Sizing:
        """Apply a decision and return its size."""
        self.at += 1
        made = decision(as_of=self.now(), **{"action": action, "price_usd": price_usd, **changes})
        done = trade(self.config, self.portfolio, made, self.place())
        self.portfolio = done.portfolio
        self.trades += done.trades
        assert done.sizing is not None
        return done.sizing

    def change(self, kind: str, amount_usd: float | None = None) -> CapitalChanged:
        self.at += 1
        event = Decision(
            decision_id=f"event-{self.at}",
            strategy_id="balanced",
            kind=kind,
            as_of=self.now(),
            amount_usd=amount_usd,
        )
        told = change_capital(self.config, self.portfolio, event, self.place())
        self.portfolio = told.portfolio
        self.trades += told.trades
        return told

    def place(self) -> InputPosition:
        return InputPosition("signals.decisions", 3, self.at)

    def last(self) -> PortfolioTrade:
        return self.trades[-1]


def test_the_worked_example_is_bought_at_the_books_price() -> None:
    """SPEC 8: the size is 0.01628 BTC; 4 bps of half the spread and slippage, and the fee."""
    desk = Desk()
    sized = desk.decide(
        price_usd=50_000.0, spread_bps=4.0, features={"slippage_10k_bps": 2.0 + 2.0 / 0.0814}
    )
    assert (sized.value_usd, sized.size, sized.detail) == (814.0, 0.01628, {})
    bought = desk.last()
    assert (bought.side, bought.reason, bought.size) == ("buy", "thresholds", 0.01628)
    assert bought.seen_price_usd == 50_000.0
    assert bought.fill_price_usd == pytest.approx(50_020.0)
    assert (bought.spread_bps, bought.slippage_bps) == (2.0, pytest.approx(2.0))
    assert bought.value_usd == pytest.approx(814.0 * 1.0004)
    assert bought.fee_usd == pytest.approx(0.001 * bought.value_usd)
    assert bought.cash_usd == pytest.approx(50_000.0 - 1.001 * bought.value_usd)
    assert bought.inputs == (InputPosition("signals.decisions", 3, 1),)
    assert desk.portfolio.equity_usd == pytest.approx(50_000.0 - 0.001 * 814.3256 - 0.3256)


def test_a_closed_trade() -> None:
    desk = Desk()
    desk.decide(price_usd=100.0)
    sized = desk.decide("SELL", 110.0, override="take_profit")
    bought, sold = desk.trades
    assert sized.size == sized.held_size == sold.size == bought.size == pytest.approx(8.14)
    assert sold.reason == "take_profit"
    assert sold.fill_price_usd == 110.0
    assert (sold.entered_at, sold.entry_price_usd) == (bought.filled_at, 100.0)
    fees = 0.001 * 8.14 * 210.0
    assert sold.profit_usd == pytest.approx(81.4 - fees)
    assert sold.return_pct == pytest.approx(100.0 * (81.4 - fees) / (814.0 * 1.001))
    one = desk.portfolio
    assert (one.positions, one.closed, one.won) == ({}, 1, 1)
    assert one.wins == pytest.approx((sold.return_pct or 0.0) / 100.0)
    assert one.cash_usd == pytest.approx(50_000.0 + 81.4 - fees)


def test_a_loss_counts_as_one() -> None:
    desk = Desk()
    desk.decide(price_usd=100.0)
    desk.decide("SELL", 100.0)  # the fees are lost
    one = desk.portfolio
    assert (one.closed, one.won, one.wins) == (1, 0, 0.0)
    assert one.losses == pytest.approx(0.2 / 100.1)


def test_a_buy_of_what_is_held_and_a_hold_change_nothing() -> None:
    desk = Desk()
    desk.decide(price_usd=100.0)
    again = desk.decide(price_usd=90.0)
    assert (again.size, again.held_size) == (0.0, pytest.approx(8.14))
    assert "held since 2026-01-01 00:01 UTC" in again.detail["size"]
    desk.decide("HOLD", 80.0)
    assert len(desk.trades) == 1
    assert desk.portfolio.positions["BTC"].price_usd == 80.0


def test_levels_and_returns_are_those_of_the_newest_decision() -> None:
    desk = Desk()
    desk.decide(position=OpenPosition(100.0, START_MS, 95.0, 120.0, 96.0))
    desk.decide(
        "HOLD",
        position=OpenPosition(100.0, START_MS, 95.0, 120.0, 98.0),
        daily_returns=(0.01,) * 60,
        returns_until=START_MS,
    )
    held = desk.portfolio.positions["BTC"]
    assert (held.stop_loss_usd, held.take_profit_usd, held.trailing_stop_usd) == (95.0, 120.0, 98.0)
    assert (len(held.returns), held.returns_until) == (60, START_MS)
    desk.decide("HOLD", 90.0, price_at=START_MS, daily_returns=(0.0,), returns_until=START_MS - 1)
    held = desk.portfolio.positions["BTC"]
    assert (held.price_usd, len(held.returns)) == (100.0, 60), "nothing of older days"


def test_without_a_book_the_next_price_fills() -> None:
    desk = Desk()
    sized = desk.decide(price_usd=100.0, **NO_BOOK)
    assert sized.size == pytest.approx(8.14)
    assert "next price of BTC" in sized.detail["fill"]
    assert desk.trades == []
    waiting = desk.decide(price_usd=100.0, price_at=START_MS + MINUTE_MS, **NO_BOOK)
    assert "waits for the next price" in waiting.detail["size"], "that price was there already"
    desk.decide("HOLD", 105.0, **NO_BOOK)
    bought = desk.last()
    assert (bought.decided_at, bought.filled_at) == (START_MS + MINUTE_MS, START_MS + 3 * MINUTE_MS)
    assert (bought.seen_price_usd, bought.size) == (105.0, pytest.approx(8.14))
    assert bought.fill_price_usd == pytest.approx(105.0 * 1.001)
    assert (bought.spread_bps, bought.slippage_bps) == (0.0, 10.0)
    assert [one.offset for one in bought.inputs] == [1, 3]


def test_an_order_that_waits_is_filled_by_the_book_of_the_next_price() -> None:
    desk = Desk()
    desk.decide(**NO_BOOK)
    desk.decide("HOLD", 105.0, spread_bps=8.0)
    assert (desk.last().spread_bps, desk.last().slippage_bps) == (4.0, 0.0)


def test_an_order_filled_at_a_far_higher_price_is_capped() -> None:
    desk = Desk(Config(position_sizing.Config(base_share=0.1)))
    desk.decide(price_usd=100.0, **NO_BOOK)
    sized = desk.decide("HOLD", 1_000.0)
    bought = desk.last()
    assert bought.value_usd == pytest.approx(0.1 * desk.portfolio.equity_usd)
    assert "above 10% of the portfolio" in sized.detail["order"]


@pytest.mark.parametrize(
    ("price_at", "trades", "said"),
    [
        pytest.param(START_MS + MINUTE_MS, [], "is cancelled", id="no new price"),
        pytest.param(START_MS + 2 * MINUTE_MS, ["buy"], "next price of BTC", id="a new price"),
    ],
)
def test_a_sell_cancels_a_purchase_that_waits_unless_its_price_has_come(
    price_at: int, trades: list[str], said: str
) -> None:
    desk = Desk()
    desk.decide(**NO_BOOK)
    sized = desk.decide("SELL", 101.0, price_at=price_at, **NO_BOOK)
    assert [one.side for one in desk.trades] == trades
    assert said in "; ".join(sized.detail.values())
    desk.decide("HOLD", 102.0, **NO_BOOK)
    assert desk.portfolio.positions == desk.portfolio.orders == {}


def test_a_sale_that_waits_is_not_called_off_by_a_buy() -> None:
    desk = Desk()
    desk.decide()
    desk.decide("SELL", 101.0, **NO_BOOK)
    sized = desk.decide("BUY", 101.0, price_at=START_MS, **NO_BOOK)
    assert "waits for the next price of BTC first" in sized.detail["size"]
    assert desk.portfolio.orders["BTC"].side == "sell"
    desk.decide("BUY", 102.0, **NO_BOOK)
    assert [one.side for one in desk.trades] == ["buy", "sell"]
    assert desk.portfolio.orders["BTC"].side == "buy", "what it wants next waits in its turn"
    desk.decide("BUY", 103.0, **NO_BOOK)
    assert [one.side for one in desk.trades] == ["buy", "sell", "buy"]


def test_a_sale_without_a_price_waits_for_one() -> None:
    desk = Desk()
    desk.decide()
    sized = desk.decide("SELL", None, **NO_BOOK)
    assert (sized.size, sized.value_usd) == (pytest.approx(8.14), pytest.approx(814.0))
    desk.decide("SELL", 90.0)
    assert (desk.last().side, desk.last().seen_price_usd) == ("sell", 90.0)


def test_a_purchase_waits_two_days_and_a_sale_for_ever() -> None:
    desk = Desk()
    desk.decide(**NO_BOOK)
    desk.decide(asset="ETH")
    desk.decide("SELL", asset="ETH", **NO_BOOK)
    desk.at += 49 * HOUR_MS // MINUTE_MS
    desk.decide("HOLD")
    desk.decide("HOLD", asset="ETH")
    assert [one.side for one in desk.trades] == ["buy", "sell"]
    assert desk.portfolio.orders == {}


@pytest.mark.parametrize(
    ("features", "value_usd", "said"),
    [
        pytest.param(
            {"slippage_10k_bps": 1.0}, 10_000.0, "known to fill 10,000 USD", id="capped to the book"
        ),
        pytest.param({"size_top_usd": 3_000.0}, 3_000.0, "known to fill 3,000 USD", id="top only"),
        pytest.param({}, None, "buys nothing: the book is known to fill 0 USD", id="no book"),
    ],
)
def test_a_purchase_beyond_the_book_is_capped_or_refused(
    features: dict[str, float], value_usd: float | None, said: str
) -> None:
    desk = Desk(Config(position_sizing.Config(base_share=1.0, max_asset_share=1.0)))
    sized = desk.decide(features=features)
    assert said in sized.detail["fill"]
    sizes = [one.size * one.seen_price_usd for one in desk.trades]
    assert sizes == ([] if value_usd is None else [pytest.approx(value_usd)])


def test_a_sale_beyond_the_book_is_of_all_and_pays_for_it() -> None:
    desk = Desk(Config(position_sizing.Config(base_share=1.0, max_asset_share=1.0)))
    desk.decide()
    sized = desk.decide("SELL", spread_bps=2.0, features={"slippage_10k_bps": 5.0})
    sold = desk.last()
    assert desk.portfolio.positions == {}
    assert sold.slippage_bps == pytest.approx(5.0 * sold.size * 100.0 / 10_000.0 - 1.0)
    assert "the sale is of more" in sized.detail["fill"]


def test_a_request_is_sized_by_the_portfolio_as_it_stands() -> None:
    desk = Desk()
    desk.decide()
    before = desk.portfolio
    assert "held since" in desk.decide(trigger="request").detail["size"]
    assert desk.decide("SELL", trigger="request").size == pytest.approx(8.14)
    assert desk.decide(trigger="request", asset="ETH").size > 0.0
    assert (desk.portfolio.positions, len(desk.trades)) == (before.positions, 1)


def test_a_dry_run_is_sized_by_a_fresh_portfolio_of_its_own_capital() -> None:
    desk = Desk()
    desk.decide()
    before = desk.portfolio
    got = desk.decide(trigger="dry_run", price_usd=50_000.0, portfolio_value_usd=100_000.0)
    assert (got.value_usd, got.held_size) == (1_628.0, 0.0)
    assert desk.decide("SELL", trigger="dry_run").size == 0.0
    assert desk.portfolio == before


def test_a_repeated_decision_has_no_signal_again() -> None:
    desk = Desk()
    one = decision(as_of=START_MS)
    done = trade(desk.config, desk.portfolio, one, desk.place())
    again = trade(desk.config, done.portfolio, one, desk.place())
    assert (again.portfolio, again.sizing, again.trades) == (done.portfolio, None, ())


def test_the_capital_is_that_of_the_first_decision() -> None:
    desk = Desk()
    desk.decide("HOLD", portfolio_value_usd=1_000.0)
    desk.decide("HOLD", portfolio_value_usd=9_000.0)
    assert desk.portfolio.equity_usd == 1_000.0
    told = desk.change("reset")
    assert told.equity is not None
    assert told.equity.equity_usd == 9_000.0


def test_deposits_and_withdrawals() -> None:
    desk = Desk()
    desk.decide()
    told = desk.change("deposit", 1_000.0)
    assert told.equity is not None
    assert (told.equity.kind, told.equity.invested_usd) == ("deposit", 51_000.0)
    told = desk.change("withdrawal", 500.0)
    assert told.equity is not None
    assert (told.equity.invested_usd, told.equity.detail) == (50_500.0, {})
    told = desk.change("withdrawal", 1e6)
    assert told.equity is not None
    assert told.equity.cash_usd == pytest.approx(0.0, abs=1e-9)
    assert told.equity.positions_usd == pytest.approx(814.0)
    assert "1,000,000.00 USD asked for, 49,685.19 USD" in told.equity.detail["withdrawal"]


def test_a_deposit_before_the_first_decision_is_kept() -> None:
    desk = Desk()
    desk.change("deposit", 1_000.0)
    desk.decide("HOLD")
    assert desk.portfolio.equity_usd == 51_000.0


def test_a_capital_event_counts_once() -> None:
    desk = Desk()
    event = Decision(
        decision_id="e", strategy_id="s", kind="deposit", as_of=START_MS, amount_usd=5.0
    )
    once = change_capital(desk.config, desk.portfolio, event, desk.place())
    again = change_capital(desk.config, once.portfolio, event, desk.place())
    assert (again.portfolio, again.equity) == (once.portfolio, None)


def test_a_reset_sells_at_the_last_price_and_begins_again() -> None:
    desk = Desk()
    desk.decide(price_usd=100.0)
    desk.decide("HOLD", 110.0)
    desk.decide(asset="ETH", **NO_BOOK)
    told = desk.change("reset", 2_000.0)
    (sold,) = told.trades
    assert (sold.side, sold.reason, sold.signal_id) == ("sell", "reset", "event-4")
    assert sold.fill_price_usd == sold.seen_price_usd == 110.0
    assert sold.profit_usd == pytest.approx(81.4 - 0.001 * 8.14 * 210.0)
    one = desk.portfolio
    assert (one.cash_usd, one.positions, one.orders) == (2_000.0, {}, {})
    assert (one.closed, one.realised_usd, one.fees_usd) == (0, 0.0, 0.0)
    assert told.equity is not None
    assert (told.equity.kind, told.equity.equity_usd) == ("reset", 2_000.0)
    assert desk.decide().size > 0.0, "and trades on"


def test_a_fee_and_costs_can_be_set() -> None:
    desk = Desk(Config(fills=fills.Config(fee_bps=0.0)))
    desk.decide()
    assert desk.portfolio.equity_usd == 50_000.0
