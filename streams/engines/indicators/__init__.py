"""Technical indicators, incremental and pure: see `series`, `swings` and `trend`."""

from streams.engines.indicators.series import (
    GIVEN_AT,
    NAMES,
    REVERSAL_ATR,
    WARM_AT,
    Series,
    Swings,
    Values,
    advance,
    structure,
    swing,
    values,
)
from streams.engines.indicators.trend import TrendConfig, trend

__all__ = [
    "GIVEN_AT",
    "NAMES",
    "REVERSAL_ATR",
    "WARM_AT",
    "Series",
    "Swings",
    "TrendConfig",
    "Values",
    "advance",
    "structure",
    "swing",
    "trend",
    "values",
]
