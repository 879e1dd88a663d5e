"""What the feeds share: the coins of the lists, and the assets of the present cycle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from marketdata.assets.symbols import Catalogue
from producers.exchange.agreement import Listed, is_one_coin
from producers.feeds.ticks import Price, meant
from producers.upstreams.rows import CoinRow, TopicRow
from schemas.times import DAY_MS

_TOPIC_MS = DAY_MS  # what a topic says is of 24 hours: older, none of it is of today


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
        self._topics: dict[str, tuple[int, TopicRow]] = {}

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
        """Take in what the social networks have of an asset, received at `now_ms`."""
        self._topics[asset] = (now_ms, topic)

    def topics(self, now_ms: int) -> dict[str, TopicRow]:
        """Return the topics of the last 24 hours, by asset."""
        return {
            asset: topic
            for asset, (at_ms, topic) in self._topics.items()
            if now_ms - at_ms <= _TOPIC_MS
        }
