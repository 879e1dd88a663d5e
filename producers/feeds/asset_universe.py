"""What the feeds share: the coins of the lists, and the assets of the present cycle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from marketdata.assets.symbols import Catalogue
from producers.exchange.agreement import Listed, is_one_coin
from producers.feeds.ticks import DayTraded, Price, meant
from producers.upstreams.rows import CoinRow, MoodRow, TopicRow
from schemas.checks import SHORT_MS
from schemas.coins import is_money
from schemas.control import Strategy
from schemas.market import TrendingAsset
from schemas.rule_language import timeframes
from schemas.sources import UNIVERSE, UNKNOWN, SourceStatus
from schemas.times import DAY_MS
from transport.clock import Clock

_NAMED = 5
_ASKED_MS, _MOST_ASKED = DAY_MS, 50
_TOPIC_MS = DAY_MS  # what a topic says is of 24 hours: older, none of it is of today
_MOOD_MS = 2 * DAY_MS  # it holds for a day, and may come some hours late


class AssetUniverse:
    """Filled by the trending feed, read by the others; it remembers nothing over a restart.

    In it are the trending assets, the pinned ones, those that an active strategy names, from the
    moment that it is saved until none names them any more, those that a strategy has a position
    in, until it has left it, and the newest that somebody asked a signal of, for a day. Stable
    coins never are.

    wanted      all of these: the most watched first, then pinned, named, held, asked for
    traded      by asset that no coin list has: what the exchange says of it
    changed     set when `wanted`, or what a strategy wants of them, is another
    without_market  assets that no exchange has a market of
    has_exchanges   they are asked by this process: `without_market` is what they say
    """

    def __init__(self, pinned: Sequence[str] = (), *, has_exchanges: bool = False) -> None:
        self.has_exchanges = has_exchanges
        self.catalogue = Catalogue.of(())
        self.wanted: tuple[str, ...] = ()
        self.has_assets, self.changed = asyncio.Event(), asyncio.Event()
        self.has_strategies = asyncio.Event()
        self.prices: dict[str, Price] = {}
        self.mean_volumes: dict[str, float] = {}
        """Mean daily volume of 30 days in USD by asset, of those that have been looked up."""
        self.traded: dict[str, DayTraded] = {}
        self.without_market: tuple[str, ...] = ()
        self.trending: tuple[str, ...] = ()
        self._pinned = tuple(pinned)
        self._strategies: tuple[Strategy, ...] = ()
        self._held: dict[str, set[str]] = {}
        self._asked: dict[str, int] = {}
        self._is_followed = False
        self.leading = ""
        """The source of the list that the cycle's assets are of."""
        self._coins: dict[str, dict[str, tuple[int, CoinRow]]] = {}
        self._topics: dict[tuple[str, str], tuple[int, TopicRow]] = {}
        self._mood: MoodRow | None = None

    def learn(self, coins: Sequence[CoinRow], now_ms: int) -> None:
        """Take in a coin list received at `now_ms`."""
        self.catalogue = self.catalogue.updated(coins)
        for symbol, coin in meant(coins, self.catalogue).items():
            self._coins.setdefault(symbol, {})[coin.source] = now_ms, coin

    def follow(self, assets: Iterable[str]) -> None:
        """Set the trending assets of the present cycle, most watched first."""
        self.trending, self._is_followed = tuple(assets), True
        self._renew()

    def watch(self, strategies: Iterable[Strategy]) -> None:
        """Set the strategies; what the active ones name is in the universe from now on."""
        self._strategies = tuple(one for one in strategies if one.active)
        self._renew()
        self.has_strategies.set()
        self.changed.set()  # a timeframe may be another

    def hold(self, positions: Mapping[tuple[str, str], bool]) -> None:
        """Take in, by asset and strategy, whether it has a position there now."""
        for (asset, strategy_id), is_in in positions.items():
            holders = self._held.setdefault(asset, set())
            (holders.add if is_in else holders.discard)(strategy_id)
            if not holders:
                del self._held[asset]
        self._renew()

    def ask(self, ages_ms: Mapping[str, int], now_ms: int) -> None:
        """Take in assets that a signal was asked of, and how long ago; they stay for a day.

        The newest 50. Those whose day is over leave, also where there is no new one.
        """
        for asset, age_ms in ages_ms.items():
            self._asked[asset] = max(now_ms - age_ms, self._asked.get(asset, 0))
        kept = sorted(
            (-at_ms, asset) for asset, at_ms in self._asked.items() if now_ms - at_ms < _ASKED_MS
        )
        self._asked = {asset: -at_ms for at_ms, asset in kept[:_MOST_ASKED]}
        self._renew()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Assets that are wanted and that neither a coin list nor an exchange knows.

        Those of which no exchange has said so yet are not among them.
        """
        looked = self.without_market if self.has_exchanges else self.wanted
        return tuple(asset for asset in looked if self._is_begun and not self.knows(asset))

    @property
    def _is_begun(self) -> bool:
        return self.has_assets.is_set()

    def is_only_asked(self, asset: str) -> bool:
        """Return whether an asset is wanted for nothing but a request for a signal."""
        others = (*self.trending, *self._pinned, *self._held)
        return asset not in others and not any(asset in one.assets for one in self._strategies)

    def _renew(self) -> None:
        named = sorted({asset for one in self._strategies for asset in one.assets})
        also = (*named, *sorted(self._held), *sorted(self._asked))
        every = dict.fromkeys((*self.trending, *self._pinned, *also))
        wanted = tuple(asset for asset in every if not is_money(asset))
        if wanted != self.wanted:
            self.wanted = wanted
            self.changed.set()
        if wanted and self._is_followed:
            self.has_assets.set()

    @property
    def assets(self) -> tuple[str, ...]:
        """What is asked for: of the wanted assets those that a coin list or an exchange knows."""
        return tuple(asset for asset in self.wanted if self.knows(asset))

    def knows(self, asset: str) -> bool:
        """Return whether a coin list has an asset, or an exchange a market of it."""
        return asset in self.trending or asset in self._coins or asset in self.traded

    def timeframes(self, assets: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the timeframes of 5 and 15 minutes that active strategies want, by asset.

        A strategy wants its own and those that its rules name.
        """
        wanting = [(one.assets, SHORT_MS.keys() & timeframes(one)) for one in self._strategies]
        found = {
            asset: set[str]().union(*(names for of, names in wanting if not of or asset in of))
            for asset in assets
        }
        return {asset: tuple(sorted(names)) for asset, names in found.items() if names}

    def reasons(self) -> dict[str, str]:
        """Return why each asset is in the universe, or why one that is asked for is not."""
        by_asset: dict[str, list[str]] = {}
        for asset in self.trending:
            by_asset.setdefault(asset, []).append("trending")
        for asset in self._pinned:
            by_asset.setdefault(asset, []).append("pinned")
        for one in self._strategies:
            for asset in dict.fromkeys(one.assets):
                by_asset.setdefault(asset, []).append(f"strategy {one.strategy_id}")
        for asset, holders in self._held.items():
            by_asset.setdefault(asset, []).extend(f"held by {one}" for one in sorted(holders))
        for asset in self._asked:
            by_asset.setdefault(asset, []).append("asked for")
        return {asset: self._reason(asset, why) for asset, why in sorted(by_asset.items())}

    def _reason(self, asset: str, why: Sequence[str]) -> str:
        said = ", ".join(why[:_NAMED]) + (f" and {len(why) - _NAMED} more" * (len(why) > _NAMED))
        if is_money(asset):
            return f"{said}: left out, it is worth a currency"
        if self.knows(asset):
            return said
        other = self.catalogue.resolve(asset)
        hint = f"; {other} is its name here" if other not in (None, asset) else ""
        return f"{said}: {UNKNOWN}{hint}"

    def with_volumes(self, ticks: Iterable[TrendingAsset]) -> tuple[TrendingAsset, ...]:
        """Return the ticks, each with its asset's mean volume where that is known."""
        known = self.mean_volumes
        return tuple(replace(tick, volume_30d_avg_usd=known.get(tick.asset)) for tick in ticks)

    def coin(self, asset: str, source: str = "", since_ms: int = 0) -> CoinRow | None:
        """Return an asset's row of a source, or of any; None before `since_ms` or without one.

        A row whose price is another coin's than the leading list's is none of the asset.
        """
        rows = self._coins.get(asset, {})
        found = (rows[source],) if source in rows else () if source else rows.values()
        return next(
            (
                coin
                for at_ms, coin in found
                if at_ms >= since_ms and self._is_meant(asset, at_ms, coin)
            ),
            None,
        )

    def _is_meant(self, asset: str, at_ms: int, coin: CoinRow) -> bool:
        led_ms, leading = self._coins[asset].get(self.leading, (at_ms, coin))
        if not leading.price_usd or not coin.price_usd:
            return True
        older_ms = min(at_ms, led_ms)
        return is_one_coin(
            Listed(older_ms, older_ms, leading.price_usd), coin.price_usd, max(at_ms, led_ms)
        )

    def listed(self, asset: str) -> Listed | None:
        """Return an asset's price in the leading list, else in the one that came last."""
        prices = {
            coin.source: Listed(at_ms, min(coin.priced_at or at_ms, at_ms), coin.price_usd)
            for at_ms, coin in self._coins.get(asset, {}).values()
            if coin.price_usd is not None
        }
        return prices.get(self.leading) or max(prices.values(), default=None)

    def learn_topic(self, asset: str, topic: TopicRow, now_ms: int) -> None:
        """Take in what people say of an asset, received at `now_ms`; each source's is kept."""
        self._topics[asset, topic.source] = (now_ms, topic)

    def topics(self, now_ms: int) -> dict[str, TopicRow]:
        """Return the topics of the last 24 hours, by asset: the leading list's where it has one."""
        found: dict[str, TopicRow] = {}
        for (asset, source), (at_ms, topic) in self._topics.items():
            if now_ms - at_ms <= _TOPIC_MS and (asset not in found or source == self.leading):
                found[asset] = topic
        return found

    def learn_mood(self, mood: MoodRow) -> None:
        """Take in the mood of the market."""
        self._mood = mood

    def mood(self, now_ms: int) -> float | None:
        """Return the mood of the market, 0 to 100; None where it is not known for 48 hours."""
        mood = self._mood
        is_current = mood is not None and 0 <= now_ms - mood.since <= _MOOD_MS
        return mood.value if mood is not None and is_current else None


class UniverseStatus:
    """Tells of the universe as of an upstream: how many assets, why, and what nobody knows."""

    def __init__(self, universe: AssetUniverse, clock: Clock) -> None:
        self._universe, self._clock = universe, clock

    def status(self) -> SourceStatus:
        """Return the status of the source `UNIVERSE`; its `assets` say why each is there."""
        universe, now_ms = self._universe, self._clock.now_ms()
        reasons, is_begun = universe.reasons(), universe.has_assets.is_set()
        beside = [asset for asset in universe.assets if asset not in universe.trending]
        notes = [f"{len(universe.assets)} assets"] if is_begun else ["no coin list yet"]
        if beside:
            notes.append(_some([f"{asset} ({reasons[asset]})" for asset in beside]))
        absent = [asset for asset in universe.without_market if universe.knows(asset)]
        if absent:
            notes.append(f"no market of {_some(absent)}")
        # What is only asked for may be a slip of the pen: it degrades nothing.
        out = [
            f"{asset}: {why}"
            for asset, why in reasons.items()
            if asset not in universe.assets and not universe.is_only_asked(asset)
        ]
        if out and is_begun:
            notes.append(_some(out))
        return SourceStatus(
            source=UNIVERSE,
            observed_at=now_ms,
            state="degraded" if out and is_begun else "ok",
            feeds=("trending",),
            events=0,
            last_success_at=now_ms if is_begun else None,
            circuit="closed",
            requests_minute=0,
            requests_day=0,
            detail="; ".join(notes),
            assets=reasons,
            unknown=universe.unknown,
        )


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
