"""Consumer groups: committed offsets and members, with the faults of the embedded broker named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from transport.admin import BrokerError
from transport.embedded_broker import faults
from transport.errors import short_reason
from transport.log_reader import Partition
from transport.settings import Settings

_ATTEMPTS = 6
_PAUSE_S = 0.5


class Groups:
    """`async with Groups(settings) as groups:` asks the broker about consumer groups."""

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.require_bootstrap()

    async def __aenter__(self) -> Self:
        self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await self._admin.start()
        except (KafkaError, OSError) as error:
            await self._admin.close()
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
        """Return the groups whose names begin so."""
        found = await self._patiently(self._admin.list_consumer_groups, prefix)
        return sorted(name for name, *_ in found if name.startswith(prefix))

    async def members(self, groups: Iterable[str]) -> dict[str, int | None]:
        """Return how many members each group has; None where the broker cannot say.

        Tansu never forgets a member: one that left an hour ago is still listed. There only "none"
        is certain: nobody has ever joined.
        """
        names = list(groups)
        counts = await asyncio.gather(*(self._members(name) for name in names))
        return dict(zip(names, counts, strict=True))

    async def _members(self, group: str) -> int | None:
        responses = await self._patiently(
            lambda: self._admin.describe_consumer_groups([group]), group
        )
        count = sum(len(described[5]) for one in responses for described in one.groups)
        return None if count and faults.is_embedded() else count

    async def _patiently(self, call: Any, group: str) -> Any:
        """Call again for some seconds: a fresh cluster has no coordinator yet."""
        for attempt in range(_ATTEMPTS):
            try:
                return await call()
            except KafkaError as error:
                if not error.retriable or attempt == _ATTEMPTS - 1:
                    msg = (
                        f"the broker at {self._bootstrap} does not describe group {group}: {error}"
                    )
                    raise BrokerError(msg) from error
                await asyncio.sleep(_PAUSE_S)
        raise AssertionError
