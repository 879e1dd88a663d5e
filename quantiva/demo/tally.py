"""Counts kept while a demo runs, and those asked of the database and the log at its end."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import asyncpg

from schemas.codec import BadEventError, Codec
from schemas.control import Strategy
from schemas.signals import Signal, TopSignals
from schemas.topics import DEAD_LETTERS, STRATEGIES, TRENDING
from sinks.base import SinkRecord
from transport.clock import wall_ms
from transport.log_reader import LogReader
from transport.settings import Settings

TABLES = (
    "strategies",
    "strategy_versions",
    "strategy_signals",
    "signal_details",
    "signal_explanations",
    "orders",
    "order_executions",
    "user_exchange_connections",
    "trending_assets",
    "trending_news",
    "portfolio_trades",
    "portfolio_equity",
    "outcomes",
)


class LatencyTally:
    """Collects latencies of the signals that the sink has stored, and hands rankings on.

    An event published before `live_from_ms` (wall clock, ms since 1970; infinite until it is set)
    came with the back-fill or queued behind it. Its signal has no latency that a running platform
    would show, so it is only counted, in `behind_backfill`.
    """

    def __init__(
        self,
        on_top: Callable[[TopSignals], None],
        now_ms: Callable[[], float] = wall_ms,
    ) -> None:
        self._on_top = on_top
        self._now_ms = now_ms
        self.live_from_ms = math.inf
        self.latencies_ms: deque[float] = deque(maxlen=100_000)
        self.behind_backfill = 0

    def live(self) -> None:
        """Let events that are published from now on count."""
        self.live_from_ms = self._now_ms()

    def __call__(self, records: Sequence[SinkRecord]) -> None:
        """Take the records of a flush; now minus sent_ms is the latency of a signal."""
        now_ms = self._now_ms()
        for record in records:
            if isinstance(record.event, Signal):
                if not record.sent_ms:
                    continue
                if record.sent_ms < self.live_from_ms:
                    self.behind_backfill += 1
                else:
                    self.latencies_ms.append(max(now_ms - record.sent_ms, 0.0))
            elif isinstance(record.event, TopSignals):
                self._on_top(record.event)


async def stored_rows(dsn: str) -> dict[str, int]:
    """Return the number of rows of every table."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            table: await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608
            for table in TABLES
        }
    finally:
        await connection.close()


async def signals_by(dsn: str, column: str) -> dict[str, int]:
    """Return the number of signals by action or trigger, most first."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            f"SELECT {column} AS name, count(*) AS n FROM strategy_signals "  # noqa: S608
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        )
    finally:
        await connection.close()
    return {row["name"]: row["n"] for row in rows}


class Kept(NamedTuple):
    """What a log of before holds: strategies by id, ids of deleted ones, the last tick's time.

    That is in ms since 1970 of the market's time, 0 without a tick.
    """

    strategies: dict[str, Strategy]
    deleted: frozenset[str]
    newest_ms: int


async def kept_in_log(settings: Settings, codec: Codec) -> Kept:
    """Return what the log holds of an earlier run."""
    found: dict[str, Any] = {}
    async with LogReader(settings) as reader:
        partitions = await reader.partitions()
        places = partitions[STRATEGIES.name]
        begins, ends = await reader.begins(places), await reader.ends(places)
        ranges = {place: (begins[place], ends[place]) for place in places}
        async for records in reader.scan(ranges):
            found |= {one.key.decode(errors="replace"): one.value for one in records if one.key}
        ticks, _ = await reader.last(partitions[TRENDING.name], 1)
    newest_ms = max((int(tick.timestamp) for tick in ticks), default=0)
    strategies = {}
    for name, value in found.items():
        # One that cannot be read is somebody's, and stays.
        with contextlib.suppress(BadEventError):
            strategies[name] = None if value is None else codec.decode(value)
    kept = {name: one for name, one in strategies.items() if isinstance(one, Strategy)}
    return Kept(kept, frozenset(found) - kept.keys(), newest_ms)


async def dead_letters(settings: Settings, codec: Codec) -> int:
    """Return how many records are in the dead letters, each position counted once."""
    places = set()
    async with LogReader(settings) as reader:
        partitions = (await reader.partitions())[DEAD_LETTERS.name]
        begins, ends = await reader.begins(partitions), await reader.ends(partitions)
        async for records in reader.scan({one: (begins[one], ends[one]) for one in partitions}):
            places |= {_place(codec, record.value) for record in records}
    return len(places)


def _place(codec: Codec, value: bytes) -> str:
    try:
        letter = codec.decode(value)
    except BadEventError:
        return repr(value)
    return f"{letter.topic}:{letter.partition}:{letter.offset}"
