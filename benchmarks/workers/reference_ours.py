"""Our side of `backtest_reference`: a whole replay of one market, from its file to the trades."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.job import Times
from benchmarks.workers import reference
from benchmarks.workers.reference import RoundTrip

_SETTINGS = {
    "FILLS__BOOKLESS_BPS": 0.0,
    "FILLS__FEE_BPS": reference.FEE_SHARE * 1e4,
    "SIZING__BASE_SHARE": reference.SHARE,
    "SIZING__SENTIMENT_WEIGHT": 0.0,
    "SIZING__TREND_WEIGHT": 0.0,
    "SIZING__FRESHNESS_WEIGHT": 0.0,
    "SIZING__DIVERSIFICATION_WEIGHT": 1.0,
}
"""The engines have no say in the size: with one asset the last weight is that of all it makes."""


def main() -> None:
    """Replay the candles of the order and report the closed trades."""
    given = reference.order()
    os.environ.update({f"QUANTIVA__{name}": str(value) for name, value in _SETTINGS.items()})
    found: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="quantiva-reference-") as folder:
        name = f"{given.asset}USDT-{given.timeframe}.parquet"
        only = Path(folder) / "ohlcv"
        only.mkdir()
        (only / name).symlink_to(Path(given.directory).resolve() / "ohlcv" / name)
        times, candles = _replay(folder, given, found)
    trades = [
        RoundTrip(
            *(one.entered_at, one.filled_at, one.entry_price_usd, one.fill_price_usd),
            *(one.size, one.reason),
        )
        for one in found
        if one.side == "sell"
    ]
    reference.report(times, candles, trades)


def _replay(folder: str, given: reference.Order, found: list[Any]) -> tuple[Times, int]:
    """Return what a replay took, its processes' start among it, and how many candles it read."""
    from benchmarks.recorded import LENGTH_MS
    from schemas.control import Strategy
    from schemas.topics import CANDLES, TRADES
    from streams.replay.changes import Changes
    from streams.replay.run import replay
    from streams.replay.sources import DirectorySource

    fast, slow = f"MA{reference.FAST}", f"MA{reference.SLOW}"
    strategy = Strategy(
        strategy_id="reference",
        owner="admin",
        name="reference",
        assets=(given.asset,),
        timeframe=given.timeframe,
        entry_rule=f"{fast} CROSSES_ABOVE {slow}",
        exit_rule=f"{fast} CROSSES_BELOW {slow}",
        buy_threshold=1.0,
        sell_threshold=-1.0,
        stop_loss_pct=reference.STOP_PCT,
        portfolio_value_usd=reference.CAPITAL_USD,
    )
    source = DirectorySource(
        path=folder,
        start_ms=given.start_ms,
        until_ms=given.until_ms + 2 * LENGTH_MS[given.timeframe],
        cycle_ms=LENGTH_MS[given.timeframe],
        partitions=1,
    )
    started = time.perf_counter(), _cpu_s()
    summary = replay(
        source,
        jobs=1,
        changes=Changes(own=(strategy,), only=(strategy.strategy_id,)),
        on_output=lambda one: found.append(one.event) if one.topic == TRADES.name else None,
        is_brief=True,
    )
    times = Times(time.perf_counter() - started[0], _cpu_s() - started[1], 0.0)
    return times, summary.market[CANDLES.name]


def _cpu_s() -> float:
    """Return the processor time of this process and of those that it has waited for."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
