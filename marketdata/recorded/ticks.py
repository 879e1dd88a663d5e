"""Ticks for recorded data: trending records out of the candles that had been seen by then.

A recorded directory has no trending assets. So at every cycle each asset with a live market gets
one: price, volume and change of the last 24 hourly candles, and no social metrics.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.coins import name_of
from schemas.events import MarketEvent, OrderKey, order_key
from schemas.market import Candle, TrendingAsset
from schemas.times import DAY_MS

SOURCE = "recorded"
STALE_AFTER_MS = DAY_MS
"""An asset whose last hourly candle is older is not traded any more (or there is a hole)."""


@dataclass(slots=True)
class _Market:
    """The last 25 closed hourly candles of an asset, as (close time, close, volume in USD)."""

    hours: deque[tuple[int, float, float]] = field(default_factory=lambda: deque(maxlen=25))

    def volume_24h_usd(self) -> float:
        return sum(volume for _, _, volume in list(self.hours)[-24:])

    def change_24h_pct(self) -> float | None:
        if len(self.hours) < 25:
            return None
        return (self.hours[-1][1] / self.hours[0][1] - 1.0) * 100.0


class TickMaker:
    """Remembers the hourly candles that went by and makes the ticks of a cycle out of them."""

    def __init__(self) -> None:
        self._markets: dict[str, _Market] = {}

    def see(self, candle: Candle) -> None:
        """Take note of a candle; only closed hourly ones count. USDT is taken as USD."""
        if candle.timeframe == "1h" and candle.closed:
            market = self._markets.get(candle.asset)
            if market is None:
                market = self._markets[candle.asset] = _Market()
            close = candle.close
            market.hours.append((candle.close_time, close, candle.volume * close))

    def ticks(self, cycle_ms: int) -> list[TrendingAsset]:
        """Return the ticks of the cycle that starts at `cycle_ms`, most traded asset first.

        The n-th is observed n ms after the cycle's start.
        """
        ranked = sorted(
            (-market.volume_24h_usd(), asset)
            for asset, market in self._markets.items()
            if market.hours[-1][0] + STALE_AFTER_MS > cycle_ms
        )
        return [
            self._tick(asset, cycle_ms, rank, len(ranked))
            for rank, (_, asset) in enumerate(ranked, start=1)
        ]

    def _tick(self, asset: str, cycle_ms: int, rank: int, size: int) -> TrendingAsset:
        market = self._markets[asset]
        return TrendingAsset(
            asset=asset,
            event_time=cycle_ms,
            observed_at=cycle_ms + rank,
            source=SOURCE,
            source_id=f"{cycle_ms}:{asset}",
            cycle=cycle_ms,
            cycle_size=size,
            rank=rank,
            name=name_of(asset),
            price_usd=market.hours[-1][1],
            volume_24h_usd=market.volume_24h_usd(),
            change_24h_pct=market.change_24h_pct(),
        )


def with_ticks(
    events: Iterable[tuple[OrderKey, MarketEvent]],
    maker: TickMaker,
    start_ms: int,
    end_ms: int,
    interval_ms: int,
) -> Iterator[MarketEvent]:
    """Weave the ticks of every cycle in [start_ms, end_ms) into ordered (key, event) pairs.

    Cycles start at multiples of `interval_ms`. A tick knows what was observed before its cycle
    started, and nothing else.
    """
    cycle_ms = -(-start_ms // interval_ms) * interval_ms
    waiting: deque[TrendingAsset] = deque()
    for key, event in events:
        while cycle_ms <= key[0] and cycle_ms < end_ms:
            yield from waiting
            waiting = deque(maker.ticks(cycle_ms))
            cycle_ms += interval_ms
        while waiting and order_key(waiting[0]) < key:
            yield waiting.popleft()
        if type(event) is Candle:
            maker.see(event)
        yield event
    yield from waiting
    for rest_ms in range(cycle_ms, end_ms, interval_ms):
        yield from maker.ticks(rest_ms)
