"""What the trials of a sweep say together."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.signals import PortfolioEquity
from schemas.times import DAY_MS
from streams.backtest.significance import significance
from streams.backtest.sweep_report import report_of
from streams.backtest.trials import METRICS, Ledger, Trial, total_return
from streams.backtest.walk_forward import windows

DAYS = 60


def trial(number: int, returns: list[float], trades: int = 40) -> Trial:
    return Trial(
        key=f"k{number}",
        data="d",
        choice={"rsi": str(number)},
        first_day_ms=0,
        returns=tuple(returns),
        trades=trades,
        won=0,
        fees_usd=0.0,
        equity_usd=1.0,
    )


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    drawn = np.random.default_rng(5).normal(0.0, 0.01, (20, DAYS))
    drawn[7] += 0.004
    return [trial(number, one.tolist()) for number, one in enumerate(drawn)]


def test_the_best_comes_first_and_the_deflated_sharpe_is_told_of_all(trials: list[Trial]) -> None:
    made = report_of(trials[:15], "sharpe", 0, DAYS * DAY_MS, others=trials[15:])
    assert (made.trials, made.counted) == (15, 20)
    assert made.best[0].choice == {"rsi": "7"}
    assert [one.metric for one in made.best] == sorted(
        (METRICS["sharpe"](one.returns) or 0.0 for one in trials[:15]), reverse=True
    )[:10]
    daily = [np.mean(one.returns) / np.std(one.returns, ddof=1) for one in trials]
    assert made.sharpe_variance == pytest.approx(np.var(daily, ddof=1))
    told = significance(np.asarray(trials[7].returns), 20, made.sharpe_variance)
    assert made.deflated == pytest.approx(told.deflated)
    assert made.deflated is not None
    assert made.probabilistic is not None
    assert made.deflated < made.probabilistic


def test_windows_choose_among_their_own_trials(trials: list[Trial]) -> None:
    spans = windows(0, DAYS * DAY_MS, 3, 20, 10)
    some = frozenset(one.key for one in trials[:5])
    made = report_of(
        *(trials, "return", 0, DAYS * DAY_MS),
        windows=[(one, some if place == 1 else frozenset()) for place, one in enumerate(spans)],
    )
    (found,) = made.windows  # the others have no trial to choose
    best = max(trials[:5], key=lambda one: total_return(one.returns[20:40]))
    assert (found.key, found.trials) == (best.key, 5)
    assert found.out_of_sample == pytest.approx(total_return(best.returns[40:50]))
    assert made.chained is not None
    assert made.chained.days == 10
    assert made.chained.total_return == pytest.approx(total_return(best.returns[40:50]))


def test_what_a_trader_should_doubt_is_said(trials: list[Trial]) -> None:
    few = [trial(number, list(one.returns[:20]), 3) for number, one in enumerate(trials)]
    said = " | ".join(report_of(few, "sharpe", 0, 20 * DAY_MS).warnings)
    assert "20 days say little" in said
    assert "closed 3 trades" in said
    assert "without skill would often look as good" in said
    assert "all of this is in sample" in said


def test_no_trial_at_all_and_trials_that_never_traded() -> None:
    assert report_of([], "sharpe", 0, DAYS * DAY_MS).best == ()
    flat = report_of([trial(1, [0.0] * DAYS, 0)], "sharpe", 0, DAYS * DAY_MS)
    assert flat.best[0].metric is None
    assert flat.deflated is None
    assert flat.overfit is None


def test_a_ledger_keeps_the_daily_returns() -> None:
    ledger = Ledger()
    for hours, equity_usd in ((6, 100.0), (12, 90.0), (23, 110.0), (30, 121.0), (47, 121.0)):
        ledger.take(
            PortfolioEquity(
                strategy_id="s",
                kind="cycle",
                as_of=hours * DAY_MS // 24,
                equity_usd=equity_usd,
                cash_usd=equity_usd,
                positions_usd=0.0,
                invested_usd=100.0,
                realised_usd=0.0,
                unrealised_usd=0.0,
                fees_usd=1.5,
                closed_trades=0,
                won_trades=0,
            )
        )
    made = ledger.trial("k", "d", {})
    assert made.first_day_ms == 0
    assert made.returns == pytest.approx((0.1, 0.1))
    assert (made.fees_usd, made.equity_usd) == (1.5, 121.0)
    assert Ledger().trial("k", "d", {}).returns == ()
