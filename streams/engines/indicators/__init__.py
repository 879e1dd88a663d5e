"""Technical indicators, incremental and pure: see `series`, `swings` and `trend`."""

from streams.engines.indicators.series import (
    BREAK_FACTOR,
    GIVEN_AT,
    NAMES,
    REVERSAL_ATR,
    WARM_AT,
    YOUNG_AT,
    Series,
    Swings,
    Values,
    advance,
    candles,
    is_break,
    last_closes,
    structure,
    swing,
    values,
)
from streams.engines.indicators.trend import TrendConfig, trend
from streams.engines.indicators.window import KEPT, Ohlcv, latest

__all__ = [
    "BREAK_FACTOR",
    "GIVEN_AT",
    "KEPT",
    "NAMES",
    "REVERSAL_ATR",
    "WARM_AT",
    "YOUNG_AT",
    "Ohlcv",
    "Series",
    "Swings",
    "TrendConfig",
    "Values",
    "advance",
    "candles",
    "is_break",
    "last_closes",
    "latest",
    "structure",
    "swing",
    "trend",
    "values",
]
