"""Diversification: how much of a portfolio moves with an asset.

    weight = 1 - sum(correlation(asset, held) * value held) / portfolio value

1 with nothing held, 0.6 with half the portfolio in ETH when BTC is at hand and the table rules. The
correlation is Pearson's of the daily returns of the days that both are known of (at most 60); below
`common_days` of them a table of groups stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import fsum, isfinite
from statistics import StatisticsError, correlation

from schemas.coins import COINS, TICKERS, is_money
from schemas.signals import Decision
from schemas.times import DAY_MS
from streams.confidence.portfolio import Portfolio
from streams.constants import Count, Score
from streams.engines.base import clamp


def _group_of_asset() -> dict[str, str]:
    groups = {coin.symbol: coin.group for coin in COINS.values() if coin.group}
    return groups | {old: groups[new] for old, new in TICKERS.items() if new in groups}


@dataclass(frozen=True, slots=True)
class Config:
    """Constants of the diversification weight."""

    common_days: Count = 30
    """Daily returns that two assets must have in common before their own correlation counts."""
    same_group: Score = 0.8
    """Correlation of two assets of one group: BTC and ETH had 0.81 in daily returns on Binance from
    2020-09 to 2024-09."""
    other_group: Score = 0.55
    """Correlation of assets of different groups: the other nine pairs of BTC, ETH, BNB, SOL and XRP
    had 0.45 to 0.64 there, mean 0.55. Groups without such data are taken alike."""
    group_of_asset: Mapping[str, str] = field(default_factory=_group_of_asset)
    """Group by asset; an asset in none stands alone. Money (a stable coin) is cash and correlates
    with nothing but itself."""


def grouped(config: Config, asset: str, other: str) -> float:
    """Return the correlation of two assets' returns by the table of groups, 0 to 1."""
    if asset == other:
        return 1.0
    if is_money(asset) or is_money(other):
        return 0.0
    group, other_group = config.group_of_asset.get(asset), config.group_of_asset.get(other)
    if group is not None and group == other_group:
        return config.same_group
    return config.other_group


def measured(
    returns: tuple[float, ...],
    until: int | None,
    other: tuple[float, ...],
    other_until: int | None,
    least_days: int,
) -> tuple[float, int] | None:
    """Return the correlation of two series of daily returns, -1 to 1, and of how many days it is.

    `until` is the close of a series' last day. Only days of both count; None below `least_days` of
    them, and where one of the two never moved.
    """
    if until is None or other_until is None:
        return None
    # The nearest midnight: some close a day at 23:59:59.999.
    ahead = (until + DAY_MS // 2) // DAY_MS - (other_until + DAY_MS // 2) // DAY_MS
    if ahead > 0:
        returns = returns[: max(0, len(returns) - ahead)]
    elif ahead < 0:
        other = other[: max(0, len(other) + ahead)]
    days = min(len(returns), len(other))
    if days < max(2, least_days):
        return None
    value = _pearson(returns[-days:], other[-days:])
    return None if value is None else (value, days)


@lru_cache(4096)  # the same days of the same pairs, for every strategy and all day long
def _pearson(returns: tuple[float, ...], other: tuple[float, ...]) -> float | None:
    try:
        value = correlation(returns, other)
    except (StatisticsError, OverflowError, ValueError):
        return None
    return clamp(value) if isfinite(value) else None


def diversification(
    config: Config, portfolio: Portfolio, decision: Decision
) -> tuple[float, str | None]:
    """Return the weight, 0 to 1, and what lowers it: a sentence, None where nothing does."""
    equity_usd = portfolio.equity_usd
    if not portfolio.positions or not equity_usd > 0.0:
        return 1.0, None
    alike = []
    for other, held in sorted(portfolio.positions.items()):
        found = None
        if other != decision.asset and not is_money(other):
            found = measured(
                decision.daily_returns,
                decision.returns_until,
                held.returns,
                held.returns_until,
                config.common_days,
            )
        value, days = found or (grouped(config, decision.asset, other), 0)
        alike.append((value * held.value_usd / equity_usd, other, value, days))
    weight = clamp(1.0 - fsum([share for share, *_ in alike]), 0.0, 1.0)
    if weight == 1.0:
        return weight, None
    _, most, value, days = max(alike, key=lambda one: one[0])
    of = f"over {days} days" if days else "by the table of groups" if value < 1.0 else "itself"
    return weight, (
        f"{1.0 - weight:.1%} of the portfolio moves with {decision.asset}, most of it in {most} "
        f"(correlation {value:.2f}, {of})"
    )
