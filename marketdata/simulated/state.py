"""The state of the simulated market between two cycles, and what can be read off it."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence

import msgspec

from marketdata.simulated.assets import Asset
from marketdata.simulated.bars import HOUR_MS, Bar
from marketdata.simulated.hidden_state import HiddenState

HOURS_KEPT = 25
DAYS_KEPT = 30


class AssetState(msgspec.Struct):
    """One asset: what is hidden, the hour under way, the hours and days before it.

    `hours` are the closed hours since the day began, and at least the last 25. `day_volumes_usd`
    are the last 30 days, the oldest first.
    """

    asset: Asset
    hidden: HiddenState
    hour: Bar
    hours: list[Bar]
    day_volumes_usd: list[float]

    @property
    def price_usd(self) -> float:
        """The last price."""
        return self.hour.close

    def volume_24h_usd(self) -> float:
        """Return what was traded in the last 24 closed hours, in USD."""
        return sum(bar.volume * bar.close for bar in self.hours[-24:])

    def change_24h_pct(self) -> float:
        """Return the change against the price of 24 hours ago, in percent."""
        return (self.price_usd / self.hours[-24].open - 1.0) * 100.0

    def market_cap_usd(self) -> float:
        """Return price times circulating supply."""
        return self.price_usd * self.asset.supply

    def roll(self, now_ms: int) -> Bar | None:
        """Close the hour if it ends at `now_ms` and return its bar; else None."""
        bar = self.hour
        if bar.open_time + HOUR_MS != now_ms:
            return None
        self.hours.append(bar)
        if now_ms % (24 * HOUR_MS) == 0:
            day = sum(hour.volume * hour.close for hour in self.hours[-24:])
            self.day_volumes_usd = [*self.day_volumes_usd, day][-DAYS_KEPT:]
        self.hours = self.hours[-HOURS_KEPT:]
        self.hour = Bar(now_ms, bar.close, bar.close, bar.close, bar.close, 0.0)
        return bar

    def since(self, open_time: int) -> list[Bar]:
        """Return the bars from `open_time` on, the hour under way last."""
        return [*(bar for bar in self.hours if bar.open_time >= open_time), self.hour]

    def copied(self) -> AssetState:
        """Return a state that can be changed without changing this one."""
        return AssetState(
            self.asset, copy.copy(self.hidden), self.hour, list(self.hours), self.day_volumes_usd
        )


class MarketState(msgspec.Struct, frozen=True):
    """The whole market at `now_ms`, the start of the next cycle. Treat it as immutable."""

    seed: int
    now_ms: int
    common: HiddenState
    assets: tuple[AssetState, ...]

    def copied(self, now_ms: int) -> MarketState:
        """Return the market at another time, to be changed without changing this one."""
        return MarketState(
            self.seed,
            now_ms,
            copy.copy(self.common),
            tuple(state.copied() for state in self.assets),
        )


def seeded(seed: int, *parts: str | int) -> random.Random:
    """Return a generator for one purpose; the same seed and parts always give the same one."""
    return random.Random(":".join([str(seed), *map(str, parts)]))


def cap_ranks(states: Sequence[AssetState]) -> dict[str, int]:
    """Return the rank by market cap, 1 is largest; ties break by symbol."""
    ranked = sorted(states, key=lambda state: (-state.market_cap_usd(), state.asset.symbol))
    return {state.asset.symbol: rank for rank, state in enumerate(ranked, start=1)}
