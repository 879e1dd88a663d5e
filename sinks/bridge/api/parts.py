"""What the REST interface needs of the others, and nothing more of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

from schemas.control import SignalRequest, Strategy
from schemas.explanations import Explanation
from schemas.market import Candle
from schemas.scores import EngineScore
from schemas.signals import Signal, TopSignals
from schemas.sources import SourceStatus

if TYPE_CHECKING:
    import asyncpg

    from sinks.bridge.auth import Auth
    from sinks.bridge.settings import BridgeSettings

Pool: TypeAlias = "asyncpg.Pool[Any]"


class Price(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The last price of an asset; `at` in ms since 1970, `topic` says where it comes from."""

    asset: str
    price_usd: float
    at: int
    topic: str
    change_24h_pct: float | None = None


class TopicState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How far the bridge is in one topic: `last_at` is the last record's timestamp in ms.

    `behind` are the records in the log that it has not read yet; None: not known.
    """

    topic: str
    records: int
    last_at: int | None = None
    behind: int | None = None


class Latest(Protocol):
    """The hub's memory of the topics. Plain reads, no waiting; never changed by the reader.

    Everything may be empty: the hub has just started.
    """

    @property
    def is_whole(self) -> bool:
        """Whether all topics were read to their ends; before that a part may be missing."""

    @property
    def signals(self) -> Mapping[tuple[str, str], Signal]:
        """Latest signal by (asset, strategy_id)."""

    @property
    def scores(self) -> Mapping[tuple[str, str], EngineScore]:
        """Latest score by (asset, engine)."""

    @property
    def prices(self) -> Mapping[str, Price]:
        """Last price by asset."""

    @property
    def top(self) -> Mapping[str, TopSignals]:
        """Latest ranking by strategy_id."""

    @property
    def explanations(self) -> Mapping[str, Explanation]:
        """Explanations of the recent cycles by signal_id."""

    @property
    def sources(self) -> Mapping[str, SourceStatus]:
        """State of each upstream by source."""

    @property
    def strategies(self) -> Mapping[str, Strategy]:
        """Strategies that are not deleted, by strategy_id."""

    @property
    def candles(self) -> Mapping[tuple[str, str], Sequence[Candle]]:
        """The last candles by (asset, timeframe), by open time, the oldest first.

        One for each open time: the latest state of it; the last one may be open still.
        """

    @property
    def topics(self) -> Mapping[str, TopicState]:
        """How far the reader is, by logical topic."""


PublishStrategy: TypeAlias = Callable[[str, Strategy | None], Awaitable[None]]
"""Publishes a strategy under its id to control.strategies; None deletes it (a tombstone)."""
PublishRequest: TypeAlias = Callable[[SignalRequest], Awaitable[None]]
"""Publishes to control.requests; returns when the broker has it."""


@dataclass(frozen=True, slots=True)
class Api:
    """Everything a handler may use. A part that is None is not configured: 503 where needed.

    `now_ms` is the wall clock in ms since 1970. The publishers raise any exception when the broker
    is away; the answer is 503 then. `changing` is held from the look at a strategy to its change.
    """

    settings: BridgeSettings
    auth: Auth
    latest: Latest
    database: Pool | None
    publish_strategy: PublishStrategy | None
    publish_request: PublishRequest | None
    now_ms: Callable[[], int]
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
