"""A whole report: benchmarks, doubts, and that it is always the same."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from schemas.signals import HeldPosition
from streams.backtest.contents import Report, StrategyReport
from streams.backtest.equity import curve_of
from streams.backtest.report import make_report
from streams.backtest.run_data import RunData, StrategyRun
from tests.backtests import daily_curve, equity, info, prices, trip
from tests.factories import strategy

_RANDOM = np.random.default_rng(5)
_RISING = (1000.0 * np.cumprod(1.0 + _RANDOM.normal(0.004, 0.01, 400))).tolist()
_MANY = tuple(one for day in range(60) for one in trip(6.0 * day, 5.0 + day % 3))


def _report(values: list[float], trades: Any = (), **run: Any) -> StrategyReport:
    made = make_report(
        RunData(
            run.pop("info", info(len(values) - 1)),
            (StrategyRun(strategy(assets=("BTC",)), tuple(trades), daily_curve(values)),),
            **run,
        )
    )
    return made.strategies[0]


def test_holding_pays_its_costs_once_and_starts_with_the_curve() -> None:
    """From 100 to 121 over two days; 10 + 10 bps of the purchase."""
    found = _report(
        [1000.0, 1000.0, 1000.0],
        info=info(2, fee_bps=10.0, slippage_bps=10.0),
        prices={"BTC": prices([50.0, 100.0, 110.0, 121.0], from_day=-1)},
    )
    holding, equal = found.benchmarks
    assert holding.total_return_pct == pytest.approx(100.0 * (1.21 / 1.001**2 - 1.0))
    assert holding.curve[0].value == 1.0
    assert equal.total_return_pct == pytest.approx(holding.total_return_pct)
    assert found.by_asset[0].holding_pct == pytest.approx(holding.total_return_pct)


def test_equal_weight_comes_back_to_equal_parts_each_month() -> None:
    """BTC doubles in January and ETH in February; of equal parts that is 1.5 twice."""
    btc = [100.0] * 30 + [200.0] * 29
    eth = [100.0] * 31 + [100.0] * 20 + [200.0] * 8
    run = RunData(
        info(58, assets=("BTC", "ETH")),
        (StrategyRun(strategy(), (), daily_curve([1000.0] * 59)),),
        {"BTC": prices(btc), "ETH": prices(eth)},
    )
    holding, equal = make_report(run).strategies[0].benchmarks
    assert holding.total_return_pct == pytest.approx(100.0)
    assert equal.total_return_pct == pytest.approx(125.0)


def test_nothing_is_held_without_prices() -> None:
    assert _report([1000.0, 1100.0]).benchmarks == ()
    late = {"BTC": prices([100.0], from_day=9)}
    assert _report([1000.0, 1100.0], prices=late).benchmarks == ()


@pytest.mark.parametrize(
    ("values", "trades", "run", "codes"),
    [
        pytest.param(_RISING, _MANY, {}, [], id="none"),
        pytest.param([], (), {}, ["no_trades", "short_span"], id="nothing"),
        pytest.param(_RISING, _MANY[:20], {}, ["few_trades"], id="few trades"),
        pytest.param(_RISING[:90], _MANY, {}, ["short_span"], id="short"),
        pytest.param(
            _RISING, (*_MANY, *trip(390, 9e3)), {}, ["one_trade"], id="one trade made most"
        ),
        pytest.param(
            _RISING,
            _MANY,
            {"prices": {"BTC": prices((1.08 ** np.arange(400)).tolist())}},
            ["beaten_by_holding", "beaten_by_equal_weight", "random_entry"],
            id="holding was better",
        ),
        pytest.param(
            [1000.0 + day % 7 for day in range(400)], _MANY, {}, ["not_significant"], id="luck"
        ),
        pytest.param(
            _RISING,
            _MANY,
            {"trials": 10**6, "trials_variance": 0.05},
            ["not_significant"],
            id="best of a million",
        ),
    ],
)
def test_doubts_of_a_strategy(
    values: list[float], trades: Any, run: dict[str, Any], codes: list[str]
) -> None:
    assert [one.code for one in _report(values, trades, **run).doubts] == codes


def test_doubts_of_a_run() -> None:
    origin = info(
        gaps=("BTC 1h has no candles on 2022-02-01.", "And another."),
        look_ahead=("A score of BTC changed when its future was there.",),
        engines_absent=("sentiment",),
        chosen_today=True,
    )
    made = make_report(RunData(origin, ()))
    assert [one.code for one in made.doubts] == [
        *("look_ahead", "gaps", "engines_absent", "survivorship")
    ]
    assert "and 1 more" in made.doubts[1].text
    live = make_report(RunData(replace(origin, kind="live"), ()))
    assert "survivorship" not in [one.code for one in live.doubts]


def test_what_is_open_at_the_end() -> None:
    held = HeldPosition("BTC", 2.0, 100.0, 1, 110.0, 220.0, 20.0)
    curve = curve_of([equity(0, 1000.0), equity(1, 1020.0, positions=(held,))])
    made = make_report(RunData(info(1), (StrategyRun(strategy(), (), curve),)))
    found = made.strategies[0]
    assert [(one.asset, one.unrealised_usd) for one in found.open_trades] == [("BTC", 20.0)]
    assert "open_at_end" in [one.code for one in found.doubts]


def test_a_reset_s_sales_are_shown_and_not_counted() -> None:
    found = _report(_RISING, (*trip(1, 7.0), *trip(3, 50.0, reason="reset")))
    assert (len(found.trades), found.metrics.trades, found.metrics.profit_usd) == (2, 1, 7.0)
    assert sum(one.trades for one in found.by_asset) == 1


def test_rolling_sharpe_begins_after_90_days() -> None:
    found = _report(_RISING)
    assert len(found.rolling_sharpe) == 399 - 90 + 1
    assert found.rolling_sharpe[-1].at_ms == found.until_ms
    assert _report([1000.0] * 100).rolling_sharpe[0].value is None


def test_the_same_run_gives_the_same_bytes_and_they_can_be_read() -> None:
    run = RunData(
        info(400),
        (StrategyRun(strategy(assets=("BTC",)), _MANY, daily_curve(_RISING)),),
        {"BTC": prices(np.linspace(100.0, 200.0, 400).tolist())},
    )
    made = make_report(run)
    body = msgspec.json.encode(made)
    assert msgspec.json.encode(make_report(run)) == body
    assert msgspec.json.decode(body, type=Report) == made
    assert b"NaN" not in body


def test_the_report_of_five_years_costs_no_more_than_some_readings_of_its_records() -> None:
    """262,800 records of equity, 1,000 trades and hourly candles."""
    gains = 1.0 + _RANDOM.normal(0.0, 0.001, 262_800)
    worth = (1000.0 * np.cumprod(gains)).tolist()
    records = [equity(place / 144, one) for place, one in enumerate(worth)]
    trades = [one for day in range(1000) for one in trip(1.8 * day, day % 5 - 2.0)]
    hourly = {"BTC": prices(worth[::6], hourly=True)}
    begun_s = time.process_time()
    run = StrategyRun(strategy(assets=("BTC",)), tuple(trades), curve_of(records))
    read_s = time.process_time()
    found = make_report(RunData(info(1825), (run,), hourly)).strategies[0]
    assert time.process_time() - read_s < 10.0 * (read_s - begun_s)
    assert (len(found.trades), found.metrics.days, len(found.monthly)) == (1000, 1825, 60)
