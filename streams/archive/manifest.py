"""archive.json: what an archive holds, so that no writer continues it with another log."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex

import msgspec

from streams.archive.layout import MANIFEST
from streams.archive.records import ArchiveError
from streams.archive.store import ArchiveStore

_VERSION = 1


class Manifest(msgspec.Struct, frozen=True):
    """The topics of an archive by logical name, with the partition counts of the broker.

    `prefix` stood before the names on the broker. `archive_id` tells this archive from one that
    lay at the same address before.
    """

    version: int
    prefix: str
    partitions: dict[str, int]
    archive_id: str = ""


def load(store: ArchiveStore) -> Manifest | None:
    """Return the manifest, None when there is no archive; ArchiveError when it makes no sense."""
    text = store.read(MANIFEST)
    if text is None:
        return None
    try:
        found = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        msg = f"The {MANIFEST} of the archive {store.address} cannot be read: {error}."
        raise ArchiveError(msg) from error
    if found.version != _VERSION:
        msg = (
            f"The archive {store.address} is of version {found.version}, this program knows "
            f"version {_VERSION}."
        )
        raise ArchiveError(msg)
    return found


def save(store: ArchiveStore, prefix: str, partitions: Mapping[str, int]) -> Manifest:
    """Note topics in the manifest, beside those that are there; needs the store's lock.

    Raises ArchiveError when the archive belongs to another prefix or a topic had another count
    of partitions: the same offsets would mean other records.
    """
    found = load(store)
    if found is None:
        wanted = Manifest(_VERSION, prefix, dict(sorted(partitions.items())), token_hex(4))
    else:
        _refuse_another_log(store, found, prefix, partitions)
        merged = dict(sorted({**found.partitions, **partitions}.items()))
        wanted = msgspec.structs.replace(found, partitions=merged)
    if wanted != found:
        store.write(MANIFEST, msgspec.json.format(msgspec.json.encode(wanted)) + b"\n")
    return wanted


def _refuse_another_log(
    store: ArchiveStore, found: Manifest, prefix: str, partitions: Mapping[str, int]
) -> None:
    if found.prefix != prefix:
        msg = (
            f"The archive {store.address} holds topics of the prefix {found.prefix!r}, not "
            f"{prefix!r}: take another address."
        )
        raise ArchiveError(msg)
    for topic, count in partitions.items():
        before = found.partitions.get(topic, count)
        if before != count:
            msg = (
                f"The archive {store.address} holds {topic} with {before} partitions, the broker "
                f"has {count}: the topic was recreated. Take another address."
            )
            raise ArchiveError(msg)
