"""A signal on demand as an operator asks for it: by the log, without a bridge."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple

from schemas.codec import BadEventError
from schemas.control import SignalRequest
from schemas.signals import Signal, has_data
from schemas.sources import UNIVERSE, SourceStatus, is_known
from schemas.topics import SIGNALS, SOURCES
from transport.log_reader import LogReader
from transport.publisher import Publisher
from transport.registered_codec import codec_of
from transport.settings import Settings


class Found(NamedTuple):
    """What came of a request: its answer, None where it has not come; what the producers say.

    `universe` is None where no producers have ever run. An answer without data is about an asset
    that nothing is known of.
    """

    answer: Signal | None
    universe: SourceStatus | None

    def is_final(self, asset: str) -> bool:
        """Return whether nothing more is to be waited for."""
        if self.answer is None or has_data(self.answer):
            return self.answer is not None
        return self.universe is not None and is_known(self.universe, asset) is not None


async def ask(settings: Settings, request: SignalRequest, wait_s: float) -> Found:
    """Publish a request and return what came of it, within so many seconds.

    ValueError without addresses; BrokerError, PublishError or RegistryError when a part is away.
    """
    codec, _ = await codec_of(settings)
    found = Found(None, None)
    async with LogReader(settings) as reader, Publisher(settings, codec) as publisher:
        places = await reader.partitions()
        starts = await reader.ends(places[SIGNALS.name])
        starts |= await reader.begins(places[SOURCES.name])
        await publisher.publish(request)
        await publisher.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                async for records in reader.follow(starts):
                    for record in records:
                        with suppress(BadEventError):
                            found = _after(found, codec.decode(record.value), request)
                    if found.is_final(request.asset):
                        break
    return found


def _after(found: Found, event: object, request: SignalRequest) -> Found:
    if isinstance(event, Signal) and event.request_id == request.request_id:
        return found._replace(answer=event)
    if isinstance(event, SourceStatus) and event.source == UNIVERSE:
        return found._replace(universe=event)
    return found
