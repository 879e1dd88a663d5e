"""What holds of a model portfolio for any log: its sums, its limits, repetitions, recovery."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ulp
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.scores import InputPosition
from schemas.signals import Decision, OpenPosition, PortfolioEquity, PortfolioTrade
from schemas.validation import problem
from streams.confidence import fills, position_sizing
from streams.confidence.portfolio import Portfolio, equity
from streams.confidence.position_sizing import Sizing
from streams.confidence.trading import Config, change_capital, trade
from tests.factories import DAY_MS, START_MS
from tests.unit.streams.confidence.worked import decision

CAPITAL_USD = 50_000.0
TINY = 1e-9

# A base of half the portfolio, so that cap and cash bind; the constants that ship as well.
CONFIGS = (
    Config(),
    Config(position_sizing.Config(base_share=0.5, max_asset_share=0.10)),
    Config(
        position_sizing.Config(base_share=1.0, max_asset_share=1.0, reference_stop=1.0),
        fills.Config(fee_bps=50.0, bookless_bps=80.0),
    ),
)


class After(NamedTuple):
    """What stands after a record."""

    record: Decision
    portfolio: Portfolio
    sizing: Sizing | None
    trades: tuple[PortfolioTrade, ...]
    equity: PortfolioEquity | None


def step(config: Config, before: Portfolio, record: Decision, offset: int) -> After:
    place = InputPosition("signals.decisions", 0, offset)
    if record.kind == "decision":
        traded = trade(config, before, record, place)
        return After(record, traded.portfolio, traded.sizing, traded.trades, None)
    changed = change_capital(config, before, record, place)
    return After(record, changed.portfolio, None, changed.trades, changed.equity)


def run(config: Config, log: list[Decision], *, recover: bool = False) -> list[After]:
    """Return what stands after each record; `recover`: of a worker that restarts after each."""
    portfolio, found = Portfolio(), []
    for offset, record in enumerate(log):
        after = step(config, portfolio, record, offset)
        found.append(after)
        portfolio = after.portfolio
        if recover:
            portfolio = msgspec.msgpack.decode(msgspec.msgpack.encode(portfolio), type=Portfolio)
    return found


prices = st.floats(0.5, 500.0)
bps = st.floats(0.0, 300.0)


@st.composite
def books(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a decision says of the order book: none, a deep, a thin or an empty one."""
    if draw(st.booleans()):
        return {"spread_bps": None, "features": {}}
    features = {"size_top_usd": draw(st.floats(0.0, 20_000.0))}
    walked = draw(st.integers(0, 3))
    for name in ("10k", "100k", "1m")[:walked]:
        features[f"slippage_{name}_bps"] = draw(bps)
    return {"spread_bps": draw(bps), "features": features}


@st.composite
def records(draw: st.DrawFn, number: int) -> Decision:
    """Draw the record of a number; as_of grows with it, ids are its own."""
    as_of = START_MS + number * 60_000
    kind = draw(st.sampled_from(("decision",) * 12 + ("deposit", "withdrawal", "reset")))
    if kind != "decision":
        amounts = st.floats(0.01, 2 * CAPITAL_USD)
        amount = draw(st.none() | amounts if kind == "reset" else amounts)
        return Decision(
            decision_id=f"event-{number}",
            strategy_id="balanced",
            kind=kind,
            as_of=as_of,
            amount_usd=amount,
        )
    price_usd = draw(prices)
    stop = draw(st.none() | st.floats(0.5, 0.99))
    held = OpenPosition(price_usd, as_of, stop_loss_usd=stop and price_usd * stop)
    days = draw(st.integers(0, 60))
    returns = tuple(draw(st.floats(-0.2, 0.2)) for _ in range(min(days, 2))) * (days // 2)
    return decision(
        draw(st.sampled_from("ABCD")),
        as_of,
        action=draw(st.sampled_from(("BUY", "BUY", "SELL", "HOLD"))),
        trigger=draw(st.sampled_from(("cycle", "change", "change", "request", "dry_run"))),
        price_usd=draw(st.sampled_from((None, price_usd, price_usd, price_usd))),
        price_at=as_of - draw(st.sampled_from((0, 0, 30_000, 60_000, 90_000))),
        position=draw(st.sampled_from((None, held))),
        sentiment_confidence=draw(st.floats(0.0, 1.0)),
        kelly=draw(st.booleans()),
        daily_returns=returns,
        returns_until=START_MS if returns else None,
        **draw(books()),
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Decision]:
    return [draw(records(number)) for number in range(draw(st.integers(1, 40)))]


configs = st.sampled_from(CONFIGS)


def near(usd: float, most_usd: float = 0.0) -> Any:
    """Return what equals an amount to 1e-9, or to the digits that floats of its size have."""
    return pytest.approx(usd, rel=0.0, abs=max(TINY, 8.0 * ulp(max(abs(usd), most_usd))))


def worth(after: After) -> PortfolioEquity:
    return equity(after.portfolio, "balanced", "cycle", after.record.as_of, START_MS, ())


@given(configs, logs())
def test_cash_and_positions_are_start_realised_and_unrealised_less_fees(
    config: Config, log: list[Decision]
) -> None:
    for after in run(config, log):
        now = worth(after)
        assert problem(now) is None
        made = now.invested_usd + now.realised_usd + now.unrealised_usd - now.fees_usd
        assert now.cash_usd + now.positions_usd == near(made)
        assert now.equity_usd == near(made)
        rows = sum(Fraction(one.value_usd) for one in now.positions)
        assert now.positions_usd == near(float(rows))


@given(configs, logs())
def test_the_published_trades_alone_make_the_same_portfolio(
    config: Config, log: list[Decision]
) -> None:
    """An accountant who sees capital and trades only, in exact fractions, has the same cash."""
    cash, sizes, is_begun, most_usd = Fraction(0), dict[str, Fraction](), False, 0.0
    for before, after in pairwise([After(log[0], Portfolio(), None, (), None), *run(config, log)]):
        most_usd = max(most_usd, before.portfolio.equity_usd, after.portfolio.equity_usd)
        for one in after.trades:
            assert problem(one) is None
            sign = 1 if one.side == "buy" else -1
            sizes[one.asset] = sizes.get(one.asset, Fraction(0)) + sign * Fraction(one.size)
            cash -= sign * Fraction(one.value_usd) + Fraction(one.fee_usd)
        record = after.record
        if record.kind == "deposit":
            cash += Fraction(record.amount_usd or 0.0)
        elif record.kind == "withdrawal":
            cash -= min(Fraction(record.amount_usd or 0.0), Fraction(before.portfolio.cash_usd))
        elif record.kind == "reset":
            amount = record.amount_usd
            cash = Fraction(before.portfolio.capital_usd if amount is None else amount)
            is_begun = is_begun or amount is not None
        elif record.trigger not in ("request", "dry_run") and not is_begun:
            cash, is_begun = cash + Fraction(CAPITAL_USD), True
        assert after.portfolio.cash_usd == near(float(cash), most_usd)
        held = {asset: one.size for asset, one in after.portfolio.positions.items()}
        assert {asset: float(size) for asset, size in sizes.items() if size} == held


@given(configs, logs())
def test_cash_is_never_negative(config: Config, log: list[Decision]) -> None:
    for after in run(config, log):
        assert after.portfolio.cash_usd >= 0.0
        assert all(one.cash_usd >= 0.0 for one in after.trades)
        one = after.portfolio
        costs = sum(
            Fraction(held.size) * Fraction(held.entry_price_usd) for held in one.positions.values()
        )
        exact = Fraction(one.invested_usd) + Fraction(one.realised_usd) - Fraction(one.fees_usd)
        tiny = max(TINY, 8.0 * ulp(float(costs)))
        assert float(exact - costs) >= -tiny, "not by cutting it off at 0"


@given(configs, logs())
def test_no_asset_is_above_its_cap_at_the_entry(config: Config, log: list[Decision]) -> None:
    for after in run(config, log):
        for one in after.trades:
            held = after.portfolio.positions.get(one.asset)
            if one.side == "buy" and held is not None:
                most = config.sizing.max_asset_share * after.portfolio.equity_usd
                assert one.value_usd <= most * (1.0 + 1e-12)
                assert held.value_usd <= most * (1.0 + 1e-12)


@given(configs, logs())
def test_no_fill_is_better_than_the_price_that_was_seen(
    config: Config, log: list[Decision]
) -> None:
    for after in run(config, log):
        for one in after.trades:
            assert one.size > 0.0
            assert one.fee_usd >= 0.0
            if one.side == "buy":
                assert one.fill_price_usd >= one.seen_price_usd
            else:
                assert 0.0 < one.fill_price_usd <= one.seen_price_usd
            if one.reason != "reset":
                assert one.seen_price_usd == after.record.price_usd, "at the price of its record"
                assert one.filled_at >= one.decided_at


@given(configs, logs())
def test_without_a_book_the_price_is_one_seen_after_the_decision(
    config: Config, log: list[Decision]
) -> None:
    by_id = {one.decision_id: one for one in log}
    for after in run(config, log):
        for one in after.trades:
            decided = by_id[one.signal_id]
            if one.reason != "reset" and decided.spread_bps is None:
                assert one.filled_at > one.decided_at
                assert after.record.decision_id != one.signal_id


def trades_of(found: list[After]) -> list[PortfolioTrade]:
    return [one for after in found for one in after.trades]


def without_places(trades: list[PortfolioTrade]) -> list[PortfolioTrade]:
    return [replace(one, inputs=()) for one in trades]


def last(found: list[After]) -> Portfolio:
    """Return the last portfolio, without the offsets of orders: repetitions move them."""
    portfolio = found[-1].portfolio
    orders = {asset: replace(one, offset=0) for asset, one in portfolio.orders.items()}
    return replace(portfolio, orders=orders)


def without_answers(found: list[After]) -> Portfolio:
    return replace(last(found), asked=())


@given(configs, logs(), st.data())
def test_a_repeated_record_changes_nothing(
    config: Config, log: list[Decision], data: st.DataObject
) -> None:
    doubled = list(log)
    for _ in range(data.draw(st.integers(1, 10))):
        at = data.draw(st.integers(0, len(doubled) - 1))
        doubled.insert(data.draw(st.integers(at + 1, len(doubled))), doubled[at])
    found, expected = run(config, doubled), run(config, log)
    assert last(found) == last(expected)
    assert without_places(trades_of(found)) == without_places(trades_of(expected))


@given(configs, logs(), st.data())
def test_a_late_record_changes_nothing_and_has_a_signal_that_says_so(
    config: Config, log: list[Decision], data: st.DataObject
) -> None:
    found = run(config, log)
    before = found[-1].portfolio
    for asset, applied in before.decided.items():
        late = decision(
            asset,
            applied[-1] - data.draw(st.integers(1, 999)),
            action=data.draw(st.sampled_from(("BUY", "SELL", "HOLD"))),
            price_usd=data.draw(prices),
        )
        after = step(config, before, late, len(log))
        assert replace(after.portfolio, decided=before.decided) == before
        assert after.trades == ()
        assert after.sizing is not None
        again = step(config, after.portfolio, late, len(log) + 1)
        assert (again.portfolio, again.sizing) == (after.portfolio, None)
        assert (after.sizing.size, after.sizing.value_usd) == (0.0, 0.0)
        assert "late" in after.sizing.detail


@given(configs, logs())
def test_requests_and_dry_runs_change_nothing(config: Config, log: list[Decision]) -> None:
    kept = [one for one in log if one.trigger not in ("request", "dry_run")]
    if kept:
        found, expected = run(config, log), run(config, kept)
        assert without_answers(found) == without_answers(expected)
        assert without_places(trades_of(found)) == without_places(trades_of(expected))


@given(configs, logs())
def test_a_worker_that_restarts_after_every_record_has_the_same_portfolio(
    config: Config, log: list[Decision]
) -> None:
    assert run(config, log, recover=True) == run(config, log)


@given(configs, logs())
def test_ids_of_trades_are_their_own(config: Config, log: list[Decision]) -> None:
    ids = [one.trade_id for one in trades_of(run(config, log))]
    assert len(ids) == len(set(ids))


@given(configs, logs())
def test_a_buy_has_what_it_was_sized_or_less_and_a_reason_for_less(
    config: Config, log: list[Decision]
) -> None:
    for after in run(config, log):
        sized = after.sizing
        assert sized is None or sized.confidence <= 1.0
        for one in after.trades:
            at_once = one.signal_id == after.record.decision_id and one.reason != "reset"
            if at_once and one.side == "buy":
                assert sized is not None
                assert one.size <= sized.size
                assert (one.size < sized.size) == ("fill" in sized.detail)
            if at_once and one.side == "sell":
                assert sized is not None
                assert one.size == sized.size == sized.held_size


def test_the_state_of_the_largest_portfolio_fits_into_a_record() -> None:
    """500 assets with 60 returns each, after a thousand decisions: below the broker's 1 MB."""
    config = Config(
        position_sizing.Config(base_share=0.002), fills.Config(fee_bps=1.0, bookless_bps=1.0)
    )
    portfolio = Portfolio()
    returns = tuple(0.001 * (day % 7) - 0.003 for day in range(60))
    for number in range(1_500):
        record = decision(
            f"ASSET-{number % 750:014d}",
            START_MS + number,
            price_usd=1.0 / 3.0,
            position=OpenPosition(1 / 3, START_MS, 1 / 7, 1 / 1.1, 1 / 9),
            daily_returns=returns,
            returns_until=START_MS + DAY_MS,
        )
        portfolio = step(config, portfolio, record, number).portfolio
    assert len(portfolio.positions) == 500
    assert len(portfolio.decided) <= 1_000
    size = len(msgspec.msgpack.encode(portfolio))
    assert size < 600_000, f"{size:,} bytes"


@pytest.mark.parametrize("number", [pytest.param(100_000, id="a year of trades")])
def test_sums_do_not_drift(number: int) -> None:
    config, portfolio = CONFIGS[1], Portfolio()
    for turn in range(number // 50):
        for action, shift in (("BUY", 0), ("SELL", 500)):
            price_usd = 100.0 + (turn * 7919 % 1000) / 37.0
            as_of = START_MS + turn * 1_000 + shift
            record = decision("ABCD"[turn % 4], as_of, action=action, price_usd=price_usd)
            portfolio = step(config, portfolio, record, turn).portfolio
    now = equity(portfolio, "balanced", "cycle", START_MS, None, ())
    made = now.invested_usd + now.realised_usd + now.unrealised_usd - now.fees_usd
    assert abs(now.equity_usd - made) <= TINY
    assert now.closed_trades == number // 50
