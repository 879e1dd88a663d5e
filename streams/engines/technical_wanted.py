"""What the rules of strategies name besides the engine's own values, once a candle.

* parameterised indicators, by pandas-ta-classic from the last 300 candles
* open, high, low and volume of the last candle
* any of these, and the engine's own values, one candle earlier
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.engines.indicators import candles
from streams.engines.indicators.library import compute
from streams.engines.technical_frame import PLACE, Frame, lagged, open_times, timeframe_of
from streams.engines.wanted import Wanted

_FAILED = "indicators_"


def clear(
    features: dict[str, float], detail: dict[str, str], timeframe: str, wanted: Sequence[str]
) -> bool:
    """Take what was wanted of a timeframe out of the features; return whether there was any."""
    gone = [name for name in wanted if name in features and timeframe_of(name) == timeframe]
    for name in gone:
        del features[name]
    return detail.pop(f"{_FAILED}{timeframe}", None) is not None or bool(gone)


def renew(
    features: dict[str, float],
    detail: dict[str, str],
    frame: Frame,
    timeframe: str,
    wanted: Wanted,
) -> None:
    """Put what is wanted of a timeframe into the features.

    What has no value (too few candles, NaN) is not there; what the library cannot compute is not
    there either, and said in `detail`.
    """
    asked = wanted.by_timeframe.get(timeframe)
    if not asked:
        return
    place = PLACE[timeframe]
    earlier = lagged(frame, place)
    values, failed = compute(
        candles(frame.series), asked, lambda count: open_times(frame, place, count)
    )
    for name, indicator in asked.items():
        own = f"{indicator.name}@{timeframe}"
        if name in values:
            features[name] = values[name]
        elif own in earlier and name == f"{own}[1]":
            features[name] = earlier[own]
    if failed:
        said = ", ".join(f"{name} {why}" for name, why in failed.items())
        detail[f"{_FAILED}{timeframe}"] = f"not computed: {said}"


def failures(detail: dict[str, str]) -> dict[str, str]:
    """Return the part of a detail that says what could not be computed."""
    return {key: said for key, said in detail.items() if key.startswith(_FAILED)}
