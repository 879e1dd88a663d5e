"""The four admin strategies that ship.

Their rules will stand in `entry_rule` and `exit_rule` once the rule language is there; until then
they decide by weights and thresholds alone.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from schemas.control import Strategy

if TYPE_CHECKING:
    from transport.publisher import Publisher

_WRITTEN_MS = 1_767_225_600_000
"""2026-01-01, when these were last changed: fixed, so that publishing again changes nothing."""

BALANCED = Strategy(
    strategy_id="balanced",
    owner="admin",
    name="Balanced",
    timeframe="1h",
    # The weights and thresholds of the specification, said in full.
    weights={
        "sentiment": 0.35,
        "technical": 0.25,
        "fundamental": 0.15,
        "event_risk": 0.15,
        "liquidity": 0.10,
    },
    buy_threshold=0.3,
    sell_threshold=-0.3,
    event_risk_floor=-0.5,
    stop_loss_pct=5.0,
    take_profit_pct=10.0,
    portfolio_value_usd=50_000.0,
    updated_at=_WRITTEN_MS,
)

MOMENTUM = Strategy(
    strategy_id="momentum",
    owner="admin",
    name="Momentum",
    timeframe="4h",
    # Follows the trend: the charts decide, news only confirms.
    weights={
        "sentiment": 0.20,
        "technical": 0.50,
        "fundamental": 0.05,
        "event_risk": 0.10,
        "liquidity": 0.15,
    },
    buy_threshold=0.35,
    sell_threshold=-0.25,
    stop_loss_atr=2.0,
    take_profit_atr=4.0,
    portfolio_value_usd=50_000.0,
    updated_at=_WRITTEN_MS,
)

NEWS = Strategy(
    strategy_id="news",
    owner="admin",
    name="News",
    timeframe="1h",
    # Acts on what is said, early and often, with a tight stop.
    weights={
        "sentiment": 0.60,
        "technical": 0.10,
        "fundamental": 0.05,
        "event_risk": 0.15,
        "liquidity": 0.10,
    },
    buy_threshold=0.25,
    sell_threshold=-0.25,
    stop_loss_pct=3.0,
    take_profit_pct=6.0,
    portfolio_value_usd=50_000.0,
    updated_at=_WRITTEN_MS,
)

CAUTIOUS = Strategy(
    strategy_id="cautious",
    owner="admin",
    name="Cautious",
    timeframe="1d",
    # Wants many reasons to buy and few to sell, and stands aside sooner when events loom.
    weights={
        "sentiment": 0.20,
        "technical": 0.20,
        "fundamental": 0.25,
        "event_risk": 0.20,
        "liquidity": 0.15,
    },
    buy_threshold=0.45,
    sell_threshold=-0.15,
    event_risk_floor=-0.3,
    stop_loss_pct=4.0,
    take_profit_pct=12.0,
    portfolio_value_usd=50_000.0,
    updated_at=_WRITTEN_MS,
)

PREBUILT: tuple[Strategy, ...] = (BALANCED, MOMENTUM, NEWS, CAUTIOUS)


async def publish_prebuilt(publisher: Publisher, known: Container[str] = ()) -> None:
    """Publish the pre-built strategies and return when they are acknowledged.

    Without those in `known`: somebody may have changed or deleted them. Raises PublishError as the
    publisher does.
    """
    for strategy in PREBUILT:
        if strategy.strategy_id not in known:
            await publisher.publish(strategy)
    await publisher.flush()
