"""What the feeds share: the coins of the lists, and the assets of the present cycle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from marketdata.assets.symbols import Catalogue
from producers.exchange.agreement import Listed, is_one_coin
from producers.feeds.ticks import Price, meant
from producers.upstreams.rows import CoinRow, MoodRow, TopicRow
from schemas.times import DAY_MS

_TOPIC_MS = DAY_MS  # what a topic says is of 24 hours: older, none of it is of today
_MOOD_MS = 2 * DAY_MS  # it holds for a day, and may come some hours late


class AssetUniverse:
    """Filled by the trending feed, read by the others; it remembers nothing over a restart."""

    def __init__(self) -> None:
        self.catalogue = Catalogue.of(())
        self.assets: tuple[str, ...] = ()
        self.has_assets = asyncio.Event()
        self.prices: dict[str, Price] = {}
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
        """Set the assets of the present cycle, most watched first."""
        self.assets = tuple(assets)
        if self.assets:
            self.has_assets.set()

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
