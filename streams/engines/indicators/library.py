"""Indicators that rules name, by pandas-ta-classic, from the last candles of one timeframe.

The library is imported when the first one is wanted: it brings pandas, half a second and 100 MB. It
is called by function, with a Series for each input: `df.ta` does the same and takes longer.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

from schemas.rule_language import Indicator
from schemas.rule_language.indicators import INDICATORS, Row
from streams.engines.indicators.window import latest

OF_CANDLES = {"OPEN": 0, "HIGH": 1, "LOW": 2, "CLOSE": 3, "VOLUME": 4}
"""Place of a value in a candle."""
_INPUTS = ("open_", "high", "low", "close", "volume")
"""The library's names of these."""
_OF_DAYS = frozenset({"VWAP"})
"""Indicators that ask for the time of each candle."""

_Call = tuple[str, tuple[float, ...]]
"""Name and parameters: one call may give several outputs, each now and one candle earlier."""


class Computed(NamedTuple):
    """Values by the names of their features; what is not there has no value, for now or at all.

    `failed` says of what the library could not compute why, by the same names.
    """

    values: dict[str, float]
    failed: dict[str, str]


@cache
def load() -> Any:
    """Import the library, once; return its module.

    Its import reads the clock and loads C code: a process that is sealed later calls this before.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas_ta_classic
    logging.getLogger(pandas_ta_classic.__name__).setLevel(logging.CRITICAL)
    return pandas_ta_classic


def is_loaded() -> bool:
    """Return whether `load` has been called."""
    return load.cache_info().currsize > 0


def compute(
    window: bytes,
    asked: Mapping[str, Indicator],
    open_times: Callable[[int], Sequence[int]],
) -> Computed:
    """Return the values of indicators, by feature, at the last candle, or with lag 1 one earlier.

    `window` is as in `window`, `open_times` gives the times of its last candles in ms. Values of a
    candle are there too; other values without parameters are passed over.
    """
    found = Computed({}, {})
    calls: dict[_Call, dict[str, Indicator]] = {}
    for feature, one in asked.items():
        if one.is_parameterised:
            calls.setdefault((one.name, one.params), {})[feature] = one
        elif one.name in OF_CANDLES:
            value = latest(window, one.lag)[OF_CANDLES[one.name]]
            if isfinite(value):
                found.values[feature] = value
    if calls:
        _by_library(window, calls, open_times, found)
    return found


def _by_library(
    window: bytes,
    calls: dict[_Call, dict[str, Indicator]],
    open_times: Callable[[int], Sequence[int]],
    found: Computed,
) -> None:
    load()
    import numpy
    from pandas import DatetimeIndex, Series

    columns = numpy.frombuffer(window, "<f8").reshape(-1, len(_INPUTS))
    columns = columns[numpy.isfinite(columns).all(axis=1)]
    if not len(columns):
        return
    plain = {name: Series(columns[:, place].copy()) for place, name in enumerate(_INPUTS)}
    dated: dict[str, Any] = {}
    if any(name in _OF_DAYS for name, _ in calls):
        index = DatetimeIndex(numpy.array(open_times(len(columns)), "datetime64[ms]"))
        dated = {name: series.set_axis(index) for name, series in plain.items()}
    # What it divides by zero, and what it says of its own future, is nothing for a log.
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for (name, _), members in calls.items():
            row, series = INDICATORS[name], dated if name in _OF_DAYS else plain
            try:
                found.values.update(_values(row, series, members))
            except Exception as error:  # whatever it is: this one is not known, the others are
                found.failed.update(dict.fromkeys(members, type(error).__name__))


def _values(row: Row, series: dict[str, Any], members: dict[str, Indicator]) -> dict[str, float]:
    """Return the values that one call of the library gives."""
    first = next(iter(members.values()))
    inputs = {name: series[name] for name in row.inputs}
    result = getattr(load(), row.function)(**inputs, **first.keywords)
    values: dict[str, float] = {}
    if result is None:  # too few candles
        return values
    for feature, one in members.items():
        place = len(result) - 1 - one.lag
        at = (place, row.outputs.index(one.output)) if result.ndim > 1 else (place,)
        if place >= 0 and isfinite(value := float(result.iat[at])):
            values[feature] = value
    return values
