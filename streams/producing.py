"""The live producers with the settings of this deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from producers.identity.checkpoint import CheckpointFile
from producers.identity.headlines import SeenNews
from producers.identity.journal import Journal
from producers.identity.once import PublishOnce
from producers.identity.readback import decoder
from producers.live.running import LiveProducers, Tell
from producers.publisher import Publisher
from producers.settings import SourceSettings
from schemas.codec import Codec
from streams.agents.process import codec_of
from streams.observe.reader import LogReader
from streams.settings import Settings
from streams.shell import tansu


def publisher_of(settings: Settings, codec: Codec) -> Publisher:
    """Return a publisher on the broker of the settings; ValueError without an address."""
    return Publisher(
        settings.require_bootstrap(),
        codec,
        idempotent=not tansu.is_embedded(),
        prefix=settings.prefix,
    )


async def produce(
    names: Sequence[str],
    settings: Settings,
    sources: SourceSettings,
    tell: Tell,
    stop: asyncio.Event,
    on_recall: Callable[[int, int], None] | None = None,
) -> None:
    """Publish the feeds of these names until `stop` is set.

    What is in the topics already is read first, for nothing is published twice; `on_recall` hears
    how many records are read, and of how many. Raises ValueError without addresses, PublishError,
    BrokerError or RegistryError when a part is away at the start.
    """
    settings.require_bootstrap()
    codec, registry = await codec_of(settings)
    clock = sources.clock()
    folder = settings.state_dir / "producers"
    async with AsyncExitStack() as exits:
        publisher = await exits.enter_async_context(publisher_of(settings, codec))
        statuses = await exits.enter_async_context(publisher_of(settings, codec))
        once = PublishOnce(
            publisher,
            Journal(SeenNews()),
            decoder(codec, registry),
            lambda: LogReader(settings),
            CheckpointFile(folder / f"{settings.prefix}journal"),
        )
        recalled = await once.start(on_recall)
        if recalled.records:
            tell.say(f"{recalled.records:,} records in the topics already: none will come twice")
        ahead = once.journal.ahead(clock.now_ms())
        if ahead is not None:
            tell.say(ahead)
        await LiveProducers(names, sources, clock, once, statuses, folder, tell).run(stop)
