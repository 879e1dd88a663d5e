"""What a member of a group reads counts once a rebalance is over and each partition sought."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from transport.group_consumer import Generation

FIRST, SECOND = TopicPartition("signals", 0), TopicPartition("signals", 1)


class Positions:
    """A consumer's part in it: what it is assigned, what is committed, where it reads on."""

    def __init__(self, committed: Mapping[TopicPartition, int | None]) -> None:
        self._committed = committed
        self.at: dict[TopicPartition, int] = {}
        self.before_seek: Generation | None = None

    def assignment(self) -> set[TopicPartition]:
        return set(self._committed)

    async def committed(self, place: TopicPartition) -> int | None:
        return self._committed[place]

    async def seek_to_beginning(self, place: TopicPartition) -> None:
        self.at[place] = 0

    def seek(self, place: TopicPartition, offset: int) -> None:
        if self.before_seek is not None:
            self.before_seek.on_partitions_revoked({place})
            raise IllegalStateError(f"{place} is not assigned")
        self.at[place] = offset


async def test_it_reads_on_from_the_commits_of_each_partition() -> None:
    generation, consumer = Generation(), Positions({FIRST: 7, SECOND: None})
    generation.on_partitions_revoked(set())
    generation.on_partitions_assigned({FIRST, SECOND})
    assert not generation.is_ready
    await generation.seek(consumer)
    assert generation.is_ready
    assert consumer.at == {FIRST: 7, SECOND: 0}


async def test_nothing_counts_while_a_rebalance_is_under_way() -> None:
    generation, consumer = Generation(), Positions({FIRST: 7})
    generation.on_partitions_revoked(set())
    await generation.seek(consumer)
    assert not generation.is_ready
    assert consumer.at == {}


async def test_a_later_rebalance_seeks_again() -> None:
    generation, consumer = Generation(), Positions({FIRST: 7})
    for _ in range(2):
        generation.on_partitions_revoked({FIRST})
        assert not generation.is_ready
        generation.on_partitions_assigned({FIRST})
        consumer.at.clear()
        await generation.seek(consumer)
        assert consumer.at == {FIRST: 7}
        consumer.at[FIRST] = 99
        await generation.seek(consumer)
        assert consumer.at == {FIRST: 99}, "it seeks once a rebalance"


async def test_a_rebalance_that_begins_while_it_seeks_leaves_it_unready() -> None:
    generation, consumer = Generation(), Positions({FIRST: 7})
    generation.on_partitions_revoked(set())
    generation.on_partitions_assigned({FIRST})
    consumer.before_seek = generation
    await generation.seek(consumer)
    assert not generation.is_ready
