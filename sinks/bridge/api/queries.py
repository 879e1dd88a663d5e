"""Parameters and bodies of requests."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.control import Strategy
from schemas.names import MOST_ASSETS, MOST_NAME, MOST_RULE
from sinks.bridge.api.values import (
    Action,
    AssetName,
    EventId,
    ExplanationStatus,
    Horizon,
    Limit,
    Name,
    Paged,
    Share,
    Step,
    StrategyId,
    Timeframe,
    TimeMs,
    Trigger,
)

_Engine = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}$(?!\n)", description="Name of an engine.")]
_Bars = Annotated[int, Meta(ge=1, le=1000, description="Most candles.")]
_Points = Annotated[int, Meta(ge=1, le=1000, description="Most moments of a page.")]
_Reason = Annotated[str, Meta(max_length=MOST_NAME, description="Why, for people.")]
_Rule = Annotated[str, Meta(max_length=MOST_RULE)]
_Weights = Annotated[dict[str, float], Meta(max_length=16)]
_Assets = Annotated[tuple[AssetName, ...], Meta(max_length=MOST_ASSETS)]


class SignalQuery(Paged, frozen=True, kw_only=True):
    """Filters of the history of signals; `since` is inclusive, `until` is not."""

    asset: AssetName | None = None
    strategy: StrategyId | None = None
    action: Action | None = None
    trigger: Trigger | None = None
    min_confidence: Share | None = None
    cycle: TimeMs | None = None
    request_id: Name | None = None
    since: TimeMs | None = None
    until: TimeMs | None = None


class LatestQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the latest signals."""

    asset: AssetName | None = None
    strategy: StrategyId | None = None
    action: Action | None = None
    min_confidence: Share | None = None


class TopQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rankings; without a cycle the latest ones."""

    strategy: StrategyId | None = None
    cycle: TimeMs | None = None


class ExplanationQuery(Paged, frozen=True, kw_only=True):
    """Filters of explanations."""

    asset: AssetName | None = None
    strategy: StrategyId | None = None
    cycle: TimeMs | None = None
    status: ExplanationStatus | None = None


class ScoreQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the latest scores."""

    asset: AssetName | None = None
    engine: _Engine | None = None


class CandleQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which candles."""

    timeframe: Timeframe = "1h"
    limit: _Bars = 300


class TrendingQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which cycle; without one the latest."""

    cycle: TimeMs | None = None


class NewsQuery(Paged, frozen=True, kw_only=True):
    """Filters of the news; `since` is inclusive, `until` is not. Both look at the event's time."""

    asset: AssetName | None = None
    source: Name | None = None
    since: TimeMs | None = None
    until: TimeMs | None = None


class SignalNewsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much news before a signal."""

    hours: Annotated[int, Meta(ge=1, le=168)] = 24
    limit: Limit = 20


class TradeQuery(Paged, frozen=True, kw_only=True):
    """Filters of a portfolio's trades; `since` is inclusive, `until` is not."""

    asset: AssetName | None = None
    side: Literal["buy", "sell"] | None = None
    since: TimeMs | None = None
    until: TimeMs | None = None


class EquityQuery(Paged, frozen=True, kw_only=True):
    """Which moments of a portfolio's equity; `since` is inclusive, `until` is not.

    `step` gives the last moment of every so much time instead of all.
    """

    since: TimeMs | None = None
    until: TimeMs | None = None
    step: Step | None = None
    limit: _Points = 200


class TrackRecordQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a track record; `since` is inclusive, `until` is not. Without: all of it."""

    since: TimeMs | None = None
    until: TimeMs | None = None


class OutcomeQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which outcomes: of an engine's scores or a strategy's signals, made at `since` or later."""

    engine: _Engine | None = None
    strategy: StrategyId | None = None
    horizon: Horizon | None = None
    since: TimeMs | None = None


class AmountBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money into or out of a portfolio. The same `event_id` a second time changes nothing."""

    amount_usd: Annotated[float, Meta(gt=0, description="How much, in USD.")]
    reason: _Reason = ""
    event_id: EventId | None = None


class ResetBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To begin again, with so much cash and nothing else; null: with the strategy's own capital."""

    amount_usd: Annotated[float, Meta(gt=0, description="Capital, in USD.")] | None = None
    reason: _Reason = ""
    event_id: EventId | None = None


_plain = Strategy(strategy_id="", owner="", name="")


class StrategyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strategy as one writes it: id, owner, version, author and time are added."""

    name: Annotated[str, Meta(min_length=1, max_length=MOST_NAME)]
    active: bool = True
    assets: _Assets = ()
    timeframe: Timeframe = "1h"
    entry_rule: _Rule | None = None
    exit_rule: _Rule | None = None
    weights: _Weights = {}
    buy_threshold: float = 0.3
    sell_threshold: float = -0.3
    event_risk_floor: float = -0.5
    entry_over_event_risk: bool = False
    stop_loss_pct: float | None = None
    stop_loss_atr: float | None = None
    take_profit_pct: float | None = None
    take_profit_atr: float | None = None
    portfolio_value_usd: float = 50_000
    kelly: bool = False
    description: _Rule = ""
    trailing_stop_pct: float | None = None
    trailing_stop_atr: float | None = None
    max_age_hours: float | None = None
    band: float = _plain.band
    confirmation_minutes: float = _plain.confirmation_minutes
    minimum_hold_minutes: float = _plain.minimum_hold_minutes
    kelly_share: float = _plain.kelly_share


class HistoryQuery(Paged, frozen=True, kw_only=True):
    """How many versions, from where."""


class GenerateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One asset to make a signal of, at once: by a stored strategy, or by one of the body.

    The whole `strategy` in place of a `strategy_id` is a dry run: nobody else sees its signal.
    """

    asset: AssetName
    strategy_id: StrategyId | None = None
    strategy: StrategyBody | None = None
    exchange: Name | None = None
