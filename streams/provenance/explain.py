"""From the beginning of a signal's id to its tree: two rounds of reading, whatever its size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from streams.provenance.sources.finding import find
from streams.provenance.sources.looking import Reader, look
from streams.provenance.tree import Tree, grow, roots, twigs
from transport.settings import Settings


async def explain(settings: Settings, begin: str, *, archive: str | None, most: int) -> Tree:
    """Return the tree of the one signal whose id begins so.

    It is looked for in PostgreSQL, on Kafka, in the archive; of the logs the `most` newest signals
    are looked through. Raises FindError when there is none or more than one.
    """
    url = settings.database_url
    async with opened(settings, archive) as readers:
        signal, found = await find(begin, url.get_secret_value() if url else None, readers, most)
        known = dict(await look(readers, roots(signal)))
        known |= await look(readers, twigs(signal, known))
    return grow(signal, found, known)


@asynccontextmanager
async def opened(settings: Settings, archive: str | None) -> AsyncIterator[Sequence[Reader]]:
    """Open Kafka, where its address is set, and the archive, where one is named."""
    readers: list[Reader] = []
    kafka = None
    if settings.bootstrap:
        from streams.provenance.sources.kafka import KafkaLog  # aiokafka: only where it is needed

        kafka = KafkaLog(settings)
        readers.append(Reader(kafka))
    if archive is not None:
        from streams.provenance.sources.archive import ArchiveLog

        readers.append(Reader(ArchiveLog(archive)))
    try:
        yield readers
    finally:
        if kafka is not None:
            await kafka.close()
