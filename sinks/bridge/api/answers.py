"""Bodies of answers. Times are ms since 1970 UTC; the contract's structs stand as they are."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from schemas.control import Strategy
from schemas.scores import EngineScore
from schemas.signals import HeldPosition, Signal
from schemas.sources import SourceStatus
from sinks.bridge.api.values import Action, ExplanationStatus
from sinks.bridge.auth import Role
from sinks.bridge.hub.prices import Price
from sinks.bridge.hub.views import TopicState

T = TypeVar("T", bound=msgspec.Struct)


def copy_fields(kind: type[T], source: msgspec.Struct, **more: Any) -> T:
    """Return a struct of a kind: `more`, and the fields that the source has under the same name."""
    names = set(kind.__struct_fields__) & set(source.__struct_fields__)
    return kind(**({name: getattr(source, name) for name in names} | more))


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why a signal says what it says. `reason`: why there is no text, or a template's."""

    signal_id: str
    strategy_id: str
    asset: str
    cycle: int
    rank: int | None = None
    status: ExplanationStatus
    text: str | None = None
    model: str | None = None
    reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    explained_at: int | None = None


class SignalDetail(msgspec.Struct, frozen=True):
    """One signal with its place in the ranking and its explanation, where it has them."""

    signal: Signal
    rank: int | None = None
    explanation: Explained | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a ranking."""

    rank: int
    signal_id: str
    asset: str
    action: Action
    final_score: float
    confidence: float
    explanation: Explained | None = None


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """The best signals of a strategy in a cycle.

    `complete`, `received` and `expected` are known of the latest cycle only.
    """

    strategy_id: str
    cycle: int
    complete: bool | None = None
    received: int | None = None
    expected: int | None = None
    ranked: tuple[Place, ...] = ()


class AssetSignal(msgspec.Struct, frozen=True, kw_only=True):
    """What a signal says, in short."""

    signal_id: str
    strategy_id: str
    as_of: int
    action: Action
    final_score: float
    confidence: float


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset now: price, latest signal of each strategy, latest score of each engine."""

    asset: str
    price: Price | None = None
    signals: tuple[AssetSignal, ...] = ()
    scores: tuple[EngineScore, ...] = ()


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A candle. `time` is when it opened, ms since 1970 UTC; an open one still changes."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """The last candles of an asset, the oldest first, of one exchange."""

    asset: str
    timeframe: str
    exchange: str | None = None
    symbol: str | None = None
    bars: tuple[Bar, ...] = ()


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """A headline about an asset, and what it says of it.

    `sentiment_label` is the source's own; `label`, `score` (-1 to 1) and `score_confidence` are
    ours, `score_model` is the model behind them. All null until the headline is scored; no model:
    by the lexicon and the source's label.
    """

    asset: str
    headline: str
    summary: str | None = None
    url: str
    publisher: str
    source: str
    source_id: str
    sentiment_label: str | None = None
    event_time: int
    observed_at: int
    published_at: int | None = None
    label: str | None = None
    score: float | None = None
    score_confidence: float | None = None
    score_model: str | None = None


class StrategyState(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy. `mine`: whether the one who asks may change it.

    `effective_weights` are those that fusion takes, of every engine: the strategy's own set, where
    what it leaves out is 0, or the defaults.
    """

    strategy: Strategy
    mine: bool
    effective_weights: dict[str, float]


class StrategyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a strategy, or its deletion: then `version` is 0 and `strategy` null.

    `author` is who made it; null: not known.
    """

    changed_at: int
    version: int
    author: str | None = None
    strategy: Strategy | None = None


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy's model portfolio is worth, as of its last cycle, and what it holds.

    `profit_usd` is equity less what was invested, `return_pct` that in percent of it (null where
    nothing is invested), `exposure_pct` how much of the equity the positions are. `mine`: whether
    the one who asks may put money in, take it out and reset it.
    """

    strategy_id: str
    user_id: str | None = None
    mine: bool
    as_of: int
    equity_usd: float
    cash_usd: float
    positions_usd: float
    invested_usd: float
    profit_usd: float
    return_pct: float | None = None
    exposure_pct: float
    realised_usd: float
    unrealised_usd: float
    fees_usd: float
    closed_trades: int
    won_trades: int
    positions: tuple[HeldPosition, ...] = ()


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a portfolio's equity; `kind` is cycle, deposit, withdrawal or reset."""

    as_of: int
    kind: str
    equity_usd: float
    cash_usd: float
    positions_usd: float
    invested_usd: float
    realised_usd: float
    unrealised_usd: float
    fees_usd: float
    closed_trades: int
    won_trades: int


class CapitalChange(msgspec.Struct, frozen=True, kw_only=True):
    """Money that went into or out of a portfolio, or its reset.

    `portfolio` is what it is after that; null: the change is in the log, its effect is still to
    come and will be a moment of that kind at the address in `equity`.
    """

    event_id: str
    strategy_id: str
    kind: Literal["deposit", "withdrawal", "reset"]
    amount_usd: float | None = None
    as_of: int
    portfolio: Portfolio | None = None
    equity: str


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """What came of asking for a signal.

    `signal` is null while there is none yet: it will be at `signals`. `tracked` says whether the
    platform follows the asset's data; null: that is not known yet. `data_at` is when there will be
    data at the latest, of an asset that is followed only since it was asked for. `exchange` is
    where the asset's candles are from. `note` says what there is to know, in words.
    """

    request_id: str
    asset: str
    strategy_id: str
    requested_at: int
    signals: str
    signal: Signal | None = None
    tracked: bool | None = None
    data_at: int | None = None
    exchange: str | None = None
    note: str = ""


class Me(msgspec.Struct, frozen=True):
    """Who the token belongs to."""

    name: str
    role: Role


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the bridge and what it reads do; `at` is its wall clock."""

    at: int
    database: Literal["ok", "away", "none"]
    tickets: Literal["every_bridge", "this_bridge"]
    publishes: bool
    topics: tuple[TopicState, ...]
    sources: tuple[SourceStatus, ...]


class HealthAnswer(msgspec.Struct, frozen=True):
    """The bridge answers."""

    status: Literal["ok"] = "ok"
