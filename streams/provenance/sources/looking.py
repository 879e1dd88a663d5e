"""Events at places of the log, whatever log holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.codec import BadEventError, Codec, UnknownSchemaError
from schemas.scores import InputPosition
from streams.archive.records import LoggedRecord
from streams.provenance.sources.base import Fetched, RecordSource, SourceError
from streams.provenance.tree import Looked


class Reader:
    """A log and the codec for it: every log has schema ids of its own."""

    def __init__(self, log: RecordSource) -> None:
        self.log = log
        self._codec = Codec({})
        self._unknown: dict[int, str] = {}

    async def look(self, places: Iterable[InputPosition]) -> dict[InputPosition, Looked]:
        """Return what stands at the places. A log that cannot be asked is the reason for all."""
        wanted = list(places)
        try:
            fetched: Fetched = await self.log.fetch(wanted)
        except SourceError as error:
            return dict.fromkeys(wanted, Looked(missing=str(error)))
        records = [one for one in fetched.values() if isinstance(one, LoggedRecord)]
        await self.learn(record.value for record in records)
        return {place: self._looked(fetched[place]) for place in wanted}

    async def learn(self, values: Iterable[bytes | None]) -> None:
        """Ask for the schemas that values name and that are not known yet, all at once."""
        asked: dict[int, None] = {}
        for value in values:
            try:
                self._codec.decode(value)
            except UnknownSchemaError as unknown:
                if unknown.schema_id not in self._unknown:
                    asked[unknown.schema_id] = None
            except BadEventError:
                continue
        texts = await asyncio.gather(*map(self._text, asked))
        for schema_id, text in zip(asked, texts, strict=True):
            self._unknown[schema_id] = self._taught(schema_id, text)

    def event(self, value: bytes | None) -> tuple[Any, str | None]:
        """Return the event of a value, or why there is none; `learn` the value's schema before."""
        if value is None:
            return None, "the key was deleted here"
        try:
            return self._codec.decode(value), None
        except UnknownSchemaError as unknown:
            return None, self._unknown.get(unknown.schema_id) or str(unknown)
        except BadEventError as error:
            return None, str(error)

    async def _text(self, schema_id: int) -> str | SourceError | None:
        try:
            return await self.log.schema(schema_id)
        except SourceError as error:
            return error

    def _taught(self, schema_id: int, text: str | SourceError | None) -> str:
        """Teach the codec a schema; return why that is not possible, "" when it is."""
        if isinstance(text, SourceError):
            return f"schema id {schema_id} is not known: {text}"
        try:
            known = text is not None and self._codec.learn(schema_id, text)
        except ValueError:
            known = False
        return "" if known else f"schema id {schema_id} is none of the contract's"

    def _looked(self, found: LoggedRecord | str) -> Looked:
        if isinstance(found, str):
            return Looked(missing=found)
        event, reason = self.event(found.value)
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
