"""Bytes to events, with the schema registry asked about ids that are not known yet."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, NamedTuple, Self

from schemas.codec import BadEventError, Codec, UnknownSchemaError
from schemas.registry_client import Registry, RegistryError
from transport.settings import Settings

_log = logging.getLogger(__name__)
_ASK_EVERY_S = 1.0
_GIVE_UP_FOR_S = 5.0

Resolver = Callable[[Codec, UnknownSchemaError], Awaitable[bool]]
"""Teaches the codec an unknown schema id: `schemas.registry_client.Registry.resolve`.

False: no such schema of ours. RegistryError or OSError: the registry does not answer.
"""


class Silence(Enum):
    """What to do while the registry does not answer."""

    RAISE = "raise"
    """RegistryError or OSError, at once: the caller knows when to ask again."""
    WAIT = "wait"
    """Ask again every second until it answers, with a line in the log."""
    GIVE_UP = "give up"
    """The record is undecodable, with that reason; the registry is asked again after 5 s."""


class Decoded(NamedTuple):
    """An event, or why there is none; both None for a tombstone (a key that was deleted)."""

    event: Any
    reason: str | None


class Decoder:
    """Decodes with a codec, which it teaches the schemas of other writers; registers nothing.

    Without `resolve` an id that the codec does not know stays unknown.
    """

    def __init__(
        self, codec: Codec, resolve: Resolver | None = None, silence: Silence = Silence.RAISE
    ) -> None:
        self._codec = codec
        self._resolve = resolve
        self._silence = silence
        self._away_until_s = 0.0
        self._away: Exception | None = None

    @classmethod
    def of(cls, settings: Settings, *, foreign: bool = False) -> Self:
        """Return a decoder for people: by the registry's schemas alone, and it gives up.

        With `foreign` a value of a schema that is none of the contract's becomes a dict.
        """
        resolve = Registry(settings.registry_url).resolve if settings.registry_url else _not_set
        return cls(Codec({}, foreign=foreign), resolve, Silence.GIVE_UP)

    async def decode(self, value: bytes | None) -> Any:
        """Return the event in a record's value.

        Raises BadEventError when there is none in it, or when this decoder gives up; what the
        resolver raises when this decoder raises while the registry does not answer.
        """
        try:
            return self._codec.decode(value)
        except UnknownSchemaError as unknown:
            if self._resolve is None or not await self._learn(self._resolve, unknown):
                raise
        return self._codec.decode(value)

    async def read(self, value: bytes | None, *, tombstones: bool = False) -> Decoded:
        """Return the event in a record's value, or a sentence why there is none; see `decode`.

        With `tombstones` a record without a value is one.
        """
        if value is None and tombstones:
            return Decoded(None, None)
        try:
            return Decoded(await self.decode(value), None)
        except BadEventError as error:
            return Decoded(None, str(error))

    async def _learn(self, resolve: Resolver, unknown: UnknownSchemaError) -> bool:
        while True:
            if self._away is not None and time.monotonic() < self._away_until_s:
                raise _undecodable(unknown, self._away)
            try:
                return await resolve(self._codec, unknown)
            except (RegistryError, OSError) as error:
                if self._silence is Silence.RAISE:
                    raise
                if self._silence is Silence.GIVE_UP:
                    self._away, self._away_until_s = error, time.monotonic() + _GIVE_UP_FOR_S
                    raise _undecodable(unknown, error) from error
                _log.warning("waiting for the schema registry: %s", error)
                await asyncio.sleep(_ASK_EVERY_S)


async def _not_set(_codec: Codec, _unknown: UnknownSchemaError) -> bool:
    msg = "SCHEMA_REGISTRY_URL is not set"
    raise RegistryError(msg)


def _undecodable(unknown: UnknownSchemaError, why: Exception) -> BadEventError:
    return BadEventError(f"schema id {unknown.schema_id}: {why}")
