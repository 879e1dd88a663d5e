"""From a consumed record to a decoded one, or to the reason why it cannot be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import msgspec

from schemas.codec import BadEventError, Codec, UnknownSchemaError
from schemas.contract import schema_name
from schemas.topics import BY_NAME, logical
from schemas.validation import problem
from sinks.base import Rejected, SinkRecord

Resolver = Callable[[Codec, UnknownSchemaError], Awaitable[bool]]
"""Teaches the codec an unknown schema id: `schemas.registry_client.Registry.resolve`.

False: no such schema of ours. An exception: the registry does not answer, ask again later.
"""

SENT_HEADER = "sent_ms"


class RecordDecoder(Protocol):
    """What makes records of consumed ones."""

    async def decode(self, raw: Any) -> SinkRecord | Rejected:
        """Return the record of an aiokafka ConsumerRecord, or why it is of no use.

        RegistryError or OSError: ask again later.
        """


class Undecoded:
    """Hands records over as they are, also those that nobody can decode: `event` is None."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    async def decode(self, raw: Any) -> SinkRecord:
        """Return the record of an aiokafka ConsumerRecord."""
        return SinkRecord(
            topic=logical(raw.topic, self._prefix),
            partition=raw.partition,
            offset=raw.offset,
            timestamp_ms=raw.timestamp,
            key=raw.key,
            value=raw.value,
            headers=tuple(map(tuple, raw.headers)),
        )


class Decoder:
    """Decodes records of the topics' contract; `prefix` is the deployment's topic prefix."""

    def __init__(self, codec: Codec, *, prefix: str = "", resolve: Resolver | None = None) -> None:
        self._codec = codec
        self._prefix = prefix
        self._resolve = resolve

    async def decode(self, raw: Any) -> SinkRecord | Rejected:
        """Return the record of an aiokafka ConsumerRecord, or why it is none of the contract's.

        Raises what the resolver raises when the registry cannot be asked.
        """
        record = SinkRecord(
            topic=logical(raw.topic, self._prefix),
            partition=raw.partition,
            offset=raw.offset,
            timestamp_ms=raw.timestamp,
            key=raw.key,
            value=raw.value,
            sent_ms=sent_ms(raw.headers),
        )
        if raw.value is None and BY_NAME[record.topic].cleanup == "compact":
            return record
        try:
            event = await self._event(raw.value)
        except BadEventError as error:
            return Rejected(record, _name(error), f"{error}.")
        wrong = _wrong(record.topic, event)
        if wrong is not None:
            return Rejected(record, "BadEvent", f"{wrong}.")
        return msgspec.structs.replace(record, event=event)

    async def _event(self, value: bytes | None) -> Any:
        try:
            return self._codec.decode(value)
        except UnknownSchemaError as unknown:
            if self._resolve is None or not await self._resolve(self._codec, unknown):
                raise
        return self._codec.decode(value)


def sent_ms(headers: Iterable[tuple[str, bytes | None]]) -> int | None:
    """Return the header "sent_ms", or None when it is missing or no number."""
    for name, value in headers:
        if name == SENT_HEADER and value is not None:
            try:
                return int(value)
            except ValueError:
                return None
    return None


def _wrong(topic: str, event: msgspec.Struct) -> str | None:
    expected, found = BY_NAME[topic].schema, schema_name(event)
    if found != expected:
        return f"topic {topic} carries {expected}, this is a {found}"
    return problem(event)


def _name(error: Exception) -> str:
    return type(error).__name__.removesuffix("Error")
