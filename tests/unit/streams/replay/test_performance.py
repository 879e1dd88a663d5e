"""What a replay says of each strategy: changes of action, returns, drawdown, trades."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.signals import PortfolioEquity, PortfolioTrade, Signal
from schemas.times import DAY_MS
from streams.backtest.equity import curve_of
from streams.backtest.report import make_report
from streams.backtest.run_data import RunData, RunInfo, StrategyRun
from streams.replay.performance import Performance, StrategyResult
from streams.runner import Produced
from tests.factories import signal, strategy


def _results(*events: Any) -> tuple[StrategyResult, ...]:
    performance = Performance()
    for event in events:
        performance.take(Produced("topic", 0, 0, "key", 0, event))
    return performance.results()


def _signal(day: float, action: str, asset: str = "BTC", **fields: Any) -> Signal:
    at_ms = int(day * DAY_MS)
    return signal(strategy_id="s", asset=asset, as_of=at_ms, action=action, **fields)


def _equity(equity_usd: float, invested_usd: float = 1000.0, kind: str = "cycle") -> Any:
    return PortfolioEquity(
        strategy_id="s",
        kind=kind,
        as_of=0,
        equity_usd=equity_usd,
        cash_usd=equity_usd,
        positions_usd=0.0,
        invested_usd=invested_usd,
        realised_usd=equity_usd - invested_usd,
        unrealised_usd=0.0,
        fees_usd=0.0,
        closed_trades=0,
        won_trades=0,
    )


def _trade(profit_usd: float | None, reason: str = "thresholds") -> PortfolioTrade:
    return PortfolioTrade(
        trade_id="t",
        strategy_id="s",
        strategy_version=1,
        asset="BTC",
        side="buy" if profit_usd is None else "sell",
        reason=reason,
        signal_id="d",
        decided_at=0,
        filled_at=0,
        size=1.0,
        seen_price_usd=100.0,
        fill_price_usd=100.0,
        value_usd=100.0,
        fee_usd=0.1,
        spread_bps=1.0,
        slippage_bps=0.0,
        profit_usd=profit_usd,
        cash_usd=900.0,
    )


def test_changes_of_action_per_asset_and_day() -> None:
    """Two assets over two and three days: three changes in five days."""
    (found,) = _results(
        _signal(0, "HOLD"),
        _signal(0, "BUY", "ETH"),
        _signal(1, "BUY"),
        _signal(1, "SELL", trigger="request", request_id="r"),
        _signal(2, "HOLD"),
        _signal(2, "SELL", trigger="dry_run"),
        _signal(3, "SELL", "ETH", trigger="change", cycle=None),
    )
    assert (found.signals, found.assets) == (5, ("BTC", "ETH"))
    assert (found.changes, found.asset_days) == (3, 5.0)
    assert found.changes_per_day == pytest.approx(0.6)


def test_one_signal_has_no_rate() -> None:
    (found,) = _results(_signal(1, "BUY"))
    assert (found.changes, found.changes_per_day) == (0, None)
    assert (found.return_pct, found.drawdown_pct, found.win_rate_pct) == (None, None, None)


def test_holding_is_the_mean_of_the_assets() -> None:
    """From the first price of each to its last: +10 % and -20 %; one has no price."""
    (found,) = _results(
        _signal(0, "HOLD", entry_price_usd=None),
        _signal(1, "HOLD", entry_price_usd=100.0),
        _signal(1, "HOLD", "ETH", entry_price_usd=50.0),
        _signal(1, "HOLD", "SOL", entry_price_usd=None),
        _signal(2, "HOLD", entry_price_usd=110.0),
        _signal(3, "HOLD", entry_price_usd=None),
        _signal(2, "HOLD", "ETH", entry_price_usd=40.0),
    )
    assert found.holding_pct == pytest.approx(-5.0)


@pytest.mark.parametrize(
    ("curve", "returned", "drawdown"),
    [
        pytest.param([_equity(1000.0)], 0.0, 0.0, id="one record"),
        pytest.param([_equity(1000.0), _equity(1100.0)], 10.0, 0.0, id="up"),
        pytest.param(
            [_equity(1000.0), _equity(1200.0), _equity(900.0), _equity(1080.0)], 8.0, 25.0, id="dip"
        ),
        pytest.param(
            [
                _equity(1000.0),
                _equity(1100.0),
                _equity(2200.0, 2000.0, "deposit"),  # 1200 without it
                _equity(2200.0, 2000.0),
            ],
            20.0,
            0.0,
            id="a deposit, with a rise since the last cycle",
        ),
        pytest.param(
            [_equity(1000.0), _equity(500.0, 500.0, "withdrawal"), _equity(550.0, 500.0)],
            10.0,
            0.0,
            id="a withdrawal is no loss",
        ),
        pytest.param(
            [_equity(1000.0), _equity(800.0), _equity(1000.0, 1000.0, "reset"), _equity(1100.0)],
            -12.0,
            20.0,
            id="a reset begins anew and hides nothing",
        ),
        pytest.param([_equity(0.0), _equity(0.0), _equity(1.0)], 0.0, 0.0, id="nothing left"),
    ],
)
def test_return_and_drawdown(
    curve: list[PortfolioEquity], returned: float, drawdown: float
) -> None:
    (found,) = _results(*curve)
    assert found.return_pct == pytest.approx(returned)
    assert found.drawdown_pct == pytest.approx(drawdown)


def test_closed_trades_and_how_many_won() -> None:
    (found,) = _results(
        _trade(None), _trade(5.0), _trade(-1.0), _trade(0.0), _trade(9.0, "reset"), _trade(1.0)
    )
    assert (found.trades, found.won) == (4, 2)
    assert found.win_rate_pct == 50.0


def test_strategies_are_told_apart_and_sorted() -> None:
    assert [one.strategy_id for one in _results(signal(1), signal(0), signal(5))] == [
        "strategy-0",
        "strategy-1",
    ]


def test_a_report_says_the_same_return_and_drawdown() -> None:
    """One way of working them out, also with a deposit and a reset."""
    curve = [
        _equity(1000.0),
        _equity(1200.0),
        _equity(1400.0, 1500.0, "deposit"),
        _equity(1300.0, 1500.0),
        _equity(2000.0, 2000.0, "reset"),
        _equity(2100.0, 2000.0),
    ]
    (found,) = _results(*curve)
    run = StrategyRun(strategy("s"), (), curve_of(curve))
    (report,) = make_report(RunData(RunInfo(from_ms=0, until_ms=0), (run,))).strategies
    assert report.metrics.total_return_pct == found.return_pct
    assert report.metrics.max_drawdown_pct == found.drawdown_pct
