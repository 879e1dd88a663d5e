"""From the beginning of an id to the tree of a signal: two rounds of reading, whatever its size."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from schemas.signals import PortfolioTrade
from streams.provenance.sources.finding import FindError, find, find_trade
from streams.provenance.sources.looking import Reader, look
from streams.provenance.tree import Found, Tree, grow, roots, twigs
from transport.settings import Settings

RESET = "reset"
"""Reason of the trades that a reset made."""


async def explain(
    settings: Settings, begin: str, *, archive: str | None, most: int
) -> Tree | PortfolioTrade:
    """Return the tree of the one signal whose id begins so, or of the signal of such a trade.

    A trade that a reset made has no signal: it is returned alone. They are looked for in
    PostgreSQL, on Kafka, in the archive; of each log the `most` newest records are looked through.
    Raises FindError when there is none or more than one.
    """
    url = settings.database_url
    async with opened(settings, archive) as readers:
        return await explained(begin, url.get_secret_value() if url else None, readers, most)


async def explained(
    begin: str, dsn: str | None, readers: Sequence[Reader], most: int
) -> Tree | PortfolioTrade:
    """Return the same out of logs that are open."""
    traded: tuple[PortfolioTrade, Found] | None = None
    try:
        signal, found = await find(begin, dsn, readers, most)
    except FindError:
        traded = await find_trade(begin, dsn, readers, most)
        if traded is None:
            raise
        if traded[0].reason == RESET:
            return traded[0]
        signal, found = await find(traded[0].signal_id, dsn, readers, most)
    trade = None if traded is None else traded[0]
    known = dict(await look(readers, roots(signal, trade)))
    known |= await look(readers, twigs(signal, known))
    return grow(signal, found, known, traded)


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
