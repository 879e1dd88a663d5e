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
    is_break,
    structure,
    swing,
    values,
)
from streams.engines.indicators.trend import TrendConfig, trend

__all__ = [
    "BREAK_FACTOR",
    "GIVEN_AT",
    "NAMES",
    "REVERSAL_ATR",
    "WARM_AT",
    "YOUNG_AT",
    "Series",
    "Swings",
    "TrendConfig",
    "Values",
    "advance",
    "is_break",
    "structure",
    "swing",
    "trend",
    "values",
]
