"""What users and admins publish: strategies and requests.

Fields, units and ranges: the docs in `schemas/avro/`; a test binds the two.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from schemas.engines import DEFAULT_WEIGHTS

DRY_RUN = "dry-run"
"""Id of the strategy of a dry run: no stored one may have it, and what it makes is only its
asker's."""


class Strategy(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A strategy: what it watches, how it weighs, when it acts, how much it risks."""

    strategy_id: str
    version: int = 1
    owner: str
    user_id: str | None = None
    name: str
    active: bool = True
    assets: tuple[str, ...] = ()
    timeframe: str = "1h"
    entry_rule: str | None = None
    exit_rule: str | None = None
    weights: dict[str, float] = {}
    buy_threshold: float = 0.3
    sell_threshold: float = -0.3
    event_risk_floor: float = -0.5
    entry_over_event_risk: bool = False
    stop_loss_pct: float | None = None
    stop_loss_atr: float | None = None
    take_profit_pct: float | None = None
    take_profit_atr: float | None = None
    portfolio_value_usd: float = 50_000.0
    kelly: bool = False
    updated_at: int = 0
    description: str = ""
    author: str | None = None
    trailing_stop_pct: float | None = None
    trailing_stop_atr: float | None = None
    max_age_hours: float | None = None
    band: float = 0.4
    confirmation_minutes: float = 0.0
    minimum_hold_minutes: float = 0.0
    kelly_share: float = 0.5


def effective_weights(strategy: Strategy) -> dict[str, float]:
    """Return the weight of each engine, in their order: the strategy's own set, or the defaults.

    A strategy that gives weights gives all of them: what it leaves out is 0.
    """
    own = strategy.weights
    return {engine: own.get(engine, 0.0) for engine in DEFAULT_WEIGHTS} if own else DEFAULT_WEIGHTS


_decode_strategy = msgspec.json.Decoder(Strategy).decode


class SignalRequest(msgspec.Struct, frozen=True, gc=False):
    """A request for a signal of one asset and strategy, answered at once."""

    request_id: str
    asset: str
    strategy_id: str
    requested_at: int
    strategy: str | None = None
    exchange: str | None = None

    def own_strategy(self) -> Strategy | None:
        """Return the strategy that a dry run brings, under the id of dry runs; None: none.

        Raises msgspec.MsgspecError when it is no strategy's document.
        """
        if self.strategy is None:
            return None
        return replace(_decode_strategy(self.strategy), strategy_id=DRY_RUN)
