"""What a stage refuses before its engine sees it.

A refused record goes to the dead letters with the sentence of the error.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from schemas.codec import BadEventError
from schemas.contract import STRUCTS
from schemas.partitioning import partition_of
from schemas.topics import Topic
from schemas.validation import CHECKS


class RecordValidator:
    """The rules of one topic for the stages that read it.

    `partitions` is the topology's common count: a key must stand in its own partition.
    """

    __slots__ = ("_key_field", "_key_of", "_partitions", "_passed", "_problem", "_struct", "_topic")

    def __init__(self, topic: Topic, partitions: int) -> None:
        self._topic = topic.name
        self._struct = STRUCTS[topic.schema]
        self._problem = CHECKS.get(self._struct, _nothing)
        self._key_field = topic.key
        self._key_of: Callable[[Any], str] = attrgetter(topic.key)
        self._partitions = partitions
        self._passed: Any = None

    def check(self, event: Any, key: bytes | None, partition: int) -> None:
        """Raise BadEventError for an event that is not valid, or not under its key and place.

        The error that decoding gave is raised as it is. The same event object is checked once.
        """
        if event is self._passed:
            return
        if type(event) is not self._struct:
            if isinstance(event, BadEventError):
                raise event
            msg = f"a {type(event).__name__} does not belong into {self._topic}"
            raise BadEventError(msg)
        wrong = self._problem(event)
        if wrong is not None:
            raise BadEventError(wrong)
        named = self._key_of(event)
        if key is None or key != named.encode():
            msg = f"the key is {key!r} but the event's {self._key_field} is {named!r}"
            raise BadEventError(msg)
        own = partition_of(key, self._partitions)
        if partition != own:
            msg = (
                f"key {named} stands in partition {partition}, murmur2 puts it into "
                f"{own}: librdkafka producers must set "
                "partitioner=murmur2_random"
            )
            raise BadEventError(msg)
        self._passed = event


def _nothing(_: Any) -> None:
    return None
