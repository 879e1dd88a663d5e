"""Records to events for people: whatever is wrong becomes a sentence, never an exception."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import msgspec

from schemas.address import shown
from schemas.codec import BadEventError, Codec, UnknownSchemaError
from schemas.registry_client import Registry, RegistryError
from transport.settings import Settings

_RETRY_REGISTRY_S = 5.0


class Decoded(NamedTuple):
    """An event, or why there is none; both None for a tombstone (a key that was deleted)."""

    event: Any
    reason: str | None


class Decoder:
    """Decodes by the registry's schemas alone: it registers nothing.

    Every id is asked for once. A registry that does not answer is asked again after 5 s; until
    then its records are undecodable, with that reason.
    """

    def __init__(self, settings: Settings) -> None:
        self._codec = Codec({})
        self._registry = Registry(settings.registry_url) if settings.registry_url else None
        self._address = shown(settings.registry_url or "")
        self._away_until = 0.0

    async def decode(self, value: bytes | None, *, tombstones: bool = False) -> Decoded:
        """Return the event in a record's value, or the reason why there is none."""
        if value is None and tombstones:
            return Decoded(None, None)
        try:
            return Decoded(self._codec.decode(value), None)
        except UnknownSchemaError as unknown:
            return await self._learn(value, unknown)
        except BadEventError as error:
            return Decoded(None, str(error))

    async def _learn(self, value: bytes | None, unknown: UnknownSchemaError) -> Decoded:
        if self._registry is None:
            return Decoded(None, f"schema id {unknown.schema_id}: SCHEMA_REGISTRY_URL is not set")
        if time.monotonic() < self._away_until:
            return Decoded(None, f"the schema registry at {self._address} does not answer")
        try:
            known = await self._registry.resolve(self._codec, unknown)
        except RegistryError:
            self._away_until = time.monotonic() + _RETRY_REGISTRY_S
            return Decoded(None, f"the schema registry at {self._address} does not answer")
        if not known:
            return Decoded(None, str(unknown))
        return await self.decode(value)


def plain(event: Any) -> Any:
    """Return an event as what JSON can hold; bytes as hex."""
    if event is None:
        return None
    return msgspec.to_builtins(_hexed(event), enc_hook=str)


def _hexed(event: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(event)
    return {name: v.hex() if isinstance(v, bytes) else v for name, v in fields.items()}
