"""What makes two events the same, and which of the two stays. One rule for every sink.

The SQL of sinks/postgres states the same rules once more, for rows that are stored already; the
contract tests run both against the same table of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from schemas.control import Strategy
from schemas.market import NewsArticle, TrendingAsset
from schemas.outcomes import Outcome
from schemas.scores import NewsScore
from schemas.signals import PortfolioEquity, PortfolioTrade, Signal, TopSignals
from sinks.base import SinkRecord

_IDENTITY: dict[type, Callable[[Any], Hashable]] = {
    TrendingAsset: lambda event: (event.cycle, event.asset),
    NewsArticle: lambda event: (event.source, event.source_id, event.asset),
    NewsScore: lambda event: (event.source, event.source_id, event.asset),
    Strategy: lambda event: event.strategy_id,
    Signal: lambda event: event.signal_id,
    TopSignals: lambda event: (event.strategy_id, event.cycle),
    PortfolioTrade: lambda event: (event.trade_id, event.filled_at),
    PortfolioEquity: lambda event: (event.strategy_id, event.as_of, event.kind),
    Outcome: lambda event: event.outcome_id,
}
_VERSION: dict[type, Callable[[Any], Any]] = {
    TrendingAsset: lambda event: event.observed_at,
    NewsArticle: lambda event: event.observed_at,
    NewsScore: lambda event: event.observed_at,
    Strategy: lambda event: (event.version, event.updated_at),
}


def identity(record: SinkRecord) -> Hashable:
    """Return the identity of a record: equal for all records of the same thing.

    An event without an id (a candle, a tick) is identified by its place in the log, a
    tombstone by its key.
    """
    if record.event is None:
        return (record.topic, (record.key or b"").decode("utf-8", "replace"))
    own = _IDENTITY.get(type(record.event))
    if own is None:
        return (record.topic, record.partition, record.offset)
    return (record.topic, own(record.event))


def supersedes(event: Any, stored: Any) -> bool:
    """Return whether `event` replaces `stored`, which has the same identity.

    Signals, rankings, trades, equity and outcomes are functions of the log and never change: the
    first one stays. Of the others the newer one wins, and an equal one changes nothing.
    """
    version = _VERSION.get(type(event))
    return version is not None and bool(version(event) > version(stored))


def newest(records: Iterable[SinkRecord]) -> list[SinkRecord]:
    """Return one record of each identity, the one that stays, in the order of first appearance."""
    kept: dict[Hashable, SinkRecord] = {}
    for record in records:
        known = kept.setdefault(identity(record), record)
        if known is not record and supersedes(record.event, known.event):
            kept[identity(record)] = record
    return list(kept.values())
