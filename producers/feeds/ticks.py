"""From coin lists to the ticks of a cycle. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from msgspec.structs import replace

from marketdata.assets.symbols import Catalogue, fold
from producers.upstreams.rows import CoinRow, TopicRow
from schemas.coins import name_of
from schemas.market import TrendingAsset


class Price(NamedTuple):
    """What an asset costs on the exchange, in USD, and when that was seen, ms since 1970."""

    seen_ms: int
    usd: float


class DayTraded(NamedTuple):
    """What an exchange says of an asset that no coin list has; USD, of 24 hours, and when seen."""

    seen_ms: int
    usd: float
    volume_usd: float


def meant(coins: Iterable[CoinRow], catalogue: Catalogue) -> dict[str, CoinRow]:
    """Return the rows of a list that are assets, by symbol, in the order of the list.

    `catalogue` knows the list. Money (stable coins, fiat) and coins that another one has the symbol
    of are left out; of two rows of one asset the one with the better rank stays.
    """
    found: dict[str, CoinRow] = {}
    for coin in coins:
        other = found.get(coin.symbol)
        if _is_meant(coin, catalogue) and (other is None or _rank(coin) < _rank(other)):
            found[coin.symbol] = coin
    return found


def _is_meant(coin: CoinRow, catalogue: Catalogue) -> bool:
    """Whether its symbol means this coin: the best of that symbol, or the same by another name.

    Lists differ in names ("BNB", "Binance Coin") and a little in ranks, so the second list's coin
    need not have the rank of the best.
    """
    best = catalogue.by_symbol.get(coin.symbol)
    if best is None or _rank(coin) <= best.rank:
        return best is not None
    name = fold(coin.name)
    listed = catalogue.coins.get((coin.symbol, name))
    is_listed = listed is not None and listed.market_cap_rank == coin.market_cap_rank
    return is_listed and catalogue.by_name.get(name) == coin.symbol


def _rank(coin: CoinRow) -> float:
    return inf if coin.market_cap_rank is None else float(coin.market_cap_rank)


def most_watched(coins: Sequence[CoinRow], catalogue: Catalogue, size: int) -> tuple[CoinRow, ...]:
    """Return the `size` most watched assets, one row each, best first.

    By LunarCrush's alt rank where the list has it, else in the order of the list. What `meant`
    leaves out is, and so are rows without a price or a volume.
    """
    ranked = sorted(meant(filter(has_price, coins), catalogue).values(), key=_watched)
    return tuple(ranked[:size])


def has_price(coin: CoinRow) -> bool:
    """Return whether a tick can be made of a row."""
    return coin.price_usd is not None and coin.volume_24h_usd is not None


def _watched(coin: CoinRow) -> float:
    return inf if coin.alt_rank is None else float(coin.alt_rank)


def ticks(
    coins: Sequence[CoinRow],
    cycle_ms: int,
    observed_at: int,
    topics: Mapping[str, TopicRow],
    traded: Mapping[str, DayTraded] | None = None,
    fear_greed: float | None = None,
) -> tuple[TrendingAsset, ...]:
    """Return a tick an asset for the cycle, in the order given, which is their rank.

    Of `topics`, by asset, the values count where the list has none, and only
    beside a list of the same source: while that one is away, its social numbers are left out.
    `traded`: assets that no list has, which come last.
    """
    traded = traded or {}
    size = len(coins) + len(traded)
    listed = (
        _tick(coin, _topic_of(coin, topics), cycle_ms, observed_at, rank, size)
        for rank, coin in enumerate(coins, start=1)
    )
    others = (
        _traded_tick(asset, day, cycle_ms, observed_at, rank, size)
        for rank, (asset, day) in enumerate(traded.items(), start=len(coins) + 1)
    )
    return tuple(replace(tick, fear_greed=fear_greed) for tick in (*listed, *others))


def _traded_tick(
    asset: str, day: DayTraded, cycle_ms: int, observed_at: int, rank: int, size: int
) -> TrendingAsset:
    return TrendingAsset(
        asset=asset,
        event_time=min(day.seen_ms, observed_at),
        observed_at=observed_at,
        source="exchange",
        source_id=f"{cycle_ms}:traded:{asset}",
        cycle=cycle_ms,
        cycle_size=size,
        rank=rank,
        name=name_of(asset),
        price_usd=day.usd,
        volume_24h_usd=day.volume_usd,
    )


_SILENCE = TopicRow(source="", topic="")


def _topic_of(coin: CoinRow, topics: Mapping[str, TopicRow]) -> TopicRow:
    topic = topics.get(coin.symbol, _SILENCE)
    return topic if topic.source == coin.source else _SILENCE


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
        votes_up_pct=topic.votes_up_pct,
    )


def _first(one: float | None, other: float | None) -> float | None:
    return other if one is None else one


def held_over(
    last: Sequence[TrendingAsset],
    cycle_ms: int,
    observed_at: int,
    prices: Mapping[str, Price],
    more: Sequence[TrendingAsset] = (),
    fear_greed: float | None = None,
) -> tuple[TrendingAsset, ...]:
    """Return ticks for a cycle in which no list could be had: the last ones' assets and ranks.

    `more`: ticks of assets that had none in the last cycle, which come last.

    The engines must answer every cycle. The price is the exchange's where that is newer, and the
    market cap goes with it. The social numbers of the list are left out: they are old, and
    sentiment loses confidence by itself.
    """
    size, lowest = len(last) + len(more), max((tick.rank for tick in last), default=0)
    held = (_held(tick, prices.get(tick.asset), cycle_ms, observed_at, size) for tick in last)
    others = (
        replace(tick, cycle_size=size, rank=rank)
        for rank, tick in enumerate(more, start=lowest + 1)
    )
    return tuple(replace(tick, fear_greed=fear_greed) for tick in (*held, *others))


def _held(
    tick: TrendingAsset, traded: Price | None, cycle_ms: int, observed_at: int, size: int
) -> TrendingAsset:
    source, price = tick.source, Price(tick.event_time, tick.price_usd)
    if traded is not None and traded.seen_ms >= price.seen_ms:
        source, price = "exchange", traded
    cap = tick.market_cap_usd
    if cap is not None and tick.price_usd > 0.0:
        cap *= price.usd / tick.price_usd
    return TrendingAsset(
        asset=tick.asset,
        event_time=min(price.seen_ms, observed_at),
        observed_at=observed_at,
        source=source,
        source_id=f"{cycle_ms}:held:{tick.asset}",
        cycle=cycle_ms,
        cycle_size=size,
        rank=tick.rank,
        name=tick.name,
        price_usd=price.usd,
        volume_24h_usd=tick.volume_24h_usd,
        market_cap_usd=cap,
    )
