"""The project's schemas in a Confluent schema registry, and unknown ids out of it."""

from __future__ import annotations

import asyncio
import logging
import time

from schemas.codec import Codec, UnknownSchemaError
from schemas.contract import STRUCTS, schema

_log = logging.getLogger(__name__)
_RETRY_UNKNOWN_S = 30.0


class RegistryError(RuntimeError):
    """The registry cannot be used; the text says where and why."""


class Registry:
    """Registers every schema of the contract and makes the codec that goes with the ids.

    The Confluent client blocks, so its calls run in a thread.
    """

    def __init__(self, url: str) -> None:
        from confluent_kafka.schema_registry import SchemaRegistryClient  # 0.3 s: not for --help

        self.url = url
        self._client = SchemaRegistryClient({"url": url, "timeout": 10})
        self._unknown_until: dict[int, float] = {}
        self._absent_until: dict[int, float] = {}

    async def codec(self, subjects: dict[str, str]) -> Codec:
        """Register the schemas under their subjects (`<topic>-value`) and return the codec.

        `subjects` maps schema name to subject. Raises RegistryError when the registry cannot be
        reached or refuses a schema as incompatible.
        """
        return Codec(await asyncio.to_thread(self._register, subjects))

    def _register(self, subjects: dict[str, str]) -> dict[str, int]:
        from confluent_kafka.schema_registry import Schema

        ids = {}
        for name in STRUCTS:
            subject = subjects.get(name, f"{name}-value")
            try:
                ids[name] = self._client.register_schema(subject, Schema(schema(name).text, "AVRO"))
            except Exception as error:
                msg = f"schema registry {self.url} does not take {subject}: {error}"
                raise RegistryError(msg) from error
        return ids

    async def resolve(self, codec: Codec, unknown: UnknownSchemaError) -> bool:
        """Teach the codec an id it did not know; False if the registry has no such schema of ours.

        Raises RegistryError when the registry does not answer: the caller waits, it does not drop.
        """
        schema_id = unknown.schema_id
        if self._unknown_until.get(schema_id, 0.0) > time.monotonic():
            return False
        text = await self.text(schema_id)
        if text is not None and codec.learn(schema_id, text):
            _log.info("learned schema id %d from %s", schema_id, self.url)
            return True
        self._unknown_until[schema_id] = time.monotonic() + _RETRY_UNKNOWN_S
        return False

    async def text(self, schema_id: int) -> str | None:
        """Return the text of any registered schema; None when the registry has no such id.

        The registry is asked again about an absent id after 30 s. Raises RegistryError when it
        does not answer.
        """
        if self._absent_until.get(schema_id, 0.0) > time.monotonic():
            return None
        text = await asyncio.to_thread(self._fetch, schema_id)
        if text is None:
            self._absent_until[schema_id] = time.monotonic() + _RETRY_UNKNOWN_S
        return text

    def _fetch(self, schema_id: int) -> str | None:
        from confluent_kafka.schema_registry.error import SchemaRegistryError

        try:
            return str(self._client.get_schema(schema_id).schema_str)
        except SchemaRegistryError as error:
            if error.http_status_code == 404:
                return None
            msg = f"schema registry {self.url}: {error}"
            raise RegistryError(msg) from error
        except Exception as error:
            msg = f"schema registry {self.url} does not answer: {error}"
            raise RegistryError(msg) from error
