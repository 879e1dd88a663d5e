"""From a consumed record to a decoded one, or to the reason why it cannot be."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from schemas.codec import BadEventError, Codec
from schemas.contract import schema_name
from schemas.dead_letters import Kind
from schemas.registry_client import RegistryError
from schemas.topics import BY_NAME, logical
from schemas.validation import problem
from sinks.base import Rejected, SinkRecord
from transport.decoder import Decoder, Resolver
from transport.records import sent_ms


class RecordDecoder(Protocol):
    """Makes a SinkRecord of a consumed record."""

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
        return _record(raw, self._prefix, headers=tuple(map(tuple, raw.headers)))


class ContractDecoder:
    """Decodes records of the topics' contract; `prefix` is the deployment's topic prefix.

    Without `resolve` schema ids that the codec does not know are dead letters.
    """

    def __init__(self, codec: Codec, prefix: str = "", resolve: Resolver | None = None) -> None:
        self._decoder = Decoder(codec, resolve)
        self._prefix = prefix

    async def decode(self, raw: Any) -> SinkRecord | Rejected:
        """Return the record of an aiokafka ConsumerRecord, or why it is none of the contract's.

        Raises what the resolver raises when the registry cannot be asked.
        """
        record = _record(raw, self._prefix, sent_ms=sent_ms(raw.headers))
        if raw.value is None and BY_NAME[record.topic].cleanup == "compact":
            return record
        try:
            event = await self._decoder.decode(raw.value)
            wrong = _wrong(record.topic, event)
        except BadEventError as error:
            return Rejected(record, _name(error), f"{error}.", Kind.INVALID)
        except (RegistryError, OSError):
            raise
        except Exception as error:  # whatever it is, it is this record's
            reason = f"the record cannot be checked: {type(error).__name__}: {error}."
            return Rejected(record, _name(error), reason, Kind.INVALID)
        if wrong is not None:
            return Rejected(record, "BadEvent", f"{wrong}.", Kind.INVALID)
        return msgspec.structs.replace(record, event=event)


def _record(raw: Any, prefix: str, **fields: Any) -> SinkRecord:
    return SinkRecord(
        topic=logical(raw.topic, prefix),
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp,
        key=raw.key,
        value=raw.value,
        **fields,
    )


def _wrong(topic: str, event: msgspec.Struct) -> str | None:
    expected, found = BY_NAME[topic].schema, schema_name(event)
    if found != expected:
        return f"topic {topic} carries {expected}, this is a {found}"
    return problem(event)


def _name(error: Exception) -> str:
    return type(error).__name__.removesuffix("Error")
