"""Our technical engine over recorded candles: one after the other, updated and read each time.

It does more than the peers here: swing points, trend, score, confidence, freshness, evidence.
"""

from __future__ import annotations

import msgspec

from benchmarks.recorded import LENGTH_MS, Bar, bars
from benchmarks.workers.alone import NAMES, report, task, timed
from schemas.market import Candle
from streams.engines.scoring_stage import ScoringStage
from streams.engines.technical import ENGINE, State
from streams.stage import Entry, advance


def candle(bar: Bar) -> Candle:
    """Return a recorded candle as an event that was seen when it closed."""
    open_time = bar.close_time - LENGTH_MS[bar.timeframe]
    return Candle(
        asset=bar.asset,
        event_time=bar.close_time,
        observed_at=bar.close_time,
        source="recorded",
        source_id=f"{bar.market}:{open_time}",
        exchange="binance",
        symbol=f"{bar.asset}/USDT",
        timeframe=bar.timeframe,
        open_time=open_time,
        close_time=bar.close_time,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        closed=True,
    )


def alone(candles: list[Candle], last: dict[str, dict[str, float]]) -> None:
    """Run the engine by itself."""
    config, update, read = ENGINE.config, ENGINE.update, ENGINE.read
    states: dict[str, State] = {}
    initial = ENGINE.initial(config)
    for offset, event in enumerate(candles):
        asset = event.asset
        state = states[asset] = update(config, states.get(asset, initial), event, offset)
        last[asset] = read(config, state, event.observed_at).features


def staged(candles: list[Candle]) -> None:
    """Run it as the worker does: with applied offsets, and an EngineScore for each candle."""
    stage = ScoringStage(ENGINE)
    entries: dict[str, Entry] = {}
    for offset, event in enumerate(candles):
        moved = advance(stage, entries.get(event.asset), event, ENGINE.topic, 0, offset)
        entries[event.asset] = moved[0]


def main() -> None:
    """Run both and report."""
    todo = task()
    recorded = bars(todo.limit)
    # Decoded in order, as a worker gets them: neighbours in time are neighbours in memory.
    encoded = msgspec.msgpack.encode([candle(bar) for bar in recorded])
    candles = msgspec.msgpack.decode(encoded, type=list[Candle])
    last: dict[str, dict[str, float]] = {}
    times = timed(lambda: alone(candles, last))
    through_stage = timed(lambda: staged(candles))
    values = {
        market: [last[asset][f"{name}@{timeframe}"] for name in (*NAMES, "CLOSE")]
        for market in sorted({bar.market for bar in recorded})
        for asset, timeframe in [market.split("@")]
    }
    report(times, values, through_stage=through_stage, candles=len(candles))


if __name__ == "__main__":
    main()
