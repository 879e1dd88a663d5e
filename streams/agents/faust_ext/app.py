"""The Faust app of one stage: one consumer group, one agent, one table."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import faust
from faust.tables.manager import TableManager

from streams.agents.faust_ext.consumer import Transport
from transport import clients  # noqa: F401  applies aiokafka's cures before any client is made


class QuickTableManager(TableManager):  # type: ignore[misc]
    """No second of sleep at the start."""

    async def sleep(self, seconds: Any, **kwargs: Any) -> None:
        """Only `on_start` sleeps, for one second, waiting for nothing in particular."""
        await super().sleep(min(float(seconds), 0.01))


class StageApp(faust.App):  # type: ignore[misc]
    """A Faust app with the chunk transport.

    `commit_idle_s`: a stage that took nothing for so long commits, ahead of the commit interval.
    `assignment_number` counts assignments and revocations: what was taken under another number is
    dropped. `take_over` is called with the numbers of the partitions that this process has now,
    before the committed offsets are asked for; perhaps several times an assignment.
    """

    commit_idle_s = 0.1
    assignment_number = 0
    take_over: Callable[[set[int]], Awaitable[None]]

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)


def make_app(
    group: str,
    bootstrap: str,
    *,
    datadir: Path,
    partitions: int,
    replication_factor: int = 1,
    instance_id: str | None = None,
    session_timeout_s: float = 6.0,
    commit_idle_s: float = 0.1,
) -> StageApp:
    """Return the app of a consumer group. The process that makes it must run uvloop already.

    `instance_id` makes membership static: a killed replica of that name is back at once instead of
    after the session timeout, but a replica removed for good keeps its partitions that long.
    """
    datadir.mkdir(parents=True, exist_ok=True)
    app = StageApp(
        group,
        broker=[f"kafka://{server}" for server in bootstrap.split(",")],
        datadir=str(datadir),
        store="memory://",
        TableManager=QuickTableManager,
        agent_supervisor="mode.CrashingSupervisor",
        web_enabled=False,
        # Part of the member's identity in the assignor even without a web server.
        web_port=_unused_port(),
        topic_disable_leader=True,
        topic_partitions=partitions,
        topic_replication_factor=replication_factor,
        topic_allow_declare=True,
        table_standby_replicas=0,
        producer_linger=0.0,
        producer_max_batch_size=900_000,
        producer_acks=-1,
        # Longer than the longest restart of a broker: until then a send waits, it does not fail.
        producer_request_timeout=300.0,
        broker_request_timeout=60.0,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=min(1.0, session_timeout_s / 4),
        broker_rebalance_timeout=session_timeout_s,
        broker_commit_interval=0.5,
        broker_max_poll_records=2000,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance_id,
        stream_wait_empty=True,
        key_serializer="raw",
        value_serializer="raw",
    )
    app.commit_idle_s = commit_idle_s
    return app


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
