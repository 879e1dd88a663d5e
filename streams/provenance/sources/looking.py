"""Events at places of the log, whatever log holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from schemas.codec import Codec, UnknownSchemaError
from schemas.registry_client import RegistryError
from schemas.scores import InputPosition
from streams.archive.records import LoggedRecord
from streams.provenance.sources.base import Fetched, RecordSource, SourceError
from streams.provenance.tree import Looked
from transport.decoder import Decoded, Decoder, Silence

_HEADER_BYTES = 5
"""What tells of a value which schema wrote it."""


class Reader:
    """A log and its decoder: schema ids differ from log to log."""

    def __init__(self, log: RecordSource) -> None:
        self.log = log
        self._decoder = Decoder(Codec({}), self._resolve, Silence.GIVE_UP)

    async def look(self, places: Iterable[InputPosition]) -> dict[InputPosition, Looked]:
        """Return what stands at the places. A log that cannot be asked is the reason for all."""
        wanted = list(places)
        try:
            fetched: Fetched = await self.log.fetch(wanted)
        except SourceError as error:
            return dict.fromkeys(wanted, Looked(missing=str(error)))
        records = [one for one in fetched.values() if isinstance(one, LoggedRecord)]
        await self.learn(record.value for record in records)
        return {place: await self._looked(fetched[place]) for place in wanted}

    async def learn(self, values: Iterable[bytes | None]) -> None:
        """Ask for the schemas that values name and that are not known yet, all at once."""
        one_of_each = {value[:_HEADER_BYTES]: value for value in values if value is not None}
        await asyncio.gather(*map(self._decoder.read, one_of_each.values()))

    async def event(self, value: bytes | None) -> Decoded:
        """Return the event of a value, or why there is none."""
        if value is None:
            return Decoded(None, "the key was deleted here")
        return await self._decoder.read(value)

    async def _resolve(self, codec: Codec, unknown: UnknownSchemaError) -> bool:
        try:
            text = await self.log.schema(unknown.schema_id)
        except SourceError as error:
            raise RegistryError(str(error)) from error
        return text is not None and codec.learn(unknown.schema_id, text)

    async def _looked(self, found: LoggedRecord | str) -> Looked:
        if isinstance(found, str):
            return Looked(missing=found)
        event, reason = await self.event(found.value)
        return Looked(event, reason, self.log.name, found.timestamp_ms)


async def look(
    readers: Sequence[Reader], places: Iterable[InputPosition]
) -> Mapping[InputPosition, Looked]:
    """Return what stands at the places in the first log that has it, in the order of the logs."""
    wanted = list(places)
    known = dict.fromkeys(wanted, Looked(missing="no log was asked"))
    for number, reader in enumerate(readers):
        lacking = [place for place in wanted if known[place].event is None]
        if not lacking:
            break
        for place, looked in (await reader.look(lacking)).items():
            both = f"{known[place].missing}; {looked.missing}"
            lost = looked.event is None and number > 0
            known[place] = known[place]._replace(missing=both) if lost else looked
    return known
