"""What a place where the log is kept must be able to do, and the errors of such places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from schemas.scores import InputPosition
from streams.archive.records import LoggedRecord

Fetched = Mapping[InputPosition, LoggedRecord | str]
"""A record by its place, or a few words about why it is not there."""


class SourceError(RuntimeError):
    """A database, broker, registry or archive that cannot be read; the text has the cause."""


class Searched(NamedTuple):
    """Records that were wanted, how many were looked at, and whether those were all there are."""

    records: list[tuple[InputPosition, LoggedRecord]]
    seen: int
    whole: bool


class RecordSource(Protocol):
    """A place where records are kept: Kafka, or an archive. Raises SourceError."""

    @property
    def name(self) -> str:
        """One word for programs."""

    @property
    def where(self) -> str:
        """Where it is, for people."""

    async def fetch(self, places: Iterable[InputPosition]) -> Fetched:
        """Return what stands at the places; all of them are in the answer."""

    async def search(
        self,
        topic: str,
        wanted: Callable[[LoggedRecord], bool],
        *,
        most: int,
        first_only: bool,
    ) -> Searched:
        """Look through the `most` newest records of a topic, newest first.

        With `first_only` it ends soon after the first one that is wanted.
        """

    async def schema(self, schema_id: int) -> str | None:
        """Return the text of a schema that values name, None when it is not known there."""
