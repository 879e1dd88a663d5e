"""Consumer groups: committed offsets, members, and one that nobody can join."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Self, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from transport import clients
from transport.admin import BrokerError
from transport.embedded_broker import is_embedded
from transport.errors import short_reason
from transport.log_reader import Partition
from transport.settings import Settings

T = TypeVar("T")
_RETRY_S = 0.5
_JOIN_LIMIT_S = 60.0
_JOIN_LIMIT_EMBEDDED_S = 20.0


class ConsumerGroups:
    """`async with ConsumerGroups(settings) as groups:` asks the broker about consumer groups.

    A broker that has just started has no coordinator yet: what it refuses for that is asked again
    for `patience_s`. Raises BrokerError after that, and when no broker answers.
    """

    def __init__(self, settings: Settings, patience_s: float = 3.0) -> None:
        self._bootstrap = settings.require_bootstrap()
        self._settings = settings
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        self._admin = clients.admin(self._settings)
        try:
            await self._admin.start()
        except BaseException as error:  # one that is cancelled has connections too
            await self._admin.close()
            if not isinstance(error, KafkaError | OSError):
                raise
            msg = f"no answer from the Kafka broker at {self._bootstrap}: {short_reason(error)}"
            raise BrokerError(msg) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def committed(
        self, reads: Mapping[str, Iterable[Partition]]
    ) -> dict[str, dict[Partition, int]]:
        """Return by group the committed offset of each partition; -1 where there is none."""
        offsets = await asyncio.gather(*(self._committed(g, list(p)) for g, p in reads.items()))
        return dict(zip(reads, offsets, strict=True))

    async def _committed(self, group: str, partitions: list[Partition]) -> dict[Partition, int]:
        if not partitions:
            return {}
        wanted = [TopicPartition(*one) for one in partitions]
        found = await self._patiently(
            lambda: self._admin.list_consumer_group_offsets(group, partitions=wanted), group
        )
        return {tp: committed.offset for tp, committed in found.items()}

    async def named(self, prefix: str) -> list[str]:
        """Return the groups whose names begin with `prefix`."""
        found = await self._patiently(self._admin.list_consumer_groups, prefix)
        return sorted(name for name, *_ in found if name.startswith(prefix))

    async def members(self, groups: Iterable[str]) -> dict[str, int | None]:
        """Return how many members each group has; None where the broker does not know.

        The embedded broker never forgets a member: one that left an hour ago is still listed. There
        only 0 is certain: nobody has ever joined.
        """
        names = list(groups)
        counts = await asyncio.gather(*(self._members(name) for name in names))
        return dict(zip(names, counts, strict=True))

    async def _members(self, group: str) -> int | None:
        responses = await self._patiently(
            lambda: self._admin.describe_consumer_groups([group]), group
        )
        count = sum(len(described[5]) for one in responses for described in one.groups)
        return None if count and is_embedded() else count

    async def _patiently(self, call: Callable[[], Awaitable[T]], group: str) -> T:
        async def attempt() -> T:  # tenacity awaits only what is declared with async def
            return await call()

        retrying = AsyncRetrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, KafkaError) and error.retriable
            ),
            wait=wait_fixed(_RETRY_S),
            stop=stop_after_delay(self._patience_s),
            reraise=True,
        )
        try:
            result: T = await retrying(attempt)
        except KafkaError as error:
            msg = f"the broker at {self._bootstrap} does not describe group {group}: {error}"
            raise BrokerError(msg) from error
        return result


def join_limit_s() -> float:
    """Return how long joining a group may take before something is wrong, in seconds."""
    return _JOIN_LIMIT_EMBEDDED_S if is_embedded() else _JOIN_LIMIT_S


def free_stuck(settings: Settings, group: str, topics: list[str]) -> bool:
    """Let members join a group again that the embedded broker let nobody join; keeps its offsets.

    `topics` have their names on the broker. Blocks for some seconds; call it only when no member
    is alive. Returns whether the group was freed: False on Apache Kafka, where nothing is done.
    """
    if not is_embedded():
        return False
    from transport.embedded_broker.stuck_groups import free_group  # only when needed

    return free_group(settings, group, topics)
