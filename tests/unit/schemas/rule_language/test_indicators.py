"""Every row of the table of indicators is what pandas-ta-classic computes."""

from __future__ import annotations

import warnings
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
import pytest

from schemas.rule_language import Indicator
from schemas.rule_language.indicators import CANDLES_KEPT, INDICATORS, Row
from schemas.rule_language.names import ALIASES, CANDLE_VALUES, FUNCTIONS, VALUES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pandas_ta_classic as ta

ROWS = [pytest.param(row, id=name) for name, row in INDICATORS.items()]
LEFT_OUT = {
    *("beta", "correl", "mavp", "long_run", "short_run", "tsignals", "xsignals"),
    *("vp", "tos_stdevall", "cpr", "ma", "cdl_pattern"),
}


def candles(seed: int) -> dict[str, pd.Series]:
    """Return a walk of 300 candles, by pandas-ta's keywords."""
    draws = np.random.default_rng(seed)
    count = CANDLES_KEPT
    index = pd.date_range("2026-01-01", periods=count, freq="h")
    close = 100.0 * np.exp(np.cumsum(draws.normal(0.0, 0.02, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    high = np.maximum(opened, close) * (1.0 + np.abs(draws.normal(0.0, 0.01, count)))
    low = np.minimum(opened, close) * (1.0 - np.abs(draws.normal(0.0, 0.01, count)))
    made = {
        "open_": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": draws.lognormal(10.0, 1.0, count),
    }
    return {name: pd.Series(values, index) for name, values in made.items()}


CANDLES = (candles(3), candles(4))


def computed(row: Row, params: tuple[float, ...], series: dict[str, pd.Series]) -> Any:
    """Return the library's result as a frame."""
    one = Indicator(row.name, params, row.outputs[0], "1h")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = {name: series[name] for name in row.inputs}
        found = getattr(ta, row.function)(**inputs, **one.keywords)
    return found.to_frame() if isinstance(found, pd.Series) else found


def defaults(row: Row) -> tuple[float, ...]:
    params: list[float] = []
    for one in row.parameters:
        params.append(params[0] if one.default is None else one.default)
    return tuple(params)


def edges(row: Row) -> list[tuple[float, ...]]:
    """Return the defaults, and all whole numbers at their least and at their most."""
    own = defaults(row)
    pairs = list(zip(own, row.parameters, strict=True))
    return [
        own,
        tuple(one.least if one.is_whole else value for value, one in pairs),
        tuple(one.most if one.is_whole else value for value, one in pairs),
        *(
            tuple(limit if other is one else value for value, other in pairs)
            for one in row.parameters
            if not one.is_whole
            for limit in (one.least, one.most)
        ),
    ]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_computed_by_the_library(row: Row) -> None:
    for params in edges(row):
        for series in CANDLES:
            found = computed(row, params, series)
            assert len(found.columns) == len(row.outputs), params
            for place, name in enumerate(row.outputs):
                last = float(found.iloc[-1, place])
                assert isfinite(last) or name in row.sometimes, (params, name)


@pytest.mark.parametrize("row", ROWS)
def test_the_defaults_are_the_library_s(row: Row) -> None:
    for series in CANDLES:
        ours = computed(row, defaults(row), series)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inputs = {name: series[name] for name in row.inputs}
            own = getattr(ta, row.function)(**inputs, **row.fixed)
        own = own.to_frame() if isinstance(own, pd.Series) else own
        np.testing.assert_array_equal(ours.to_numpy(float), own.to_numpy(float))


def test_the_table_has_all_that_the_library_has() -> None:
    of_library = {name for names in ta.Category.values() for name in names}
    ours = {row.function for row in INDICATORS.values() if row.function != "cdl_pattern"}
    patterns = {"cdl_doji", "cdl_inside"}  # by cdl_pattern, as all patterns
    assert of_library - LEFT_OUT - patterns == ours


def test_no_name_means_two_things() -> None:
    """Those of candle values that are indicators too are the indicator with parameters only."""
    assert set(INDICATORS) & (set(CANDLE_VALUES) | set(ALIASES)) == {"RSI", "MACD", "ATR"}
    assert not set(INDICATORS) & (set(VALUES) | set(FUNCTIONS))
    assert not (set(CANDLE_VALUES) | set(ALIASES)) & (set(VALUES) | set(FUNCTIONS))


@pytest.mark.parametrize("row", ROWS)
def test_rows_are_well_formed(row: Row) -> None:
    names = (row.name, *row.outputs)
    assert all(name == name.upper() and name.isidentifier() for name in names)
    assert len(set(row.outputs)) == len(row.outputs)
    assert row.cost >= 1
    assert row.words
    for one, value in zip(row.parameters, defaults(row), strict=True):
        assert one.least <= value <= one.most
