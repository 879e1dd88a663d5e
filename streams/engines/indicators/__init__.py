"""Technical indicators: `series`, `swings`, `trend` are incremental, `library` has the others."""

from streams.engines.indicators.series import (
    BREAK_FACTOR,
    GIVEN_AT,
    NAMES,
    WARM_AT,
    YOUNG_AT,
    Series,
    Values,
    advance,
    candles,
    is_break,
    last_closes,
    values,
)
from streams.engines.indicators.swings import REVERSAL_ATR, Swings, structure, swing
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
