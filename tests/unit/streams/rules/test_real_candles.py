"""Rules on recorded candles: true where the same condition in pandas is, candle by candle."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from schemas.checks import CANDLE_MS
from schemas.rule_language import Indicator
from schemas.rule_language.checking import in_timeframe, parse
from schemas.rule_language.indicators import INDICATORS
from schemas.rule_language.nodes import indicators_in
from streams.rules import compile_rule
from streams.runner import Produced, TopologyRunner
from streams.stage import StrategyAt, Tables
from streams.topology import stage
from tests import factories

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pandas_ta_classic as ta

pytestmark = pytest.mark.shared_data
TIMEFRAME = "1h"
FEW, ALL = 2_500, 226_355


class Market(NamedTuple):
    """Columns of candles."""

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


def crosses_above(one: Any, other: Any) -> Any:
    before = other.shift(1) if isinstance(other, pd.Series) else other
    return (one > other) & (one.shift(1) <= before)


def crosses_below(one: Any, other: Any) -> Any:
    before = other.shift(1) if isinstance(other, pd.Series) else other
    return (one < other) & (one.shift(1) >= before)


def _bands(m: Market) -> Any:
    return (ta.bbands(m.close, length=20, std=2)["BBL_20_2.0"] > m.close) & (
        ta.mfi(m.high, m.low, m.close, m.volume, length=14) < 40
    )


def _directed(m: Market) -> Any:
    adx = ta.adx(m.high, m.low, m.close, length=14)
    return (adx["ADX_14"] > 25) & (adx["DMP_14"] > adx["DMN_14"])


def _stochastic(m: Market) -> Any:
    found = ta.stoch(m.high, m.low, m.close, k=14, d=3, smooth_k=3)
    return crosses_below(found["STOCHk_14_3_3"], found["STOCHd_14_3_3"])


def _supertrend(m: Market) -> Any:
    found = ta.supertrend(m.high, m.low, m.close, length=10, multiplier=3)
    return (found["SUPERTd_10_3.0"] == 1) & (m.close > ta.hma(m.close, length=20))


def _breakout(m: Market) -> Any:
    upper = ta.donchian(m.high, m.low, lower_length=20, upper_length=20)["DCU_20_20"]
    return (upper <= m.high) & (ta.cmf(m.high, m.low, m.close, m.volume, length=20) > 0.05)


def _aroon(m: Market) -> Any:
    found = ta.aroon(m.high, m.low, length=14)
    return (found["AROONU_14"] > 70) & ~(found["AROOND_14"] > 30)


def _trix(m: Market) -> Any:
    found, swing = ta.trix(m.close, length=18, signal=9), ta.natr(m.high, m.low, m.close, length=14)
    return (found["TRIX_18_9"] > found["TRIXs_18_9"]) & (
        swing * 2 < ta.roc(m.close, length=10).abs()
    )


def _turned(m: Market) -> Any:
    turned = ta.psar(m.high, m.low, m.close, af0=0.02, af=0.02, max_af=0.2)["PSARr_0.02_0.2"] == 1
    return turned & (ta.kama(m.close, length=10, fast=2, slow=30) < m.close)


def _vortex(m: Market) -> Any:
    found = ta.vortex(m.high, m.low, m.close, length=14)
    return (found["VTXP_14"] - found["VTXM_14"] > 0.2) & (m.volume > 10)


def _weak(m: Market) -> Any:
    strength = pd.concat([ta.rsi(m.close, length=7), ta.rsi(m.close, length=21)], axis=1).min(
        axis=1
    )
    return (strength < 30) & (ta.tsi(m.close, fast=13, slow=25, signal=13)["TSI_13_25_13"] < 0)


RULES: dict[str, Callable[[Market], Any]] = {
    "EMA(9) CROSSES_ABOVE EMA(21)": lambda m: crosses_above(
        ta.ema(m.close, length=9), ta.ema(m.close, length=21)
    ),
    "BBANDS(20, 2).LOWER > CLOSE AND MFI(14) < 40": _bands,
    "ADX(14) > 25 AND ADX(14).PLUS > ADX(14).MINUS": _directed,
    "STOCH(14, 3, 3).K CROSSES_BELOW STOCH(14, 3, 3).D": _stochastic,
    "SUPERTREND(10, 3).DIRECTION = 1 AND CLOSE > HMA(20)": _supertrend,
    "CCI(20) < -100 OR WILLR(14) < -90": lambda m: (
        (ta.cci(m.high, m.low, m.close, length=20) < -100)
        | (ta.willr(m.high, m.low, m.close, length=14) < -90)
    ),
    "DONCHIAN(20, 20).UPPER <= HIGH AND CMF(20) > 0.05": _breakout,
    "MACD(12, 26, 9).HIST CROSSES_ABOVE 0": lambda m: crosses_above(
        ta.macd(m.close, fast=12, slow=26, signal=9)["MACDh_12_26_9"], 0
    ),
    "KC(20, 2).UPPER < CLOSE OR ROC(10) > 5": lambda m: (
        (ta.kc(m.high, m.low, m.close, length=20, scalar=2)["KCUe_20_2.0"] < m.close)
        | (ta.roc(m.close, length=10) > 5)
    ),
    "AROON(14).UP > 70 AND NOT AROON(14).DOWN > 30": _aroon,
    "TRIX(18, 9) > TRIX(18, 9).SIGNAL AND NATR(14) * 2 < ABS(ROC(10))": _trix,
    "PSAR(0.02, 0.02, 0.2).REVERSAL = 1 AND KAMA(10, 2, 30) < CLOSE": _turned,
    "CLOSE CROSSES_ABOVE SMA(50) * 1.01": lambda m: crosses_above(
        m.close, ta.sma(m.close, length=50) * 1.01
    ),
    "VORTEX(14).PLUS - VORTEX(14).MINUS > 0.2 AND VOLUME > 10": _vortex,
    "MIN(RSI(7), RSI(21)) < 30 AND TSI(13, 25, 13) < 0": _weak,
}


def features(rule: str, series: dict[str, Any]) -> dict[str, list[float]]:
    """Return all that a rule asks for, by feature, over all candles, by the language's table."""
    found: dict[str, list[float]] = {}
    tree = in_timeframe(parse(rule), TIMEFRAME)
    for one in indicators_in(tree.condition):
        values = _computed(one, series)
        found[one.feature] = values.tolist()
        found[f"{one.feature}[1]"] = values.shift(1).tolist()
    return found


def _computed(one: Indicator, series: dict[str, Any]) -> Any:
    if not one.is_parameterised:
        return series[one.name.lower()]
    row = INDICATORS[one.name]
    inputs = {name: series[name] for name in row.inputs}
    result = getattr(ta, row.function)(**inputs, **one.keywords)
    return result if result.ndim == 1 else result.iloc[:, row.outputs.index(one.output)]


def differences(path: Path, most: int) -> tuple[int, int, dict[str, int]]:
    """Return the candles of a file, where any rule is not pandas', and how often each is true."""
    frame = pd.read_parquet(path).iloc[-most:].reset_index(drop=True)
    market = Market(*(frame[name].astype(float) for name in Market._fields))
    series = {**market._asdict(), "open_": market.open}
    wrong, true = 0, {}
    for rule, in_pandas in RULES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = in_pandas(market).tolist()
            columns = features(rule, series)
        truth = compile_rule(rule, TIMEFRAME).truth
        at = zip(*columns.values(), strict=True)
        found = [truth(dict(zip(columns, values, strict=True)).get) is True for values in at]
        wrong += sum(one is not bool(other) for one, other in zip(found, expected, strict=True))
        true[rule] = sum(found)
    return len(frame), wrong, true


@pytest.mark.parametrize("most", [FEW, pytest.param(ALL, marks=pytest.mark.long)], ids=["", "soak"])
def test_rules_are_true_where_pandas_says_so(shared_data: Path, most: int) -> None:
    pattern = "*USDT-*.parquet" if most == ALL else "BTCUSDT-4h.parquet"
    paths = sorted((shared_data / "ohlcv").glob(pattern))
    count, times = 0, dict.fromkeys(RULES, 0)
    for path in paths:
        candles, wrong, true = differences(path, most)
        assert wrong == 0, path.name
        count += candles
        times = {rule: times[rule] + true[rule] for rule in RULES}
    assert all(times.values()), times
    assert count == (ALL if most == ALL else FEW)
    named = {one.name for rule in RULES for one in indicators_in(parse(rule).condition)}
    assert len(named & INDICATORS.keys()) >= 20
    print(f"{len(RULES)} rules on {count:,} candles, true {sum(times.values()):,} times")


KEPT = 300
"""Candles that the technical engine keeps."""


def of_engine(path: Path, count: int) -> dict[str, list[bool]]:
    """Return each rule's truth at the last `count` candles, by the technical engine's features."""
    asset, timeframe = path.stem.replace("USDT", "").split("-")
    strategies = {
        rule: StrategyAt(
            factories.strategy(f"s{place}", timeframe=timeframe, entry_rule=rule), place
        )
        for place, rule in enumerate(RULES)
    }
    truths = {rule: compile_rule(rule, timeframe).truth for rule in RULES}
    found: dict[str, list[bool]] = {rule: [] for rule in RULES}

    def emit(one: Produced) -> None:
        for rule, truth in truths.items():
            found[rule].append(truth(one.event.features.get) is True)

    runner = TopologyRunner([stage("technical")], 1, (), emit)
    for place, row in enumerate(pd.read_parquet(path).iloc[-count - KEPT :].itertuples()):
        if place == KEPT:
            runner.tables = Tables(strategies)
        values: dict[str, Any] = {name: getattr(row, name) for name in Market._fields}
        close_ms = int(row.open_time) + CANDLE_MS[timeframe]  # type: ignore[call-overload]
        runner.publish(factories.candle(asset, close_ms, timeframe=timeframe, **values))
    return {rule: truth[-count:] for rule, truth in found.items()}


@pytest.mark.parametrize(
    "count", [40, pytest.param(1_500, marks=pytest.mark.long)], ids=["", "soak"]
)
def test_so_are_rules_on_what_the_engine_computes(shared_data: Path, count: int) -> None:
    path = shared_data / "ohlcv" / "ETHUSDT-4h.parquet"
    frame = pd.read_parquet(path).iloc[-count - 1_000 :].reset_index(drop=True)
    market = Market(*(frame[name].astype(float) for name in Market._fields))
    found = of_engine(path, count)
    for rule, in_pandas in RULES.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = in_pandas(market).tolist()[-count:]
        assert found[rule] == list(map(bool, expected)), rule
    assert sum(map(sum, found.values())) > count // 4
