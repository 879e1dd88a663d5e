"""Names in an archive: which file holds what, without opening it.

    archive.json                                                 prefix and partition counts
    schemas/<id>.avsc                                            a schema of the registry
    <topic>/<YYYY-MM-DD>/<partition>/<first>-<last>-<min_ms>-<max_ms>.avro   a segment

All paths are relative to the archive, with slashes. What has another name is no part of it: the
temporary files of a writer end with TEMPORARY.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.topics import BY_NAME

MANIFEST = "archive.json"
SCHEMAS = "schemas"
TEMPORARY = ".tmp"
LOCK = ".lock"

_SEGMENT = re.compile(
    r"(?P<topic>[^/]+)/(?P<day>\d{4}-\d\d-\d\d)/(?P<partition>\d+)/"
    r"(?P<first>\d{20})-(?P<last>\d{20})-(?P<min_ms>-?\d+)-(?P<max_ms>-?\d+)\.avro"
)
_SCHEMA = re.compile(rf"{SCHEMAS}/(\d+)\.avsc")


class Segment(NamedTuple):
    """One file of records: a run of the log of one topic partition, `first` to `last` offset.

    `day` is the UTC day of its first record; `min_ms` and `max_ms` bound its timestamps; `size`
    is in bytes.
    """

    topic: str
    partition: int
    day: str
    first: int
    last: int
    min_ms: int
    max_ms: int
    size: int = 0

    @property
    def path(self) -> str:
        """Where it lies, relative to the archive."""
        name = f"{self.first:020d}-{self.last:020d}-{self.min_ms}-{self.max_ms}.avro"
        return f"{folder(self.topic, self.day, self.partition)}/{name}"


def folder(topic: str, day: str, partition: int) -> str:
    """Return the folder of the segments of a topic partition that begin on a day."""
    return f"{topic}/{day}/{partition}"


def parse_segment(path: str, size: int = 0) -> Segment | None:
    """Return the segment that a path names, None when it is no segment."""
    found = _SEGMENT.fullmatch(path)
    if found is None:
        return None
    numbers = {name: int(found[name]) for name in ("partition", "first", "last")}
    times = {name: int(found[name]) for name in ("min_ms", "max_ms")}
    return Segment(found["topic"], day=found["day"], size=size, **numbers, **times)


def schema_path(schema_id: int) -> str:
    """Return where the text of a registry schema lies."""
    return f"{SCHEMAS}/{schema_id}.avsc"


def parse_schema(path: str) -> int | None:
    """Return the id of the schema that a path names, None when it is none."""
    found = _SCHEMA.fullmatch(path)
    return None if found is None else int(found[1])


def is_compacted(topic: str) -> bool:
    """Return whether the broker removes records from within a topic, so that gaps are no holes."""
    return topic in BY_NAME and BY_NAME[topic].cleanup == "compact"
