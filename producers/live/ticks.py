"""From coin lists to the ticks of a cycle. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from producers.identity.symbols import Catalogue
from producers.upstreams.rows import CoinRow, TopicRow
from schemas.market import TrendingAsset


def most_watched(coins: Sequence[CoinRow], catalogue: Catalogue, size: int) -> tuple[CoinRow, ...]:
    """Return the `size` most watched assets, one row each, best first.

    By LunarCrush's alt rank where the list has it, else in the order of the list. Money (stable
    coins, fiat), coins that another one has the symbol of, and rows without a price or a volume
    are left out.
    """
    usable: dict[str, CoinRow] = {}
    for coin in coins:
        known = catalogue.by_symbol.get(coin.symbol)
        if known is None or coin.price_usd is None or coin.volume_24h_usd is None:
            continue
        if _is_namesake(coin, known.market_cap_rank):
            continue
        usable.setdefault(coin.symbol, coin)
    ranked = sorted(usable.values(), key=_watched)
    return tuple(ranked[:size])


def _is_namesake(coin: CoinRow, best_rank: int | None) -> bool:
    return best_rank is not None and (coin.market_cap_rank or inf) > best_rank


def _watched(coin: CoinRow) -> float:
    return inf if coin.alt_rank is None else float(coin.alt_rank)


def ticks(
    coins: Sequence[CoinRow], cycle_ms: int, observed_at: int, topics: Mapping[str, TopicRow]
) -> tuple[TrendingAsset, ...]:
    """Return a tick an asset for the cycle, in the order given, which is their rank.

    Of `topics`, by asset, counts what the networks said where the list says nothing.
    """
    return tuple(
        _tick(coin, topics.get(coin.symbol, _SILENCE), cycle_ms, observed_at, rank, len(coins))
        for rank, coin in enumerate(coins, start=1)
    )


_SILENCE = TopicRow(source="", topic="")


def _tick(
    coin: CoinRow, topic: TopicRow, cycle_ms: int, observed_at: int, rank: int, size: int
) -> TrendingAsset:
    return TrendingAsset(
        asset=coin.symbol,
        event_time=min(coin.priced_at or observed_at, observed_at),
        observed_at=observed_at,
        source=coin.source,
        source_id=f"{cycle_ms}:{coin.source_id}",
        cycle=cycle_ms,
        cycle_size=size,
        rank=rank,
        name=coin.name,
        price_usd=coin.price_usd or 0.0,
        volume_24h_usd=coin.volume_24h_usd or 0.0,
        market_cap_usd=coin.market_cap_usd,
        change_24h_pct=coin.change_24h_pct,
        galaxy_score=coin.galaxy_score,
        alt_rank=coin.alt_rank,
        social_volume=_first(coin.social_volume, topic.social_volume),
        interactions=_first(coin.interactions, topic.interactions),
        sentiment_pct=_first(coin.sentiment_pct, topic.sentiment_pct),
        twitter_volume=topic.twitter_volume,
        twitter_sentiment_pct=topic.twitter_sentiment_pct,
        reddit_volume=topic.reddit_volume,
        reddit_sentiment_pct=topic.reddit_sentiment_pct,
    )


def _first(one: float | None, other: float | None) -> float | None:
    return other if one is None else one


def held_over(
    last: Sequence[TrendingAsset], cycle_ms: int, observed_at: int, prices: Mapping[str, float]
) -> tuple[TrendingAsset, ...]:
    """Return ticks for a cycle in which no list could be had: the last ones' assets and ranks.

    The engines must answer every cycle. The price is the exchange's where there is one, and the
    market cap goes with it. What the list said of people is left out: it is old, and sentiment says
    so itself by its confidence.
    """
    return tuple(
        TrendingAsset(
            asset=tick.asset,
            event_time=observed_at if tick.asset in prices else tick.event_time,
            observed_at=observed_at,
            source="exchange" if tick.asset in prices else tick.source,
            source_id=f"{cycle_ms}:held:{tick.asset}",
            cycle=cycle_ms,
            cycle_size=len(last),
            rank=tick.rank,
            name=tick.name,
            price_usd=prices.get(tick.asset, tick.price_usd),
            volume_24h_usd=tick.volume_24h_usd,
            market_cap_usd=_cap(tick, prices.get(tick.asset)),
        )
        for tick in last
    )


def _cap(tick: TrendingAsset, price_usd: float | None) -> float | None:
    if tick.market_cap_usd is None or price_usd is None or tick.price_usd <= 0.0:
        return tick.market_cap_usd
    return tick.market_cap_usd * (price_usd / tick.price_usd)
