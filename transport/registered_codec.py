"""The codec of the contract as the schema registry knows it."""

from __future__ import annotations

import asyncio
import logging

from schemas.codec import Codec
from schemas.registry_client import Registry, RegistryError
from schemas.topics import subjects
from transport.settings import Settings

_log = logging.getLogger("quantiva.registry")


async def codec_of(settings: Settings) -> tuple[Codec, Registry]:
    """Register the contract; waits for a registry that does not answer, one line a second."""
    registry = Registry(settings.require_registry())
    while True:
        try:
            return await registry.codec(subjects(settings.prefix)), registry
        except RegistryError as error:
            _log.warning("waiting: %s", error)
            await asyncio.sleep(1.0)
