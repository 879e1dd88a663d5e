"""One stage, hosted: its Faust app, its agent of one line, and whether it is healthy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from schemas.codec import Codec
from schemas.registry_client import Registry
from schemas.topics import DECISIONS, REQUESTS, logical, physical
from streams.agents.batch import BatchProcessor
from streams.agents.changelog import Changelog
from streams.agents.crashes import CrashLog
from streams.agents.faust_ext.app import make_app
from streams.agents.headline_reader import HeadlineReader
from streams.agents.loop import StageLoop
from streams.agents.state_store import StateStore
from streams.agents.writer import Writer
from streams.stage import Stage, Tables
from transport.settings import Settings
from transport.transactions import transactions_of

_log = logging.getLogger(__name__)
REBALANCE_LIMIT_S = 300.0
"""A rebalance with recovery may take this long before the watchdog calls it a stall."""
AWAY_S = 8.0
"""The monitor asks every five seconds; a broker that has not answered for so long is away."""


_URGENT = (REQUESTS.name, DECISIONS.name)
"""Somebody waits for the answer to a request; decisions come at the pace of fusion already."""


class StageWorker:
    """A stage in this process. `await start()` returns when it has its partitions and its state."""

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        codec: Codec,
        registry: Registry,
        tables: Callable[[], Tables],
        limits: Mapping[str, int] | None = None,
        reader: HeadlineReader | None = None,
    ) -> None:
        """`limits`: the most bytes of a record by topic on the broker; Kafka's default else.

        `reader` runs a model over texts, for the stage that scores headlines.
        """
        limits = limits or {}
        group = settings.group_id(stage.name)
        self.stage = stage
        self.app = app = make_app(
            group,
            settings.require_bootstrap(),
            datadir=settings.state_dir / "faust" / group,
            partitions=settings.partitions,
            replication_factor=settings.replication_factor,
            instance_id=f"{settings.instance_id}.{stage.name}" if settings.instance_id else None,
            session_timeout_s=settings.session_timeout_s,
            commit_idle_s=settings.commit_idle_s,
        )
        raw: Any = {"key_type": bytes, "value_type": bytes}
        table = app.Table("state", partitions=settings.partitions, **raw)
        store = StateStore(stage)
        batcher = BatchProcessor(
            stage,
            codec,
            registry,
            store,
            CrashLog(settings.state_dir / "crashes" / f"{group}.json"),
            partitions=settings.partitions,
            prefix=settings.prefix,
            tables=tables,
            limits={logical(name, settings.prefix): size for name, size in limits.items()},
            reader=reader,
        )
        self._reader = reader
        changelog = table.changelog_topic_name
        transactions = transactions_of(settings, group, limits)
        writer = Writer(app, store, changelog, settings.prefix, transactions, limits)
        urgent = frozenset(physical(name, settings.prefix) for name in _URGENT)
        kept = Changelog(settings, stage, changelog)
        self.loop = StageLoop(app, batcher, writer, store, kept, urgent)
        app.take_over = self.loop.take_over
        self._transactions = transactions
        self.input_topics = [physical(name, settings.prefix) for name in stage.inputs]
        topic = app.topic(*self.input_topics, **raw, value_serializer="raw")

        @app.agent(topic, name=stage.name)  # type: ignore[untyped-decorator]
        async def agent(stream: Any) -> None:
            await self.loop.run(stream)

        self._progress = (time.monotonic(), -1)
        self._ends: dict[Any, int] = {}
        self._answered_s = time.monotonic()
        self._stall_s = settings.stall_s

    async def start(self) -> None:
        """Join the group and recover the state."""
        self.app.finalize()
        await self.app.start()

    def trouble(self) -> str | None:
        """Return why this process should end: a crash, or lag without any commit. None: go on.

        A hung worker looks healthy in every other way: the process lives, the agent idles. One that
        waits for a broker does not hang, nor does one that slept: time counts only while the broker
        answers the monitor.
        """
        if self.app._crashed.is_set():
            return f"{self.stage.name} crashed: {self.app.crash_reason!r}"
        if (failure := self.loop.failure()) is not None:
            return f"{self.stage.name} cannot restore its state: {failure!r}"
        lag, committed = self._lag()
        since, last = self._progress
        now = time.monotonic()
        is_away = now - self._answered_s > AWAY_S
        if lag == 0 or committed != last or is_away:
            self._progress = (now, committed)
            return None
        limit = REBALANCE_LIMIT_S if self.app.rebalancing else self._stall_s
        if now - since > limit:
            return f"{self.stage.name} has {lag} records to read and committed none for {limit} s"
        return None

    def read_positions(self) -> dict[Any, int]:
        """Return the committed offset of each partition that this stage reads."""
        consumer = self.app.consumer
        return {
            tp: consumer._committed_offset.get(tp) or 0
            for tp in consumer.assignment()
            if not consumer._is_changelog_tp(tp)
        }

    def note_ends(self, ends: Mapping[Any, int]) -> None:
        """Take end offsets from the monitor: a hung consumer sees none."""
        self._ends = dict(ends)
        self._answered_s = time.monotonic()

    def _lag(self) -> tuple[int, int]:
        positions = self.read_positions()
        lag = sum(max(self._ends.get(tp, 0) - done, 0) for tp, done in positions.items())
        return lag, sum(positions.values())

    async def stop(self) -> None:
        """Leave the group after the last commit."""
        await self.app.stop()
        if self._reader is not None:
            self._reader.stop()
        if self._transactions is not None:
            await self._transactions.stop()
