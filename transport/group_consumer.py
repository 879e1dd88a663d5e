"""Reads topics as a member of a consumer group, and knows what of it still counts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    InvalidSessionTimeoutError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)

from schemas.times import DAY_MS
from schemas.topics import logical, physical
from transport import admin, clients
from transport.admin import BrokerError
from transport.embedded_broker import is_embedded
from transport.settings import Settings

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 10.0
REFUSED: tuple[type[Exception], ...] = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    GroupAuthorizationFailedError,
    InvalidSessionTimeoutError,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
"""The broker answers, and will not change its mind."""

AWAY: tuple[type[Exception], ...] = (KafkaError, OSError)
"""Worth another try, unless it is one of REFUSED."""


class RebalancedError(Exception):
    """The partitions of the records just read belong to another member of the group now."""


class Generation(ConsumerRebalanceListener):  # type: ignore[misc]
    """Counts the rebalances, and knows from where each one is read.

    What was read under an older number is dropped. Between the two calls of the listener aiokafka
    goes on to hand out records of the old assignment, and brokers take commits of it; and it may
    hand out records of the new one before the listener is called. So whatever comes counts only
    after `seek` has put every partition back to its committed offset.
    """

    def __init__(self) -> None:
        self.number = 0
        self._settled = False
        self._sought = -1
        self._recreated: set[str] = set()

    @property
    def is_ready(self) -> bool:
        """True when reading goes on from the committed offsets without a gap."""
        return self._settled and self._sought == self.number

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Count on; aiokafka calls it before every rebalance, even the first one."""
        self.number += 1
        self._settled = False

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Note that the rebalance is over."""
        self._settled = True

    def restart(self, recreated: Iterable[str] = ()) -> None:
        """Count on without a rebalance; topics that were recreated are read from the beginning."""
        self.number += 1
        self._recreated |= set(recreated)

    async def seek(self, consumer: Any) -> None:
        """Go back to the committed offsets, once a rebalance."""
        if not self._settled or self._sought == self.number:
            return
        number = self.number
        try:
            for place in sorted(consumer.assignment()):
                offset = await consumer.committed(place)
                if offset is None or place.topic in self._recreated:
                    await consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, offset)
        except IllegalStateError:
            return  # the next rebalance has begun
        self._recreated.clear()
        self._sought = number


class GroupConsumer:
    """A member of a consumer group that commits only what it is asked to.

    `topics` are logical names. `same_numbers`: a member gets the same partition numbers of all of
    them. Errors are aiokafka's: see REFUSED and AWAY.
    """

    def __init__(
        self, settings: Settings, group: str, topics: Iterable[str], *, same_numbers: bool = False
    ) -> None:
        self._settings = settings
        self._prefix = settings.prefix
        self._ids: dict[str, str] = {}
        self._look_at_s = 0.0
        self._topics = [physical(topic, settings.prefix) for topic in topics]
        self._rebalances = Generation()
        self._next: dict[TopicPartition, int] = {}
        self._handed: dict[TopicPartition, int] = {}
        self._next_of = 0
        assignor = {"partition_assignment_strategy": (RangePartitionAssignor,)}
        self._consumer = clients.consumer(
            settings,
            group=group,
            client_id=group,
            group_instance_id=settings.instance_id,
            # Nobody polls while the database is down; that must not cost us the membership.
            max_poll_interval_ms=DAY_MS,
            metadata_max_age_ms=30_000,
            **(assignor if same_numbers else {}),
        )

    @property
    def generation(self) -> int:
        """Number of rebalances so far; what was read under another number does not count."""
        return self._rebalances.number

    def numbers(self) -> set[int]:
        """Return the numbers of the partitions that this member has."""
        return {partition.partition for partition in self._consumer.assignment()}

    def seek_again(self) -> None:
        """Read again from the committed offsets on."""
        self._rebalances.restart()

    async def start(self) -> None:
        """Join the group."""
        self._consumer.subscribe(self._topics, listener=self._rebalances)
        await self._consumer.start()

    async def stop(self) -> None:
        """Leave the group, without a commit."""
        await self._consumer.stop()

    async def read(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        """Return new records by partition, in the order of their offsets; waits for some.

        None while a rebalance is under way, and after it the records from the committed offsets on.
        """
        await self._look_at_topics()
        await self._rebalances.seek(self._consumer)
        generation = self.generation
        got = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=max_records)
        if not self._rebalances.is_ready or generation != self.generation:
            return {}
        if self._next_of != generation:
            self._next, self._handed, self._next_of = {}, {}, generation
        for partition, records in got.items():
            self._next.setdefault(partition, records[0].offset)
            self._handed[partition] = records[-1].offset + 1
        if not got:
            await self._pass_markers()
        return dict(got)

    async def _look_at_topics(self) -> None:
        """Begin again with topics that were deleted and recreated: their offsets begin at 0."""
        now_s = time.monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOK_EVERY_S
        with contextlib.suppress(BrokerError):
            ids = await asyncio.to_thread(admin.topic_ids, self._settings, self._topics)
            another = [name for name in sorted(ids) if self._ids.get(name, ids[name]) != ids[name]]
            self._ids |= ids
            if another:
                _log.warning("%s: deleted and recreated, read from the beginning", another)
                self._rebalances.restart(another)

    async def commit(self, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Commit the offsets from which to read on.

        Raises RebalancedError when a partition belongs to another member.
        """
        behind = {}
        for partition, offset in next_offsets.items():
            # Behind the last record that was read may stand the marker of its transaction.
            is_last = offset == self._handed.get(partition)
            behind[partition] = self._position(partition) or offset if is_last else offset
        try:
            await self._consumer.commit(behind)
        except (CommitFailedError, IllegalStateError) as error:
            raise RebalancedError from error
        self._next.update(behind)
        self._handed.update({tp: at for tp, at in behind.items() if at >= self._handed.get(tp, 0)})

    def _position(self, partition: TopicPartition) -> int | None:
        """Return where reading goes on; None for a partition that is not ours, or not sought."""
        assignment = self._consumer._subscription.subscription.assignment
        if assignment is None or not assignment.active or partition not in assignment.tps:
            return None
        state = assignment.state_value(partition)
        return int(state.position) if state.has_valid_position else None

    async def _pass_markers(self) -> None:
        """Commit the places behind markers and behind what never counted, where all is done."""
        passed = {
            partition: position
            for partition in sorted(self._consumer.assignment())
            if (position := self._position(partition)) is not None
            and self._next.get(partition, -1) == self._handed.get(partition, -1)
            and position > self._next.get(partition, 0)
        }
        if not passed:
            return
        try:
            await self._consumer.commit(passed)
        except (CommitFailedError, IllegalStateError):
            return  # a rebalance: whoever has them now reads over them again
        self._next.update(passed)
        self._handed.update(passed)

    async def lag(self) -> dict[str, int]:
        """Return the records in the log that are not committed yet, by "topic[partition]".

        A partition that nothing was fetched from yet is left out.
        """
        # Ends come from fetch responses: those are right on the embedded broker, too.
        ends = {tp: self._end(tp) for tp in self._consumer.assignment()}
        known = {tp: end for tp, end in ends.items() if end is not None}
        try:
            for partition in known.keys() - self._next.keys():
                self._next[partition] = await self._consumer.position(partition)
        except IllegalStateError:  # it was taken from us meanwhile
            return {}
        return {
            f"{logical(tp.topic, self._prefix)}[{tp.partition}]": max(0, end - self._next[tp])
            for tp, end in known.items()
        }

    def _end(self, partition: TopicPartition) -> int | None:
        """Return the end of what can be read now, as the last fetch had it."""
        ends = [self._consumer.highwater(partition)]
        ends += [] if is_embedded() else [self._consumer.last_stable_offset(partition)]
        known = [end for end in ends if end is not None and end >= 0]
        return min(known) if known else None
